//! What separates a component from the world this node offers, in words for people.
//!
//! What it owns: the node's own world, read from `wit/`, and the comparison. Exists because wasmtime says that something
//! does not fit, and whoever wrote the component wants to know what, and what is wanted. It must not load or run anything.

mod shape;

use std::collections::BTreeMap;

use shape::{Functions, functions};
use wit_component::DecodedWasm;
use wit_parser::{PackageId, Resolve, SourceMap, WorldId, WorldItem, WorldKey};

use super::wasmcloud;

/// The interface every handler exports.
pub const HANDLER: &str = "hive:node/handler@0.1.0";

/// The interface a handler may export, to prepare something.
pub const STARTUP: &str = "hive:node/startup@0.1.0";

/// The interface a handler may export, to hand its memory over.
pub const SNAPSHOT: &str = "hive:node/snapshot@0.1.0";

/// What this node offers and wants.
pub struct Contract {
    /// The interfaces handlers may import, by name without version.
    offered: BTreeMap<String, Functions>,
    /// The interfaces handlers export or may export, likewise.
    called: BTreeMap<String, Functions>,
}

/// What a component imports and exports.
pub struct Face {
    imports: Vec<(String, Functions)>,
    exports: Vec<(String, Functions)>,
}

/// A function that a newer handler imports and this node does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The interface as this node calls it, version included.
    pub interface: String,
    /// The function.
    pub function: String,
}

/// How the comparison ended.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Why it does not fit; empty when it does.
    pub differences: Vec<String>,
    /// What it imports from interfaces we know and that we do not have.
    pub unknown: Vec<Unknown>,
}

const PACKAGE: &str = "hive:node";
const VERSION: &str = "0.1.0";

/// The other package whose handlers run here, and its version.
const MESSAGING: &str = "wasmcloud:messaging";
const MESSAGING_VERSION: &str = "0.2.0";

/// The files of `wit/`. A test holds the list against the folder.
const SOURCES: [(&str, &str); 13] = [
    ("bus.wit", include_str!("../../../wit/bus.wit")),
    ("config.wit", include_str!("../../../wit/config.wit")),
    ("current.wit", include_str!("../../../wit/current.wit")),
    ("handler.wit", include_str!("../../../wit/handler.wit")),
    ("log.wit", include_str!("../../../wit/log.wit")),
    ("node.wit", include_str!("../../../wit/node.wit")),
    ("secrets.wit", include_str!("../../../wit/secrets.wit")),
    ("snapshot.wit", include_str!("../../../wit/snapshot.wit")),
    ("startup.wit", include_str!("../../../wit/startup.wit")),
    ("state.wit", include_str!("../../../wit/state.wit")),
    ("timers.wit", include_str!("../../../wit/timers.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("worlds.wit", include_str!("../../../wit/worlds.wit")),
];

/// Interfaces of WASI 0.2 that are linked, with or without anything behind them.
const WASI: [(&str, &[&str]); 7] = [
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:http", &["outgoing-handler", "types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

impl Contract {
    /// Reads the node's own WIT.
    ///
    /// # Errors
    /// When it cannot be read, which is a mistake of this program.
    pub fn read() -> Result<Self, String> {
        let mut contract = Self { offered: BTreeMap::new(), called: BTreeMap::new() };
        contract.add(PACKAGE, &own_wit()?.0);
        contract.add(MESSAGING, &wasmcloud::messaging_wit()?);
        Ok(contract)
    }

    fn add(&mut self, package: &str, resolve: &Resolve) {
        for (id, interface) in &resolve.interfaces {
            let Some(name) = &interface.name else { continue };
            let side = match name.as_str() {
                "handler" | "startup" | "snapshot" => &mut self.called,
                _ => &mut self.offered,
            };
            side.insert(format!("{package}/{name}"), functions(resolve, id));
        }
    }

    /// Compares a component with what is offered and wanted.
    #[must_use]
    pub fn judge(&self, face: &Face) -> Verdict {
        let mut verdict = Verdict::default();
        for (name, found) in &face.imports {
            self.judge_import(name, found, &mut verdict);
        }
        self.judge_exports(face, &mut verdict.differences);
        verdict
    }

    fn judge_import(&self, name: &str, found: &Functions, verdict: &mut Verdict) {
        let (interface, version) = split(name);
        let Some(offered) = self.offered.get(interface).filter(|_| is_compatible(interface, version)) else {
            if let Some(difference) = foreign(name, interface, version) {
                verdict.differences.push(difference);
            }
            return;
        };
        for (function, found) in found {
            match offered.get(function) {
                None => verdict.unknown.push(Unknown {
                    interface: format!("{interface}@{}", spoken(interface)),
                    function: function.clone(),
                }),
                Some(wanted) => verdict.differences.extend(found.difference(wanted).map(|difference| {
                    format!("it imports `{name}`, whose `{function}` differs: {difference}")
                })),
            }
        }
    }

    fn judge_exports(&self, face: &Face, differences: &mut Vec<String>) {
        let mut has_handler = false;
        for (name, found) in &face.exports {
            let (interface, version) = split(name);
            let Some(wanted) = self.called.get(interface).filter(|_| is_compatible(interface, version))
            else {
                continue;
            };
            has_handler |= interface == split(HANDLER).0 || interface == split(wasmcloud::HANDLER).0;
            for (function, wanted) in wanted {
                let difference = match found.get(function) {
                    None => Some("it is missing".to_owned()),
                    Some(found) => found.difference(wanted),
                };
                differences.extend(difference.map(|difference| {
                    format!("it exports `{name}`, whose `{function}` differs: {difference}")
                }));
            }
        }
        if !has_handler {
            differences.push(format!("it does not export `{HANDLER}`{}", exports_instead(face)));
        }
    }
}

/// Reads what a component imports and exports.
///
/// # Errors
/// When the bytes are no component, or one that cannot be read.
pub fn face(component: &[u8]) -> Result<Face, String> {
    match wit_component::decode(component) {
        Ok(DecodedWasm::Component(resolve, world)) => Ok(face_of(&resolve, world)),
        Ok(DecodedWasm::WitPackage(..)) => Err("it is a WIT package, not a component that can run".into()),
        Err(error) => Err(format!("{error:#}")),
    }
}

impl Face {
    /// The world that a component was made for, as its exports tell it.
    #[must_use]
    pub fn world(&self) -> Option<&'static str> {
        let exports = |wanted: &str| self.exports.iter().any(|(name, _)| split(name).0 == split(wanted).0);
        if exports(HANDLER) {
            let world = "hive:node/plugin@0.1.0";
            return Some(if exports(STARTUP) { "hive:node/plugin-with-startup@0.1.0" } else { world });
        }
        exports(wasmcloud::HANDLER).then_some("wasmcloud:messaging@0.2.0")
    }

    /// The names of what it imports and of what it exports.
    #[must_use]
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let names = |side: &[(String, Functions)]| side.iter().map(|(name, _)| name.clone()).collect();
        (names(&self.imports), names(&self.exports))
    }
}

fn face_of(resolve: &Resolve, world: WorldId) -> Face {
    let Some(world) = resolve.worlds.get(world) else {
        return Face { imports: Vec::new(), exports: Vec::new() };
    };
    let side = |items: &mut dyn Iterator<Item = (&WorldKey, &WorldItem)>| {
        items
            .filter_map(|(key, item)| {
                let name = resolve.name_world_key(key);
                match item {
                    WorldItem::Interface { id, .. } => Some((name, functions(resolve, *id))),
                    WorldItem::Function(_) => Some((name, Functions::new())),
                    WorldItem::Type { .. } => None,
                }
            })
            .collect()
    };
    Face { imports: side(&mut world.imports.iter()), exports: side(&mut world.exports.iter()) }
}

fn own_wit() -> Result<(Resolve, PackageId), String> {
    wit(str::to_owned)
}

/// The node's own WIT, each file as `change` makes it.
pub(super) fn wit(change: impl Fn(&str) -> String) -> Result<(Resolve, PackageId), String> {
    let mut sources = SourceMap::new();
    for (path, text) in SOURCES {
        sources.push_str(path, change(text));
    }
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| error.to_string())?;
    Ok((resolve, package))
}

/// A name and its version: `hive:node/bus` and `0.1.0`.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

/// Every version fits that begins with the same two numbers: within them nothing that exists changes.
fn is_compatible(interface: &str, version: Option<&str>) -> bool {
    let numbers = spoken(interface).trim_end_matches('0');
    version.is_some_and(|version| version.starts_with(numbers))
}

/// The version of an interface that this node speaks.
fn spoken(interface: &str) -> &'static str {
    if interface.starts_with(MESSAGING) { MESSAGING_VERSION } else { VERSION }
}

/// What is wrong with an import that is not ours.
fn foreign(name: &str, interface: &str, version: Option<&str>) -> Option<String> {
    let (package, short) = interface.split_once('/').unwrap_or((interface, ""));
    if package == PACKAGE || package == MESSAGING {
        let why = if is_compatible(interface, version) {
            "which this version of the node does not have".to_owned()
        } else {
            format!("but this node speaks `{package}@{}`", spoken(interface))
        };
        return Some(format!("it imports `{name}`, {why}"));
    }
    if wasmcloud::EXTRAS.contains(&name) {
        return None;
    }
    let linked = WASI.iter().any(|(wasi, names)| *wasi == package && names.contains(&short));
    match version {
        Some(version) if linked && version.starts_with("0.2.") => None,
        Some(_) if linked => Some(format!("it imports `{name}`, but this node offers WASI 0.2")),
        _ => Some(format!("it imports `{name}`, which this node does not offer")),
    }
}

fn exports_instead(face: &Face) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = face.exports.iter().take(SHOWN).map(|(name, _)| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "; it exports nothing".into(),
        _ => format!("; it exports {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
