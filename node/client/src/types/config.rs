//! The configuration of a node: what holds, and what came of reading it again.

use serde::{Deserialize, Serialize};

use super::{Reloaded, V1};

/// The configuration that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationStatus {
    /// Its file; absent: there is none, and the defaults hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// When it was read last, in milliseconds since the Unix epoch.
    pub loaded_ms: u64,
    /// Keys of which it says something else than what holds before a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
    /// When it was to be read since then and could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_ms: Option<u64>,
    /// Why, in several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What came of reading the configuration again, from `POST /v1/config/reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReload {
    /// The document's version.
    pub v: V1,
    /// The file; absent: there is none, and the defaults hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Nothing was changed, as it was only to be looked at.
    #[serde(default)]
    pub check: bool,
    /// What is other now, or would be.
    pub applied: Vec<KeyChange>,
    /// What is other in the file, and holds after a restart.
    pub restart: Vec<KeyChange>,
    /// The plugins that were touched.
    pub plugins: Vec<Reloaded>,
    /// What is doubtful in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A key of the configuration that says something else than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// Such as `plugins.each.greet`; of a bridge with its kind and name, as in `bridges.mqtt.site`.
    pub key: String,
    /// What has become of it.
    pub change: KeyTurn,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyTurn {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It says something else.
    Changed,
    /// Something that this client does not know.
    #[serde(other)]
    Unknown,
}
