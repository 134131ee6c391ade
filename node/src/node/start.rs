//! The composition root: starts the parts in the order of their layers, hands each the handles it needs,
//! and stops them in the order in which work flows out.

mod error;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub use error::StartError;
use hive_proto::{
    channel::{Names, NetworkIndex, NetworkName},
    id::Incarnation,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Node, apply, bridges,
    builder::{Builder, DEFAULT_NETWORK},
    control,
    journals::open_journals,
    kept, letters,
    networks::{cards, memberships, networks},
    secrets,
};
use crate::{
    api::{self, Api, Means},
    bridge::{self, Bridges},
    bus::{Bus, Mark},
    config::{self, PeerAddress},
    control::{ControlSender, channel},
    discovery::{self, Here, StaticPeer},
    dispatch::process,
    mesh::{self, Mesh, visit::Visitor},
    plugin::{self, Plugins},
    shutdown::{Order, Part},
    status::{Boards, NodeCard},
    store::Store,
    transport::{BindError, Listen, Membership},
    trust::{
        identity::{self, DirLock, Doing, Identity},
        may::Rules,
    },
};

/// How long clients get to be told that the node leaves.
const CLIENT_GRACE: Duration = Duration::from_secs(2);
/// How long bridges get to write out what they have; a little more than they give themselves.
const BRIDGE_GRACE: Duration = Duration::from_secs(3);
/// How long handlers get for what they have in hand, and links for what is queued on them; a little more
/// than they give themselves.
const DRAIN_GRACE: Duration = Duration::from_secs(12);

/// What runs, and what must outlive it.
pub(super) struct Parts {
    api: Option<Api>,
    /// Joins the networks with something else.
    bridges: Part,
    /// Runs the handlers.
    plugins: Part,
    /// Speaks with those that are processes.
    processes: Part,
    /// Looks for other nodes.
    discovery: Part,
    mesh: Option<Mesh>,
    /// Gives again what members of groups gave back.
    bus: Part,
    /// Executes what is asked through the API.
    root: Part,
    /// Held while the node lives, so that no second one uses its directory.
    lock: Option<DirLock>,
}

/// Who a node is in this life.
struct Life {
    identity: Identity,
    incarnation: Incarnation,
    lock: Option<DirLock>,
}

impl Builder {
    /// Starts the node. Needs a tokio runtime, on which the parts live until [`Node::shutdown`].
    ///
    /// # Errors
    /// When the data directory, the key, an address or a plugin folder cannot be used.
    pub async fn start(self) -> Result<Node, StartError> {
        let life = Life::begin(self.data_dir.clone(), self.lock).await?;
        let networks = networks(self.networks);
        let memberships = memberships(&networks).await?;
        let names = Names::new(networks.iter().map(|network| network.name.clone()).collect());
        let open = memberships.iter().filter(|membership| membership.key.is_open());
        let rules = Rules::new(self.rules, open.map(|membership| membership.index).collect())
            .listing(memberships.iter().map(|membership| membership.allow.clone()).collect());
        let bus = Bus::ruled(life.identity.node_id(), life.incarnation, names, rules);
        let boards = Boards::new(NodeCard {
            id: life.identity.node_id(),
            name: self.name.unwrap_or_else(|| life.identity.node_id().short()),
            incarnation: life.incarnation,
            started: SystemTime::now(),
            data_dir: self.data_dir.clone(),
        });
        let store = match self.data_dir.clone() {
            Some(data_dir) => {
                let store = kept::open(data_dir, &bus).await?;
                letters::keep(store.clone(), &bus).await?;
                Some(store)
            }
            None => None,
        };
        let keeping = (self.engine, self.journal);
        let journals = open_journals(
            self.data_dir,
            self.durable,
            keeping,
            (&memberships, &life.identity),
            &networks,
            &bus,
        )
        .await?;
        bus.journal_in(journals);
        bus.policies(self.when_full);
        bus.mark_networks(memberships.iter().map(|membership| Mark(membership.key.mark())).collect());
        boards.networks.set(cards(&networks, &memberships));
        let bridges = bridges::sealed(self.bridges, &memberships, (&life.identity, life.incarnation));
        let mut parts = Parts::new(life.lock);
        let rings = secrets::followed(&networks, &memberships);
        let ways = Ways {
            online: (!self.offline).then_some(Online {
                listen: self.listen,
                peers: self.peers,
                mdns: !self.no_mdns,
                memberships,
            }),
            plugins: (self.plugins, store),
            bridges,
            api: self.api,
            rings,
            source: self.source,
        };
        let leave = CancellationToken::new();
        match parts.start(ways, (&life.identity, life.incarnation), &bus, &boards, &leave).await {
            Ok(control) => {
                if let Some(lock) = &mut parts.lock {
                    lock.says(Doing::Running);
                }
                Ok(Node { bus, boards, parts, control, leave })
            }
            Err(error) => {
                parts.stop().await;
                Err(error)
            }
        }
    }
}

/// What was chosen of each part.
struct Ways {
    /// None: offline.
    online: Option<Online>,
    /// And where they keep things.
    plugins: (Option<plugin::Config>, Option<Store>),
    bridges: bridge::Config,
    api: Option<api::Config>,
    /// Files of secrets to follow.
    rings: Vec<secrets::Followed>,
    /// How the configuration is read again, and what it says.
    source: Option<Box<(config::Request, config::Settings)>>,
}

/// How to reach others.
struct Online {
    listen: Listen,
    peers: Vec<(Option<NetworkIndex>, PeerAddress)>,
    mdns: bool,
    memberships: Vec<Membership>,
}

impl Parts {
    fn new(lock: Option<DirLock>) -> Self {
        Self {
            api: None,
            bridges: Part::new("bridges"),
            plugins: Part::new("plugins"),
            processes: Part::new("processes"),
            discovery: Part::new("discovery"),
            mesh: None,
            bus: Part::new("bus"),
            root: Part::new("root"),
            lock,
        }
    }

    /// Starts what was chosen: first the mesh, so that what the plugins want is announced at once, late
    /// the API, so that who can reach the node finds its plugins running.
    async fn start(
        &mut self,
        ways: Ways,
        who: (&Identity, Incarnation),
        bus: &Bus,
        boards: &Arc<Boards>,
        leave: &CancellationToken,
    ) -> Result<ControlSender, StartError> {
        let names = |at: usize| boards.networks.read().get(at).map(|card| card.name.clone());
        let visitor = ways.online.as_ref().map(|online| {
            let networks = online.memberships.iter().enumerate();
            networks.filter_map(|(at, membership)| Some((names(at)?, membership.clone()))).collect()
        });
        let dealing = bus.clone();
        let stop = self.bus.stop().clone();
        self.bus.spawn("dealer", async move { dealing.deal(stop).await });
        let (pumping, stop) = (bus.clone(), self.bus.stop().clone());
        self.bus.spawn("journal", async move { pumping.pump(stop).await });
        let (comparing, stop) = (bus.clone(), self.bus.stop().clone());
        self.bus.spawn("kept values", async move { comparing.compare_kept(stop).await });
        match ways.online {
            Some(online) => self.connect(online, who, bus, boards)?,
            None => {
                // Nobody else is there whose confirmation a subscription would wait for.
                bus.confirmed(u64::MAX);
                boards.networks.change(|networks| networks.iter_mut().for_each(|card| card.ready = true));
            }
        }
        let (plugins, store) = (ways.plugins.0.unwrap_or_default(), ways.plugins.1);
        let plugins = plugin::Config { processes: ways.api.is_some(), ..plugins };
        let plugins = Plugins::start(plugins, bus.clone(), Arc::clone(boards), store, &self.plugins).await?;
        let (control, requests) = channel();
        let graph = self.mesh.as_ref().map(Mesh::asker);
        if !ways.rings.is_empty() {
            let (following, stop) =
                (secrets::follow(ways.rings, Arc::clone(boards), graph.clone()), self.root.stop().clone());
            // None when it was stopped, which is how it ends.
            self.root.spawn("secrets", async move {
                let _ = stop.run_until_cancelled(following).await;
            });
        }
        let visitor = visitor.zip(self.mesh.as_ref()).map(|(networks, mesh)| {
            Visitor::new(mesh.endpoint().clone(), networks, NetworkName::parse(DEFAULT_NETWORK).ok())
        });
        let mesh = (graph, visitor);
        let (configure, configured) = ways.source.is_some().then(|| mpsc::channel(apply::ASKS_MAX)).unzip();
        let parts = (plugins.clone(), bus.clone(), configure);
        self.root.spawn("control", control::run(requests, parts, mesh, leave.clone(), self.root.clone()));
        if let Some(config) = &ways.api {
            let (door, knocks) = process::door();
            let processes = self.processes.clone();
            let (control, boards) = (control.clone(), Arc::clone(boards));
            let means = Means { bus: bus.clone(), boards, control, door, processes };
            let api = self.api.insert(Api::start(config, means)?);
            // They come over the API, and clients after them.
            plugins.open(api.socket(), knocks).await;
            api.open();
        }
        // After the handlers, which are there when something comes in.
        let bridges =
            Bridges::start(ways.bridges, bus.clone(), Arc::clone(boards), self.bridges.clone()).await;
        if let Some((source, asks)) = ways.source.zip(configured) {
            let parts = apply::Parts { bus: bus.clone(), plugins, bridges, boards: Arc::clone(boards) };
            self.root.spawn("configuration", apply::run(*source, parts, asks, self.root.stop().clone()));
        }
        Ok(control)
    }

    /// Takes links, and looks for others.
    fn connect(
        &mut self,
        online: Online,
        (identity, incarnation): (&Identity, Incarnation),
        bus: &Bus,
        boards: &Arc<Boards>,
    ) -> Result<(), BindError> {
        let name = boards.node.read().name.clone();
        let memberships = online.memberships;
        let config = mesh::Config { name, listen: online.listen, memberships: memberships.clone() };
        let mesh = Mesh::start(config, identity, incarnation, bus.clone(), Arc::clone(boards))?;
        boards.listen.set(vec![mesh.local_addr()]);
        let here = Here { node: identity.node_id(), listen: mesh.local_addr(), memberships };
        let peers = here.memberships.iter().flat_map(|membership| {
            let network = membership.index;
            let its = online.peers.iter().filter(move |(of, _)| of.is_none_or(|of| of == network));
            its.map(move |(_, PeerAddress { host, port })| StaticPeer {
                network,
                host: host.clone(),
                port: *port,
            })
        });
        let loopback = mesh.local_addr().ip().is_loopback();
        let config = discovery::Config { mdns: online.mdns, loopback, peers: peers.collect() };
        discovery::start(config, here, mesh.found(), &self.discovery);
        self.mesh = Some(mesh);
        Ok(())
    }

    /// Where other programs of this machine reach the node.
    pub(super) fn api(&self) -> Option<&Api> {
        self.api.as_ref()
    }

    /// Stops everything, what takes work in first.
    pub(super) async fn stop(self) {
        let mut order = Order::default();
        if let Some(api) = &self.api {
            order = order.then(api.part(), CLIENT_GRACE);
        }
        order = order.then(&self.discovery, CLIENT_GRACE).then(&self.bridges, BRIDGE_GRACE);
        order = order.then(&self.plugins, DRAIN_GRACE).then(&self.processes, CLIENT_GRACE);
        if let Some(mesh) = &self.mesh {
            order = order.then(mesh.part(), DRAIN_GRACE);
        }
        order.then(&self.bus, CLIENT_GRACE).then(&self.root, CLIENT_GRACE).run().await;
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl Life {
    /// Claims the directory and begins the next life of the identity in it; without one, makes a new
    /// identity that is forgotten with the process.
    async fn begin(dir: Option<PathBuf>, claimed: Option<DirLock>) -> Result<Self, StartError> {
        let Some(dir) = dir else {
            let (identity, incarnation) = (Identity::ephemeral(), identity::clock_incarnation());
            return Ok(Self { identity, incarnation, lock: None });
        };
        blocking(move || {
            let mut lock = claimed.map_or_else(|| identity::lock(&dir), Ok)?;
            lock.says(Doing::Starting);
            let identity = Identity::load_or_create(&dir)?;
            let incarnation = identity::next_incarnation(&dir)?;
            Ok(Self { identity, incarnation, lock: Some(lock) })
        })
        .await
    }
}

/// Runs what blocks where it may.
pub(super) async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
