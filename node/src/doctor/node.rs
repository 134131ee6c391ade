//! The node of this host: whether it runs, and whether its key can be used.

use std::path::{Path, PathBuf};

use super::{
    Subject,
    report::{Cause, Finding, Probe},
};
use crate::trust::identity::Identity;

/// Whether a node runs here. Looking at another host works without one, so then it is no cause by itself.
pub(super) fn probe(subject: &Subject, for_another_host: bool) -> Finding {
    match subject {
        Subject::Running { status, .. } => {
            let node = &status.node;
            let short: String = node.id.chars().take(8).collect();
            let seen = format!("{} ({short}) runs here, hive-node {}", node.name, node.version);
            let own = env!("CARGO_PKG_VERSION");
            if node.version == own {
                return Finding::ok(Probe::Node, seen);
            }
            Finding::warn(Probe::Node, format!("{seen}, and this program is {own}"))
                .hint("restart the node, so that it is the installed version")
        }
        Subject::Planned(_) => {
            let hint = "start one with `hive-node run` or `hive-node dev`; if it runs as another user, ask as that user";
            match for_another_host {
                true => Finding::warn(Probe::Node, "no node of this user runs here"),
                false => Finding::fail(Probe::Node, Cause::NotRunning, "no node of this user runs here"),
            }
            .hint(hint)
        }
    }
}

/// Whether the key can be used that makes the node the same one after every start. A node that runs has read it.
pub(super) fn data(subject: &Subject) -> Finding {
    let Some(dir) = dir(subject) else {
        return Finding::skipped(
            Probe::Data,
            "the node keeps nothing, and has another key after every start",
        );
    };
    let found = Identity::load(&dir);
    match (found, subject) {
        (Ok(Some(_)), _) => Finding::ok(Probe::Data, format!("the key in {} can be used", dir.display())),
        (Ok(None), Subject::Planned(_)) => {
            Finding::skipped(Probe::Data, format!("there is no key in {} yet", dir.display()))
        }
        (Ok(None), Subject::Running { .. }) => {
            Finding::warn(Probe::Data, format!("the key is gone from {}", dir.display()))
                .hint("after the next start the node will be another one")
        }
        (Err(error), Subject::Running { .. }) => {
            Finding::warn(Probe::Data, error.to_string()).hint(error.hint())
        }
        (Err(error), Subject::Planned(_)) => {
            Finding::fail(Probe::Data, Cause::Data, error.to_string()).hint(error.hint())
        }
    }
}

fn dir(subject: &Subject) -> Option<PathBuf> {
    match subject {
        Subject::Running { status, .. } => status.node.data_dir.as_deref().map(|dir| Path::new(dir).into()),
        Subject::Planned(settings) => Some(settings.node.data_dir.clone()),
    }
}
