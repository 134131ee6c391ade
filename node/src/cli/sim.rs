//! `sim`: many nodes in one process under virtual time, from a seed.

use std::{
    env, fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use hive_proto::sim::{self, Discovery};

use super::{Voice, check::report_problems, exit::Fault, output};
use crate::config::{self, ScenarioFile, Source};

mod outcome;

use outcome::Outcome;

/// The scenario that is run when nobody names one: what a mesh of a thousand nodes costs.
const USUAL: (&str, &str) = ("thousand.yaml", include_str!("../../../tests/sim/thousand.yaml"));

/// Run many nodes in one process under virtual time, in bad weather, from a seed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node sim                           a thousand nodes: takes a minute or two
  hive-node sim --scenario tests/sim/churn.yaml --seed 7
  hive-node sim --scenario tests/sim --nodes 60 --seeds 1..50

The same seed and scenario give the same run on every machine. Exit code 1: an expectation of
the scenario does not hold, or something was wrong.")]
pub(super) struct Sim {
    /// A scenario file, or a folder of them; may be given several times [default: a thousand nodes].
    #[arg(long = "scenario", value_name = "FILE")]
    scenarios: Vec<PathBuf>,
    /// How many nodes, instead of what the scenario says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=5000))]
    nodes: Option<u64>,
    /// Where chance comes from.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "seeds")]
    seed: u64,
    /// Each of these seeds, such as `1..50`.
    #[arg(long, value_name = "FROM..TO", value_parser = seeds)]
    seeds: Option<RangeInclusive<u64>>,
    /// Print the last so many inputs and outputs of a run in which something was wrong.
    #[arg(long, value_name = "N", default_value_t = 0)]
    lines: usize,
    /// Print JSON: one line a run, with "v":1.
    #[arg(long)]
    json: bool,
}

impl Sim {
    pub(super) fn run(self, voice: &Voice) -> Result<(), Fault> {
        let scenarios = self.read()?;
        let seeds = self.seeds.clone().unwrap_or(self.seed..=self.seed);
        let mut failed = 0_u64;
        for (name, file) in &scenarios {
            for seed in seeds.clone() {
                output::progress(voice, &format!("{name}, seed {seed} …"));
                let began = Instant::now();
                let report = sim::run(seed, &file.scenario);
                let outcome = Outcome::new((name, seed), file, &report, began.elapsed());
                if self.json {
                    output::json(&outcome)?;
                } else {
                    output::bytes(outcome.table().as_bytes())?;
                }
                if !outcome.is_fine() {
                    failed += 1;
                    self.tell(seed, file)?;
                }
            }
        }
        match failed {
            0 => Ok(()),
            _ => Err(Fault::no(format!("{} did not go as expected", output::count(failed, "run")))),
        }
    }

    /// The run once more, aloud.
    fn tell(&self, seed: u64, file: &ScenarioFile) -> Result<(), Fault> {
        if self.lines == 0 {
            return Ok(());
        }
        let report = sim::run_aloud(seed, &file.scenario, self.lines);
        report.lines.iter().try_for_each(|line| output::line(&output::one_line(line)))
    }

    fn read(&self) -> Result<Vec<(String, ScenarioFile)>, Fault> {
        let directory = env::current_dir()
            .map_err(|error| anyhow::Error::new(error).context("the working folder is gone"))?;
        let mut all = Vec::new();
        for path in self.scenarios.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?.concat() {
            let file = config::read_scenario(&path, &directory).map_err(report_problems)?;
            all.push((path.display().to_string(), self.sized(file)));
        }
        if all.is_empty() {
            let source = Arc::new(Source::new(USUAL.0.into(), USUAL.1.to_owned()));
            let file = config::scenario_text(&source).map_err(report_problems)?;
            all.push((USUAL.0.to_owned(), self.sized(file)));
        }
        Ok(all)
    }

    /// With as many nodes as the command line says.
    fn sized(&self, mut file: ScenarioFile) -> ScenarioFile {
        if let Some(nodes) = self.nodes.and_then(|nodes| usize::try_from(nodes).ok()) {
            file.scenario.nodes = nodes;
            if let Discovery::Sample(others) = &mut file.scenario.discovery {
                *others = (*others).min(nodes.saturating_sub(1)).max(1);
            }
        }
        file
    }
}

/// The scenario files a path means.
fn files(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path)
        .map_err(|error| anyhow::Error::new(error).context(format!("cannot read {}", path.display())))?;
    let files = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml")).collect();
    files.sort();
    if files.is_empty() {
        return Err(Fault::usage(format!("there is no scenario in {}", path.display()))
            .hint("a scenario is a file that ends in `.yaml`"));
    }
    Ok(files)
}

/// Reads `1..50`; both ends are meant.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let ends = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match ends {
        Some((from, to)) if from <= to => Ok(from..=to),
        Some(_) => Err("the last seed comes before the first".into()),
        None => Err("expected two numbers, such as `1..50`".into()),
    }
}
