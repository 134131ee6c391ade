//! `config`: configurations of other systems, and ours.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Voice, check::report_problems, exit::Fault, output};
use crate::config::{self, Severity};

/// Work with configurations.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Import(Import),
}

/// Write the equivalent of a configuration of another system.
///
/// EventHive's YAML is understood. `run --config` takes such a file as it is; this is for who wants to go on from there.
/// Secrets of the file are in what is printed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  (umask 077; hive-node config import eventhive.yaml > hive.yaml)
  hive-node run --config eventhive.yaml                           the same, as it is")]
struct Import {
    /// The file.
    file: PathBuf,
}

impl Config {
    pub(super) fn run(self, voice: &Voice) -> Result<(), Fault> {
        let Verb::Import(Import { file }) = self.verb;
        let gone = |error| Fault::failed(anyhow::Error::new(error).context("the working folder is gone"));
        let source =
            config::read_file(&file, &std::env::current_dir().map_err(gone)?).map_err(report_problems)?;
        let variables = std::env::vars_os();
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let variables = variables.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        let (text, warnings) = config::import(&source, &variables).map_err(report_problems)?;
        for warning in warnings.iter().filter(|_| !voice.quiet) {
            anstream::eprintln!("{}", warning.render(Severity::Warning, false));
        }
        output::bytes(text.as_bytes())
    }
}
