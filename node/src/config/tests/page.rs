//! `docs/configuration.md` is true: it has every key that the parser knows, with its range and its default, and no other,
//! and its examples hold.
//!
//! The parser is asked for its keys as a person asks it, with one that it does not know. A heading of the page names the
//! keys that lead to those of the tables below it; what holds in several places stands there once (see [`on_the_page`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{source, surroundings};
use crate::{
    bridge,
    config::{Problem, Request, check_text},
    journal,
    plugin::{Exec, Patience, PluginConfig, limits::Cut, probation::PROBATION, state::QUOTA},
    units::{ByteSize, duration_text},
};

/// A key that nobody knows, and none that somebody knows is near to.
const NO_KEY: &str = "nobody-has-ever-given-a-key-such-a-name";

/// Places where what is known depends on what else is said.
const MORE_PLACES: [(&str, &str, &str); 3] = [
    ("journal", "{version: 1, journal: {engine: jetstream, servers: 'nats://10.0.0.5', ", "}}"),
    ("bridges.webhook[]", "{version: 1, bridges: {webhook: [{post: 'https://example.org/hook', ", "}]}}"),
    ("bridges.webhook[]", "{version: 1, bridges: {webhook: [{listen: '127.0.0.1:8080', ", "}]}}"),
];

/// A place in a configuration where keys stand: what leads there, and the text before and behind it.
struct Place {
    path: String,
    before: String,
    behind: String,
}

impl Place {
    fn new(path: &str, before: &str, behind: &str) -> Self {
        Self { path: path.to_owned(), before: before.to_owned(), behind: behind.to_owned() }
    }

    /// What is wrong with the configuration that says this here.
    fn problems(&self, said: &str, request: &Request) -> Vec<Problem> {
        let text = format!("{}{said}{}\n", self.before, self.behind);
        check_text(Some(&source(&text)), request).err().map(|problems| problems.0).unwrap_or_default()
    }

    /// The keys that are known here. None: no key is refused.
    fn known(&self, request: &Request) -> Option<Vec<String>> {
        let problems = self.problems(&format!("{NO_KEY}: 1"), request);
        let refused = format!("unknown key `{NO_KEY}`");
        let refusal = problems.iter().find(|problem| problem.message.starts_with(&refused))?;
        Some(quoted(refusal.hint.as_deref()?.strip_prefix("known here: ")?))
    }

    /// The range of a key's values, as it is said of a time, a size and a number outside of it. None: it has none.
    fn range(&self, key: &str, request: &Request) -> Option<String> {
        ["99999d", "8000000TiB", "many"].into_iter().find_map(|value| {
            let problems = self.problems(&format!("{key}: {value}"), request);
            problems.iter().find_map(|problem| {
                let out = problem.message.split_once("is out of range; expected ");
                let range = out.or_else(|| problem.message.split_once("expected a whole number from "));
                range.map(|(_, range)| range.to_owned())
            })
        })
    }

    /// The places below a key, in each shape that its value may have.
    fn below(&self, key: &str) -> [Self; 3] {
        let path = joined(&self.path, key);
        [("", "{", "}"), ("[]", "[{", "}]"), (".NAME", "{any: {", "}}")].map(|(shape, open, close)| Self {
            path: format!("{path}{shape}"),
            before: format!("{}{key}: {open}", self.before),
            behind: format!("{close}{}", self.behind),
        })
    }
}

/// Every key that the parser knows, by what leads to it, with the range of its values.
fn known() -> BTreeMap<String, Option<String>> {
    let (_folder, request) = surroundings();
    let mut places = vec![Place::new("", "{version: 1, ", "}")];
    places.extend(MORE_PLACES.map(|(path, before, behind)| Place::new(path, before, behind)));
    let mut all: BTreeMap<String, Option<String>> = BTreeMap::new();
    while let Some(place) = places.pop() {
        for key in place.known(&request).unwrap_or_default() {
            let range = all.entry(joined(&place.path, &key)).or_default();
            *range = range.take().or_else(|| place.range(&key, &request));
            places.extend(place.below(&key));
        }
    }
    all
}

/// What leads to a key on the page: where several places have the same keys, one stands for all.
fn on_the_page(path: &str) -> String {
    let path = path.replace("plugins.defaults.", "plugins.each.NAME.");
    match path.strip_prefix("bridges.").and_then(|rest| rest.split_once("[]")) {
        Some((_, below)) => {
            let below = below.replace(".export[]", ".import[]").replace(".calls[]", ".import[]");
            format!("bridges.KIND[]{below}")
        }
        None => path,
    }
}

/// The rows of the tables that stand below a heading with a path, by what leads to the keys in their first cells.
fn rows(page: &str) -> BTreeMap<String, &str> {
    let (mut rows, mut base) = (BTreeMap::new(), None);
    for line in page.lines() {
        if line.starts_with("##") {
            base = quoted(line).into_iter().next();
        }
        let Some(base) = base.as_deref().filter(|_| line.starts_with("| `")) else { continue };
        let base = if base == "hive.yaml" { "" } else { base };
        let keys = line.split(" | ").next().map(quoted).unwrap_or_default();
        rows.extend(keys.iter().map(|key| (joined(base, key), line)));
    }
    rows
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_page_has_every_key_with_its_range_and_no_other() {
    let (page, bridges, known) = (page("configuration.md"), page("bridges.md"), known());
    assert!(known.len() > 200, "only {} keys are known: {known:?}", known.len());
    let rows = rows(&page);
    let mut wrong = Vec::new();
    for (path, range) in &known {
        let place = on_the_page(path);
        let key = path.rsplit('.').next().unwrap_or(path);
        let is_said = |text: String| bridges.contains(&text);
        match (rows.get(&place), range) {
            (Some(row), Some(range)) if !row.replace(',', "").contains(&format!("| {range} |")) => {
                wrong.push(format!("`{path}` takes {range}, and its row says something else: {row}"));
            }
            (Some(_), _) => {}
            // A key of one kind alone is in bridges.md, in a text or in an example.
            (None, _)
                if place.starts_with("bridges.KIND[]")
                    && (is_said(format!("`{key}`"))
                        || is_said(format!("`{key}:"))
                        || is_said(format!(" {key}:"))) => {}
            (None, _) => wrong.push(format!("`{path}` has no row")),
        }
    }
    let places: BTreeSet<String> = known.keys().map(|path| on_the_page(path)).collect();
    let strange = rows.keys().filter(|row| !places.contains(*row));
    wrong.extend(strange.map(|row| format!("`{row}` has a row, and nobody knows it")));
    assert!(wrong.is_empty(), "docs/configuration.md is not what holds:\n{}", wrong.join("\n"));
}

#[test]
fn the_page_has_the_defaults_that_hold() {
    let page = page("configuration.md");
    let rows = rows(&page);
    let check = |path: &str, want: String| {
        let row = rows.get(path).unwrap_or_else(|| panic!("`{path}` has no row"));
        let default = row.split(" | ").nth(2).unwrap_or_default().replace([',', '`'], "");
        // `dev` has another one of some.
        let default = default.split(';').next().unwrap_or_default();
        assert_eq!(default.trim_end_matches(" |"), want, "docs/configuration.md says of `{path}`: {row}");
    };
    let plugin = |key: &str, want: String| check(&format!("plugins.each.NAME.{key}"), want);
    let time = duration_text;
    let (limits, policy) = (PluginConfig::default().limits(), PluginConfig::default().policy());
    plugin("deadline", time(limits.deadline));
    plugin("cpu", time(limits.cpu));
    plugin("memory", limits.memory.to_string());
    plugin("payload", limits.payload.to_string());
    plugin("call-bytes", limits.call_bytes.to_string());
    plugin("host-calls", limits.host_calls.to_string());
    plugin("publish-rate", limits.publishes.to_string());
    plugin("log-lines", limits.log_lines.to_string());
    plugin("log-bytes", limits.log_bytes.to_string());
    plugin("retire-after", limits.retire_after.map_or("never".into(), |calls| calls.to_string()));
    plugin("retire-idle", time(limits.retire_idle));
    plugin("probation", time(PROBATION));
    plugin("state", QUOTA.to_string());
    plugin("attempts", policy.attempts.to_string());
    plugin("backoff", time(policy.backoff));
    plugin("backoff-max", time(policy.backoff_max));
    plugin("order", if policy.strict { "strict".into() } else { "first-attempts".into() });
    let patience = Patience::default();
    assert_eq!(policy.breaker, Some(patience));
    plugin("breaker.failures", patience.failures.to_string());
    plugin("breaker.pause", time(patience.pause));
    plugin("exec.ready-within", time(Exec::default().ready_within));
    plugin("exec.stop-within", time(Exec::default().stop_within));
    check("journal.max-size", ByteSize(journal::Settings::default().max_bytes).to_string());
    check("journal.patience", time(journal::jetstream::Config::PATIENCE));
    let limits = bridge::Limits::default();
    check("bridges.KIND[].max-size", ByteSize(limits.payload_bytes as u64).to_string());
    check("bridges.KIND[].queue.events", limits.queue_events.to_string());
    check("bridges.KIND[].queue.size", ByteSize(limits.queue_bytes as u64).to_string());
}

#[test]
fn the_page_has_what_is_said_of_who_was_cut() {
    let (page, limits) = (page("configuration.md"), PluginConfig::default().limits());
    for cut in [Cut::Deadline(limits.deadline), Cut::Cpu(limits.cpu), Cut::Memory(limits.memory)] {
        let cell = format!("| `{cut}` |");
        assert!(page.contains(&cell), "docs/configuration.md does not say which key is meant by: {cut}");
    }
}

#[test]
fn the_pages_examples_hold() {
    let (folder, request) = surroundings();
    fs::create_dir(folder.path().join("models")).expect("a folder that an example names");
    for file in ["hive.secret", "database.secret", "nats.creds"] {
        fs::write(folder.path().join(file), "a secret\n").expect("a file that an example names");
    }
    let page = page("configuration.md");
    let blocks: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").map_or(rest, |(block, _)| block))
        .collect();
    assert!(blocks.len() >= 5, "only {} examples found", blocks.len());
    for block in blocks {
        if let Err(problems) = check_text(Some(&source(block)), &request) {
            panic!("an example of docs/configuration.md does not hold:\n{block}\n{problems}");
        }
    }
}
