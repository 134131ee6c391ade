//! Flags and the environment laid over the file: flag > environment > file > default.
//!
//! What it owns: which flag and which variable stands for which key. Exists so that a value is read and checked in
//! one way, whoever said it. It must not know what the values mean.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    source::Origin,
    yaml::{Entry, Kind, Value},
};

/// What the command line said; None and empty where it said nothing.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--name`.
    pub name: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--peer`, each time; together they stand for the file's whole list.
    pub peers: Vec<String>,
    /// `--no-mdns`.
    pub no_mdns: bool,
    /// `--network`: becomes the home network, open unless the file or `--secret-file` closes it.
    pub network: Option<String>,
    /// `--secret-file`, of the home network.
    pub secret_file: Option<PathBuf>,
    /// `--plugins`, each time; together they stand for the file's whole list.
    pub plugins: Vec<PathBuf>,
    /// `--api`.
    pub api: Option<String>,
    /// `--log`.
    pub log: Option<String>,
}

/// The network of a node that was told nothing.
pub const DEFAULT_NETWORK: &str = "hive";

/// Lays the environment over `root`, then the flags over both.
pub fn overlay(root: &mut Value, flags: &Flags, environment: &BTreeMap<String, String>) {
    lay(root, &from_environment(environment));
    lay(root, &from_flags(flags));
}

/// One layer: everything that one side said, in the same words as the file's keys.
#[derive(Default)]
struct Layer {
    values: Vec<([&'static str; 2], Value)>,
    network: Option<Value>,
    secret_file: Option<Value>,
}

impl Layer {
    fn add(&mut self, path: [&'static str; 2], text: Option<&str>, origin: Origin) {
        if let Some(text) = text {
            self.values.push((path, Value::text(text, origin)));
        }
    }

    fn add_list<'a>(
        &mut self,
        path: [&'static str; 2],
        items: impl Iterator<Item = &'a str>,
        origin: &Origin,
    ) {
        let items: Vec<Value> = items.map(|item| Value::text(item, origin.clone())).collect();
        if !items.is_empty() {
            self.values.push((path, Value { kind: Kind::List(items), origin: origin.clone() }));
        }
    }
}

fn from_flags(flags: &Flags) -> Layer {
    let mut layer = Layer::default();
    // A path that is not UTF-8 is shown with replacements and then not found: said, if oddly.
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    layer.add(["node", "name"], flags.name.as_deref(), Origin::Flag("--name"));
    layer.add(["node", "data-dir"], flags.data_dir.as_ref().map(text).as_deref(), Origin::Flag("--data-dir"));
    layer.add(["node", "listen"], flags.listen.as_deref(), Origin::Flag("--listen"));
    layer.add_list(["node", "peers"], flags.peers.iter().map(String::as_str), &Origin::Flag("--peer"));
    layer.add(["node", "mdns"], flags.no_mdns.then_some("false"), Origin::Flag("--no-mdns"));
    let folders: Vec<String> = flags.plugins.iter().map(text).collect();
    layer.add_list(["plugins", "folders"], folders.iter().map(String::as_str), &Origin::Flag("--plugins"));
    layer.add(["api", "listen"], flags.api.as_deref(), Origin::Flag("--api"));
    layer.add(["log", "level"], flags.log.as_deref(), Origin::Flag("--log"));
    layer.network = flags.network.as_deref().map(|name| Value::text(name, Origin::Flag("--network")));
    let secret_file = flags.secret_file.as_ref().map(text);
    layer.secret_file = secret_file.map(|path| Value::text(path, Origin::Flag("--secret-file")));
    layer
}

fn from_environment(environment: &BTreeMap<String, String>) -> Layer {
    let mut layer = Layer::default();
    let said = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let singles: [(&'static str, [&'static str; 2]); 5] = [
        ("HIVE_NAME", ["node", "name"]),
        ("HIVE_DATA_DIR", ["node", "data-dir"]),
        ("HIVE_LISTEN", ["node", "listen"]),
        ("HIVE_MDNS", ["node", "mdns"]),
        ("HIVE_API", ["api", "listen"]),
    ];
    for (name, path) in singles {
        layer.add(path, said(name), Origin::Environment(name));
    }
    let listed = |name: &str| said(name).into_iter().flat_map(|value| value.split(',')).map(str::trim);
    layer.add_list(["node", "peers"], listed("HIVE_PEERS"), &Origin::Environment("HIVE_PEERS"));
    layer.add_list(["plugins", "folders"], listed("HIVE_PLUGINS"), &Origin::Environment("HIVE_PLUGINS"));
    layer.network = said("HIVE_NETWORK").map(|name| Value::text(name, Origin::Environment("HIVE_NETWORK")));
    let secret_file = said("HIVE_SECRET_FILE");
    layer.secret_file = secret_file.map(|path| Value::text(path, Origin::Environment("HIVE_SECRET_FILE")));
    layer
}

fn lay(root: &mut Value, layer: &Layer) {
    for (path, value) in &layer.values {
        set(root, path, value.clone());
    }
    if let Some(name) = &layer.network
        && let Kind::Text { text, .. } = &name.kind
    {
        make_home(root, text, &name.origin, layer.secret_file.is_some());
    }
    if let Some(file) = &layer.secret_file {
        let home = home(root);
        // The flag closes the network, so neither of the file's own words about that may stand beside it.
        if let Some(network) = below(root, &["networks", &home]) {
            network.retain(|entry| !matches!(entry.key.as_str(), "open" | "secret"));
        }
        set(root, &["networks", &home, "secret", "file"], file.clone());
    }
}

fn make_home(root: &mut Value, name: &str, origin: &Origin, closed: bool) {
    let networks = below(root, &["networks"]);
    let known = networks.as_ref().is_some_and(|networks| networks.iter().any(|entry| entry.key == name));
    for entry in networks.into_iter().flatten() {
        if let Kind::Map(keys) = &mut entry.value.kind {
            keys.retain(|key| key.key != "home");
        }
    }
    set(root, &["networks", name, "home"], Value::text("true", origin.clone()));
    if !known && !closed {
        set(root, &["networks", name, "open"], Value::text("true", origin.clone()));
    }
}

/// The name of the network that is home so far: the one that says so, else the first, else the default.
fn home(root: &mut Value) -> String {
    let Some(networks) = below(root, &["networks"]) else { return DEFAULT_NETWORK.to_owned() };
    let home = networks.iter().find(|network| says_home(&network.value)).or(networks.first());
    home.map_or_else(|| DEFAULT_NETWORK.to_owned(), |network| network.key.clone())
}

fn says_home(network: &Value) -> bool {
    let Kind::Map(keys) = &network.kind else { return false };
    let is_true = |value: &Value| matches!(&value.kind, Kind::Text { text, .. } if text == "true");
    keys.iter().any(|key| key.key == "home" && is_true(&key.value))
}

/// The entries of the mapping at `path`, if all on the way are mappings.
fn below<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Vec<Entry>> {
    let Kind::Map(entries) = &mut value.kind else { return None };
    match path.split_first() {
        None => Some(entries),
        Some((key, rest)) => {
            let entry = entries.iter_mut().find(|entry| entry.key == *key)?;
            below(&mut entry.value, rest)
        }
    }
}

/// Puts a value at `path`, making mappings on the way. A wrong shape on the way stays, to be refused by the check.
fn set(root: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *root = value;
        return;
    };
    if root.is_null() {
        root.kind = Kind::Map(Vec::new());
    }
    let Kind::Map(entries) = &mut root.kind else { return };
    let at = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
        let origin = value.origin.clone();
        entries.push(Entry {
            key: (*key).to_owned(),
            origin: origin.clone(),
            value: Value::empty_map(origin),
        });
        entries.len() - 1
    });
    if let Some(entry) = entries.get_mut(at) {
        set(&mut entry.value, rest, value);
    }
}
