//! What became of a node's events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of the events of a whole node since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventStatus {
    /// Published on this node.
    pub published: u64,
    /// Copies handed to subscriptions of this node.
    pub delivered: u64,
    /// Copies put into the queues of peers.
    pub sent: u64,
    /// Events read from peers.
    pub received: u64,
    /// Copies taken over from one peer for another.
    pub relayed: u64,
    /// Published here, with members of groups now, and not said to be handled yet.
    pub handed_out: u64,
    /// Copies lost, by reason (`slow-consumer`, `lost-link`, …); reasons that never happened are absent.
    pub dropped: BTreeMap<String, u64>,
}
