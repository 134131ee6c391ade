//! What can be said of plugins in the configuration, and what holds when nothing is said.
//!
//! Exists so that the defaults stand in one place. It must not know the configuration file's form.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{instances::Mode, limits::Limits, openings::Openings, wasmcloud::Subject};
use crate::{
    dispatch::{Patience, Policy},
    trust::hidden::SecretText,
    units::ByteSize,
};

/// Which plugins a node runs, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Folders that are watched for components; the first that has a name keeps it.
    pub folders: Vec<PathBuf>,
    /// What holds for plugins that say nothing of their own.
    pub defaults: PluginConfig,
    /// By the plugin's name, which is its file's name without `.wasm`.
    pub each: BTreeMap<String, PluginConfig>,
    /// A new version that wants more than the one before goes live without being approved: for whoever writes it.
    pub approve_all: bool,
    /// A start takes what the folders have, also what was rolled back before: likewise.
    pub starts_newest: bool,
    /// Processes may come over the API.
    pub processes: bool,
    /// The data directory whose compiled cache is used; none: the node's own.
    pub cache: Option<PathBuf>,
}

/// A process that the node starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it is started.
    pub folder: PathBuf,
    /// How long it may take until it is ready.
    pub ready_within: Duration,
    /// How long it, and what it has started, may take to end when they are asked to.
    pub stop_within: Duration,
}

/// How long a process may take until it is ready: an interpreter and its libraries on a busy machine.
pub const READY_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to end.
pub const STOP_WITHIN: Duration = Duration::from_secs(2);
/// The longest that may be: nearly all the time that a node which leaves gives its plugins.
pub const STOP_WITHIN_MAX: Duration = Duration::from_secs(10);

impl Default for Exec {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            folder: PathBuf::from("."),
            ready_within: READY_WITHIN,
            stop_within: STOP_WITHIN,
        }
    }
}

/// What can be said of one plugin. None leaves it to the defaults, then to the file, then to the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginConfig {
    /// False: the file is not loaded, the process not started.
    pub enabled: Option<bool>,
    /// It is a process that the node starts; none: a component, or a process that comes by itself.
    pub exec: Option<Exec>,
    /// How long its instances live.
    pub instances: Option<Mode>,
    /// How many warm instances a pool may have, at least 1.
    pub pool_size: Option<u32>,
    /// Memories and tables of one instance together.
    pub memory: Option<ByteSize>,
    /// Wall time of one event, waits included.
    pub deadline: Option<Duration>,
    /// Processor time of one event.
    pub cpu: Option<Duration>,
    /// Bytes of one payload that it publishes or answers, at most 16 MiB.
    pub payload: Option<ByteSize>,
    /// Bytes it may make the node allocate with one call.
    pub call_bytes: Option<ByteSize>,
    /// Calls of the node a second.
    pub host_calls: Option<u64>,
    /// Events out a second.
    pub publish_rate: Option<u64>,
    /// Lines in the log a second.
    pub log_lines: Option<u64>,
    /// Bytes of them a second.
    pub log_bytes: Option<ByteSize>,
    /// How often an event is tried, at least 1.
    pub attempts: Option<u32>,
    /// The wait after the first failure; it doubles each time.
    pub backoff: Option<Duration>,
    /// The longest wait.
    pub backoff_max: Option<Duration>,
    /// Whether a failed event holds back what comes behind it with its key.
    pub strict: Option<bool>,
    /// When it is paused; some of none: never.
    pub breaker: Option<Option<Patience>>,
    /// How long the version before stays warm after a swap, to take over again when the new one fails; zero: it does not.
    pub probation: Option<Duration>,
    /// Calls after which a warm instance is replaced, at least 1.
    pub retire_after: Option<u32>,
    /// How long a warm instance is kept without being needed.
    pub retire_idle: Option<Duration>,
    /// What it may keep: keys and values together.
    pub state: Option<ByteSize>,
    /// Patterns it may publish to or request from beside those that are granted to everyone who declares them.
    pub publishes: Vec<String>,
    /// Patterns it may subscribe to although they need a grant: `$…`, other networks, a wildcard in front.
    pub subscribes: Vec<String>,
    /// What it may reach outside the node.
    pub openings: Openings,
    /// What it listens to, where its file cannot say so itself.
    pub subscriptions: Vec<Subject>,
    /// What the plugin itself reads; nested keys joined by dots.
    pub config: BTreeMap<String, String>,
    /// What it is granted and nobody is shown, by name.
    pub secrets: BTreeMap<String, SecretText>,
}

impl Config {
    /// Everything that holds for one plugin, but for what its file says.
    #[must_use]
    pub fn of(&self, plugin: &str) -> PluginConfig {
        let own = self.each.get(plugin).cloned().unwrap_or_default();
        let all = &self.defaults;
        let joined = |all: &[String], own: &[String]| all.iter().chain(own).cloned().collect();
        let mut config = all.config.clone();
        config.extend(own.config);
        PluginConfig {
            enabled: own.enabled.or(all.enabled),
            exec: own.exec,
            instances: own.instances.or(all.instances),
            pool_size: own.pool_size.or(all.pool_size),
            memory: own.memory.or(all.memory),
            deadline: own.deadline.or(all.deadline),
            cpu: own.cpu.or(all.cpu),
            payload: own.payload.or(all.payload),
            call_bytes: own.call_bytes.or(all.call_bytes),
            host_calls: own.host_calls.or(all.host_calls),
            publish_rate: own.publish_rate.or(all.publish_rate),
            log_lines: own.log_lines.or(all.log_lines),
            log_bytes: own.log_bytes.or(all.log_bytes),
            attempts: own.attempts.or(all.attempts),
            backoff: own.backoff.or(all.backoff),
            backoff_max: own.backoff_max.or(all.backoff_max),
            strict: own.strict.or(all.strict),
            breaker: own.breaker.or(all.breaker),
            probation: own.probation.or(all.probation),
            retire_after: own.retire_after.or(all.retire_after),
            retire_idle: own.retire_idle.or(all.retire_idle),
            state: own.state.or(all.state),
            publishes: joined(&all.publishes, &own.publishes),
            subscribes: joined(&all.subscribes, &own.subscribes),
            openings: all.openings.and(&own.openings),
            subscriptions: own.subscriptions,
            config,
            secrets: own.secrets,
        }
    }
}

impl PluginConfig {
    /// How its events are tried again, and when it is paused.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let usual = Policy::default();
        Policy {
            deadline: self.limits().deadline,
            attempts: self.attempts.unwrap_or(usual.attempts),
            backoff: self.backoff.unwrap_or(usual.backoff),
            backoff_max: self.backoff_max.unwrap_or(usual.backoff_max),
            strict: self.strict.unwrap_or(usual.strict),
            breaker: self.breaker.unwrap_or_else(|| Some(Patience::default())),
        }
    }

    /// What its calls may cost.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            deadline: self.deadline.unwrap_or(usual.deadline),
            cpu: self.cpu.unwrap_or(usual.cpu),
            memory: self.memory.unwrap_or(usual.memory),
            payload: self.payload.unwrap_or(usual.payload),
            call_bytes: self.call_bytes.unwrap_or(usual.call_bytes),
            host_calls: self.host_calls.unwrap_or(usual.host_calls),
            publishes: self.publish_rate.unwrap_or(usual.publishes),
            log_lines: self.log_lines.unwrap_or(usual.log_lines),
            log_bytes: self.log_bytes.unwrap_or(usual.log_bytes),
            retire_after: self.retire_after.or(usual.retire_after),
            retire_idle: self.retire_idle.unwrap_or(usual.retire_idle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_own_word_comes_before_the_defaults() {
        let seconds = Duration::from_secs;
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let defaults = PluginConfig {
            deadline: Some(seconds(9)),
            cpu: Some(seconds(2)),
            config: [pair("a", "1"), pair("b", "1")].into(),
            ..PluginConfig::default()
        };
        let own = PluginConfig {
            deadline: Some(seconds(3)),
            config: [pair("b", "2")].into(),
            ..PluginConfig::default()
        };
        let config = Config { defaults, each: [("x".to_owned(), own)].into(), ..Config::default() };
        let (x, other) = (config.of("x"), config.of("y"));
        assert_eq!((x.limits().deadline, x.limits().cpu), (seconds(3), seconds(2)));
        assert_eq!(x.config, [pair("a", "1"), pair("b", "2")].into());
        assert_eq!(other.limits().deadline, seconds(9));
        assert_eq!(other.limits().memory, ByteSize::mib(64));
    }
}
