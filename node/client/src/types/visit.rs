//! What keeps nodes from becoming neighbours: troubles a node had, and visits it was asked for.

use serde::{Deserialize, Serialize};

use super::V1;

/// Connections to or from one address that came to nothing, in `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The address, as `address:port` over UDP.
    pub addr: String,
    /// Whether this node dialled it; otherwise it came from there.
    pub dialled: bool,
    /// Who is there, if it has proved that: 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What was in the way the last time.
    pub obstacle: Obstacle,
    /// The same in words.
    pub why: String,
    /// How often in a row.
    pub times: u64,
    /// How long ago the last time is.
    pub ago_ms: u64,
}

/// What keeps two nodes from becoming neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// The address is the asked node's own.
    Myself,
    /// What is there is no node.
    NoNode,
    /// One that a newer node knows.
    #[serde(other)]
    Unknown,
}

/// Who is at an address, from `POST /v1/visit/ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The document's version.
    pub v: V1,
    /// The address, as `address:port` over UDP.
    pub addr: String,
    /// One entry a network that was tried, until one was right; none when the node is offline.
    pub tries: Vec<VisitTry>,
}

/// What came of trying to be admitted to one network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitTry {
    /// The network.
    pub network: String,
    /// Whether the asked node is in it; otherwise it is an open one that the other might be in.
    pub ours: bool,
    /// Who let it in; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What that node calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The minor version of the protocol it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<u64>,
    /// How far its wall clock is ahead of the asked node's; negative: behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ms: Option<i64>,
    /// The round trip to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// What was in the way; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
