//! A node that is not there yet: who is about to start it, so that nobody is told to start another.

use std::path::{Path, PathBuf};

use hive_client::{
    Error,
    locate::{self, LocateError, SOCKET_NAME},
};

use super::exit::Fault;
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

/// The data directories where the node that is meant may come.
fn dirs(error: &Error) -> Vec<PathBuf> {
    let usual = || {
        let dir = locate::default_data_dir();
        let dev = dir.as_ref().map(|dir| dir.join("dev"));
        dev.into_iter().chain(dir)
    };
    match error {
        Error::Locate(LocateError::NoneHere(_)) => usual().collect(),
        Error::Locate(LocateError::NotRunning(dir)) => vec![dir.clone()],
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
