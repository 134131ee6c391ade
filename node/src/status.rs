//! Boards: what the parts of a node say about themselves, for whoever asks.
//!
//! What it owns: plain data behind atomic pointers, and counters. A part writes its own board; the local API and the
//! embedding program read all of them. Exists so that looking at a node never waits for the part that is looked at.
//! It must not know the parts, and has no tasks and no sockets.

mod board;
mod bridges;
mod complaints;
mod lines;
mod work;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

pub use board::Board;
pub use bridges::{BridgeCard, BridgeDrop, BridgeState, BridgeTraffic};
pub use complaints::{Complaints, and_more, beside_those_said, first_line};
use hive_proto::{
    channel::{NetworkIndex, NetworkName},
    id::{Incarnation, NodeId},
    trace::TraceCounts,
};
pub use lines::{LINES_MAX, Line, LineLevel, Lines};
pub use work::{Breaker, Components, LATENCY_BOUNDS_US, Latency, PauseCard, Work};

use crate::units::ByteSize;

/// Everything one node says about itself.
#[derive(Debug, Default)]
pub struct Boards {
    /// Who this node is; written once by the composition root.
    pub node: Board<NodeCard>,
    /// Where it accepts links; written by the composition root after binding.
    pub listen: Board<Vec<SocketAddr>>,
    /// The networks it is in, home first; written by the root, `ready` by the mesh.
    pub networks: Board<Vec<NetworkCard>>,
    /// The neighbours it is connected to; written by the mesh.
    pub peers: Board<BTreeMap<(NetworkIndex, NodeId), PeerCard>>,
    /// What became of traces; written by the mesh.
    pub traces: Board<TraceCounts>,
    /// Connections that came to nothing lately, at most [`TROUBLES_MAX`]; written by the mesh.
    pub troubles: Board<Troubles>,
    /// The plugins by name; written by the plugin part. A change copies the map, and one card.
    pub plugins: Board<BTreeMap<Arc<str>, Arc<PluginCard>>>,
    /// Plugins that have a section in the configuration and have not come, each with the one that may be meant; written by
    /// the plugin part.
    pub absent: Board<BTreeMap<String, Option<String>>>,
    /// What became of components that were to be loaded; counted by the plugin part.
    pub components: Arc<Components>,
    /// The bridges by name; written by the bridge part.
    pub bridges: Board<BTreeMap<String, BridgeCard>>,
    /// The configuration that holds; none: the node was not started from one that can be read again. Written by the root.
    pub configuration: Board<Option<ConfigurationCard>>,
}

/// The configuration that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationCard {
    /// Its file; none: there is none, and the defaults hold.
    pub file: Option<PathBuf>,
    /// When it was taken over, or found to be what holds.
    pub loaded: SystemTime,
    /// Keys of which the file says something else than what holds before a restart.
    pub restart: Vec<String>,
    /// When it was to be taken over since then and could not be, and why, for people.
    pub failed: Option<(SystemTime, String)>,
}

/// Sections without a plugin that are said one by one.
const ABSENT_SAID_MAX: usize = 20;

impl Boards {
    /// What is to be said of sections of the configuration that no plugin has, a line each.
    #[must_use]
    pub fn absentees(&self) -> Vec<String> {
        let absent = self.absent.read();
        let line = |(name, meant): (&String, &Option<String>)| {
            let meant = meant.as_ref().map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
            format!(
                "no plugin is called `{name}`, for which the configuration has a section{meant}; it holds when one comes"
            )
        };
        let more = absent.len().checked_sub(ABSENT_SAID_MAX).filter(|more| *more > 0);
        let more = more.map(|more| format!("so with {more} more sections for plugins"));
        absent.iter().take(ABSENT_SAID_MAX).map(line).chain(more).collect()
    }

    /// Empty boards of the given node, ready to share.
    #[must_use]
    pub fn new(node: NodeCard) -> Arc<Self> {
        let boards = Self::default();
        boards.node.set(node);
        Arc::new(boards)
    }
}

/// Who a node is.
#[derive(Debug, Clone)]
pub struct NodeCard {
    /// Its public key.
    pub id: NodeId,
    /// What people call it.
    pub name: String,
    /// This life of it.
    pub incarnation: Incarnation,
    /// When this life began.
    pub started: SystemTime,
    /// Where it keeps its key and state; none: nowhere, it is ephemeral.
    pub data_dir: Option<PathBuf>,
}

impl Default for NodeCard {
    fn default() -> Self {
        Self {
            id: NodeId([0; 32]),
            name: String::new(),
            incarnation: Incarnation(0),
            started: SystemTime::now(),
            data_dir: None,
        }
    }
}

/// One network a node is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkCard {
    /// Its name.
    pub name: NetworkName,
    /// Whether anyone may join: no secret is set.
    pub open: bool,
    /// The newest epoch of its secret, 0 until that is rotated; written by the root.
    pub epoch: u32,
    /// Whether the view is complete: every neighbour's interest is known, or nobody was found in 2 s.
    pub ready: bool,
}

/// One neighbour.
#[derive(Debug, Clone)]
pub struct PeerCard {
    /// What it calls itself.
    pub name: String,
    /// Where its packets come from.
    pub addr: SocketAddr,
    /// Whether we dialled it.
    pub dialled: bool,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Since when.
    pub since: SystemTime,
    /// It has said what it wants: what is published for it is sent from now on.
    pub informed: bool,
    /// How many patterns it wants.
    pub patterns: u64,
    /// What went over the link, counted by its reader and writer.
    pub traffic: Arc<Traffic>,
}

/// What went over the link to one peer, in events and payload bytes.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Events written to the link.
    pub sent_events: Count,
    /// Their bytes.
    pub sent_bytes: Count,
    /// Events read from the link.
    pub received_events: Count,
    /// Their bytes.
    pub received_bytes: Count,
    /// The link's round trip in microseconds (a gauge; 0: not measured yet).
    pub rtt_us: Count,
    /// The newest epoch of the network's secret that the peer has proved (a gauge).
    pub epoch: Count,
}

/// Addresses whose troubles are remembered; the oldest gives way. Strangers can fill it and nothing else.
pub const TROUBLES_MAX: usize = 64;

/// Troubles by address and by whether this node dialled it.
pub type Troubles = BTreeMap<(SocketAddr, bool), TroubleCard>;

/// Connections to or from one address that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubleCard {
    /// What was in the way the last time.
    pub obstacle: Obstacle,
    /// The same in words.
    pub why: String,
    /// Who is there, if TLS has proved it.
    pub peer: Option<NodeId>,
    /// The network that this node dialled for; none of who dialled it.
    pub network: Option<NetworkIndex>,
    /// How often in a row.
    pub times: u64,
    /// When last.
    pub last: SystemTime,
}

/// Adds a trouble; past [`TROUBLES_MAX`] addresses the one that is oldest is forgotten.
pub fn add_trouble(troubles: &mut Troubles, addr: SocketAddr, dialled: bool, card: TroubleCard) {
    let before = troubles.remove(&(addr, dialled)).map_or(0, |before| before.times);
    if troubles.len() >= TROUBLES_MAX
        && let Some(oldest) = troubles.iter().min_by_key(|(_, card)| card.last).map(|(key, _)| *key)
    {
        troubles.remove(&oldest);
    }
    troubles.insert((addr, dialled), TroubleCard { times: before.saturating_add(card.times), ..card });
}

/// What keeps two nodes from becoming neighbours, as one of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// No answer, or the connection broke.
    Unreachable,
    /// The other is in no network of this name with this secret.
    Network,
    /// The other is in the network, with a secret of another epoch.
    Epoch,
    /// One of the two is not on the other's list of the network's nodes.
    NotListed,
    /// The other speaks another version of the protocol.
    Version,
    /// The other admits as many as it can.
    Busy,
    /// The other says no for a reason of its own.
    Refused,
    /// The other does not know the network that it admits to.
    Unproved,
    /// Another node is there than should be.
    OtherNode,
    /// The address is this node's own.
    Myself,
    /// What is there is no node.
    NoNode,
}

/// One plugin.
#[derive(Debug, Clone)]
pub struct PluginCard {
    /// The component's file.
    pub file: PathBuf,
    /// Whether it takes events.
    pub state: PluginState,
    /// Which loaded version, from 1; 0: none was ever live.
    pub generation: u64,
    /// The content's hash in hex.
    pub hash: String,
    /// The file's size.
    pub size_bytes: u64,
    /// The version the component says it is.
    pub version: String,
    /// `pool`, `fresh` or `single`.
    pub instances: String,
    /// What it listens to.
    pub wants: Vec<WantCard>,
    /// When the live generation was swapped in.
    pub loaded: Option<SystemTime>,
    /// Why the newest file is not live, or why the plugin failed.
    pub problem: Option<String>,
    /// What the newest file wants to do and nobody has approved: it waits, and an older version goes on.
    pub waits: Vec<String>,
    /// What its calls may cost; none while no version was tried.
    pub limits: Option<LimitsCard>,
    /// What it may keep.
    pub state_quota_bytes: u64,
    /// What it did, kept over its generations.
    pub work: Arc<Work>,
    /// What it said last, and what was said of its events, kept over its generations.
    pub lines: Arc<Lines>,
}

/// What a plugin's calls may cost, and what it may do to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsCard {
    /// Wall time of one event.
    pub deadline: Duration,
    /// Processor time of one event.
    pub cpu: Duration,
    /// Memories and tables of one instance.
    pub memory: ByteSize,
    /// Its stack.
    pub stack: ByteSize,
    /// What it publishes or answers.
    pub payload: ByteSize,
    /// What one call between it and the node may carry.
    pub call_bytes: ByteSize,
    /// Calls of the node a second.
    pub host_calls: u64,
    /// Events out a second.
    pub publishes: u64,
    /// Lines in the log a second.
    pub log_lines: u64,
    /// Bytes of them a second.
    pub log_bytes: ByteSize,
    /// Subscriptions it may declare.
    pub subscriptions: u64,
    /// Timers it may have.
    pub timers: u64,
}

/// Whether a plugin takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginState {
    /// Its first version is being compiled and tried.
    Loading,
    /// It takes events.
    Running,
    /// It finishes what it has and goes.
    Draining,
    /// No version of it works; the card's `problem` says why.
    Failed,
    /// Somebody switched it off.
    Disabled,
    /// No version of it runs, as its file waits to be approved.
    Waiting,
}

/// One thing a plugin listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantCard {
    /// The pattern, as its author wrote it.
    pub pattern: String,
    /// Whether it answers requests there.
    pub answers: bool,
}

/// A counter or gauge that many threads write. Readers get some recent value, never a torn one.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// `n` less, of a gauge.
    pub fn take(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    /// Puts a gauge where it is.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Raises a gauge to a value, if it is lower.
    pub fn raise(&self, value: u64) {
        if value > self.value() {
            self.0.fetch_max(value, Relaxed);
        }
    }

    /// What it says.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_counted_and_strangers_cannot_grow_the_list() {
        let mut troubles = Troubles::new();
        let card = |seconds| TroubleCard {
            obstacle: Obstacle::Network,
            why: "another secret".into(),
            peer: None,
            network: None,
            times: 1,
            last: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        let addr = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
        add_trouble(&mut troubles, addr(1), true, card(1));
        add_trouble(&mut troubles, addr(1), false, card(2));
        add_trouble(&mut troubles, addr(1), true, card(3));
        assert_eq!(troubles.values().map(|card| card.times).collect::<Vec<_>>(), [1, 2]);
        (2..1000).for_each(|port| add_trouble(&mut troubles, addr(port), false, card(u64::from(port) + 2)));
        assert_eq!(troubles.len(), TROUBLES_MAX);
        assert!(troubles.contains_key(&(addr(999), false)) && !troubles.contains_key(&(addr(1), true)));
    }
}
