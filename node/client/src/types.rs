//! The documents of the local API, version 1: what `/v1/status`, `/v1/peers` and `/v1/plugins` say, and errors.
//!
//! What it owns: their shapes. Fields may be added, and readers skip what they do not know; a field that is here
//! keeps its name, meaning and unit (which is the last part of its name). It must not know how they travel.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod bridges;
mod config;
mod dead;
mod events;
mod gathered;
mod logs;
mod peers;
mod plugins;
mod state;
mod stores;
pub mod trace;
mod visit;

pub use bridges::{BridgeState, BridgeStatus};
pub use config::{ConfigReload, ConfigurationStatus, KeyChange, KeyTurn};
pub use dead::{DeadLetter, DeadLetters, Replay, ReplayOutcome, Replayed, UnreadableLetter};
pub use events::{ConsumerStatus, EventStatus, TraceStatus};
pub use gathered::{Answer, Gathered, Responder};
pub use logs::{LogLevel, LogLine, PluginLogs};
pub use peers::{Graph, GraphNode, NetworkGraph, PassedOn, PeerStatus, Peers};
pub use plugins::{
    AbsentPlugin, Breaker, ComponentStatus, LimitsStatus, PauseStatus, PluginState, PluginStatus, Plugins,
    Want, WorkStatus,
};
pub use state::{StateEntries, StateEntry};
pub use stores::{CursorStatus, JournalStatus, KeptStatus};
pub use visit::{Obstacle, Trouble, Visit, VisitTry};

/// The `"v":1` that every document carries; reading any other number is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(de::Error::custom(format_args!("version {other} of the API; this client reads 1"))),
        }
    }
}

/// Everything about one node, from `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The document's version.
    pub v: V1,
    /// Who it is.
    pub node: NodeStatus,
    /// The configuration that holds; absent: it was not started from one that it can read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ConfigurationStatus>,
    /// Where it accepts links, as `address:port` over UDP.
    pub listen: Vec<String>,
    /// The networks it is in, home first.
    pub networks: Vec<NetworkStatus>,
    /// The neighbours it is connected to.
    pub peers: Vec<PeerStatus>,
    /// Connections that came to nothing lately.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
    /// Its plugins.
    pub plugins: Vec<PluginStatus>,
    /// Plugins that have a section in the configuration and have not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<AbsentPlugin>,
    /// Components that it loaded since it started.
    #[serde(default)]
    pub components: ComponentStatus,
    /// Its bridges.
    #[serde(default)]
    pub bridges: Vec<BridgeStatus>,
    /// What became of events since it started.
    pub events: EventStatus,
    /// Its consumers: at most 256 of them, those that missed something first.
    #[serde(default)]
    pub consumers: Vec<ConsumerStatus>,
    /// How many consumers there are.
    #[serde(default)]
    pub consumers_total: u64,
    /// The values it keeps.
    #[serde(default)]
    pub kept: KeptStatus,
    /// What became of traces.
    #[serde(default)]
    pub traces: TraceStatus,
}

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its public key: 64 hex digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// Which life of it; only grows.
    pub incarnation: u64,
    /// When this life began, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// How long ago that is.
    pub uptime_ms: u64,
    /// Where it keeps its key and state; absent: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<String>,
    /// The Unix socket of its API; absent: an older node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// One network a node is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// Its name.
    pub name: String,
    /// Whether names without a network go here.
    pub home: bool,
    /// Whether anyone may join: no secret is set.
    pub open: bool,
    /// The newest epoch of its secret that the node knows: 0 until it is rotated.
    #[serde(default)]
    pub epoch: u32,
    /// Whether the node's view of it is complete.
    pub ready: bool,
    /// Connected neighbours in it.
    pub peers: u64,
    /// What is published on durable channels of it; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalStatus>,
}

/// What a verb did, from `POST /v1/plugins/reload` and `POST /v1/plugins/NAME/VERB`: `reload`, `rollback`, `approve`,
/// `enable` or `disable`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reload {
    /// The document's version.
    pub v: V1,
    /// One entry a plugin that was looked at.
    pub plugins: Vec<Reloaded>,
}

/// What a verb did to one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Its name.
    pub name: String,
    /// The generation that is live now; 0: none is.
    pub generation: u64,
    /// What was in the way; the generation is then the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What is true when a publish was accepted, from `POST /v1/publish/CHANNEL`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The document's version.
    pub v: V1,
    /// The event's id.
    pub id: String,
    /// Subscriptions of this node that it was queued for.
    pub local: u64,
    /// Peers that it was queued for.
    pub peers: u64,
    /// Groups that it was for, and whose members on other nodes the node's rules keep it from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub denied: u64,
    /// It is on disk, and comes again until each group has handled it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub durable: bool,
    /// What may help where it reached nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The document's version.
    pub v: V1,
    /// What went wrong.
    pub error: ApiError,
}

/// Why a node said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ApiError {
    /// One of [`code`], or one that a newer node has.
    pub code: String,
    /// What failed, on what and why, for people.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    /// An error without a hint.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), hint: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The codes of [`ApiError`].
pub mod code {
    /// Nobody answers on that channel.
    pub const NO_RESPONDER: &str = "no-responder";
    /// The answer did not come in time.
    pub const TIMEOUT: &str = "timeout";
    /// The responder failed: passing trouble over there.
    pub const FAILED: &str = "failed";
    /// The responder refused: the same request will fail again.
    pub const REJECTED: &str = "rejected";
    /// What would have to do it is not there now.
    pub const UNAVAILABLE: &str = "unavailable";
    /// The request cannot be understood: no channel, no pattern, no duration, no message of the socket.
    pub const INVALID: &str = "invalid";
    /// A payload, header or body is over its limit.
    pub const TOO_LARGE: &str = "too-large";
    /// No such path, or no such plugin.
    pub const NOT_FOUND: &str = "not-found";
    /// The node's clock is off, so that it cannot keep values.
    pub const CLOCK: &str = "clock";
    /// Only the node itself may do this.
    pub const DENIED: &str = "denied";
    /// The configuration is wrong, and nothing was changed; the message is all that is wrong with it, in several lines.
    pub const CONFIGURATION: &str = "configuration";
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_and_unknown_fields_are_not() {
        let receipt: Receipt = serde_json::from_str(r#"{"v":1,"id":"x","local":1,"peers":2,"durable":true}"#)
            .expect("a receipt");
        assert_eq!(
            receipt,
            Receipt { v: V1, id: "x".into(), local: 1, peers: 2, denied: 0, durable: true, hint: None }
        );
        let error =
            serde_json::from_str::<Receipt>(r#"{"v":2,"id":"x","local":1,"peers":2}"#).expect_err("v2");
        assert!(error.to_string().contains("version 2 of the API"), "{error}");
    }

    #[test]
    fn states_of_newer_nodes_are_read() {
        let state = |text| serde_json::from_str::<PluginState>(text).expect("a state");
        assert_eq!(state(r#""running""#), PluginState::Running);
        assert_eq!(state(r#""levitating""#), PluginState::Unknown);
        let obstacle = |text| serde_json::from_str::<Obstacle>(text).expect("an obstacle");
        assert_eq!(obstacle(r#""no-node""#), Obstacle::NoNode);
        assert_eq!(obstacle(r#""a-dragon""#), Obstacle::Unknown);
    }
}
