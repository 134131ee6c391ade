//! Dead letters in the store of the data directory, and having them handled again.

use std::sync::Arc;

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use hive_proto::frame::handout::Settled;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::start::blocking;
use crate::{
    bus::{Again, Bus, LetterError, Shelf},
    control::{ControlError, Replay, Replayed, ReplayedAs},
    dispatch::Lanes,
    plugin::Plugins,
    store::{Durability, Store, StoreError},
};

/// The store as the bus sees it.
#[derive(Debug)]
struct InStore(Store);

/// Has the bus keep its dead letters in a store.
pub(super) async fn keep(store: Store, bus: &Bus) -> Result<(), StoreError> {
    let (store, before) = blocking(move || {
        let before = store.dead_letters().sizes()?;
        Ok::<_, StoreError>((store, before))
    })
    .await?;
    bus.letters_in(Arc::new(InStore(store)), before);
    Ok(())
}

impl Shelf for InStore {
    fn put(&self, name: &str, number: u64, letter: Vec<u8>, sure: bool) -> Option<BoxFuture<'static, bool>> {
        let durability = if sure { Durability::Now } else { Durability::Soon };
        match self.0.dead_letters().put(name, number, letter, durability) {
            Ok(writing) => {
                // The store says aloud what failed.
                let written = async move { blocking(move || writing.wait()).await.is_ok() };
                Some(written.boxed())
            }
            Err(error) => {
                tracing::error!(name, "a dead letter is not kept: {error}");
                None
            }
        }
    }

    fn remove(&self, name: &str, number: u64) {
        match self.0.dead_letters().remove(name, number, Durability::Soon) {
            Ok(writing) => writing.forget(),
            Err(error) => tracing::error!(name, "the dead letter {number} is still on disk: {error}"),
        }
    }

    fn read(&self, name: &str, number: u64) -> Option<Vec<u8>> {
        let letters = self.0.dead_letters();
        let read = || letters.letter(name, number);
        let letter = match read() {
            // It may be on its way: what is written behind it is there after it.
            Ok(None) => letters
                .remove(name, u64::MAX, Durability::Soon)
                .and_then(|writing| writing.wait())
                .and_then(|()| read()),
            found => found,
        };
        letter.unwrap_or_else(|error| {
            tracing::error!(name, "the dead letter {number} cannot be read: {error}");
            None
        })
    }
}

/// Has a plugin, or a group, handle dead letters again, and says what became of each, or will become.
pub(super) async fn replay(
    plugins: &Plugins,
    bus: &Bus,
    replay: Replay,
) -> Result<Vec<Replayed>, ControlError> {
    let Replay { plugin, letters, patience } = replay;
    let lanes = plugins.lanes(&plugin);
    if lanes.is_none() && bus.letter_counts(&plugin).letters == 0 {
        return Err(ControlError::UnknownPlugin(plugin));
    }
    let end = Instant::now() + patience;
    let mut outcomes = Vec::with_capacity(letters.len());
    for number in letters {
        let outcome = match &lanes {
            Some(lanes) => to_plugin(bus, lanes, &plugin, number).await,
            None => to_group(bus, &plugin, number).await,
        };
        outcomes.push((number, outcome));
    }
    let waiting = outcomes.into_iter().map(|(letter, outcome)| {
        let (bus, name) = (bus.clone(), plugin.clone());
        async move {
            let outcome = match outcome {
                Err(said) => said,
                Ok(outcome) => match timeout_at(end, outcome).await {
                    Err(_) => ReplayedAs::AtWork,
                    Ok(Ok(Settled::Done)) => ReplayedAs::Handled,
                    Ok(Ok(Settled::Dead)) => {
                        let letter = blocking(move || bus.letter(&name, letter)).await;
                        ReplayedAs::DiedAgain(letter.map(|letter| letter.reason).unwrap_or_default())
                    }
                    Ok(Ok(Settled::Refused | Settled::Broken) | Err(_)) => {
                        ReplayedAs::Refused("the plugin went before it had handled it".into())
                    }
                },
            };
            Replayed { letter, outcome }
        }
    });
    Ok(join_all(waiting).await)
}

/// What becomes of a letter that is on its way, or why it is not.
type OnItsWay = Result<oneshot::Receiver<Settled>, ReplayedAs>;

async fn to_plugin(bus: &Bus, lanes: &Lanes, plugin: &str, number: u64) -> OnItsWay {
    let (bus, name) = (bus.clone(), plugin.to_owned());
    let Again { delivery, outcome } =
        blocking(move || bus.letter_again(&name, number)).await.map_err(refused)?;
    match lanes.give_again(delivery) {
        true => Ok(outcome),
        false => Err(ReplayedAs::Refused("the plugin does not listen to such events any more".into())),
    }
}

/// The members of a group went with it, and whoever is a member now is given it.
async fn to_group(bus: &Bus, group: &str, number: u64) -> OnItsWay {
    let (bus, name) = (bus.clone(), group.to_owned());
    blocking(move || bus.letter_to_group(&name, number)).await.map_err(refused)
}

fn refused(error: LetterError) -> ReplayedAs {
    match error {
        LetterError::Unknown { .. } => ReplayedAs::Missing,
        other => ReplayedAs::Refused(other.to_string()),
    }
}
