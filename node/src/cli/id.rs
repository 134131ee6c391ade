//! `id`: who a node is.

use std::path::PathBuf;

use clap::Args;
use hive_client::locate;

use super::{exit::Fault, output};
use crate::trust::identity::Identity;

/// Print a node's id: its public key in 64 hexadecimal digits.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node id                        of the node whose data is in the usual place
  hive-node id --node kitchen         of a running node

A data directory without a key gets one, so that the id can be told to others before the first
start.")]
pub(super) struct Id {
    /// Whose: a data directory [default: the one that `run` uses].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Ask a running node: its name, its data directory or its socket.
    #[arg(long, env = "HIVE_NODE", value_name = "NODE")]
    node: Option<String>,
}

impl Id {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let named = self.node.filter(|node| !node.is_empty() && self.data_dir.is_none());
        if let Some(node) = named {
            let status = hive_client::Client::find(Some(&node))?.status().await?;
            return output::line(&status.node.id);
        }
        let dir = self.data_dir.or_else(locate::default_data_dir).ok_or_else(|| {
            Fault::usage("no place for the node's data: neither $XDG_DATA_HOME nor $HOME is set")
                .hint("give one with --data-dir")
        })?;
        let identity = Identity::load_or_create(&dir).map_err(|error| {
            let hint = error.hint();
            Fault::configuration(error).hint(hint)
        })?;
        output::line(&identity.node_id().to_string())
    }
}
