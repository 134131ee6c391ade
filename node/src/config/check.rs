//! From marked values to [`Settings`]: which keys there are and what each may hold.
//!
//! What it owns: the meaning of every key. All problems are collected; none hides another. It must not know how the
//! parts use what it reads.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use super::{
    bridges,
    channels::{self, Channels},
    journal, network, plugins,
    problem::Problem,
    section::{Report, Section, parsed, text},
    settings::{ListenSettings, NodeSettings, PeerAddress, Settings},
    source::Origin,
    yaml::{Kind, Value},
};
use crate::telemetry;

/// What values are relative to.
pub struct Surroundings<'a> {
    /// Where paths in the file start.
    pub file_folder: PathBuf,
    /// Where paths of flags and variables start.
    pub directory: &'a Path,
    /// The variables of the node's own environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Where data is kept when nobody says, if there is such a place.
    pub default_data_dir: Option<&'a Path>,
    /// What a node is called when nobody says, as far as a name can be that; none: as its host.
    pub default_name: Option<&'a str>,
}

impl Surroundings<'_> {
    /// The path that a value names.
    ///
    /// # Errors
    /// For what is no text, empty, or begins with `~`, which only shells understand.
    pub fn path(&self, value: &Value) -> Result<PathBuf, Problem> {
        let path = text(value)?;
        if path.is_empty() {
            return Err(Problem::new(&value.origin, "the path is empty"));
        }
        if path == "~" || path.starts_with("~/") {
            let problem = Problem::new(&value.origin, "`~` is not replaced here");
            return Err(problem.hint(format!("write `${{HOME}}{}`", path.trim_start_matches('~'))));
        }
        let base = if matches!(value.origin, Origin::File(_)) { &self.file_folder } else { self.directory };
        Ok(base.join(path))
    }
}

/// Reads the whole configuration. None only when there are problems.
pub fn settings(root: &Value, around: &Surroundings<'_>, report: &mut Report) -> Option<Settings> {
    let mut top = Section::new(Vec::new(), Some(root), report);
    version(&mut top, root, report);
    let node = node(top.section("node", report), around, report);
    let networks = network::read(top.section("networks", report), around, report);
    let Channels { rules, durable, when_full } = channels::read(&mut top, &networks, report);
    let (engine, journal) = journal::read(top.section("journal", report), around, report);
    let plugins = plugins::read(top.section("plugins", report), around, report);
    let bridges = bridges::read(top.section("bridges", report), &networks, around, report);
    api(top.section("api", report), report);
    let log = log(top.section("log", report), report);
    top.finish(report);
    let settings = Settings {
        node: node?,
        networks,
        channels: rules,
        durable,
        when_full,
        engine,
        journal,
        plugins,
        bridges,
        log,
    };
    report.problems.is_empty().then_some(settings)
}

fn version(top: &mut Section<'_>, root: &Value, report: &mut Report) {
    let given = top.value("version").is_some();
    top.read("version", report, |value| match text(value)? {
        "1" => Ok(()),
        other => {
            let shown: String = other.chars().take(40).collect();
            let problem = Problem::new(&value.origin, format!("`{shown}` is no version of this format"));
            Err(problem.hint("this hive-node reads `version: 1`"))
        }
    });
    let is_file = matches!((&root.origin, &root.kind), (Origin::File(_), Kind::Map(_)));
    if !given && is_file {
        let problem = Problem::new(&first_line(&root.origin), "the file does not say its version");
        report.problems.push(problem.hint("begin it with the line `version: 1`"));
    }
}

/// Where something is missing at the top, the file's begin is shown, not all of it.
fn first_line(origin: &Origin) -> Origin {
    let mut origin = origin.clone();
    if let Origin::File(place) = &mut origin {
        place.span.end = place.span.start;
    }
    origin
}

fn node(mut section: Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> Option<NodeSettings> {
    let usual = around.default_name.and_then(fitting).unwrap_or_else(host_name);
    let name = section.read_or("name", report, (usual.clone(), &usual), node_name);
    let data_dir = match around.default_data_dir {
        Some(default) => {
            let shown = default.to_string_lossy().into_owned();
            Some(
                section.read_or("data-dir", report, (default.to_owned(), &shown), |value| around.path(value)),
            )
        }
        None => data_dir_without_default(&mut section, around, report),
    };
    let listen = section.read_or("listen", report, (ListenSettings::Default, "0.0.0.0:7182"), listen);
    let peers: Option<Vec<PeerAddress>> = section.list("peers", report, |value, _| parsed(value));
    let mdns = section.read_or("mdns", report, (true, "true"), super::section::truth);
    section.finish(report);
    Some(NodeSettings { name, data_dir: data_dir?, listen, peers: peers.unwrap_or_default(), mdns })
}

fn data_dir_without_default(
    section: &mut Section<'_>,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> Option<PathBuf> {
    if section.value("data-dir").is_none() {
        let problem = Problem::nowhere("no place for the node's data: there is no home folder");
        report.problems.push(problem.hint("give one with --data-dir"));
    }
    section.read("data-dir", report, |value| around.path(value))
}

/// Bytes of a node's name, so that it fits a greeting and a line.
const NODE_NAME_BYTES_MAX: usize = 64;

fn node_name(value: &Value) -> Result<String, Problem> {
    let name = text(value)?;
    let bad = name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace());
    if bad {
        return Err(Problem::new(&value.origin, "a node's name is one word without spaces"));
    }
    if name.len() > NODE_NAME_BYTES_MAX {
        return Err(Problem::new(
            &value.origin,
            format!("a node's name has at most {NODE_NAME_BYTES_MAX} bytes"),
        ));
    }
    Ok(name.to_owned())
}

/// A name that a node can have and `--node` can say, as near to what is wished as there is one.
fn fitting(wish: &str) -> Option<String> {
    let fits = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '/' | ':');
    let name: String = wish.trim().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    let name = &name[..name.floor_char_boundary(NODE_NAME_BYTES_MAX)];
    (!name.is_empty()).then(|| name.to_owned())
}

fn host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    let fits = |c: &char| !c.is_control() && !c.is_whitespace();
    // The first part alone: `kitchen`, not `kitchen.example.org`; cut where a character ends.
    let name: String = name.split('.').next().unwrap_or_default().chars().filter(fits).take(16).collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

fn listen(value: &Value) -> Result<ListenSettings, Problem> {
    if text(value)? == "loopback" {
        return Ok(ListenSettings::Loopback);
    }
    let hint = "write an address and a UDP port, as in `0.0.0.0:7182`, or `loopback`";
    socket_address(value, PeerAddress::DEFAULT_PORT, hint).map(ListenSettings::Exact)
}

/// The Unix socket is always there; another place to listen at comes with a later version.
fn api(mut section: Section<'_>, report: &mut Report) {
    section.read_or("listen", report, ((), "off"), |value| match text(value)? {
        "off" | "false" => Ok(()),
        _ => {
            let problem = Problem::new(&value.origin, "the API over TCP is not in this version of hive-node");
            Err(problem.hint("leave it out: programs of this host use the Unix socket"))
        }
    });
    section.finish(report);
}

fn socket_address(value: &Value, port: u16, hint: &str) -> Result<SocketAddr, Problem> {
    let given = text(value)?;
    let bare = given.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port));
    bare.or_else(|_| given.parse()).map_err(|_| {
        let shown: String = given.chars().take(60).collect();
        Problem::new(&value.origin, format!("`{shown}` is no address to listen on")).hint(hint)
    })
}

fn log(mut section: Section<'_>, report: &mut Report) -> Option<String> {
    let level = section.read("level", report, |value| {
        let level = text(value)?;
        telemetry::check(level).map(|()| level.to_owned()).map_err(|fault| {
            Problem::new(&value.origin, format!("`{level}` is no log level: {fault}"))
                .hint("write one of error, warn, info, debug, trace, or directives such as `hive_node::mesh=debug,info`")
        })
    });
    section.finish(report);
    level
}
