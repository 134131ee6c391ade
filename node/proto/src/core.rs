//! The control plane's state machine: who the neighbours are, over which link, and what they want.
//!
//! One [`Core`] a node, for all its networks. It is told what happened and says what to do; it knows no
//! clock, socket, task or chance, so that the simulator drives the same code as a node. Events never come
//! here: the data plane reads what the outputs tell it.

mod dialling;
mod exchange;
mod jitter;
mod links;
mod neighbours;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::{
    channel::NetworkIndex,
    id::{Incarnation, NodeId},
    interest::Announced,
    io::{Attempt, CloseReason, Input, Level, LinkEnd, LinkId, Outbox, Output, Timer},
    time::Now,
};

use dialling::{Dialling, Whereabouts};
use exchange::Tickets;
use links::{Link, State};
use neighbours::Neighbour;

/// A node that has found nobody by then is ready alone.
pub const ALONE_AFTER: Duration = Duration::from_secs(2);
/// The first frame of a link has to come within this.
pub const GREETING_LIMIT: Duration = Duration::from_secs(5);
/// A neighbour has to say what it wants, and to confirm what it is told, within this; much longer than
/// the largest interest takes.
pub const EXCHANGE_LIMIT: Duration = Duration::from_secs(15);
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
    /// How many networks it is in: the indices below this number.
    pub networks: u8,
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
    /// What is known per network; the set of networks never changes.
    networks: BTreeMap<NetworkIndex, Network>,
    /// Every link from its `LinkUp` to its `LinkDown`.
    links: BTreeMap<LinkId, Link>,
    /// Who is to be dialled, and when.
    dialling: Dialling,
    /// Set by `Leave`, for good.
    leaving: bool,
}

/// One network.
#[derive(Debug, Default)]
struct Network {
    /// What this node wants.
    announced: Announced,
    /// Who is connected and was greeted.
    neighbours: BTreeMap<NodeId, Neighbour>,
    /// Whose interest is not confirmed by everybody yet.
    tickets: Tickets,
    /// [`ALONE_AFTER`] has passed.
    waited: bool,
    /// `Ready` was said.
    ready: bool,
}

impl Core {
    /// A node that knows nobody yet. Puts its first timers into the outbox.
    #[must_use]
    pub fn new(now: Now, config: CoreConfig, out: &mut Outbox) -> Self {
        let indices = (0..config.networks).map(NetworkIndex);
        let networks: BTreeMap<_, _> = indices.map(|index| (index, Network::default())).collect();
        for index in networks.keys() {
            out.push(Output::Arm { timer: Timer::Ready(*index), at: now.after(ALONE_AFTER) });
        }
        let dialling = Dialling::new(config.node, config.seed);
        Self { config, networks, links: BTreeMap::new(), dialling, leaving: false }
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
            Input::DialFailed { attempt, failure } => {
                self.dialling.failed(attempt, &failure, now, out);
                self.check_all_ready(out);
            }
            Input::LinkUp { link, network, peer, dialled, addr } => {
                self.link_up(now, link, Link::new((network, peer), dialled, addr), out);
            }
            Input::Frame { link, kind, body } => self.frame(now, link, (kind, &body), out),
            Input::LinkDown { link, end } => self.link_down(now, link, &end, out),
            Input::Interest { network, ops, ticket } => {
                self.change_interest(now, network, (ops, ticket), out);
            }
            Input::Timer(timer) => self.timer(now, timer, out),
            Input::Leave => self.leave(now, out),
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
            Timer::Dial => self.dialling.due(now, out),
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

#[cfg(test)]
mod tests;
