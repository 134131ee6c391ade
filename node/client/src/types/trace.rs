//! The ways that events take, from `POST /v1/trace/CHANNEL`.

use serde::{Deserialize, Serialize};

use super::V1;

/// Who would get an event of a channel, and by which ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The document's version.
    pub v: V1,
    /// The channel inside its network.
    pub channel: String,
    /// Its network.
    pub network: String,
    /// The channel never leaves its node, so only `local` counts.
    pub strictly_local: bool,
    /// Who of the asked node would get it.
    pub local: Matches,
    /// The plugins of the asked node among those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<String>,
    /// Who else would, a way each.
    pub ways: Vec<Way>,
    /// How many more nodes would, to which no way was looked for.
    pub untraced: u64,
}

/// Subscriptions of one node that want a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matches {
    /// How many.
    pub subscribers: u64,
    /// Patterns of theirs that match, up to 8.
    pub patterns: Vec<String>,
    /// How many more patterns there are.
    pub more_patterns: u64,
}

/// The way to one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The node: 64 hex digits.
    pub node: String,
    /// What it calls itself.
    pub name: String,
    /// The patterns it announces that match, up to 8; none when it announces so many that it only says roughly which.
    pub patterns: Vec<String>,
    /// The groups as a member of which it wants the channel: one member gets each event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// It gets every event, and not only its share of those for its groups.
    pub all: bool,
    /// What the asked node's rules keep it from: `subscribe`, `group`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// How it ended.
    pub end: WayEnd,
    /// The node where it ended, or from which nothing came; absent where that is `node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
    /// Who wants the channel there, as that node says; only where the end is `delivered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<Matches>,
    /// The nodes on the way that were heard of, the asked one first.
    pub hops: Vec<Hop>,
}

/// A node by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// 64 hex digits.
    pub node: String,
    /// What it calls itself; the beginning of the id where that is not known.
    pub name: String,
}

/// How a way ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WayEnd {
    /// At the node, where somebody wants the channel.
    Delivered,
    /// At the node, where nobody wants the channel.
    NoMatch,
    /// At a node from which no way leads on.
    NoRoute,
    /// At a node from which only the way it came leads on.
    Back,
    /// At a node where it was before.
    Circle,
    /// At a node so far away that nothing may cross more links.
    HopLimit,
    /// Before a node that does not know traces yet. Events may cross it all the same.
    OldNode,
    /// Before a node from which nothing came in time.
    Silent,
    /// Nowhere: the asked node waits for too many others.
    Busy,
    /// As only a newer node knows.
    #[serde(other)]
    Unknown,
}

/// One node on a way, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The node: 64 hex digits.
    pub node: String,
    /// What it calls itself.
    pub name: String,
    /// How long after the question it was first heard of, as the asked node measured: there and back.
    pub heard_us: u64,
    /// How long it had the trace.
    pub took_us: u64,
    /// The link on which it went on; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<Onward>,
}

/// The link to the next node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onward {
    /// The next node: 64 hex digits.
    pub node: String,
    /// Its address, as `address:port` over UDP.
    pub addr: String,
    /// The round trip of the link, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// Bytes that wait to be sent over it.
    pub queued_bytes: u64,
    /// Copies of events among them.
    pub queued_events: u64,
}
