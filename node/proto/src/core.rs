//! The control plane's state machine: who the neighbours are, over which link, and what they want.
//!
//! One [`Core`] a node, for all its networks. It is told what happened and says what to do; it knows no
//! clock, socket, task or chance, so that the simulator drives the same code as a node. Events never come
//! here: the data plane reads what the outputs tell it.

mod announce;
mod choice;
mod dialling;
mod jitter;
mod links;
mod neighbours;
mod reach;
mod spread;
mod trace;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use crate::{
    channel::NetworkIndex,
    gossip::Gossip,
    id::{Incarnation, NodeId},
    interest::Announced,
    io::{Attempt, CloseReason, Input, Level, LinkEnd, LinkId, Outbox, Output, Timer},
    limits::NODE_NAME_BYTES_MAX,
    membership::Membership,
    record::{Archive, Change, Description, Keys, LINKS_MAX, Own},
    routes::Routes,
    time::Now,
    trace::Traces,
};

use announce::Tickets;
use dialling::{Dialling, Whereabouts};
use jitter::Jitter;
use links::{Greeted, Link, State};
use neighbours::Neighbour;
pub use reach::Place;

/// A node that has found nobody by then is ready alone.
pub const ALONE_AFTER: Duration = Duration::from_secs(2);
/// The first frame of a link has to come within this.
pub const GREETING_LIMIT: Duration = Duration::from_secs(5);
/// A neighbour has to say what it wants, and to confirm what it is told, within this; much longer than
/// the largest interest takes.
pub const EXCHANGE_LIMIT: Duration = Duration::from_secs(15);
/// Neighbours are compared with about this often.
pub const COMPARE_EVERY: Duration = Duration::from_secs(5);
/// Links one peer may have at once; more than simultaneous dials over several addresses leave behind.
pub const LINKS_PER_PEER_MAX: usize = 16;

/// A node in one of the networks.
type Peer = (NetworkIndex, NodeId);

/// What a node is, as far as its neighbours hear of it.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// The node.
    pub node: NodeId,
    /// This life of it.
    pub incarnation: Incarnation,
    /// The name it gives itself; cut to [`crate::limits::NODE_NAME_BYTES_MAX`] bytes, without control characters.
    pub name: String,
    /// Where it can be dialled, for those who hear of it from others.
    pub addrs: Vec<SocketAddr>,
    /// How many networks it is in: the indices below this number.
    pub networks: u8,
    /// Neighbours it dials in each network at most; it accepts twice as many. See
    /// [`crate::limits::NEIGHBOURS_MAX`].
    pub max_neighbours: usize,
    /// The wall clock at the driver's time zero, in milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// Where jitter comes from; any number that differs from node to node.
    pub seed: u64,
}

/// The state machine. See [`Input`] for what goes in and [`Output`] for what comes out.
#[derive(Debug)]
pub struct Core {
    /// Who this is; never changes.
    config: CoreConfig,
    /// Signs what this node states and checks what others do.
    keys: Box<dyn Keys>,
    /// What it has in common with others of its process; a real node has none.
    archive: Option<Archive>,
    jitter: Jitter,
    /// What is known per network; the set of networks never changes.
    networks: BTreeMap<NetworkIndex, Network>,
    /// Every link from its `LinkUp` to its `LinkDown`.
    links: BTreeMap<LinkId, Link>,
    /// Who is to be dialled, and when.
    dialling: Dialling,
    /// Traces of this node, and those that pass.
    traces: Traces,
    /// Set by `Leave`, for good.
    leaving: bool,
}

/// One network.
#[derive(Debug)]
struct Network {
    /// What this node wants, as the others are told.
    announced: Announced,
    /// What this node states.
    own: Own,
    /// When what is pending there is stated, and when something last was.
    say_at: Option<Now>,
    said: Option<Now>,
    /// Whether links are among what is pending, and when some last were.
    links_wait: bool,
    links_said: Option<Now>,
    /// How long new ones wait after that.
    links_pause: Duration,
    /// Everybody who was heard of.
    members: Membership,
    /// How statements come and go.
    gossip: Gossip,
    /// The ways to everybody.
    routes: Routes,
    /// When they are computed again, and when they last were.
    reach_at: Option<Now>,
    reached: Option<Now>,
    /// How long they are not after that.
    reach_pause: Duration,
    /// Who is connected and was greeted.
    neighbours: BTreeMap<NodeId, Neighbour>,
    /// Why neighbours of a moment ago are none any more, for the word on who cannot be reached.
    gone: BTreeMap<NodeId, String>,
    /// Whose interest is not confirmed by everybody yet.
    tickets: Tickets,
    /// The times of this network's timers that were armed last.
    armed: BTreeMap<Timer, Now>,
    /// [`ALONE_AFTER`] has passed.
    waited: bool,
    /// `Ready` was said.
    ready: bool,
    /// The network was said to be full.
    full: bool,
}

impl Core {
    /// A node that knows nobody yet. Puts its first timers into the outbox.
    #[must_use]
    pub fn new(now: Now, config: CoreConfig, keys: Box<dyn Keys>, out: &mut Outbox) -> Self {
        let networks = (0..config.networks).map(NetworkIndex);
        let networks: BTreeMap<_, _> =
            networks.map(|index| (index, Network::new(index, now, &config))).collect();
        let mut jitter = Jitter::new(config.seed);
        for index in networks.keys() {
            out.push(Output::Arm { timer: Timer::Ready(*index), at: now.after(ALONE_AFTER) });
            let compare = now.after(jitter.around(COMPARE_EVERY));
            out.push(Output::Arm { timer: Timer::Compare(*index), at: compare });
        }
        let dialling = Dialling::new(config.node, config.seed, config.max_neighbours);
        let traces = Traces::new(config.incarnation);
        let links = BTreeMap::new();
        let mut core =
            Self { config, keys, archive: None, jitter, networks, links, dialling, traces, leaving: false };
        core.flush(now, out);
        core
    }

    /// The same node, which reads what others of its process have read no more.
    #[must_use]
    pub fn with_archive(self, archive: Archive) -> Self {
        Self { archive: Some(archive), ..self }
    }

    /// Takes in what happened at `now`, which never goes back, and says what to do.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Outbox) {
        match input {
            Input::Found { network, node, addrs, persistent } => {
                if self.networks.contains_key(&network) && !self.leaving {
                    self.dialling.found((network, node), Whereabouts { addrs, persistent }, now, out);
                }
            }
            Input::Lost { network, node } => self.dialling.gone((network, node), out),
            Input::Addresses(addrs) => self.readdress(now, addrs),
            Input::DialFailed { attempt, failure } => {
                self.dialling.failed(attempt, &failure, now, out);
                self.check_all_ready(out);
            }
            Input::Clock { unix_ms } => self.config.unix_ms = unix_ms.saturating_sub(elapsed_ms(now)),
            Input::LinkUp { link, network, peer, dialled, addr } => {
                self.link_up(now, link, Link::new((network, peer), dialled, addr), out);
            }
            Input::Frame { link, kind, body } => self.frame(now, link, (kind, &body), out),
            Input::Expel { link, why } => self.cut(now, link, CloseReason::Expelled(why), out),
            Input::LinkDown { link, end } => self.link_down(now, link, &end, out),
            Input::Interest { network, ops, ticket } => {
                self.change_interest(now, network, (ops, ticket), out);
            }
            Input::Trace(question) => self.ask_way(now, question, out),
            Input::Saw { look, sight } => self.saw(now, look, sight, out),
            Input::Timer(timer) => self.timer(now, timer, out),
            Input::Leave => self.leave(now, out),
        }
        self.flush(now, out);
    }

    /// Does what this input made due, and arms the timers for the rest.
    fn flush(&mut self, now: Now, out: &mut Outbox) {
        for index in (0..self.config.networks).map(NetworkIndex) {
            self.say(now, index, out);
            self.reach(now, index, out);
            let gossip_at = self.spread(now, index, out);
            let Some(network) = self.networks.get_mut(&index) else { continue };
            let (say_at, reach_at) = (network.say_at, network.reach_at);
            network.arm(Timer::Say(index), say_at, out);
            network.arm(Timer::Reach(index), reach_at, out);
            network.arm(Timer::Gossip(index), gossip_at, out);
        }
    }

    fn timer(&mut self, now: Now, timer: Timer, out: &mut Outbox) {
        match timer {
            Timer::Greeting(link) => {
                if self.links.get(&link).is_some_and(|known| matches!(known.state, State::Fresh)) {
                    self.fail(now, link, format!("no greeting within {} s", GREETING_LIMIT.as_secs()), out);
                }
            }
            Timer::Exchange(network, peer) => self.check_exchange(now, (network, peer), out),
            Timer::Trace(number) => self.way_overdue(number, out),
            Timer::Dial => self.dialling.due(now, out),
            Timer::Say(network) | Timer::Reach(network) | Timer::Gossip(network) => {
                if let Some(known) = self.networks.get_mut(&network) {
                    known.armed.remove(&timer);
                }
            }
            Timer::Compare(network) => self.compare(now, network, out),
            Timer::Ready(network) => {
                if let Some(known) = self.networks.get_mut(&network) {
                    known.waited = true;
                }
                self.check_ready(network, out);
            }
        }
    }

    fn leave(&mut self, now: Now, out: &mut Outbox) {
        self.leaving = true;
        self.dialling.stop(out);
        for network in self.networks.values_mut() {
            network.neighbours.values_mut().for_each(|neighbour| neighbour.draining = true);
        }
        let open: Vec<LinkId> = self.links.iter().filter(|(_, l)| l.is_open()).map(|(id, _)| *id).collect();
        for link in open {
            self.close(now, link, CloseReason::Leaving, out);
        }
    }

    fn neighbour(&self, (network, peer): Peer) -> Option<&Neighbour> {
        self.networks.get(&network)?.neighbours.get(&peer)
    }

    fn neighbour_mut(&mut self, (network, peer): Peer) -> Option<&mut Neighbour> {
        self.networks.get_mut(&network)?.neighbours.get_mut(&peer)
    }
}

impl Network {
    fn new(index: NetworkIndex, now: Now, config: &CoreConfig) -> Self {
        let mut own = Own::new(config.node, index, config.incarnation);
        own.note(config.description());
        Self {
            announced: Announced::new(),
            own,
            say_at: Some(now),
            said: None,
            links_wait: false,
            links_said: None,
            links_pause: Duration::ZERO,
            members: Membership::new(config.node),
            gossip: Gossip::new(index),
            routes: Routes::default(),
            reach_at: None,
            reached: None,
            reach_pause: Duration::ZERO,
            neighbours: BTreeMap::new(),
            gone: BTreeMap::new(),
            tickets: Tickets::default(),
            armed: BTreeMap::new(),
            waited: false,
            ready: false,
            full: false,
        }
    }

    /// Asks to be called, unless that was asked for an earlier time already.
    fn arm(&mut self, timer: Timer, at: Option<Now>, out: &mut Outbox) {
        let Some(at) = at else { return };
        if self.armed.get(&timer).is_none_or(|armed| *armed > at) {
            self.armed.insert(timer, at);
            out.push(Output::Arm { timer, at });
        }
    }
}

impl CoreConfig {
    /// What the others are told of this node.
    fn description(&self) -> Change {
        let (name, addrs) = (own_name(&self.name), self.addrs.clone());
        Change::Describe(Description { name, addrs, features: 0 })
    }
}

/// Milliseconds since the driver's time zero.
fn elapsed_ms(now: Now) -> u64 {
    u64::try_from(now.0.as_millis()).unwrap_or(u64::MAX)
}

/// A name that others take: not too long, without control characters.
fn own_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let end = name.floor_char_boundary(NODE_NAME_BYTES_MAX);
    name.get(..end).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
