//! What a node's bridges say of themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeStatus {
    /// Its name.
    pub name: String,
    /// What it joins the mesh with: `hive`, `spoke`, …
    pub kind: String,
    /// Whether it carries anything.
    pub state: BridgeState,
    /// What it is connected to, or where it listens; empty until it was.
    pub with: String,
    /// Since when it is up, in milliseconds since the Unix epoch; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Why it is not up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Events that came in and were published.
    pub imported: u64,
    /// Events that went out.
    pub exported: u64,
    /// Who is connected to it.
    pub clients: u64,
    /// Connections that ended or never came about.
    pub retries: u64,
    /// What did not cross, by reason; reasons that never happened are absent.
    pub dropped: BTreeMap<String, u64>,
}

/// Whether a bridge carries anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BridgeState {
    /// It looks for its other side.
    Connecting,
    /// It carries.
    Up,
    /// Its other side is not there; it tries again.
    Waiting,
    /// Another node does what it would do.
    Standby,
    /// Trying again would not help.
    Failed,
    /// It was told to end.
    Stopped,
    /// A state that a newer node has.
    #[serde(other)]
    Unknown,
}
