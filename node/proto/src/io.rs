//! What goes into the control plane's state machine and what comes out: plain values, no behaviour.
//!
//! The driver turns what happens outside (packets, time, discovery, people) into [`Input`]s and does what
//! the [`Output`]s say, in their order. What follows from an input is decided in `core`, never here.

mod trace;

use std::{collections::VecDeque, net::SocketAddr};

use bytes::Bytes;

use crate::{
    channel::NetworkIndex,
    id::{Incarnation, NodeId},
    pattern::InterestOp,
    time::Now,
};

pub use trace::{Ending, Question, Sight, Step, Subject, Trail};

/// The driver's number for one admitted connection; never used twice in one life of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// The state machine's number for one dial; the larger, the later. Numbers begin with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attempt(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// A node or a place where one may be: from mDNS, or an address somebody wrote down.
    Found {
        /// The network it is said to be in.
        network: NetworkIndex,
        /// Who it is said to be; none for a bare address, where anybody of the network is welcome.
        node: Option<NodeId>,
        /// Where to dial; all are tried at once. For a bare address: what its name resolves to.
        addrs: Vec<SocketAddr>,
        /// Dialled for ever, also after it left; otherwise until it left or was lost.
        persistent: bool,
    },
    /// Discovery says that the node went away: it is not dialled any more. Its link, if there is one, stays.
    Lost {
        /// The network.
        network: NetworkIndex,
        /// The node.
        node: NodeId,
    },
    /// An attempt of [`Output::Dial`] led nowhere. One that succeeds is reported by [`Input::LinkUp`] alone.
    DialFailed {
        /// Which one.
        attempt: Attempt,
        /// Why.
        failure: DialFailure,
    },
    /// This node can be dialled at these addresses from now on, and at no others. The same as before are fine.
    Addresses(Vec<SocketAddr>),
    /// What the wall clock says now, in milliseconds since the Unix epoch: people and time servers set it while a node
    /// runs. Told before a [`Input::LinkUp`], so that the greeting says what is true then.
    Clock {
        /// The reading.
        unix_ms: u64,
    },
    /// A connection was admitted to a network; its control stream is open both ways.
    LinkUp {
        /// Its number from now on.
        link: LinkId,
        /// The network both proved to be in.
        network: NetworkIndex,
        /// The authenticated other end.
        peer: NodeId,
        /// The attempt that led here, when this node dialled; none when the peer did.
        dialled: Option<Attempt>,
        /// The peer's address.
        addr: SocketAddr,
    },
    /// One whole frame came on a control stream, split by [`crate::frame::split_frame`] with
    /// [`crate::limits::CONTROL_FRAME_BYTES_MAX`].
    Frame {
        /// On which link.
        link: LinkId,
        /// The frame's kind.
        kind: u8,
        /// Its body.
        body: Bytes,
    },
    /// A connection is gone. Reported once for every [`Input::LinkUp`], whoever closed it.
    LinkDown {
        /// Which one.
        link: LinkId,
        /// How it ended.
        end: LinkEnd,
    },
    /// The other end of a link may not be in the network any longer: the link is cut, and both ends say why.
    Expel {
        /// Which link.
        link: LinkId,
        /// Why, for people.
        why: String,
    },
    /// What this node wants changed. Operations that change nothing are fine.
    Interest {
        /// The network.
        network: NetworkIndex,
        /// The changes, in order.
        ops: Vec<InterestOp>,
        /// Answered by [`Output::Confirmed`] when every neighbour of now has confirmed it or is gone.
        ticket: Option<u64>,
    },
    /// How would an event get to another node?
    Trace(Question),
    /// What there is to see of the subject of an [`Output::Look`].
    Saw {
        /// Which look.
        look: u64,
        /// What was seen.
        sight: Sight,
    },
    /// A timer that was armed is due.
    Timer(Timer),
    /// The node leaves all its networks: it says so, and wants and dials nothing any more.
    Leave,
}

/// What to do. To be done in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// Connect and be admitted to the network. Answered by [`Input::LinkUp`] or [`Input::DialFailed`].
    Dial {
        /// The number to answer with.
        attempt: Attempt,
        /// The network to prove membership of.
        network: NetworkIndex,
        /// Where.
        addr: SocketAddr,
        /// Who must be there; none when anybody may.
        expect: Option<NodeId>,
    },
    /// A dial is not needed any more. It may be dropped without an answer, or answered all the same.
    Abandon {
        /// Which one.
        attempt: Attempt,
    },
    /// Write a whole frame (kind, length, body) to the link's control stream.
    Send {
        /// Which link.
        link: LinkId,
        /// The bytes.
        frame: Bytes,
    },
    /// Close the link after what was sent before. Answered by [`Input::LinkDown`].
    Close {
        /// Which link.
        link: LinkId,
        /// Why, which also says how: see [`CloseReason::is_graceful`].
        reason: CloseReason,
    },
    /// Report [`Input::Timer`] at this time. Replaces an earlier time of the same timer.
    Arm {
        /// Which one.
        timer: Timer,
        /// When it is due.
        at: Now,
    },
    /// A node became a neighbour: it was greeted on its first usable link.
    NeighbourUp {
        /// The network.
        network: NetworkIndex,
        /// The neighbour.
        peer: NodeId,
        /// Data goes here from now on.
        link: LinkId,
        /// The name it gave itself.
        name: String,
        /// Which life of it.
        incarnation: Incarnation,
        /// Its address.
        addr: SocketAddr,
    },
    /// Data for this neighbour goes to another of its links from now on.
    NeighbourMoved {
        /// The network.
        network: NetworkIndex,
        /// The neighbour.
        peer: NodeId,
        /// The link that is used now.
        link: LinkId,
        /// Its address there.
        addr: SocketAddr,
    },
    /// A node is no neighbour any more. It may still be reached through others.
    NeighbourDown {
        /// The network.
        network: NetworkIndex,
        /// The former neighbour.
        peer: NodeId,
        /// Why, for people.
        reason: String,
    },
    /// A node can be reached: over a link, or through others.
    PeerUp {
        /// The network.
        network: NetworkIndex,
        /// The node.
        peer: NodeId,
        /// The name it gave itself.
        name: String,
        /// Which life of it.
        incarnation: Incarnation,
        /// Where it says it can be dialled.
        addrs: Vec<SocketAddr>,
    },
    /// A node cannot be reached any more; what it wanted goes with it.
    PeerDown {
        /// The network.
        network: NetworkIndex,
        /// The node.
        peer: NodeId,
        /// Why, for people.
        reason: String,
    },
    /// What a peer wants changed. Only between its `PeerUp` and its `PeerDown`.
    PeerInterest {
        /// The network.
        network: NetworkIndex,
        /// The peer.
        peer: NodeId,
        /// The operations are all it wants; what is known of it is replaced at once.
        reset: bool,
        /// The changes.
        ops: Vec<InterestOp>,
    },
    /// The ways to peers changed. Only between their `PeerUp` and `PeerDown`.
    Routes {
        /// The network.
        network: NetworkIndex,
        /// Each peer and the neighbour that leads to it: itself when it is one; none when there is no way.
        changes: Vec<(NodeId, Option<NodeId>)>,
    },
    /// Every neighbour of then has confirmed the interest of this ticket, or is gone.
    Confirmed {
        /// The ticket of [`Input::Interest`].
        ticket: u64,
    },
    /// The node knows what its neighbours in this network want, or found none in 2 s. Said once.
    Ready {
        /// The network.
        network: NetworkIndex,
    },
    /// A trace needs to know something of the data plane. Answered by [`Input::Saw`], at once.
    Look {
        /// The number to answer with.
        look: u64,
        /// The network.
        network: NetworkIndex,
        /// What to look at.
        subject: Subject,
    },
    /// The answer to an [`Input::Trace`].
    Traced {
        /// The number of the [`Question`].
        ask: u64,
        /// The way.
        trail: Trail,
    },
    /// Something people should read in the log.
    Note {
        /// How much it matters.
        level: Level,
        /// The sentence, lower-case and without full stop.
        text: String,
    },
}

/// What the state machine waits for. One that fires for something that is gone is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The other end of this link has to have greeted by now.
    Greeting(LinkId),
    /// This neighbour has to have said what it states, and confirmed what it was told, by now.
    Exchange(NetworkIndex, NodeId),
    /// What changed here is to be stated.
    Say(NetworkIndex),
    /// The ways are to be computed again.
    Reach(NetworkIndex),
    /// Something waits to be pushed, mentioned or asked for.
    Gossip(NetworkIndex),
    /// What is known is compared with the neighbours', and what is out of use is tidied away.
    Compare(NetworkIndex),
    /// The answer to this trace is not waited for any longer.
    Trace(u64),
    /// Somebody is due to be dialled again.
    Dial,
    /// Who has found no neighbour by now is ready alone.
    Ready(NetworkIndex),
}

/// Why a dial led nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DialFailure {
    /// Somebody is there and does not let this node in: a wrong secret, mostly.
    #[error("refused: {0}")]
    Refused(String),
    /// Nobody answered, or not in hive's language.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// This very node answered.
    #[error("that is this node itself")]
    Myself,
    /// Another node than the expected one answered.
    #[error("another node answers there: {0}")]
    OtherNode(NodeId),
}

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LinkEnd {
    /// Closed properly, by either side.
    #[error("closed")]
    Closed,
    /// Nothing was heard for too long.
    #[error("nothing heard for too long")]
    TimedOut,
    /// The transport failed, or the peer closed with an error.
    #[error("{0}")]
    Failed(String),
}

/// Why this node closes a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CloseReason {
    /// Another link to the same node is used.
    #[error("another link to this node is used")]
    Duplicate,
    /// One of the two leaves.
    #[error("leaving")]
    Leaving,
    /// A later life of the same node is connected.
    #[error("a later life of this node is connected")]
    Superseded,
    /// This node has more neighbours than it needs, and so has the other.
    #[error("more neighbours than are needed")]
    Surplus,
    /// The other end may not be in the network any longer; why.
    #[error("{0}")]
    Expelled(String),
    /// The other end broke the protocol; what it did.
    #[error("{0}")]
    Protocol(String),
}

impl CloseReason {
    /// Whether what is queued is still delivered: the writer finishes its data streams and the reader reads to the end
    /// of the other side's, within a limit. Otherwise the link is cut once its control stream is out, or after a moment.
    #[must_use]
    pub fn is_graceful(&self) -> bool {
        matches!(self, Self::Duplicate | Self::Leaving | Self::Surplus)
    }
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The ordinary course of things.
    Info,
    /// Works, but somebody may want to know.
    Warn,
    /// Somebody has to do something.
    Error,
}

/// Where outputs are put, in order. One input leads to a few outputs a neighbour, and the driver empties it after each.
#[derive(Debug, Default)]
pub struct Outbox {
    outputs: VecDeque<Output>,
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output behind the others.
    pub fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Takes the first output.
    pub fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Adds something to read.
    pub fn note(&mut self, level: Level, text: impl Into<String>) {
        self.push(Output::Note { level, text: text.into() });
    }
}
