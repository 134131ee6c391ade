//! A node that is not there yet: who is about to start it, so that nobody is told to start another. And of several, which
//! one was asked.

use std::{
    collections::BTreeMap,
    env, fs, iter,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use clap::ArgMatches;
use hive_client::{
    Error,
    locate::{self, LocateError, SOCKET_NAME},
};

use super::{exit::Fault, output};
use crate::trust::identity::{self, Doing};

/// What there is to say where no node answers, when one is on its way.
pub(super) fn coming(error: &Error) -> Option<Fault> {
    let (process, doing) = dirs(error).iter().find_map(|dir| identity::held(dir))?;
    let (message, hint) = match doing {
        Doing::Building => (
            format!("no node runs here yet: `dev` (process {process}) builds its handlers first"),
            "what does not build is said there, and how to ask the node once it runs",
        ),
        Doing::Starting => (
            format!("no node answers here yet: process {process} is starting one"),
            "ask again in a moment; what it is busy with is said there",
        ),
        Doing::Running => return None,
    };
    Some(Fault::no_node(anyhow::Error::msg(message)).hint(hint))
}

/// The node of the project that this is called in, where it runs on data of the project's own.
pub(super) fn of_project() -> Option<PathBuf> {
    let sockets = project_data_dirs().into_iter().map(|dir| dir.join(SOCKET_NAME));
    sockets.into_iter().find(|socket| UnixStream::connect(socket).is_ok())
}

fn project_data_dirs() -> Vec<PathBuf> {
    env::current_dir().map_or_else(|_| Vec::new(), |here| locate::project_data_dirs(&here).collect())
}

/// Which node was asked where nobody said which, if others run on this host or are on their way. Those are seen that have
/// a name of their own, or the usual data directories.
pub(super) fn others(verb: &ArgMatches) -> Option<String> {
    others_than(verb.try_get_one::<String>("node").ok()?.map(String::as_str))
}

/// The same for what `--node` says.
pub(super) fn others_than(named: Option<&str>) -> Option<String> {
    if named.is_some_and(|node| !node.is_empty()) {
        return None;
    }
    let own = of_project();
    let is_away = own.is_none() && !project_data_dirs().is_empty();
    let asked = own.or_else(|| locate::socket(None).ok())?.canonicalize().ok()?;
    let mut held = project_data_dirs().into_iter().filter_map(|dir| identity::held(&dir));
    let building = held.find(|(_, doing)| *doing == Doing::Building);
    let coming =
        building.map(|(process, _)| format!("; `dev` (process {process}) still builds its handlers"));
    let running = running();
    // One that has a name of its own may be found in a usual place, too.
    let mut others: BTreeMap<&Path, Option<&str>> = BTreeMap::new();
    for (name, socket) in running.iter().filter(|(_, socket)| *socket != asked) {
        let known = others.entry(socket).or_default();
        *known = known.or(name.as_deref());
    }
    let mut names: Vec<&str> = others.values().copied().flatten().collect();
    names.sort_unstable();
    names.truncate(NAMED_MAX);
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let run = match others.len() {
        0 => None,
        1 => Some(format!("; another one runs here{names}: --node chooses")),
        others => Some(format!("; {others} others run here{names}: --node chooses")),
    };
    let away = is_away.then_some("; no `dev` of the project here runs").filter(|_| coming.is_none());
    if coming.is_none() && run.is_none() && away.is_none() {
        return None;
    }
    let name = running.into_iter().find_map(|(name, socket)| name.filter(|_| socket == asked));
    let name =
        name.map_or_else(|| asked.display().to_string(), |name| format!("{name} ({})", asked.display()));
    let (run, coming, away) = (run.unwrap_or_default(), coming.unwrap_or_default(), away.unwrap_or_default());
    Some(format!("asked was the node {name}{away}{run}{coming}"))
}

/// Which node may be asked where none answers that was meant, if others run here.
pub(super) fn instead() -> Option<String> {
    let mut named: Vec<String> = running().into_iter().filter_map(|(name, _)| name).collect();
    named.sort_unstable();
    named.truncate(NAMED_MAX);
    match named.as_slice() {
        [] => None,
        [one] => Some(format!("`{one}` runs here: `--node {}` asks it", output::quoted(one))),
        several => {
            let several: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            Some(format!("{} run here: `--node NAME` asks one", several.join(", ")))
        }
    }
}

/// The nodes of this user that run: the names they are linked by, and their sockets.
fn running() -> Vec<(Option<String>, PathBuf)> {
    let runtime = locate::runtime_dir();
    let entries =
        locate::is_private(&runtime).then(|| fs::read_dir(&runtime)).into_iter().flatten().flatten();
    let links = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_prefix("hive-node-")?.strip_suffix(".sock")?;
        Some((Some(name.to_owned()), entry.path()))
    });
    let usual = locate::default_data_dir().map(|dir| (None, dir.join(SOCKET_NAME)));
    let own = of_project().map(|socket| (None, socket));
    let all = own.into_iter().chain(links).chain(usual).take(NODES_MAX);
    let all = all.filter_map(|(name, socket)| Some((name, socket.canonicalize().ok()?)));
    all.filter(|(_, socket)| UnixStream::connect(socket).is_ok()).collect()
}

/// Nodes that are named where one was asked.
const NAMED_MAX: usize = 4;
/// Nodes of one host that are looked for.
const NODES_MAX: usize = 64;

/// The data directories where the node that is meant may come.
fn dirs(error: &Error) -> Vec<PathBuf> {
    let linked = |link: PathBuf| Some(fs::read_link(link).ok()?.parent()?.to_path_buf());
    let named = |name: &str| locate::named_link(name).and_then(linked);
    let usual = || {
        let linked = linked(locate::link(None));
        project_data_dirs().into_iter().chain(linked).chain(locate::default_data_dir())
    };
    match error {
        Error::Locate(LocateError::NoneHere(_)) => usual().collect(),
        Error::Locate(LocateError::NotRunning(dir)) => {
            iter::once(dir.clone()).chain(dir.to_str().and_then(named)).collect()
        }
        Error::Locate(LocateError::Nowhere(name)) => named(name).into_iter().collect(),
        Error::Unreachable { socket, .. } => {
            let is_usual =
                *socket == locate::link(None) || usual().any(|dir| *socket == dir.join(SOCKET_NAME));
            let real = socket.read_link().ok();
            let its = [real.as_deref().and_then(Path::parent), socket.parent()];
            let its = its.into_iter().flatten().map(Path::to_path_buf);
            its.chain(usual().filter(|_| is_usual)).collect()
        }
        _ => Vec::new(),
    }
}
