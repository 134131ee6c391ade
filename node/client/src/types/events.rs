//! What became of a node's events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What became of the events of a whole node since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventStatus {
    /// Published on this node.
    pub published: u64,
    /// Copies put into the queues of this node's subscriptions: `handed_over`, `queued` and `missed` together.
    pub delivered: u64,
    /// Copies that subscriptions took.
    pub handed_over: u64,
    /// Copies that wait for subscriptions to take them.
    pub queued: u64,
    /// Copies that subscriptions did not get: too slow, or gone.
    pub missed: u64,
    /// Copies put into the queues of peers.
    pub sent: u64,
    /// Events read from peers.
    pub received: u64,
    /// Copies taken over from one peer for another.
    pub relayed: u64,
    /// Published here, with members of groups now, and not said to be handled yet.
    pub handed_out: u64,
    /// Bytes that all queues hold together, beside the little that each has of its own.
    pub queues_bytes: u64,
    /// As many as they may.
    pub queues_bytes_max: u64,
    /// Copies lost, by reason (`slow-consumer`, `lost-link`, …); reasons that never happened are absent.
    pub dropped: BTreeMap<String, u64>,
}

/// What became of the copies for one consumer: `matched` is `handed_over`, `queued` and `dropped` together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerStatus {
    /// `plugin`, `bridge` or `client`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Copies put into its queue.
    pub matched: u64,
    /// Copies it took.
    pub handed_over: u64,
    /// Copies that wait for it.
    pub queued: u64,
    /// Copies it did not get, because it was too slow.
    pub dropped: u64,
    /// Nobody waits for it until its queue was empty once.
    pub lagging: bool,
}

/// What became of traces, and of what is said of them, at a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceStatus {
    /// Traces it asked for.
    pub asked: u64,
    /// Those that were refused, because too many waited for an answer.
    pub refused: u64,
    /// Those to which no answer came in time.
    pub silent: u64,
    /// Traces that went on from here.
    pub passed: u64,
    /// Traces that ended here.
    pub ended: u64,
    /// Reports that were sent back.
    pub reports: u64,
    /// Traces and reports dropped because a neighbour sent too many.
    pub over_rate: u64,
    /// Reports that nobody waits for or that had no way back, and traces without room.
    pub stray: u64,
}
