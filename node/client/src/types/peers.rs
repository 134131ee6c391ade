//! The nodes around a node: those it is connected to, and everybody it can reach.

use serde::{Deserialize, Serialize};

use super::V1;

/// One neighbour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its public key: 64 hex digits.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// The network the link belongs to.
    pub network: String,
    /// Where its packets come from.
    pub addr: String,
    /// Whether this node dialled.
    pub dialled: bool,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// How long ago that is.
    pub connected_ms: u64,
    /// It has said what it wants: from now on it is sent what is published for it.
    #[serde(default)]
    pub ready: bool,
    /// How many patterns it wants.
    pub patterns: u64,
    /// The newest epoch of the network's secret that it has proved: 0 until that is rotated.
    #[serde(default)]
    pub epoch: u64,
    /// The link's round trip; absent: not measured yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// Events written to the link.
    pub sent_events: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Events read from the link.
    pub received_events: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Events waiting to be written.
    pub queued: u64,
    /// Events dropped because the peer lagged.
    pub dropped: u64,
    /// Of the events written to the present link, those that the peer said it has.
    #[serde(default)]
    pub confirmed: u64,
    /// Those of which it has not said so yet.
    #[serde(default)]
    pub in_flight: u64,
    /// Those it may not have got, because a stream broke.
    #[serde(default)]
    pub lost: u64,
    /// What it was to pass on to others.
    #[serde(default)]
    pub passed_on: PassedOn,
}

/// The neighbours, from `GET /v1/peers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// The document's version.
    pub v: V1,
    /// One entry a link.
    pub peers: Vec<PeerStatus>,
}

/// Everybody who can be reached, from `GET /v1/graph`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The document's version.
    pub v: V1,
    /// The networks, home first; none when the node is in none.
    pub networks: Vec<NetworkGraph>,
}

/// One network as a node sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkGraph {
    /// Its name.
    pub network: String,
    /// Everybody in it who can be reached, the node itself among them, by id.
    pub nodes: Vec<GraphNode>,
}

/// One node of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its public key: 64 hex digits.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// The neighbour that leads to it: itself when it is one; absent for the asked node, and where no way is short
    /// enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Whom it is linked to, as both ends state.
    pub links: Vec<String>,
    /// How many patterns it announces.
    pub patterns: u64,
}

/// What became of the copies that one neighbour was to pass on: `sent` is `confirmed`, `in_flight` and `taken_back`
/// together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassedOn {
    /// Copies written to the link.
    pub sent: u64,
    /// Copies it said it has taken over.
    pub confirmed: u64,
    /// Copies of which it has not said so yet.
    pub in_flight: u64,
    /// Copies that were taken back because a stream broke, to go another way.
    pub taken_back: u64,
}
