//! Secrets that are kept in files: a node has the new ones as soon as they are there.
//!
//! Exists so that secrets are rotated while nodes run. A file that cannot be used is said, and changes nothing.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use hive_proto::channel::{NetworkIndex, NetworkName};

use super::{builder::Network, start::blocking};
use crate::{
    mesh::Asker,
    status::Boards,
    transport::Membership,
    trust::{
        network::NetworkKey,
        ring::{LoadError, Ring},
    },
    watch::{Depth, Watch},
};

/// A network whose secrets are kept in a file.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    network: NetworkIndex,
    name: NetworkName,
    /// Shared with everybody who proves and checks.
    key: NetworkKey,
    file: PathBuf,
    /// What the file said when it was read last: others may change beside it, all the time.
    read: Option<blake3::Hash>,
}

/// The networks that were told such a file.
pub(super) fn followed(networks: &[Network], memberships: &[Membership]) -> Vec<Followed> {
    let both = networks.iter().zip(memberships);
    let follow = |(network, Membership { index, key, .. }): (&Network, &Membership)| {
        let (name, file) = (network.name.clone(), network.file.clone()?);
        Some(Followed { network: *index, name, key: key.clone(), file, read: None })
    };
    both.filter_map(follow).collect()
}

/// Follows the files for ever.
pub(super) async fn follow(mut rings: Vec<Followed>, boards: Arc<Boards>, asker: Option<Asker>) {
    let folder = |ring: &Followed| ring.file.parent().map(PathBuf::from);
    let folders: BTreeSet<PathBuf> = rings.iter().filter_map(folder).collect();
    let folders: Vec<PathBuf> = folders.into_iter().collect();
    let mut watch = match Watch::start(&folders, Depth::Hidden) {
        Ok(watch) => watch,
        Err(error) => {
            tracing::warn!("secrets that change are not noticed before the next start: {error}");
            return;
        }
    };
    loop {
        // What was written between the start and the watch is looked at, too.
        for ring in &mut rings {
            if ring.read().await {
                let epoch = ring.key.newest();
                let at = usize::from(ring.network.0);
                boards.networks.change(|networks| {
                    networks.get_mut(at).into_iter().for_each(|card| card.epoch = epoch);
                });
                if let Some(asker) = &asker {
                    asker.renewed(ring.network).await;
                }
            }
        }
        watch.changed().await;
    }
}

impl Followed {
    /// Reads the file again. Whether the network has other secrets now.
    async fn read(&mut self) -> bool {
        let Self { name, file, .. } = self;
        let (key, path, known) = (self.key.clone(), file.clone(), self.read);
        let renewing = blocking(move || {
            let Some((ring, hash)) = Ring::load(&path, known)? else { return Ok(None) };
            let before = key.fingerprints();
            let epochs = key.renew(&ring)?;
            Ok::<_, LoadError>(Some((epochs, hash, key.fingerprints() != before)))
        });
        match renewing.await {
            Ok(None) => false,
            Ok(Some(((then, now), hash, has_changed))) => {
                self.read = Some(hash);
                if !has_changed {
                    return false;
                }
                if then > now {
                    tracing::warn!("the secret of the network {name} went back from epoch {then} to {now}");
                }
                tracing::info!(
                    "the secret of the network {name} was changed; admitted now: {}",
                    self.key.admitted()
                );
                true
            }
            Err(error) => {
                let file = file.display();
                tracing::warn!("the network {name} keeps the secrets it has, {file} cannot be used: {error}");
                false
            }
        }
    }
}
