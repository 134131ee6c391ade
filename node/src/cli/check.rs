//! `check`: what a configuration or a component says, before anything runs.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use clap::Args;
use hive_client::types::V1;
use serde::Serialize;

use super::{
    Voice, component,
    exit::{self, Fault},
    output,
    run::pair,
};
use crate::config::{self, Flags, Loaded, Problem, Problems, Severity};

/// Check a configuration or a component.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node check                      the configuration that `run` would use here
  hive-node check hive.yaml --print    all values, defaults among them, and who said each
  hive-node check greeter.wasm         what a component wants, or why it would be refused
  hive-node check plugins              every component in a folder")]
pub(super) struct Check {
    /// A configuration, a component, or a folder of one or the other [default: the configuration
    /// that `run` would use].
    path: Option<PathBuf>,
    /// Print the whole configuration: each value with where it came from, secrets hidden.
    #[arg(long)]
    print: bool,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Print JSON: a document of a configuration, or a line a component.
    #[arg(long, conflicts_with = "print")]
    json: bool,
}

/// `check --json` of a configuration that will do.
#[derive(Serialize)]
struct Document {
    v: V1,
    /// None: the defaults hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    /// Empty: what is wrong is an error.
    problems: [String; 0],
    warnings: Vec<String>,
}

impl Check {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let components = match &self.path {
            Some(path) => components(path)?,
            None => Vec::new(),
        };
        if components.is_empty() {
            return self.configuration(voice);
        }
        let loaded = load(None, self.set)?;
        component::check(&components, &loaded.settings, self.json).await
    }

    fn configuration(self, voice: &Voice) -> Result<(), Fault> {
        let path = self.path.map(|path| if path.is_dir() { path.join(config::FILE_NAME) } else { path });
        let loaded = load(path, self.set)?;
        for warning in &loaded.warnings {
            anstream::eprintln!("{}", warning.render(Severity::Warning, stderr_has_color()));
        }
        if self.json {
            let warnings = loaded.warnings.iter().map(Problem::line).collect();
            output::json(&Document { v: V1, file: loaded.file.clone(), problems: [], warnings })?;
        }
        if self.print {
            output::bytes(loaded.print().as_bytes())?;
        }
        output::note(voice, &verdict(loaded.file.as_deref(), loaded.warnings.len()));
        Ok(())
    }
}

fn load(file: Option<PathBuf>, set: Vec<(String, String)>) -> Result<Loaded, Fault> {
    super::run::load(file, Flags::default(), set)
}

/// The components that a path means; none: it is a configuration.
fn components(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !path.is_dir() {
        let is_configuration = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        return Ok(if is_configuration { Vec::new() } else { vec![path.into()] });
    }
    if path.join(config::FILE_NAME).is_file() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(path)
        .map_err(|error| anyhow::Error::new(error).context(format!("cannot read {}", path.display())))?;
    let files = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "wasm")).collect();
    found.sort();
    if found.is_empty() {
        let message =
            format!("there is neither a {} nor a component in {}", config::FILE_NAME, path.display());
        return Err(Fault::usage(message).hint("`hive-node build` makes components from sources"));
    }
    Ok(found)
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
    let hint = problems.0.iter().find_map(|problem| problem.hint.clone());
    Fault::said(exit::USAGE, problems.lines()).maybe_hint(hint)
}

fn stderr_has_color() -> bool {
    std::io::stderr().is_terminal()
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
