//! The `bridges:` section: what the mesh is joined with, lists grouped by kind.
//!
//! What it owns: the keys that all bridges share: names, rules, limits. The keys of one kind are in its own file. It must
//! not know how a bridge works.

mod address;
mod event_engine;
mod eventhive;
mod hein;
mod hive;
mod mqtt;
mod nats;
mod redis;
mod rules;
mod servers;
mod spoke;
mod webhook;

use hive_proto::channel::{Names, NetworkIndex};

use self::rules::Direction;
use super::{
    check::Surroundings,
    problem::Problem,
    section::{Report, Section, size, text, truth, whole},
    settings::NetworkSettings,
    source::Origin,
    yaml::Value,
};
use crate::{
    bridge::{BRIDGES_MAX, Config, Kind, Limits, Place, Rules, Settings},
    units::ByteSize,
};

/// Reads the keys of one kind.
type Reader = fn(&mut Section<'_>, &Around<'_>, &mut Report) -> Option<Shape>;

/// The kinds, by the keys of their lists.
const KINDS: [(&str, Reader); 9] = [
    ("hive", hive::read),
    ("spoke", spoke::read),
    ("eventhive", eventhive::read),
    ("event-engine", event_engine::read),
    ("hein", hein::read),
    ("redis", redis::read),
    ("mqtt", mqtt::read),
    ("nats", nats::read),
    ("webhook", webhook::read),
];

/// What a kind's reader may look at.
struct Around<'a> {
    /// The bridge itself.
    origin: &'a Origin,
    names: &'a Names,
    networks: &'a [NetworkSettings],
    files: &'a Surroundings<'a>,
}

/// What a kind says of the keys that all share.
struct Shape {
    kind: Kind,
    /// The network of names here; none: they say it themselves.
    network: Option<NetworkIndex>,
    /// What names that come in begin with when nothing is said.
    prefix: &'static str,
    /// The medium cannot say where an event has been, so that nothing may go to and fro.
    is_wordless: bool,
    /// It carries what its clients ask for, also without any rule.
    is_listener: bool,
}

/// Reads the section.
pub fn read(
    mut section: Section<'_>,
    networks: &[NetworkSettings],
    files: &Surroundings<'_>,
    report: &mut Report,
) -> Config {
    let names = Names::new(networks.iter().map(|network| network.name.clone()).collect());
    let mut bridges: Vec<Settings> = Vec::new();
    for (kind, reader) in KINDS {
        let path = section.below(kind);
        let list = section.list(kind, report, |value, report| {
            // The list is shown as a whole.
            let lines = report.lines.len();
            let keys = Section::new(path.clone(), Some(value), report);
            let around = Around { origin: &value.origin, names: &names, networks, files };
            let read = one(keys, kind, reader, &around, report);
            report.lines.truncate(lines);
            Ok((read, value.origin.clone()))
        });
        for (settings, origin) in list.into_iter().flatten() {
            let Some(settings) = settings else { continue };
            add(&mut bridges, settings, &origin, report);
        }
    }
    section.finish(report);
    Config { bridges, ..Config::default() }
}

/// Names what has no name, and refuses a second of one name.
fn add(bridges: &mut Vec<Settings>, mut settings: Settings, origin: &Origin, report: &mut Report) {
    if bridges.len() == BRIDGES_MAX {
        let message = format!("a node has at most {BRIDGES_MAX} bridges, and this is one more");
        return report.problems.push(Problem::new(origin, message));
    }
    let is_taken = |name: &str| bridges.iter().any(|other| other.name == name);
    if settings.name.is_empty() {
        let kind = settings.kind.name();
        let mut names = std::iter::once(kind.to_owned()).chain((2..).map(|n| format!("{kind}-{n}")));
        settings.name = names.find(|name| !is_taken(name)).unwrap_or_default();
    } else if is_taken(&settings.name) {
        let message = format!("a second bridge is called `{}`", settings.name);
        report.problems.push(Problem::new(origin, message).hint("give it another `name`"));
    }
    bridges.push(settings);
}

/// One bridge; its name is empty when it has none.
fn one(
    mut keys: Section<'_>,
    kind: &str,
    reader: Reader,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Settings> {
    let problems = report.problems.len();
    let name = keys.read("name", report, name).unwrap_or_default();
    let shape = reader(&mut keys, around, report);
    let limits = limits(&mut keys, report);
    let seal = keys.read("seal", report, |value| seal(value, shape.as_ref(), around));
    let rules = match &shape {
        Some(shape) => all_rules(&mut keys, shape, around, report),
        // What is wrong is said; of the rest only whether it is known.
        None => {
            for key in ["prefix", "import", "export", "calls", "proxy"] {
                let _ = keys.value(key);
            }
            Rules::default()
        }
    };
    keys.finish_with(report, |entry| {
        let message = format!("unknown key `{}` in a bridge of the kind `{kind}`", entry.key);
        let near = crate::units::nearest(&entry.key, SHARED.iter().copied())?;
        Some(Problem::new(&entry.origin, message).hint(format!("did you mean `{near}`?")))
    });
    if report.problems.len() == problems
        && let Some(Err(error)) = shape.as_ref().map(|shape| shape.kind.check(&rules))
    {
        report.problems.push(Problem::new(around.origin, error.to_string()));
    }
    let is_whole = report.problems.len() == problems;
    shape.filter(|_| is_whole).map(|Shape { kind, .. }| Settings { name, rules, limits, seal, kind })
}

/// The keys that all bridges have.
const SHARED: [&str; 9] =
    ["name", "prefix", "import", "export", "calls", "proxy", "max-size", "queue", "seal"];

fn name(value: &Value) -> Result<String, Problem> {
    let name = text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
        true => Ok(name.to_owned()),
        false => {
            let message = "a bridge's name is one word of at most 64 letters, digits, `-`, `_` and `.`";
            Err(Problem::new(&value.origin, message))
        }
    }
}

/// The network whose secret seals what crosses.
fn seal(value: &Value, shape: Option<&Shape>, around: &Around<'_>) -> Result<NetworkIndex, Problem> {
    let given = text(value)?;
    let all = around.networks.iter().enumerate();
    let found = all.clone().find(|(_, network)| network.name.as_str() == given);
    let Some((at, network)) = found else {
        let shown: String = given.chars().take(60).collect();
        let problem = Problem::new(&value.origin, format!("this node is in no network `{shown}`"));
        return Err(problem.hint("name the network whose secret is to seal what crosses this bridge"));
    };
    if network.secret.is_none() {
        let problem =
            Problem::new(&value.origin, format!("the network `{given}` has no secret to seal with"));
        return Err(problem.hint("give it one, or leave `seal` out"));
    }
    if shape.is_some_and(|shape| !shape.kind.can_seal()) {
        let message =
            "what is sealed is taken for two minutes, and this bridge may bring it much later, or not at all";
        return Err(Problem::new(&value.origin, message).hint("leave `seal` out"));
    }
    u8::try_from(at).map(NetworkIndex).map_err(|_| Problem::new(&value.origin, "there are too many networks"))
}

fn limits(keys: &mut Section<'_>, report: &mut Report) -> Limits {
    let usual = Limits::default();
    let most = ByteSize(usual.payload_bytes as u64);
    let payload = keys.read("max-size", report, |value| size(value, ByteSize(1), most));
    let mut queue = keys.section("queue", report);
    let events = queue.read("events", report, |value| whole(value, 1..=1_000_000));
    let bytes = queue.read("size", report, |value| size(value, ByteSize::kib(64), ByteSize::mib(256)));
    queue.finish(report);
    Limits {
        payload_bytes: payload.map_or(usual.payload_bytes, ByteSize::as_usize),
        queue_events: events.and_then(|n| usize::try_from(n).ok()).unwrap_or(usual.queue_events),
        queue_bytes: bytes.map_or(usual.queue_bytes, ByteSize::as_usize),
    }
}

fn all_rules(keys: &mut Section<'_>, shape: &Shape, around: &Around<'_>, report: &mut Report) -> Rules {
    let place = |text: &str| Place::read(text, around.names);
    let usual = place(shape.prefix).unwrap_or_default();
    let prefix = keys.read("prefix", report, |value| match text(value)? {
        "" => Ok(Place::default()),
        given => place(given).map_err(|error| {
            Problem::new(&value.origin, format!("the prefix cannot begin a channel: {error}"))
        }),
    });
    let prefix = prefix.unwrap_or(usual);
    let problems = report.problems.len();
    let proxy_origin = keys.value("proxy").map(|value| value.origin.clone());
    let proxy = keys.read("proxy", report, truth).unwrap_or(false);
    let mut list = |key: &'static str, direction: Direction| {
        keys.list(key, report, |value, report| {
            rules::read(value, direction, (shape.network, &prefix), around, report)
        })
    };
    let (import, export) = (list("import", Direction::In), list("export", Direction::Out));
    let calls = list("calls", Direction::Out);
    let nothing = [&import, &export, &calls].iter().all(|list| list.as_ref().is_none_or(Vec::is_empty));
    if nothing && !shape.is_listener && report.problems.len() == problems {
        let problem = Problem::new(around.origin, "this bridge carries nothing");
        report.problems.push(
            problem.hint("say what goes out with `export: ['orders/**']`, or what comes in with `import`"),
        );
    }
    if let (true, Some(import), Some(origin)) = (proxy, keys.value("import"), &proxy_origin) {
        let problem = Problem::new(&import.origin, "`import` in a bridge that lets nothing in");
        report.problems.push(problem.see(origin, "because of this").hint("keep one of the two"));
    }
    let rules = Rules {
        import: import.unwrap_or_else(|| rules::all_in(shape, &prefix)),
        export: export.unwrap_or_else(|| rules::all_out(shape, &prefix)),
        calls: calls.unwrap_or_default(),
        proxy,
    };
    if shape.is_wordless
        && let Some((export, import)) = rules.circle()
    {
        let message = format!(
            "what goes out by `{}` would come back in by `{}`, and this medium cannot say where an event has been",
            export.pattern, import.pattern
        );
        report.problems.push(Problem::new(around.origin, message).hint("let other names in than go out"));
    }
    rules
}
