//! `keygen`: a new secret for a network.

use clap::Args;

use super::{exit::Fault, output};
use crate::trust::secret::Secret;

/// Print a new secret; who has it may join the network that it is used for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  (umask 077; hive-node keygen > hive.secret)
  hive-node run --network my-hive --secret-file hive.secret

`hive-node network rotate` replaces it later, while the nodes run.")]
pub(super) struct Keygen {}

impl Keygen {
    pub(super) fn run(self) -> Result<(), Fault> {
        output::line(&Secret::generate().reveal())
    }
}
