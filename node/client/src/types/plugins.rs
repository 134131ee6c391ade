//! Plugins: what runs, what it did, and what it may cost.

use serde::{Deserialize, Serialize};

use super::V1;

/// One plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its name: the configuration's key, else the file's.
    pub name: String,
    /// The component's file, or the program that is started; empty for a process that came by itself.
    pub file: String,
    /// Whether it takes events.
    pub state: PluginState,
    /// Which loaded version, from 1; 0: none was ever live.
    pub generation: u64,
    /// The content's hash in hex.
    pub hash: String,
    /// The file's size.
    pub size_bytes: u64,
    /// The version the component says it is.
    pub version: String,
    /// `pool`, `fresh` or `single`; of a process how many events it takes at a time.
    pub instances: String,
    /// What it listens to.
    pub wants: Vec<Want>,
    /// When the live generation was swapped in, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded_ms: Option<u64>,
    /// Why the newest file is not live, or why the plugin failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What the newest file wants to do and nobody has approved: it waits, and an older version goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
    /// Bytes of the keys and values that it keeps on the node.
    #[serde(default)]
    pub state_bytes: u64,
    /// How many it may keep.
    #[serde(default)]
    pub state_quota_bytes: u64,
    /// What it did with its events.
    pub work: WorkStatus,
    /// Whether it is paused, because it kept failing.
    #[serde(default)]
    pub breaker: Breaker,
    /// Why it is paused; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,
    /// What its calls may cost; absent while no version of it was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsStatus>,
    /// Dead letters of it that are kept.
    #[serde(default)]
    pub letters: u64,
}

/// Whether a plugin that kept failing is paused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaker {
    /// It gets its events.
    #[default]
    Closed,
    /// It is paused: events wait, requests are answered `failed`.
    Open,
    /// One event is tried.
    HalfOpen,
    /// What a newer node says.
    #[serde(other)]
    Unknown,
}

/// Why a plugin that kept failing is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseStatus {
    /// After how many failures, and the last of them, in one line.
    pub why: String,
    /// When the first pause began that no event has ended, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// From when on one event is tried; absent: one is being tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// What a plugin's calls may cost, and what it may do to the node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsStatus {
    /// Wall time of one event.
    pub deadline_ms: u64,
    /// Processor time of one event.
    pub cpu_ms: u64,
    /// Memories and tables of one instance.
    pub memory_bytes: u64,
    /// Its stack.
    pub stack_bytes: u64,
    /// One payload that it publishes or answers.
    pub payload_bytes: u64,
    /// What one call between it and the node may carry.
    pub call_bytes: u64,
    /// Calls of the node in a second.
    pub host_calls_per_s: u64,
    /// Events out in a second.
    pub publishes_per_s: u64,
    /// Lines in the log in a second.
    pub log_lines_per_s: u64,
    /// Bytes of them in a second.
    pub log_bytes_per_s: u64,
    /// Subscriptions it may declare.
    pub subscriptions: u64,
    /// Timers it may have.
    pub timers: u64,
}

/// Whether a plugin takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// Its first version is being compiled and tried.
    Loading,
    /// It takes events.
    Running,
    /// It finishes what it has and goes.
    Draining,
    /// No version of it works.
    Failed,
    /// Somebody switched it off.
    Disabled,
    /// No version of it runs, as its file waits to be approved.
    Waiting,
    /// A state that a newer node has.
    #[serde(other)]
    Unknown,
}

/// Components that were loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComponentStatus {
    /// Those that had to be compiled.
    pub compiled: u64,
    /// Those whose code was in the cache.
    pub cached: u64,
}

/// One thing a plugin listens to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The pattern.
    pub pattern: String,
    /// Whether it answers requests there.
    pub answers: bool,
}

/// What a plugin did with its events, over all its generations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkStatus {
    /// Events that were handled.
    pub handled: u64,
    /// Requests that were answered, among them.
    pub answered: u64,
    /// Attempts that asked to be repeated.
    pub retried: u64,
    /// Dead letters.
    pub dead: u64,
    /// Calls cut at a limit.
    pub cut: u64,
    /// Calls that trapped.
    pub trapped: u64,
    /// Events dropped because the plugin lagged.
    pub dropped: u64,
    /// Events waiting.
    pub queued: u64,
    /// Time spent in the guest.
    pub busy_us: u64,
    /// Time on a processor, of calls longer than a millisecond exactly.
    pub cpu_us: u64,
    /// The most bytes an instance had.
    pub memory_peak_bytes: u64,
    /// Of the calls cut, those at the deadline.
    pub cut_deadline: u64,
    /// Those for processor time.
    pub cut_cpu: u64,
    /// Those for memory.
    pub cut_memory: u64,
    /// Calls of the node and publishes that waited, or were refused, for being too many.
    pub paced: u64,
    /// Messages out that were larger than they may be.
    pub too_large: u64,
    /// Lines that were not logged for being too many.
    pub lines_left_out: u64,
    /// How often it was paused.
    pub pauses: u64,
    /// How often its process was started again after its end.
    pub restarts: u64,
}

/// A plugin that has a section in the configuration and has not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentPlugin {
    /// Its name.
    pub name: String,
    /// The plugin that may be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

/// The plugins, from `GET /v1/plugins`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plugins {
    /// The document's version.
    pub v: V1,
    /// One entry a plugin, by name.
    pub plugins: Vec<PluginStatus>,
    /// Those that have a section in the configuration and have not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<AbsentPlugin>,
}
