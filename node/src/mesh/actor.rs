//! The one task that owns the control plane's state machine: everything that happens becomes an input
//! here, and every output is carried out here, in order.

mod cards;
mod questions;
mod standing;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use hive_proto::{
    channel::NetworkIndex,
    core::{Core, CoreConfig},
    id::{Incarnation, NodeId},
    io::{self, Attempt, CloseReason, Input, Level, LinkId, Output},
    limits::NEIGHBOURS_MAX,
};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use questions::Ways;

use super::{
    Config, Question,
    dial::{self, Admitted, Reports},
    link::{Link, Order, Surroundings, reader::Reading},
    tickets::Tickets,
    timers::Timers,
    visit::unix_ms,
};
use crate::{
    bus::{Bus, InterestChange, Outbox, PeerRef},
    shutdown::Part,
    status::{Boards, PeerCard, Traffic},
    transport::{CloseCode, Endpoint, Membership, Session},
    trust::{sign::Signer, standing::Standing},
};

/// Admitted connections the actor has not taken up yet.
const ADMITTED_MAX: usize = 64;
/// Orders a link has not carried out yet. A peer that lets them pile up does not read its control stream.
const ORDERS_MAX: usize = 1024;
/// How long leaving may take until links that do not end by themselves are dropped.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// The state machine and everything it acts on.
pub(super) struct Actor {
    core: Core,
    outbox: io::Outbox,
    timers: Timers,
    tickets: Tickets,
    /// Ways that were asked for.
    ways: Ways,
    endpoint: Endpoint,
    memberships: Arc<[Membership]>,
    boards: Arc<Boards>,
    around: Surroundings,
    reports: Reports,
    /// Connections that dialling and admitting bring.
    admitted: mpsc::Receiver<Admitted>,
    /// From a link's start to its end.
    links: BTreeMap<LinkId, Known>,
    next_link: u64,
    /// Dials under way.
    dials: BTreeMap<Attempt, CancellationToken>,
    /// Peers that have said what they want, until their `PeerDown`.
    informed: BTreeSet<(NetworkIndex, NodeId)>,
    /// From `NeighbourUp` to `NeighbourDown`.
    peers: BTreeMap<(NetworkIndex, NodeId), Peer>,
}

/// What the actor keeps of a link.
struct Known {
    /// The other end, in its network.
    peer: (NetworkIndex, NodeId),
    orders: mpsc::Sender<Order>,
    connection: quinn::Connection,
    traffic: Arc<Traffic>,
    /// What it has proved of the network's secret.
    standing: Arc<Standing>,
    dialled: bool,
    /// Its greeting came, and nothing has cut it off since: the peer's data is read.
    reading: bool,
}

/// What the actor keeps of a neighbour.
struct Peer {
    outbox: Arc<Outbox>,
    incarnation: Incarnation,
    /// Shared by the readers of its links, see [`Reading::turn`].
    turn: Arc<Mutex<()>>,
}

impl Actor {
    pub(super) fn new(
        config: Config,
        incarnation: Incarnation,
        (endpoint, signer): (Endpoint, Signer),
        bus: Bus,
        boards: Arc<Boards>,
        part: Part,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        let timers = Timers::start();
        let core_config = CoreConfig {
            node: endpoint.node_id(),
            incarnation,
            name: config.name,
            networks: u8::try_from(config.memberships.len()).unwrap_or(u8::MAX),
            unix_ms: unix_ms(),
            addrs: endpoint.reachable_addrs(),
            max_neighbours: NEIGHBOURS_MAX,
            seed: u64::from_le_bytes(crate::trust::random_bytes()),
        };
        let mut outbox = io::Outbox::new();
        let keys = Box::new(signer);
        let core = Core::new(timers.now(), core_config, keys, &mut outbox);
        let (admitted_sender, admitted) = mpsc::channel(ADMITTED_MAX);
        Self {
            core,
            outbox,
            timers,
            tickets: Tickets::default(),
            ways: Ways::default(),
            endpoint,
            memberships: config.memberships.into(),
            boards: Arc::clone(&boards),
            around: Surroundings { bus, part, inputs: inputs.clone() },
            reports: Reports::new(admitted_sender, inputs, boards),
            admitted,
            links: BTreeMap::new(),
            next_link: 0,
            dials: BTreeMap::new(),
            informed: BTreeSet::new(),
            peers: BTreeMap::new(),
        }
    }

    /// Until the part stops; then leaves, lets links drain, and closes the endpoint.
    pub(super) async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut questions: mpsc::Receiver<Question>,
    ) {
        let accepting = dial::accept(
            self.endpoint.clone(),
            Arc::clone(&self.memberships),
            self.reports.clone(),
            self.around.part.clone(),
        );
        self.around.part.spawn("acceptor", accepting);
        let (stop, bus) = (self.around.part.stop().clone(), self.around.bus.clone());
        self.perform();
        let mut leaving_until = None;
        loop {
            tokio::select! {
                () = stop.cancelled(), if leaving_until.is_none() => {
                    leaving_until = Some(Instant::now() + LEAVE_LIMIT);
                    self.handle(Input::Leave);
                }
                () = until(leaving_until) => break,
                Some(input) = inputs.recv() => self.handle(input),
                Some(admitted) = self.admitted.recv() => self.link_up(admitted),
                changes = bus.next_interest() => self.announce(changes),
                timer = self.timers.next() => self.handle(Input::Timer(timer)),
                Some(question) = questions.recv() => self.ask(question),
            }
            if leaving_until.is_some() && self.links.is_empty() {
                break;
            }
        }
        self.endpoint.close("leaving").await;
    }

    fn handle(&mut self, input: Input) {
        let frame_of = match &input {
            Input::Frame { link, .. } => Some(*link),
            _ => None,
        };
        match &input {
            Input::LinkDown { link, .. } => drop(self.links.remove(link)),
            Input::DialFailed { attempt, .. } => drop(self.dials.remove(attempt)),
            _ => {}
        }
        self.core.handle(self.timers.now(), input, &mut self.outbox);
        self.perform();
        self.show_traces();
        if let Some(link) = frame_of {
            self.read(link);
        }
    }

    fn link_up(&mut self, (session, dialled): Admitted) {
        self.next_link = self.next_link.saturating_add(1);
        let link = LinkId(self.next_link);
        let Session { network, peer, addr, .. } = session;
        if let Some(attempt) = dialled {
            self.dials.remove(&attempt);
        }
        let (orders, queue) = mpsc::channel(ORDERS_MAX);
        let traffic = Arc::<Traffic>::default();
        let connection = session.connection.clone();
        let known = Known {
            peer: (network, peer),
            orders,
            connection,
            traffic: Arc::clone(&traffic),
            standing: Arc::clone(&session.standing),
            dialled: dialled.is_some(),
            reading: false,
        };
        self.links.insert(link, known);
        Link::start(link, session, traffic, queue, self.around.clone());
        self.handle(Input::Clock { unix_ms: unix_ms() });
        self.handle(Input::LinkUp { link, network, peer, dialled, addr });
        self.stand(link);
    }

    fn announce(&mut self, changes: Vec<InterestChange>) {
        for InterestChange { network, ops, ticket } in changes {
            self.tickets.told(ticket);
            self.handle(Input::Interest { network, ops, ticket: Some(ticket) });
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.outbox.pop() {
            self.do_one(output);
        }
    }

    fn do_one(&mut self, output: Output) {
        match output {
            Output::Dial { attempt, network, addr, expect } => self.dial(attempt, network, addr, expect),
            Output::Abandon { attempt } => {
                if let Some(dial) = self.dials.remove(&attempt) {
                    dial.cancel();
                }
            }
            Output::Send { link, frame } => self.order(link, Order::Frame(frame)),
            Output::Close { link, reason } => self.close(link, reason),
            Output::Arm { timer, at } => self.timers.arm(timer, at),
            Output::NeighbourUp { network, peer, link, name, incarnation, addr } => {
                self.neighbour_up((network, peer), link, name, incarnation, addr);
            }
            Output::NeighbourMoved { network, peer, link, addr } => {
                self.neighbour_moved((network, peer), link, addr);
            }
            Output::NeighbourDown { network, peer, reason } => self.neighbour_down((network, peer), &reason),
            // To the data plane it is as if it were not there: nothing is sent to it, and nothing of it is taken.
            Output::PeerUp { network, peer, name, .. } if !self.is_listed(network, peer) => {
                tracing::debug!("{name} ({}) is not on the network's list of nodes", peer.short());
            }
            Output::PeerUp { network, peer, name, .. } => {
                tracing::debug!("{name} ({}) can be reached", peer.short());
                self.around.bus.peer_up(network, peer, &name);
            }
            Output::PeerDown { network, peer, reason } => {
                self.informed.remove(&(network, peer));
                tracing::debug!("{} cannot be reached any more: {reason}", peer.short());
                self.around.bus.peer_down(network, peer);
            }
            Output::Routes { network, changes } => self.around.bus.route(network, &changes),
            Output::PeerInterest { network, peer, reset, ops } => {
                let patterns = self.around.bus.peer_interest(network, peer, reset, &ops) as u64;
                self.informed.insert((network, peer));
                self.card((network, peer), |card| (card.informed, card.patterns) = (true, patterns));
            }
            Output::Confirmed { ticket } => self.around.bus.confirmed(self.tickets.confirmed(ticket)),
            Output::Ready { network } => self.ready(network),
            Output::Look { look, network, subject } => self.look(look, network, subject),
            Output::Traced { ask, trail } => self.ways.answered(ask, trail),
            Output::Note { level: Level::Info, text } => tracing::info!("{text}"),
            Output::Note { level: Level::Warn, text } => tracing::warn!("{text}"),
            Output::Note { level: Level::Error, text } => tracing::error!("{text}"),
        }
    }

    fn dial(
        &mut self,
        attempt: Attempt,
        network: NetworkIndex,
        addr: std::net::SocketAddr,
        expect: Option<NodeId>,
    ) {
        let Some(membership) = self.membership(network).cloned() else { return };
        let cancel = CancellationToken::new();
        self.dials.insert(attempt, cancel.clone());
        let dial =
            dial::dial(self.endpoint.clone(), self.reports.clone(), attempt, (membership, addr, expect));
        self.around.part.spawn("dial", async move {
            // None when it was abandoned, which needs no answer.
            let _ = cancel.run_until_cancelled(dial).await;
        });
    }

    fn order(&mut self, link: LinkId, order: Order) {
        let Some(known) = self.links.get(&link) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = known.orders.try_send(order) {
            let why = CloseReason::Protocol("the control stream is not read".into());
            tracing::warn!("closing the link to {}: {why}", known.connection.remote_address());
            known.connection.close(CloseCode::Protocol.into(), why.to_string().as_bytes());
        }
    }

    /// Reads the data of a link that was greeted, whichever of its links the peer's state machine and ours settle on:
    /// until both have, the peer may send on another one than we do.
    fn read(&mut self, link: LinkId) {
        let Some(known) = self.links.get_mut(&link) else { return };
        let Some(Peer { outbox, incarnation, turn }) = self.peers.get(&known.peer) else { return };
        if std::mem::replace(&mut known.reading, true) {
            return;
        }
        let (network, node) = known.peer;
        let peer = PeerRef { network, node, incarnation: *incarnation };
        let reading = Reading { peer, answers_to: Arc::clone(outbox), turn: Arc::clone(turn) };
        self.order(link, Order::Read(reading));
    }

    fn close(&mut self, link: LinkId, reason: CloseReason) {
        if reason.is_graceful() {
            self.read(link);
        } else if let Some(known) = self.links.get_mut(&link) {
            // Of another life, or not to be trusted: what it still sends is not read.
            known.reading = true;
        }
        self.order(link, Order::Close(reason));
    }

    fn neighbour_up(
        &mut self,
        (network, node): (NetworkIndex, NodeId),
        link: LinkId,
        name: String,
        incarnation: Incarnation,
        addr: std::net::SocketAddr,
    ) {
        let (outbox, patterns) = self.around.bus.neighbour_up(network, node, &name);
        self.peers.insert((network, node), Peer { outbox, incarnation, turn: Arc::default() });
        let in_network = self.around.bus.names().network(network).map(ToString::to_string);
        let in_network = in_network.unwrap_or_default();
        tracing::info!("connected to {name} ({}) at {addr} in network {in_network}", node.short());
        let Some(known) = self.links.get(&link) else { return };
        let card = PeerCard {
            name,
            addr,
            dialled: known.dialled,
            incarnation,
            since: SystemTime::now(),
            informed: self.informed.contains(&(network, node)),
            patterns: patterns as u64,
            traffic: Arc::clone(&known.traffic),
        };
        self.boards.peers.change(|peers| drop(peers.insert((network, node), card.clone())));
        self.carry((network, node), link);
    }

    fn neighbour_moved(&mut self, peer: (NetworkIndex, NodeId), link: LinkId, addr: std::net::SocketAddr) {
        let Some(known) = self.links.get(&link) else { return };
        let (dialled, traffic) = (known.dialled, Arc::clone(&known.traffic));
        self.card(peer, |card| {
            card.addr = addr;
            card.dialled = dialled;
            card.traffic = Arc::clone(&traffic);
        });
        self.carry(peer, link);
    }

    /// Sends what the peer wants over this link from now on.
    fn carry(&mut self, peer: (NetworkIndex, NodeId), link: LinkId) {
        self.read(link);
        let Some(Peer { outbox, .. }) = self.peers.get(&peer) else { return };
        let order = Order::Write(Arc::clone(outbox));
        self.order(link, order);
    }

    fn neighbour_down(&mut self, (network, node): (NetworkIndex, NodeId), reason: &str) {
        self.peers.remove(&(network, node));
        self.around.bus.neighbour_down(network, node);
        let peers = self.boards.peers.read();
        let name = peers.get(&(network, node)).map_or_else(|| node.short(), |card| card.name.clone());
        tracing::info!("disconnected from {name} ({}): {reason}", node.short());
        self.boards.peers.change(|peers| drop(peers.remove(&(network, node))));
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
