//! What a node is built from. Every choice has a default that works on a LAN without configuration.

use std::path::PathBuf;

use hive_proto::channel::NetworkName;

use crate::trust::network::Secret;

/// The network of a node that was not told another.
pub const DEFAULT_NETWORK: &str = "hive";

/// A node to be: see [`super::Node::builder`].
#[derive(Debug, Default)]
pub struct Builder {
    pub(super) name: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) networks: Vec<Network>,
    pub(super) offline: bool,
    pub(super) api: Option<crate::api::Config>,
}

/// A network to be in.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: NetworkName,
    pub(super) secret: Option<Secret>,
}

impl Builder {
    /// What others are shown beside its id; by default the first digits of the id.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Keeps its key and state in this folder. Without one it is another node at every start.
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// Joins an open network; the first network is the home network.
    #[must_use]
    pub fn network(mut self, name: NetworkName) -> Self {
        self.networks.push(Network { name, secret: None });
        self
    }

    /// Joins a network whose members know a secret.
    #[must_use]
    pub fn closed_network(mut self, name: NetworkName, secret: Secret) -> Self {
        self.networks.push(Network { name, secret: Some(secret) });
        self
    }

    /// Serves the local API, so that other programs of this host can use the node.
    #[must_use]
    pub fn api(mut self, config: crate::api::Config) -> Self {
        self.api = Some(config);
        self
    }

    /// Without a network: events stay in this process.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }
}
