//! Who may import whom: the table, and reading the imports out of the code.
//!
//! The picture is in node/ARCHITECTURE.md; a line here and the picture change in one commit.

use std::collections::BTreeSet;

use crate::{Text, text::code_of};

/// The plain modules: no tasks, no sockets. Everybody may use them.
const PLAIN: &[&str] = &["control", "metrics", "shutdown", "status", "telemetry", "trust", "units"];

/// A module and what it may import of its own crate, beside itself and [`PLAIN`] ones.
type Row = (&'static str, &'static [&'static str]);

/// hive-node, from the top down.
const NODE: &[Row] = &[
    ("main", &["cli"]),
    ("cli", &["node", "config", "toolchain", "bench", "doctor", "api", "bridge"]),
    // Beside the root.
    ("bench", &["node", "bridge", "plugin", "dispatch", "bus", "transport", "journal"]),
    ("doctor", &["config", "mesh", "discovery", "api", "transport", "mdns"]),
    ("toolchain", &["plugin", "dispatch", "bus", "watch"]),
    ("config", &["mesh", "plugin", "bridge", "discovery", "api", "bus", "journal"]),
    // The composition root.
    (
        "node",
        &[
            "config",
            "mesh",
            "plugin",
            "bridge",
            "discovery",
            "api",
            "dispatch",
            "bus",
            "transport",
            "journal",
            "store",
            "mdns",
            "watch",
        ],
    ),
    // Parts: they own their tasks and never import one another.
    ("mesh", &["bus", "transport"]),
    ("plugin", &["dispatch", "bus", "store", "watch"]),
    ("bridge", &["dispatch", "bus", "mdns"]),
    ("discovery", &["mdns"]),
    ("api", &["dispatch", "bus", "journal"]),
    ("dispatch", &["bus"]),
    ("bus", &["journal"]),
    // Means.
    ("transport", &[]),
    ("journal", &[]),
    ("store", &[]),
    ("mdns", &[]),
    ("watch", &[]),
];

/// What the plain modules may import of one another: `units` is below the rest.
const PLAIN_ROWS: &[Row] = &[
    ("control", &["status", "units"]),
    ("metrics", &[]),
    ("shutdown", &["units"]),
    ("status", &["units"]),
    ("telemetry", &["units"]),
    ("trust", &["units"]),
    ("units", &[]),
];

/// The words of hive-proto, which may use each other.
const WORDS: &[&str] =
    &["channel", "error", "event", "group", "id", "keys", "limits", "mix", "pattern", "time"];

/// hive-proto, from the top down, beside [`WORDS`].
const PROTO: &[Row] = &[
    ("sim", &["core", "trace", "record", "interest", "plane", "frame", "trie", "io"]),
    (
        "core",
        &["gossip", "routes", "trace", "membership", "record", "interest", "plane", "frame", "trie", "io"],
    ),
    ("gossip", &["membership", "record", "frame", "io"]),
    ("routes", &["membership"]),
    ("trace", &["frame", "io"]),
    ("membership", &["record"]),
    ("record", &["interest", "frame"]),
    ("plane", &["frame", "trie", "io"]),
    ("interest", &["frame", "trie", "io"]),
    ("io", &["frame"]),
    ("trie", &[]),
    ("frame", &[]),
];

/// Crates that only some modules of hive-node may name; what is not listed is free.
const CRATES: &[Row] = &[
    // The bench is a verb that outgrew its file: its errors go to a person and nowhere else.
    // What loads a project into an interpreter has those of the library that it runs for.
    ("anyhow", &["main", "cli", "bench", "toolchain"]),
    ("async_nats", &["journal", "bridge", "bench"]),
    ("axum", &["api", "bridge"]),
    ("clap", &["cli"]),
    // The doctor looks at a node from outside, and speaks in the documents of its API.
    ("hive_client", &["cli", "api", "doctor"]),
    ("mdns_sd", &["mdns"]),
    ("notify", &["watch"]),
    ("prometheus_client", &["metrics"]),
    ("quinn", &["transport", "mesh", "bench"]),
    ("redb", &["store"]),
    // In `config` it is the name of what reads such a bridge's keys.
    ("redis", &["bridge", "bench", "config"]),
    ("reqwest", &["bridge"]),
    ("rumqttc", &["bridge", "bench"]),
    ("rustls", &["transport", "bridge", "bench"]),
    ("saphyr_parser", &["config"]),
    ("serde_yaml", &["config"]),
    ("tokio_tungstenite", &["bridge"]),
    ("wasmparser", &["plugin", "toolchain"]),
    // The toolchain runs an interpreter while it builds.
    ("wasmtime", &["plugin", "toolchain"]),
    ("wasmtime_wasi", &["plugin", "toolchain"]),
    ("wasmtime_wasi_http", &["plugin"]),
    ("wit_component", &["plugin", "toolchain"]),
    ("wit_parser", &["plugin", "toolchain"]),
];

/// The arrows of a file that the tables do not have.
pub(crate) fn problems(file: &Text) -> Vec<String> {
    let (is_node, inside) =
        match (file.path.strip_prefix("node/src/"), file.path.strip_prefix("node/proto/src/")) {
            (Some(inside), _) => (true, inside),
            (_, Some(inside)) => (false, inside),
            _ => return Vec::new(),
        };
    let Some(path) = inside.strip_suffix(".rs") else { return Vec::new() };
    let module = path.split('/').next().unwrap_or(path);
    // Tests may reach for whatever they need to test against.
    if module == "lib" || path.ends_with("/tests") || path.contains("/tests/") {
        return Vec::new();
    }
    let own_name = if is_node { "hive_node" } else { "hive_proto" };
    let code = code(&file.text);
    let mut imports = names_after(&code, "crate::");
    imports.extend(names_after(&code, &format!("{own_name}::")));
    imports.extend(climbed(&code, path));
    let allowed = if is_node { node_row(module) } else { proto_row(module) };
    let Some(allowed) = allowed else {
        return vec![format!("{}: the module `{module}` has no row in the table", file.path)];
    };
    let is_module =
        |name: &String| if is_node { node_row(name).is_some() } else { proto_row(name).is_some() };
    let arrows =
        imports.iter().filter(|name| *name != module && is_module(name) && !allowed.contains(&name.as_str()));
    let mut problems: Vec<String> = arrows.map(|name| format!("{}: {module} ► {name}", file.path)).collect();
    if is_node {
        let named = CRATES.iter().filter(|(_, modules)| !modules.contains(&module));
        let named = named.filter(|(name, _)| !names_after(&code, &format!("{name}::")).is_empty());
        problems.extend(named.map(|(name, _)| format!("{}: {module} ► the crate {name}", file.path)));
    }
    problems
}

fn node_row(module: &str) -> Option<BTreeSet<&'static str>> {
    let find = |rows: &[Row]| rows.iter().find(|(name, _)| *name == module).map(|(_, below)| *below);
    match find(NODE) {
        Some(below) => Some(below.iter().chain(PLAIN).copied().collect()),
        None => find(PLAIN_ROWS).map(|below| below.iter().copied().collect()),
    }
}

fn proto_row(module: &str) -> Option<BTreeSet<&'static str>> {
    let below = match PROTO.iter().find(|(name, _)| *name == module) {
        Some((_, below)) => below,
        None if WORDS.contains(&module) => &[][..],
        None => return None,
    };
    Some(below.iter().chain(WORDS).copied().collect())
}

/// The code up to its inline tests, without comments and strings.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "mod tests {");
    lines.map(code_of).collect::<Vec<_>>().join("\n")
}

/// The first names after a prefix: one of `crate::a::b`, several of `crate::{a::b, c}`.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$';
        if code[..at].chars().next_back().is_some_and(part_of_word) && !code[..at].ends_with(" ::") {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_names(group)),
            None => names.extend(first_name(rest)),
        }
    }
    names
}

/// The first names of a group of imports, up to its closing brace.
fn group_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut begins) = (0_usize, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                names.extend(first_name(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Names reached by climbing with `super` out of the module to the crate's root.
fn climbed(code: &str, path: &str) -> BTreeSet<String> {
    let depth = path.split('/').count();
    names_after(code, &"super::".repeat(depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_importing_is_seen() {
        let check = |path: &str, text: &str, want: &[&str]| {
            let said = problems(&Text { path: path.to_owned(), text: text.to_owned() });
            let said: Vec<&str> = said.iter().filter_map(|said| said.split(": ").nth(1)).collect();
            assert_eq!(said, want, "{path}: {text}");
        };
        check("node/src/mesh.rs", "use crate::{bus::Bus, trust};\nuse hive_proto::core::Core;", &[]);
        check("node/src/mesh.rs", "use crate::plugin::Plugins;", &["mesh ► plugin"]);
        check(
            "node/src/mesh.rs",
            "use crate::{\n    bus::{a, b},\n    dispatch::Lanes,\n};",
            &["mesh ► dispatch"],
        );
        check("node/src/mesh/link.rs", "fn x(p: crate::api::Api) {}", &["mesh ► api"]);
        check("node/src/mesh.rs", "use super::api;", &["mesh ► api"]);
        check("node/src/mesh/link.rs", "use super::super::api::X;\nuse super::actor;", &["mesh ► api"]);
        check("node/src/units.rs", "use crate::status::Boards;", &["units ► status"]);
        check("node/src/bus.rs", "// crate::plugin\nlet x = \"crate::plugin\";", &[]);
        check("node/src/bus.rs", "#[cfg(test)]\nmod tests {\n use crate::plugin;\n}", &[]);
        check("node/src/bus/tests.rs", "use crate::plugin;", &[]);
        check("node/src/main.rs", "use hive_node::bus::Bus;", &["main ► bus"]);
        check("node/src/bus.rs", "let x: quinn::Connection;", &["bus ► the crate quinn"]);
        check("node/src/newcomer.rs", "", &["the module `newcomer` has no row in the table"]);
        check("node/proto/src/frame/batch.rs", "use crate::{plane::X, limits::Y};", &["frame ► plane"]);
        check("node/proto/src/channel.rs", "use crate::{pattern::X, trie::Y};", &["channel ► trie"]);
        check("node/proto/src/core.rs", "use crate::{interest::X, frame::Y, sim::Z};", &["core ► sim"]);
    }
}
