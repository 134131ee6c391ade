//! The journals of a node: one for each network that has durable channels, sealed where they leave its host.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use hive_proto::{
    channel::{NetworkIndex, Scope},
    pattern::Pattern,
};

use super::{builder::Network, start::StartError};
use crate::{
    bus::{Bus, Journalled},
    journal::{
        self, Engine,
        jetstream::{self, Seals},
    },
    transport::Membership,
    trust::{
        identity::Identity,
        seal::{Opener, Sealer},
    },
};

/// The journals of the networks that have durable channels.
pub(super) async fn open_journals(
    dir: Option<PathBuf>,
    durable: Vec<Scope>,
    (engine, settings): (Engine, journal::Settings),
    (memberships, identity): (&[Membership], &Identity),
    networks: &[Network],
    bus: &Bus,
) -> Result<BTreeMap<NetworkIndex, Journalled>, StartError> {
    let mut patterns: BTreeMap<NetworkIndex, Vec<Pattern>> = BTreeMap::new();
    for Scope { network, pattern } in durable {
        patterns.entry(network).or_default().push(pattern);
    }
    // What leaves this host for others' servers is sealed, where there is a secret to seal with.
    let sealed = |engine: &Engine, network: NetworkIndex| match engine {
        Engine::Disk => Engine::Disk,
        Engine::JetStream(config) => {
            let key = memberships.iter().find(|membership| membership.index == network).map(|of| &of.key);
            let seals = key.and_then(|key| {
                let (sealer, opener) = (Sealer::new(key, identity)?, Opener::new(key));
                Some(Arc::new(Seals::new(identity.node_id(), sealer, opener)))
            });
            Engine::JetStream(jetstream::Config { seals, ..config.clone() })
        }
    };
    let mut journals = BTreeMap::new();
    for (network, patterns) in patterns {
        let dir = dir.clone().ok_or(StartError::NoPlace)?.join("journal");
        let Some(name) = networks.get(usize::from(network.0)).map(|network| network.name.clone()) else {
            continue;
        };
        let (journal, notes) =
            journal::open(&sealed(&engine, network), &dir, &name, bus.node(), settings.clone()).await?;
        for note in notes {
            tracing::warn!("{note}");
        }
        journals.insert(network, Journalled::new(journal, patterns));
    }
    Ok(journals)
}
