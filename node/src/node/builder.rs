//! What a node is built from. Every choice has a default that works on a LAN without configuration.

use std::path::PathBuf;

use hive_proto::{
    channel::{NetworkIndex, NetworkName, Scope},
    id::NodeId,
};

use crate::{
    api, bridge,
    bus::WhenFull,
    config::{self, PeerAddress},
    journal, plugin,
    transport::Listen,
    trust::{identity::DirLock, may::Rule, membership::AllowList, ring::Ring},
};

/// The network of a node that was not told another.
pub const DEFAULT_NETWORK: &str = "hive";

/// A node to be: see [`super::Node::builder`].
#[derive(Debug, Default)]
pub struct Builder {
    pub(super) name: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    /// The claim to that folder, where somebody has made it before.
    pub(super) lock: Option<DirLock>,
    pub(super) networks: Vec<Network>,
    pub(super) listen: Listen,
    /// None: it is tried for each network, as an address says nothing of its own.
    pub(super) peers: Vec<(Option<NetworkIndex>, PeerAddress)>,
    pub(super) no_mdns: bool,
    pub(super) offline: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) when_full: Vec<(Scope, WhenFull)>,
    pub(super) durable: Vec<Scope>,
    pub(super) engine: journal::Engine,
    pub(super) journal: journal::Settings,
    pub(super) plugins: Option<plugin::Config>,
    pub(super) bridges: bridge::Config,
    pub(super) api: Option<api::Config>,
    /// How its configuration is read again, and what it says now; none: it cannot be.
    pub(super) source: Option<Box<(config::Request, config::Settings)>>,
}

/// A network to be in.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: NetworkName,
    /// What its members call it.
    pub(super) called: NetworkName,
    /// None: it is open.
    pub(super) ring: Option<Ring>,
    /// Where the ring is kept, if it is to be followed.
    pub(super) file: Option<PathBuf>,
    /// The other nodes that may be in it.
    pub(super) allow: AllowList,
}

impl Network {
    pub(super) fn new(name: NetworkName, ring: Option<Ring>) -> Self {
        Self { called: name.clone(), name, ring, file: None, allow: AllowList::default() }
    }
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

    /// Uses a claim to its folder that was made before there was anything to start.
    #[must_use]
    pub(crate) fn claimed(mut self, lock: Option<DirLock>) -> Self {
        self.lock = lock;
        self
    }

    /// Keeps nothing, whatever folder was chosen before.
    #[must_use]
    pub(crate) fn nowhere(mut self) -> Self {
        self.data_dir = None;
        self
    }

    /// Joins an open network; the first network is the home network.
    #[must_use]
    pub fn network(mut self, name: NetworkName) -> Self {
        self.networks.push(Network::new(name, None));
        self
    }

    /// Joins a network whose members know a secret, or a ring of them.
    #[must_use]
    pub fn closed_network(mut self, name: NetworkName, secrets: impl Into<Ring>) -> Self {
        self.networks.push(Network::new(name, Some(secrets.into())));
        self
    }

    /// What the others call the network that was joined last, where it has another name here.
    #[must_use]
    pub fn called(mut self, name: NetworkName) -> Self {
        if let Some(network) = self.networks.last_mut() {
            network.called = name;
        }
        self
    }

    /// Of other nodes only these may be in the network that was joined last.
    #[must_use]
    pub fn allow(mut self, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        if let Some(network) = self.networks.last_mut() {
            network.allow = AllowList::of(nodes);
        }
        self
    }

    /// The secrets of the network that was joined last are kept in this file: when it changes, the node has the new ones.
    #[must_use]
    pub fn follow_secrets(mut self, file: impl Into<PathBuf>) -> Self {
        if let Some(network) = self.networks.last_mut() {
            network.file = Some(file.into());
        }
        self
    }

    /// Who may do what on which channels; without any rule everybody may everything, but for members of groups on other
    /// nodes of an open network.
    #[must_use]
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.rules = rules;
        self
    }

    /// What is done on these channels when a subscriber has no room.
    #[must_use]
    pub fn when_full(mut self, policies: Vec<(Scope, WhenFull)>) -> Self {
        self.when_full = policies;
        self
    }

    /// What is published on these channels is on disk before it is acknowledged; needs a data directory.
    #[must_use]
    pub fn durable(mut self, channels: Vec<Scope>, journal: journal::Settings) -> Self {
        (self.durable, self.journal) = (channels, journal);
        self
    }

    /// Where what durable channels carry is kept; on this node's disk unless told otherwise.
    #[must_use]
    pub fn engine(mut self, engine: journal::Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Takes links here; by default on every address, UDP 7182 or the next free port.
    #[must_use]
    pub fn listen(mut self, listen: Listen) -> Self {
        self.listen = listen;
        self
    }

    /// Dials this address for ever.
    #[must_use]
    pub fn peer(mut self, peer: impl Into<PeerAddress>) -> Self {
        self.peers.push((None, peer.into()));
        self
    }

    /// The same for an address of a node in one network, by its position.
    #[must_use]
    pub fn peer_in(mut self, network: NetworkIndex, peer: impl Into<PeerAddress>) -> Self {
        self.peers.push((Some(network), peer.into()));
        self
    }

    /// Whether it looks for nodes on the local network; it does unless told otherwise.
    #[must_use]
    pub fn mdns(mut self, mdns: bool) -> Self {
        self.no_mdns = !mdns;
        self
    }

    /// Without a network: events stay in this process.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Runs the plugins of some folders.
    #[must_use]
    pub fn plugins(mut self, plugins: plugin::Config) -> Self {
        self.plugins = Some(plugins);
        self
    }

    /// Joins its networks with something else.
    #[must_use]
    pub fn bridges(mut self, bridges: bridge::Config) -> Self {
        self.bridges = bridges;
        self
    }

    /// Reads this configuration again when it is asked to, and has it hold as far as that can be while it runs.
    #[must_use]
    pub fn read_again(mut self, loaded: &config::Loaded) -> Self {
        self.source = Some(Box::new((loaded.request.clone(), loaded.settings.clone())));
        self
    }

    /// Answers the command line and other clients on this machine.
    #[must_use]
    pub fn api(mut self, api: api::Config) -> Self {
        self.api = Some(api);
        self
    }
}
