//! EventHive's YAML: its connectors and servers as bridges.
//!
//! A name is here what it is there: what comes in for `network/receiver/event` is `receiver/event`, and what is published
//! as `network/receiver/event` goes out. Events without a network stay here, as EventHive's documentation has it; EventHive
//! itself publishes them.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    config::{
        problem::Problem,
        section::{Report, Section, text, wrong_shape},
        source::Origin,
        yaml::{Entry, Kind, Value},
    },
    units,
};

/// Variables by their names.
pub type Environment<'a> = &'a BTreeMap<String, String>;

/// Secrets of connectors: `network:secret network:secret`.
const SECRETS: &str = "EVENTHIVE_SECRET";
/// What EventHive looks for by mDNS when a number is not said: `true` is one second there.
const LOOK_SECONDS: u64 = 1;
/// Where EventHive's connectors look for a server, and Redis.
const HOST: &str = "127.0.0.1";

/// Whether it is EventHive's: it has one of its sections, and no version.
pub(super) fn is_eventhive(root: &Value) -> bool {
    let Kind::Map(entries) = &root.kind else { return false };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    !has("version") && !has("bridges") && (has("connectors") || has("servers"))
}

/// The equivalent. What has none goes to the report.
pub(super) fn translated(root: &Value, environment: Environment<'_>, report: &mut Report) -> Value {
    let mut top = Section::new(Vec::new(), Some(root), report);
    let (shared, separator) = shared(top.section("eventhive", report), report);
    if let Some(problem) = separator {
        report.problems.push(problem);
    }
    let (servers, connectors) = (top.section("servers", report), top.section("connectors", report));
    let secrets = secrets(environment, &connectors, report);
    let mut bridges = Vec::new();
    for entry in servers.named() {
        bridges.extend(server(
            entry,
            Section::new(servers.below(&entry.key), Some(&entry.value), report),
            report,
        ));
    }
    for entry in connectors.named() {
        let keys = Section::new(connectors.below(&entry.key), Some(&entry.value), report);
        let bridge = connector(entry, keys, secrets.get(entry.key.as_str()), report);
        bridges.extend(bridge.map(|mut bridge| {
            bridge.extend(shared.iter().cloned());
            bridge
        }));
    }
    ignored(root, report);
    let origin = &root.origin;
    let bridges = bridges.into_iter().map(|keys| Value { kind: Kind::Map(keys), origin: origin.clone() });
    let list = Value { kind: Kind::List(bridges.collect()), origin: origin.clone() };
    let kinds = Value { kind: Kind::Map(vec![entry("eventhive", list, origin)]), origin: origin.clone() };
    let keys =
        vec![entry("version", Value::text("1", origin.clone()), origin), entry("bridges", kinds, origin)];
    Value { kind: Kind::Map(keys), origin: origin.clone() }
}

fn entry(key: &str, value: Value, origin: &Origin) -> Entry {
    Entry { key: key.to_owned(), origin: origin.clone(), value }
}

/// A key with a text.
fn said(key: &str, text: impl Into<String>, origin: &Origin) -> Entry {
    let value = Value { kind: Kind::Text { text: text.into(), quoted: true }, origin: origin.clone() };
    entry(key, value, origin)
}

/// What all connectors share: the keys of it, and a problem with the separator.
fn shared(mut keys: Section<'_>, report: &mut Report) -> (Vec<Entry>, Option<Problem>) {
    let mut entries = Vec::new();
    if let Some(value) = keys.value("metadata_key") {
        entries.push(entry("metadata-key", value.clone(), &value.origin));
    }
    if let Some(value) = keys.value("remove_metadata") {
        match truth(value) {
            Ok(remove) => entries.push(said("remove-metadata", remove.to_string(), &value.origin)),
            Err(problem) => report.problems.push(problem),
        }
    }
    let separator = keys.value("channel_separator").and_then(|value| match text(value) {
        Ok("/") => None,
        Ok(_) => {
            let problem = Problem::new(&value.origin, "the parts of a name are separated by `/` here");
            Some(problem.hint("EventHive uses this key for some names only: remove it"))
        }
        Err(problem) => Some(problem),
    });
    (entries, separator)
}

/// The secrets of the environment, for connectors that there are.
fn secrets<'e>(
    environment: Environment<'e>,
    connectors: &Section<'_>,
    report: &mut Report,
) -> BTreeMap<&'e str, &'e str> {
    let mut secrets = BTreeMap::new();
    for pair in environment.get(SECRETS).map_or("", String::as_str).split_whitespace() {
        let split = pair
            .split_once(':')
            .filter(|(network, _)| connectors.named().iter().any(|connector| connector.key == *network));
        match split {
            Some((network, secret)) => drop(secrets.insert(network, secret)),
            None => report.warnings.push(
                Problem::new(&Origin::Environment(SECRETS), "it has a secret of no connector of this file")
                    .hint("it is written `network:secret network:secret`"),
            ),
        }
    }
    secrets
}

/// The section that earlier versions of EventHive had, and what nobody knows.
fn ignored(root: &Value, report: &mut Report) {
    let Kind::Map(entries) = &root.kind else { return };
    let known = ["eventhive", "connectors", "servers"];
    for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let problem = Problem::new(&entry.origin, format!("`{}` means nothing to EventHive", entry.key));
        report.warnings.push(problem.hint("it is left out, as EventHive does"));
    }
}

/// A server is the endpoint alone: what it carries is between its connectors.
fn server(named: &Entry, mut keys: Section<'_>, report: &mut Report) -> Option<Vec<Entry>> {
    let origin = &named.origin;
    let create = keys.read("create", report, |value| match text(value)? {
        known @ ("never" | "needed" | "always") => Ok(known.to_owned()),
        other => {
            let shown: String = other.chars().take(40).collect();
            let problem = Problem::new(&value.origin, format!("`create: {shown}` is not one of EventHive's"));
            Err(problem.hint("write `never`, `needed` or `always`"))
        }
    });
    if keys.value("create").is_none() {
        report.problems.push(missing(named, "create", "never, needed or always"));
    }
    let create = create?;
    if create == "never" {
        return None;
    }
    keys.read("pubsub_type", report, |value| match text(value)? {
        "fastapi" => Ok(()),
        _ => Err(Problem::new(&value.origin, "EventHive has servers of the type `fastapi` only")),
    });
    let broadcast = keys.read("broadcast", report, truth).unwrap_or(false);
    let mut init = keys.section("init", report);
    let host = init.read("host", report, |value| match text(value)? {
        "localhost" => Ok(HOST.to_owned()),
        host if host.parse::<std::net::IpAddr>().is_ok() => Ok(host.to_owned()),
        _ => Err(Problem::new(
            &value.origin,
            "a server listens at an address of this host, such as `127.0.0.1` or `0.0.0.0`",
        )),
    });
    let port = init.read("port", report, port);
    for key in ["host", "port"] {
        if init.value(key).is_none() {
            report.problems.push(missing(named, &format!("init.{key}"), "where it listens"));
        }
    }
    let mut entries = vec![said("listen", listen(&host?, port?), origin)];
    if let Some(path) = init.value("endpoint") {
        entries.push(entry("path", path.clone(), &path.origin));
    }
    if broadcast {
        entries.push(said("announce", named.key.clone(), origin));
    }
    if create == "needed" {
        entries.push(said("unless", named.key.clone(), origin));
    }
    let nothing = || Value { kind: Kind::List(Vec::new()), origin: origin.clone() };
    entries.extend([entry("import", nothing(), origin), entry("export", nothing(), origin)]);
    Some(entries)
}

fn connector(
    named: &Entry,
    mut keys: Section<'_>,
    secret: Option<&&str>,
    report: &mut Report,
) -> Option<Vec<Entry>> {
    let (origin, network) = (&named.origin, named.key.as_str());
    let mut entries = reached(named, &mut keys, report)?;
    match (secret, keys.value("secret")) {
        (Some(secret), _) => entries.push(said("secret", *secret, &Origin::Environment(SECRETS))),
        (None, Some(value)) if !matches!(text(value), Ok("")) => {
            entries.push(entry("secret", value.clone(), &value.origin));
        }
        _ => {}
    }
    let input = match keys.value("input_channel") {
        Some(value) => match text(value) {
            Ok(input) => input.trim_end_matches('/').to_owned(),
            Err(problem) => {
                report.problems.push(problem);
                return None;
            }
        },
        None => String::new(),
    };
    entries.push(said("prefix", "", origin));
    if !input.is_empty() {
        let rule =
            vec![said("pattern", format!("{network}/{input}/**"), origin), said("strip", network, origin)];
        let rule = Value { kind: Kind::Map(rule), origin: origin.clone() };
        entries.push(entry("import", Value { kind: Kind::List(vec![rule]), origin: origin.clone() }, origin));
    }
    let out =
        Value { kind: Kind::Text { text: format!("{network}/**"), quoted: true }, origin: origin.clone() };
    entries.push(entry("export", Value { kind: Kind::List(vec![out]), origin: origin.clone() }, origin));
    Some(entries)
}

/// How a connector's other side is reached.
fn reached(named: &Entry, keys: &mut Section<'_>, report: &mut Report) -> Option<Vec<Entry>> {
    let (origin, network) = (&named.origin, named.key.as_str());
    let kind = keys.read("pubsub_type", report, |value| match text(value)? {
        known @ ("redis" | "fastapi") => Ok(known.to_owned()),
        other => {
            let shown: String = other.chars().take(40).collect();
            let problem = Problem::new(&value.origin, format!("EventHive has no backend `{shown}`"));
            Err(problem.hint("write `redis` or `fastapi`"))
        }
    });
    if keys.value("pubsub_type").is_none() {
        report.problems.push(missing(named, "pubsub_type", "redis or fastapi"));
    }
    let kind = kind?;
    let look = keys.read("from_broadcast", report, look).flatten();
    if let Some(seconds) = look {
        if kind == "redis" {
            let problem =
                Problem::new(origin, "mDNS says where servers are, and Redis is none of EventHive's");
            report.problems.push(problem.hint("write its address in `init`, without `from_broadcast`"));
            return None;
        }
        let wait = units::duration_text(Duration::from_secs(seconds));
        return Some(vec![said("connect", format!("mdns:{network}"), origin), said("wait", wait, origin)]);
    }
    let mut init = keys.section("init", report);
    let host =
        init.read("host", report, |value| text(value).map(str::to_owned)).unwrap_or_else(|| HOST.to_owned());
    let port = init.read("port", report, port);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let mut part = |key: &'static str| init.value(key).and_then(|value| text(value).ok().map(str::to_owned));
    if kind == "fastapi" {
        let path = part("endpoint").unwrap_or_else(|| "/pubsub".to_owned());
        let slash = if path.starts_with('/') { "" } else { "/" };
        let scheme = part("scheme").unwrap_or_else(|| "ws".to_owned());
        let port = port.unwrap_or(8085);
        return Some(vec![said("connect", format!("{scheme}://{host}:{port}{slash}{path}"), origin)]);
    }
    let database = part("db").unwrap_or_else(|| "0".to_owned());
    let port = port.unwrap_or(6379);
    let scheme =
        if part("ssl").is_some_and(|ssl| ssl.eq_ignore_ascii_case("true")) { "rediss" } else { "redis" };
    let mut entries = vec![said("connect", format!("{scheme}://{host}:{port}/{database}"), origin)];
    for key in ["username", "password"] {
        if let Some(value) = init.value(key) {
            entries.push(entry(key, value.clone(), &value.origin));
        }
    }
    for entry in init.named() {
        let known = ["host", "port", "db", "username", "password", "ssl"];
        if !known.contains(&entry.key.as_str()) {
            let problem = Problem::new(&entry.origin, format!("`{}` of Redis has no equivalent", entry.key));
            report.warnings.push(problem.hint("it is left out"));
        }
    }
    Some(entries)
}

fn missing(named: &Entry, key: &str, what: &str) -> Problem {
    Problem::new(&named.origin, format!("`{}` has no `{key}`", named.key)).hint(format!("it says: {what}"))
}

fn listen(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn port(value: &Value) -> Result<u16, Problem> {
    let given = text(value)?;
    given.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        let shown: String = given.chars().take(40).collect();
        Problem::new(&value.origin, format!("`{shown}` is no port; expected a number from 1 to 65535"))
    })
}

/// What YAML 1.1 takes for truth, which EventHive reads.
fn truth(value: &Value) -> Result<bool, Problem> {
    match text(value)?.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" | "" => Ok(false),
        _ => Err(Problem::new(&value.origin, "this is neither true nor false")),
    }
}

/// For how many seconds mDNS is to be looked at; none where it is said not to.
fn look(value: &Value) -> Result<Option<u64>, Problem> {
    if matches!(value.kind, Kind::List(_) | Kind::Map(_)) {
        return Err(wrong_shape("`from_broadcast`", "true, or a number of seconds", value));
    }
    match text(value)?.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(seconds.min(600))),
        Err(_) => Ok(truth(value)?.then_some(LOOK_SECONDS)),
    }
}
