//! `config`: configurations of other systems, and ours; and having a node read its own again.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hive_client::{
    Error,
    types::{ConfigReload, KeyChange, KeyTurn, code},
};

use super::{
    Ask, Voice,
    check::report_problems,
    exit::{self, Fault},
    output,
};
use crate::config::{self, Severity};

/// Work with configurations.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Reload(Reload),
    Import(Import),
}

/// Have a node read its configuration again, and what it says hold.
///
/// The file is read and checked as at a start: when anything is wrong, nothing is changed. Then `channels`, `plugins`,
/// `bridges` and `log` hold at once: plugins of which something is another take over from themselves and lose nothing,
/// bridges are begun anew, what is the same is not touched. The rest needs a restart, and is named. Flags and variables
/// that the node was started with still come before the file. A SIGHUP does the same, and the log says what came of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node config reload --check          what would be changed
  hive-node config reload
  systemctl reload hive-node               with `ExecReload=kill -HUP $MAINPID`

Exit codes: 0 the file holds now, 1 something needs a restart or a plugin does not run under it,
2 the file is wrong and nothing was changed, 3 no node reachable.")]
struct Reload {
    /// Only say what would be changed.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    ask: Ask,
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
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        match self.verb {
            Verb::Reload(reload) => reload.run(voice).await,
            Verb::Import(import) => import.run(voice),
        }
    }
}

impl Reload {
    async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let done = match self.ask.client()?.reload_config(self.check).await {
            Err(Error::Refused(error)) if error.code == code::CONFIGURATION => {
                anstream::eprintln!("{}", error.message);
                return Err(Fault::said(exit::USAGE, error));
            }
            done => done?,
        };
        for warning in done.warnings.iter().filter(|_| !voice.quiet) {
            anstream::eprintln!("{warning}");
        }
        match self.ask.json {
            true => output::json(&done)?,
            false => said(&done, voice)?,
        }
        all_holds(&done)
    }
}

/// A line for each key that is other, and for each plugin that was touched.
fn said(done: &ConfigReload, voice: &Voice) -> Result<(), Fault> {
    for change in &done.applied {
        output::line(&output::one_line(&line(change)))?;
    }
    for plugin in done.plugins.iter().filter(|plugin| plugin.problem.is_none()) {
        output::line(&format!("{} generation {}", plugin.name, plugin.generation))?;
    }
    let file = done.file.as_deref().unwrap_or("the configuration");
    match (done.applied.is_empty() && done.restart.is_empty(), done.check) {
        (true, _) => output::note(voice, &format!("{file} says what holds already")),
        (false, true) => output::note(voice, "nothing was changed, as this was to check"),
        (false, false) => {}
    }
    Ok(())
}

fn line(KeyChange { key, change }: &KeyChange) -> String {
    let turn = match change {
        KeyTurn::Added => "added",
        KeyTurn::Removed => "removed",
        KeyTurn::Changed => "changed",
        KeyTurn::Unknown => "unknown",
    };
    format!("{key}: {turn}")
}

/// Says no when something of the file does not hold.
fn all_holds(done: &ConfigReload) -> Result<(), Fault> {
    let problem = |plugin: &hive_client::types::Reloaded| {
        Some(format!("{}: {}", plugin.name, plugin.problem.as_ref()?))
    };
    let mut left: Vec<String> = done.plugins.iter().filter_map(problem).collect();
    let restart: Vec<String> = done.restart.iter().map(line).collect();
    if !restart.is_empty() {
        left.push(format!("this needs a restart: {}", restart.join(", ")));
    }
    if left.is_empty() { Ok(()) } else { Err(Fault::no(left.join("\n"))) }
}

impl Import {
    fn run(self, voice: &Voice) -> Result<(), Fault> {
        let gone = |error| Fault::failed(anyhow::Error::new(error).context("the working folder is gone"));
        let source = config::read_file(&self.file, &std::env::current_dir().map_err(gone)?)
            .map_err(report_problems)?;
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
