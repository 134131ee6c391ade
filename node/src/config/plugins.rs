//! The `plugins:` section: folders, what holds for all, and what holds for each.
//!
//! What it owns: its keys and their ranges. It must not know how a plugin is loaded or run.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hive_proto::pattern::Pattern;

use super::{
    check::Surroundings,
    exec, openings,
    problem::{self, Problem},
    secret::{self, Hints},
    section::{Line, Report, Section, duration, shown, size, text, truth, whole},
    yaml::{Kind, Value},
};
use crate::{
    plugin::{Config, Mode, Patience, PluginConfig},
    trust::hidden::SecretText,
    units::ByteSize,
};

/// Reads the section.
pub fn read(mut section: Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> Config {
    let folders = section.list("folders", report, |value, _| folder(value, around));
    let mut defaults = section.section("defaults", report);
    let shared = limits(&mut defaults, around, report);
    defaults.finish(report);
    let each = section.section("each", report);
    section.finish(report);
    Config {
        folders: folders.unwrap_or_default(),
        defaults: shared,
        each: by_name(&each, around, report),
        ..Config::default()
    }
}

fn by_name(
    each: &Section<'_>,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, PluginConfig> {
    let mut plugins = BTreeMap::new();
    for entry in each.named() {
        if entry.key.is_empty() || entry.key.contains(['/', '\\']) || entry.key.chars().any(char::is_control)
        {
            let problem =
                Problem::new(&entry.origin, "a plugin is named by its file, without folder and `.wasm`");
            report.problems.push(problem);
        }
        let mut keys = Section::new(each.below(&entry.key), Some(&entry.value), report);
        let enabled = keys.read("enabled", report, truth);
        let exec = exec::read(&mut keys, around, report);
        let limits = limits(&mut keys, around, report);
        let subscriptions = openings::subscriptions(&mut keys, report);
        let config = keys.value("config").map(|value| flattened(value, &mut keys, report));
        let secrets = secrets(&mut keys, around, report);
        keys.finish(report);
        let plugin = PluginConfig {
            enabled,
            exec,
            subscriptions,
            config: config.unwrap_or_default(),
            secrets,
            ..limits
        };
        plugins.insert(entry.key.clone(), plugin);
    }
    plugins
}

/// What is said where a plugin's secret is missing.
const HINTS: Hints<'_> = Hints {
    empty: "write it there, or take the secret out",
    unreadable: "put the secret there, readable by this user alone",
};

/// The secrets of one plugin, by the names it knows them by.
fn secrets(
    keys: &mut Section<'_>,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> BTreeMap<String, SecretText> {
    let granted = keys.section("secrets", report);
    let (mut secrets, mut warnings) = (BTreeMap::new(), Vec::new());
    for entry in granted.named() {
        let path = granted.below(&entry.key);
        match secret::read(&entry.value, around, &HINTS) {
            Ok(given) => {
                report.lines.push(Line {
                    text: shown(&path, &entry.value),
                    path,
                    origin: entry.value.origin.clone(),
                });
                warnings.extend(given.warning);
                secrets.insert(entry.key.clone(), given.text);
            }
            Err(problem) => report.problems.push(problem),
        }
    }
    report.warnings.extend(warnings);
    secrets
}

/// The keys that `defaults` and each plugin share.
fn limits(keys: &mut Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> PluginConfig {
    const HOUR: Duration = Duration::from_secs(3_600);
    let instances = keys.read("instances", report, instances);
    let pool_size = keys.read("pool-size", report, |value| whole(value, 1..=1_000));
    // A memory below one WebAssembly page holds nothing, one above 4 GiB cannot be addressed.
    let memory = keys.read("memory", report, |value| size(value, ByteSize::kib(64), ByteSize::mib(4_096)));
    let deadline = keys.read("deadline", report, |value| duration(value, Duration::from_millis(1), HOUR));
    let cpu = keys.read("cpu", report, |value| duration(value, Duration::from_millis(1), HOUR));
    // The largest payload there is; a message of 1 KiB is the least that is of use.
    let payload = keys.read("payload", report, |value| size(value, ByteSize::kib(1), ByteSize::mib(16)));
    let call_bytes =
        keys.read("call-bytes", report, |value| size(value, ByteSize::kib(64), ByteSize::mib(256)));
    let host_calls = keys.read("host-calls", report, a_second);
    let publish_rate = keys.read("publish-rate", report, a_second);
    let log_lines = keys.read("log-lines", report, a_second);
    let log_bytes =
        keys.read("log-bytes", report, |value| size(value, ByteSize::kib(1), ByteSize::mib(1_024)));
    let attempts = keys.read("attempts", report, |value| whole(value, 1..=100));
    let backoff = keys.read("backoff", report, |value| duration(value, Duration::from_millis(1), HOUR));
    let backoff_max =
        keys.read("backoff-max", report, |value| duration(value, Duration::from_millis(1), HOUR));
    let strict = keys.read("order", report, order);
    let breaker = breaker(keys, report);
    let probation = keys.read("probation", report, |value| duration(value, Duration::ZERO, HOUR));
    let retire_after = keys.read("retire-after", report, |value| whole(value, 1..=u64::from(u32::MAX)));
    let retire_idle =
        keys.read("retire-idle", report, |value| duration(value, Duration::from_millis(1), 24 * HOUR));
    let state = keys.read("state", report, |value| size(value, ByteSize(0), ByteSize::mib(1_024)));
    let narrow = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    PluginConfig {
        instances,
        pool_size: narrow(pool_size),
        memory,
        deadline,
        cpu,
        payload,
        call_bytes,
        host_calls,
        publish_rate,
        log_lines,
        log_bytes,
        attempts: narrow(attempts),
        backoff,
        backoff_max,
        strict,
        breaker,
        probation,
        retire_after: narrow(retire_after),
        retire_idle,
        state,
        publishes: keys.list("publishes", report, pattern).unwrap_or_default(),
        subscribes: keys.list("subscribes", report, pattern).unwrap_or_default(),
        openings: openings::read(keys, around, report),
        ..PluginConfig::default()
    }
}

/// `off`, or how many failures in a row pause the plugin, and for how long.
fn breaker(keys: &mut Section<'_>, report: &mut Report) -> Option<Option<Patience>> {
    const DAY: Duration = Duration::from_secs(86_400);
    let value = keys.value("breaker")?;
    if let Kind::Text { text, .. } = &value.kind {
        if text == "off" {
            return keys.read("breaker", report, |_| Ok(None));
        }
        let shown: String = text.chars().take(40).collect();
        let problem = Problem::new(&value.origin, format!("`{shown}` is no breaker"));
        report.problems.push(problem.hint("write `off`, or `{failures: 10, pause: 5s}`"));
        return None;
    }
    let (usual, mut section) = (Patience::default(), keys.section("breaker", report));
    let failures = section.read("failures", report, |value| whole(value, 1..=1_000_000));
    let pause = section.read("pause", report, |value| duration(value, Duration::from_millis(1), DAY));
    section.finish(report);
    Some(Some(Patience {
        failures: failures.and_then(|failures| u32::try_from(failures).ok()).unwrap_or(usual.failures),
        pause: pause.unwrap_or(usual.pause),
    }))
}

/// Whether a failed event holds back what comes behind it.
fn order(value: &Value) -> Result<bool, Problem> {
    match text(value)? {
        "strict" => Ok(true),
        "first-attempts" => Ok(false),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(Problem::new(&value.origin, format!("`{shown}` is no order"))
                .hint("write `strict`, or `first-attempts`: what is tried again comes behind later events"))
        }
    }
}

/// How often in a second; more than any machine does is as good as no limit.
fn a_second(value: &Value) -> Result<u64, Problem> {
    whole(value, 1..=100_000_000)
}

/// A pattern that is granted beside what the plugin's file asks for; which network it is in is seen when it is used.
fn pattern(value: &Value, _: &mut Report) -> Result<String, Problem> {
    let pattern = text(value)?;
    match Pattern::parse(pattern) {
        Ok(_) => Ok(pattern.to_owned()),
        Err(error) => {
            let shown: String = pattern.chars().take(60).collect();
            Err(Problem::new(&value.origin, format!("`{shown}` is no pattern: {error}")))
        }
    }
}

fn instances(value: &Value) -> Result<Mode, Problem> {
    match text(value)? {
        "pool" => Ok(Mode::Pool),
        "single" => Ok(Mode::Single),
        "fresh" => Ok(Mode::Fresh),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(Problem::new(&value.origin, format!("`{shown}` is no kind of instances"))
                .hint("write `pool`, `fresh` or `single`"))
        }
    }
}

fn folder(value: &Value, around: &Surroundings<'_>) -> Result<PathBuf, Problem> {
    let path = around.path(value)?;
    let fault = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(path),
        Ok(_) => "it is a file".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        Err(error) => error.to_string(),
    };
    let problem = Problem::new(
        &value.origin,
        format!("cannot use the plugin folder {}: {fault}", problem::shown(&path)),
    );
    Err(problem.hint("make the folder, or name the one that holds the `.wasm` files"))
}

/// A plugin's own values: any depth, keys joined by dots, all texts.
fn flattened(value: &Value, keys: &mut Section<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    match &value.kind {
        Kind::Map(_) => {
            let lines = keys.read("config", report, |value| {
                flatten(value, "", &mut flat);
                Ok(())
            });
            debug_assert!(lines.is_some(), "reading a mapping as it is cannot fail");
        }
        _ => report.problems.push(super::section::wrong_shape("`config`", "keys with values", value)),
    }
    flat
}

fn flatten(value: &Value, prefix: &str, flat: &mut BTreeMap<String, String>) {
    let below = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    match &value.kind {
        Kind::Text { text, .. } => {
            flat.insert(prefix.to_owned(), text.clone());
        }
        Kind::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| flatten(item, &below(&at.to_string()), flat));
        }
        Kind::Map(entries) => {
            entries.iter().for_each(|entry| flatten(&entry.value, &below(&entry.key), flat));
        }
    }
}
