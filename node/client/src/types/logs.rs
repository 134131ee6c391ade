//! What a plugin said last.

use serde::{Deserialize, Serialize};

use super::V1;

/// The last lines of a plugin, from `GET /v1/plugins/NAME/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLogs {
    /// The document's version.
    pub v: V1,
    /// The plugin.
    pub name: String,
    /// Its lines, oldest first.
    pub lines: Vec<LogLine>,
    /// The number of the last line there was, of whatever level: what to ask behind for what comes next.
    pub last: u64,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Which it is, from 1; what is missing between two gave way to newer ones.
    pub number: u64,
    /// When it was said, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How much it matters.
    pub level: LogLevel,
    /// The text.
    pub text: String,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// As usual.
    Info,
    /// Odd.
    Warn,
    /// Wrong.
    Error,
    /// A level that a newer node has.
    #[serde(other)]
    Unknown,
}
