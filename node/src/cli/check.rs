//! `check`: what a configuration or a component says, before anything runs.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use clap::Args;
use hive_client::locate;

use super::{Voice, exit::Fault, output, run::pair};
use crate::config::{self, Flags, Problems, Request, Severity};

/// Check a configuration file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node check                      the configuration that `run` would use here
  hive-node check hive.yaml --print    all values, defaults among them, and who said each")]
pub(super) struct Check {
    /// What to check [default: the configuration that `run` would use].
    path: Option<PathBuf>,
    /// Print the whole configuration: each value with where it came from, secrets hidden.
    #[arg(long)]
    print: bool,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

impl Check {
    pub(super) fn run(self, voice: &Voice) -> Result<(), Fault> {
        self.configuration(voice)
    }

    fn configuration(self, voice: &Voice) -> Result<(), Fault> {
        let set: BTreeMap<String, String> = self.set.into_iter().collect();
        let request = Request::of_process(self.path, Flags::default(), set, locate::default_data_dir());
        let loaded = config::load(&request.map_err(Fault::failed)?).map_err(report_problems)?;
        for warning in &loaded.warnings {
            anstream::eprintln!("{}", warning.render(Severity::Warning, stderr_has_color()));
        }
        if self.print {
            output::bytes(loaded.print().as_bytes())?;
        }
        output::note(voice, &verdict(loaded.file.as_deref(), loaded.warnings.len()));
        Ok(())
    }
}

fn verdict(file: Option<&Path>, warnings: usize) -> String {
    let Some(file) = file else { return "there is no configuration file; the defaults hold".into() };
    let warnings = u64::try_from(warnings).unwrap_or(u64::MAX);
    match warnings {
        0 => format!("{} is fine", file.display()),
        _ => format!("{} will do, with {}", file.display(), output::count(warnings, "warning")),
    }
}

/// Says everything that is wrong with a configuration.
pub(super) fn report_problems(problems: Problems) -> Fault {
    anstream::eprintln!("{}", problems.render(stderr_has_color()));
    Fault::silent(2)
}

fn stderr_has_color() -> bool {
    std::io::stderr().is_terminal()
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
