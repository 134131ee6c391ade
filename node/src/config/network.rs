//! The `networks:` section: which networks a node is in, which is home, and how each is closed.
//!
//! What it owns: its keys. It must not know how a key is derived from a secret.

use hive_proto::{channel::NetworkName, id::NodeId, limits::NETWORKS_MAX};

use super::{
    check::Surroundings,
    merge::DEFAULT_NETWORK,
    problem::Problem,
    secret::{self, Hints},
    section::{Line, Report, Section, parsed, text, truth},
    settings::NetworkSettings,
    source::Origin,
    yaml::{Entry, Value},
};

/// What is said where a network's secret is missing.
const HINTS: Hints<'_> = Hints {
    empty: "`hive-node keygen` makes one",
    unreadable: "`hive-node keygen` makes one: save what it prints there",
};

/// Reads the section; the home network comes first. Without any, the default network, open.
pub fn read(section: Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> Vec<NetworkSettings> {
    let entries = section.named();
    if entries.is_empty() {
        return default_network(&section, report);
    }
    if let Some(entry) = entries.get(NETWORKS_MAX) {
        let message = format!("a node is in at most {NETWORKS_MAX} networks, and this is one more");
        report.problems.push(Problem::new(&entry.origin, message));
    }
    let mut networks = Vec::new();
    let mut home: Option<(usize, Origin)> = None;
    for entry in entries.iter().take(NETWORKS_MAX) {
        let Some((network, says_home)) = one(section.below(&entry.key), entry, around, report) else {
            continue;
        };
        if let Some(origin) = says_home {
            match &home {
                Some((_, first)) => {
                    let problem = Problem::new(&origin, "a second network says that it is home");
                    report
                        .problems
                        .push(problem.see(first, "the first one").hint("keep `home: true` in one of them"));
                }
                None => home = Some((networks.len(), origin)),
            }
        }
        let is_same =
            |other: &NetworkSettings| other.called == network.called && other.secret == network.secret;
        if let Some(other) = networks.iter().find(|other| is_same(other)) {
            let message = format!("`{}` is the network `{}` once more", network.name, other.name);
            let problem = Problem::new(&entry.origin, message);
            report.problems.push(problem.hint("two networks of one name have different secrets"));
        }
        networks.push(network);
    }
    if let Some((at, _)) = home {
        let network = networks.remove(at);
        networks.insert(0, network);
    }
    networks
}

fn default_network(section: &Section<'_>, report: &mut Report) -> Vec<NetworkSettings> {
    let path = section.below(DEFAULT_NETWORK).into_iter().chain(["open".to_owned()]).collect();
    report.lines.push(Line { path, text: "true".to_owned(), origin: Origin::Default });
    // The name is a constant that fits the grammar.
    NetworkName::parse(DEFAULT_NETWORK)
        .map(|name| {
            let called = name.clone();
            vec![NetworkSettings { name, called, secret: None, secret_file: None, allow: None }]
        })
        .unwrap_or_default()
}

/// One network, and where it says that it is home.
fn one(
    path: Vec<String>,
    entry: &Entry,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> Option<(NetworkSettings, Option<Origin>)> {
    let mut keys = Section::new(path, Some(&entry.value), report);
    let name = named(&entry.key, &entry.origin);
    let called = keys.read("called", report, |value| named(text(value)?, &value.origin));
    let open = keys.value("open").map(|value| value.origin.clone());
    let is_open = keys.read("open", report, truth);
    let home_origin = keys.value("home").map(|value| value.origin.clone());
    let home = keys.read("home", report, truth).unwrap_or(false);
    let given = keys.value("secret").map(|value| value.origin.clone());
    let (mut too_open, mut secret_file) = (None, None);
    let secret = keys.read("secret", report, |value| {
        let given = secret::read(value, around, &HINTS)?;
        (secret_file, too_open) = (given.file, given.warning);
        Ok(given.text)
    });
    report.warnings.extend(too_open);
    let allow = keys.list("allow", report, |value, _| node_id(value));
    let problems = report.problems.len();
    keys.finish(report);
    // Where a key is misspelt, it is most likely the one that is missed.
    let all_known = report.problems.len() == problems;
    let problem = match (&given, is_open) {
        (Some(given), Some(true)) => Some(
            Problem::new(given, format!("the network `{}` has a secret and is `open`", entry.key))
                .see(open.as_ref().unwrap_or(given), "open here")
                .hint("keep one of the two"),
        ),
        (None, None | Some(false)) if all_known && (open.is_none() || is_open.is_some()) => Some(
            Problem::new(&entry.origin, format!("the network `{}` has no secret", entry.key))
                .hint("add `secret: { file: PATH }` (`hive-node keygen` makes one), or `open: true` to let everybody in"),
        ),
        _ => None,
    };
    report.problems.extend(problem);
    match name {
        Ok(name) => {
            let called = called.unwrap_or_else(|| name.clone());
            Some((NetworkSettings { name, called, secret, secret_file, allow }, home_origin.filter(|_| home)))
        }
        Err(problem) => {
            report.problems.push(problem);
            None
        }
    }
}

fn named(name: &str, origin: &Origin) -> Result<NetworkName, Problem> {
    NetworkName::parse(name).map_err(|error| {
        let shown: String = name.chars().take(60).collect();
        Problem::new(origin, format!("`{shown}` cannot name a network: {error}"))
    })
}

fn node_id(value: &Value) -> Result<NodeId, Problem> {
    let hint = "`hive-node id` on its host prints it";
    parsed(value).map_err(|problem: Problem| problem.hint(hint))
}
