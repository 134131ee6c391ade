//! What is asked and answered about the ways that events take. Plain values.

use std::time::Duration;

use super::LinkId;
use crate::{
    channel::{Channel, NetworkIndex},
    frame::trace::{End, Hop, Matches},
    id::NodeId,
};

/// How would an event get to another node? Answered by [`super::Output::Traced`], once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The number to answer with; the driver's.
    pub ask: u64,
    /// The network.
    pub network: NetworkIndex,
    /// The channel the event would be of; one that leaves its node.
    pub channel: Channel,
    /// The other node.
    pub destination: NodeId,
    /// How long to wait for what is said on the way.
    pub patience: Duration,
}

/// What a trace needs to know of the data plane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// How a neighbour's link is, and what waits for it.
    Neighbour {
        /// The neighbour.
        peer: NodeId,
        /// The link that is used.
        link: LinkId,
    },
    /// Who wants a channel here.
    Subscribers(Channel),
}

/// What there is to see of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Of a neighbour.
    Neighbour {
        /// The round trip of the link, in microseconds, where it is known.
        rtt_us: Option<u64>,
        /// Bytes that wait for it.
        queued_bytes: u64,
        /// Copies of events among them.
        queued_events: u64,
    },
    /// Of the subscribers.
    Subscribers(Matches),
}

/// The way to a node, as the nodes on it describe it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trail {
    /// Where it was to lead.
    pub destination: NodeId,
    /// The nodes it led over, this one first.
    pub steps: Vec<Step>,
    /// How it ended.
    pub end: Ending,
}

/// One node on the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// What it says.
    pub hop: Hop,
    /// How long after the question that was first heard of; zero for this node.
    pub heard: Duration,
}

/// How a trace ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ending {
    /// As the last node says; never [`End::Passed`].
    At(End),
    /// Nothing came in time from behind the last node that was heard of.
    Silent,
    /// Nothing was sent: too many traces wait for an answer.
    Busy,
}
