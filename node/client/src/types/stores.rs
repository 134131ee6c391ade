//! What a node has on its disk for a network: the journal of durable channels, and kept values.

use serde::{Deserialize, Serialize};

/// The durable log of what a node publishes in one network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalStatus {
    /// Bytes it takes.
    pub bytes: u64,
    /// Events in it.
    pub events: u64,
    /// Files it is made of.
    pub segments: u64,
    /// The first position that is kept.
    pub first: u64,
    /// The last position there was; 0: none.
    pub last: u64,
    /// When the oldest that is kept was published, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_ms: Option<u64>,
    /// Events that wait for the disk.
    pub waiting: u64,
    /// The last time the disk failed since the node started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// How far each group is.
    pub cursors: Vec<CursorStatus>,
}

/// How far one group is in a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CursorStatus {
    /// Whose.
    pub name: String,
    /// Everything up to here is handled.
    pub floor: u64,
    /// Positions behind the last.
    pub lag: u64,
    /// Positions that went by age before they were handled.
    pub lost: u64,
    /// Since when it is remembered, in milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// The values a node keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptStatus {
    /// Channels with one, over all networks.
    pub values: u64,
    /// Bytes of them, with what stands around them.
    pub bytes: u64,
}
