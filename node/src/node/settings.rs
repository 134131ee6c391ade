//! From a checked configuration to a node to be: each part gets its own configuration.

use super::Builder;
use crate::{
    config::{self, ListenSettings, Settings},
    transport::Listen,
    trust::ring::{Ring, RingError},
};

/// A network whose secret cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret of the network `{network}` cannot be used")]
pub struct SettingsError {
    network: String,
    source: RingError,
}

impl Builder {
    /// A node as a configuration describes it. Its API is the caller's choice.
    ///
    /// # Errors
    /// When a secret is none.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let node = &settings.node;
        let mut builder = Self::default()
            .name(&node.name)
            .data_dir(&node.data_dir)
            .mdns(node.mdns)
            .listen(listen(node.listen))
            .plugins(settings.plugins.clone())
            .bridges(settings.bridges.clone())
            .rules(settings.channels.clone())
            .when_full(settings.when_full.clone())
            .durable(settings.durable.clone(), settings.journal.clone())
            .engine(settings.engine.clone());
        for peer in &node.peers {
            builder = builder.peer(peer.clone());
        }
        for network in &settings.networks {
            builder = builder.join(network)?;
        }
        Ok(builder)
    }

    fn join(self, network: &config::NetworkSettings) -> Result<Self, SettingsError> {
        let joined = self.join_all(network)?.called(network.called.clone());
        Ok(match &network.allow {
            Some(nodes) => joined.allow(nodes.iter().copied()),
            None => joined,
        })
    }

    fn join_all(self, network: &config::NetworkSettings) -> Result<Self, SettingsError> {
        let name = network.name.clone();
        let Some(secret) = &network.secret else { return Ok(self.network(name)) };
        let refused = |source| SettingsError { network: name.to_string(), source };
        let ring = Ring::parse(secret.reveal()).map_err(refused)?;
        if ring.is_short() {
            tracing::warn!("the secret of the network {name} is short: somebody may guess it");
        }
        let closed = self.closed_network(name, ring);
        Ok(match &network.secret_file {
            Some(file) => closed.follow_secrets(file),
            None => closed,
        })
    }
}

fn listen(settings: ListenSettings) -> Listen {
    match settings {
        ListenSettings::Default => Listen::Default,
        ListenSettings::Loopback => Listen::Loopback,
        ListenSettings::Exact(addr) => Listen::Exact(addr),
    }
}
