//! Kept values in the store of the data directory: loaded before anybody can ask for one, written as they change.

use std::{path::PathBuf, sync::Arc};

use hive_proto::{
    channel::{Channel, Names, NetworkIndex},
    frame::kept::Kept,
    pattern::Pattern,
};

use super::start::blocking;
use crate::{
    bus::{Bus, Keep},
    store::{Durability, RetainedValue, Store, StoreError},
};

/// The store as the bus sees it.
#[derive(Debug)]
struct InStore {
    store: Store,
    names: Names,
}

/// Opens the store of a data directory, and has the bus keep its values there. Returns it for others.
pub(super) async fn open(data_dir: PathBuf, bus: &Bus) -> Result<Store, StoreError> {
    let names = bus.names().clone();
    let (keep, before) = blocking(move || {
        let keep = InStore { store: Store::open(&data_dir)?, names };
        let before = keep.load()?;
        Ok::<_, StoreError>((keep, before))
    })
    .await?;
    let store = keep.store.clone();
    bus.keep_in(Arc::new(keep), before);
    Ok(store)
}

impl InStore {
    fn load(&self) -> Result<Vec<(Option<NetworkIndex>, Kept)>, StoreError> {
        let Ok(all) = Pattern::parse("**") else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for (network, name) in (0..).map(NetworkIndex).zip(self.names.networks()) {
            self.store.retained().matching(name, &all, |channel, value| {
                match value.bytes.map(|bytes| Kept::read(&bytes)) {
                    Some(Ok(kept)) => values.push(((!channel.is_local()).then_some(network), kept)),
                    // Its peers have it, or a later one.
                    Some(Err(error)) => tracing::warn!("the kept value of {channel} cannot be read: {error}"),
                    None => {}
                }
                true
            })?;
        }
        Ok(values)
    }
}

impl Keep for InStore {
    fn put(&self, network: Option<NetworkIndex>, kept: &Kept) {
        let Some(name) = self.names.network(network.unwrap_or(NetworkIndex::HOME)) else { return };
        let value = RetainedValue { time: kept.time, bytes: Some(kept.bytes.clone()) };
        match self.store.retained().put(name, &kept.channel, value, Durability::Soon) {
            Ok(writing) => writing.forget(),
            Err(error) => tracing::error!("the value of {} is not on disk: {error}", kept.channel),
        }
    }

    fn forget(&self, network: Option<NetworkIndex>, channel: &Channel) {
        let Some(name) = self.names.network(network.unwrap_or(NetworkIndex::HOME)) else { return };
        match self.store.retained().remove(name, channel, Durability::Soon) {
            Ok(writing) => writing.forget(),
            Err(error) => tracing::debug!("that {channel} was cleared is still on disk: {error}"),
        }
    }
}
