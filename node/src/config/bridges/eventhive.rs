//! Bridges to EventHive: a server for its connectors, or a connector itself.

use std::time::Duration;

use super::{
    Around, Shape,
    address::{address, listen},
    servers::{secret, trusted},
};
use crate::{
    bridge::{
        Kind,
        eventhive::{Config, DEFAULT_PATH, DEFAULT_PORT, Endpoint, Form, Listen, Secret, Way},
        redis::Place,
        tls::Trusted,
    },
    config::{
        problem::Problem,
        section::{Report, Section, duration, text, truth},
        yaml::Value,
    },
};

/// Where Redis listens.
const REDIS_PORT: u16 = 6379;
/// What mDNS is looked at for this long when nobody says.
const WAIT: Duration = Duration::from_secs(5);
const EXAMPLE: &str = "ws://10.0.0.2:8085/pubsub`, `redis://10.0.0.2:6379`, with TLS `wss` and `rediss`, or \
     `mdns:my-network";
/// What EventHive puts its metadata under when nobody says.
const METADATA_KEY: &str = "__eventhive__";
/// Bytes of a metadata key.
const KEY_BYTES_MAX: usize = 255;

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let way = way(keys, around, report);
    let form = form(keys, around, report);
    let way = way?;
    let is_listener = matches!(way, Way::Listen(_));
    Some(Shape {
        kind: Kind::Eventhive(Config { way, form: form? }),
        network: None,
        prefix: "eventhive",
        // Its metadata says where an event has been; where there is none, the bridge knows its own.
        is_wordless: false,
        is_listener,
    })
}

fn way(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Way> {
    let listening = keys.value("listen").map(|value| value.origin.clone());
    let connecting = keys.value("connect").map(|value| value.origin.clone());
    let addr = keys.read("listen", report, |value| listen(value, Some(DEFAULT_PORT)));
    let path = keys.read("path", report, path);
    let announce = keys.read("announce", report, network_name);
    let unless = keys.read("unless", report, network_name);
    let wait = keys
        .read("wait", report, |value| duration(value, Duration::from_millis(100), Duration::from_secs(600)));
    let way = keys.read("connect", report, |value| connect(value, wait.unwrap_or(WAIT)));
    let username = keys.read("username", report, |value| text(value).map(str::to_owned));
    let password = secret(keys, "password", around, report);
    let trusted = trusted(keys, around, report);
    match (listening, connecting) {
        (Some(first), Some(second)) => {
            let problem = Problem::new(&second, "`connect` in a bridge that listens");
            report.problems.push(problem.see(&first, "here").hint("write two bridges, one for each"));
            None
        }
        (Some(_), None) => {
            let path = path.unwrap_or_else(|| DEFAULT_PATH.to_owned());
            Some(Way::Listen(Listen { addr: addr?, path, announce, unless }))
        }
        (None, Some(_)) => Some(match way? {
            Way::Redis(Place { host, port, database, tls, .. }) => {
                let tls = tls.map(|_| trusted);
                Way::Redis(Place { host, port, database, user: username, password, tls })
            }
            Way::Server(endpoint) => Way::Server(Endpoint { tls: endpoint.tls.map(|_| trusted), ..endpoint }),
            way => way,
        }),
        (None, None) => {
            let problem = Problem::new(around.origin, "a bridge to EventHive neither listens nor connects");
            let hint = format!("write `listen: 127.0.0.1:{DEFAULT_PORT}`, or `connect: ` with `{EXAMPLE}`");
            report.problems.push(problem.hint(hint));
            None
        }
    }
}

fn connect(value: &Value, wait: Duration) -> Result<Way, Problem> {
    if let Some(network) = text(value)?.strip_prefix("mdns:") {
        let network = is_network_name(network, value)?;
        return Ok(Way::Discover(network, wait));
    }
    let address = address(value, EXAMPLE)?;
    // Whom to believe is said beside it.
    let tls = matches!(address.scheme.as_str(), "wss" | "rediss").then(Trusted::default);
    match address.scheme.as_str() {
        "ws" | "wss" => {
            let path = if address.path.is_empty() { DEFAULT_PATH.to_owned() } else { address.path };
            let port = address.port.unwrap_or(DEFAULT_PORT);
            Ok(Way::Server(Endpoint { host: address.host, port, path, tls }))
        }
        "redis" | "rediss" => {
            let database = address.path.trim_start_matches('/');
            let database = if database.is_empty() { Some(0) } else { database.parse().ok() };
            let database = database.filter(|number| *number >= 0).ok_or_else(|| {
                Problem::new(&value.origin, "what follows the port is no number of a database of Redis")
            })?;
            let port = address.port.unwrap_or(REDIS_PORT);
            Ok(Way::Redis(Place { host: address.host, port, database, user: None, password: None, tls }))
        }
        other => {
            let shown: String = other.chars().take(20).collect();
            let problem = Problem::new(&value.origin, format!("`{shown}` is no way to reach EventHive"));
            Err(problem.hint(format!("write `{EXAMPLE}`")))
        }
    }
}

fn path(value: &Value) -> Result<String, Problem> {
    let path = text(value)?;
    let fits = !path.is_empty()
        && path.len() <= 256
        && path.chars().all(|c| c.is_ascii_graphic() && !"?#".contains(c));
    match fits {
        true if path.starts_with('/') => Ok(path.to_owned()),
        // As EventHive takes it.
        true => Ok(format!("/{path}")),
        false => Err(Problem::new(&value.origin, "the path of an endpoint is one word, such as `/pubsub`")),
    }
}

fn network_name(value: &Value) -> Result<String, Problem> {
    is_network_name(text(value)?, value)
}

/// A name in mDNS has 63 bytes.
fn is_network_name(name: &str, value: &Value) -> Result<String, Problem> {
    let fits = !name.is_empty() && name.len() <= 63 && !name.chars().any(|c| c.is_control() || c == '/');
    let message = "the name of a network of EventHive's has 1 to 63 bytes, and no `/`";
    if fits { Ok(name.to_owned()) } else { Err(Problem::new(&value.origin, message)) }
}

fn form(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Form> {
    let problems = report.problems.len();
    let metadata_key = keys.read("metadata-key", report, |value| match text(value)? {
        key if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(key.to_owned()),
        _ => Err(Problem::new(&value.origin, format!("a metadata key has 1 to {KEY_BYTES_MAX} bytes"))),
    });
    let remove_metadata = keys.read("remove-metadata", report, truth).unwrap_or(false);
    let given = keys.value("secret").map(|value| value.origin.clone());
    let secret = secret(keys, "secret", around, report);
    if let (Some(_), Some(origin)) = (&secret, given) {
        let problem = Problem::new(&origin, "what EventHive's secret protects is weak");
        report.warnings.push(problem.hint(
            "a message can be sent again, and under another name, and a password be guessed from one message; \
             between hive-nodes a network's own secret has none of this",
        ));
    }
    (report.problems.len() == problems).then(|| Form {
        metadata_key: metadata_key.unwrap_or_else(|| METADATA_KEY.to_owned()),
        remove_metadata,
        secret: secret.map(|secret| Secret::new(&secret)),
    })
}
