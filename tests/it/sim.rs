//! The simulator's scenarios: every file of `tests/sim/` runs here with one seed and keeps to what it expects.
//!
//! The longer set is the program's own: `hive-node sim --scenario tests/sim --seeds 1..20`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{PROGRAM, stderr, stdout, write};

/// The scenarios, and how many nodes they have here where that is fewer than they say.
const SCENARIOS: [(&str, Option<&str>); 11] = [
    ("asymmetric-loss", Some("40")),
    ("churn", Some("40")),
    ("clock-skew", Some("40")),
    ("crash-and-restart", None),
    ("drifting-clocks", Some("40")),
    ("joins", Some("40")),
    ("lying-relays", Some("40")),
    ("partition-and-heal", Some("40")),
    ("slow-links", Some("40")),
    ("thousand", Some("50")),
    ("traces", None),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sim")
}

/// Runs the simulator to its end.
fn sim(args: &[&str]) -> Result<std::process::Output> {
    std::process::Command::new(PROGRAM).arg("sim").args(args).output().context("running it")
}

/// One run of a file; what it printed.
fn scenario(name: &str) -> Result<()> {
    let nodes = SCENARIOS.iter().find(|(known, _)| *known == name).context("a scenario of the list")?.1;
    let file = folder().join(name).with_extension("yaml").display().to_string();
    let mut args = vec!["--scenario", &file, "--lines", "40"];
    args.extend(nodes.into_iter().flat_map(|nodes| ["--nodes", nodes]));
    let output = sim(&args)?;
    ensure!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    println!("{}", stdout(&output));
    Ok(())
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() -> Result<()> {
            scenario($name)
        })*
    };
}

scenarios! {
    asymmetric_loss: "asymmetric-loss",
    churn: "churn",
    clock_skew: "clock-skew",
    crash_and_restart: "crash-and-restart",
    drifting_clocks: "drifting-clocks",
    joins: "joins",
    lying_relays: "lying-relays",
    partition_and_heal: "partition-and-heal",
    slow_links: "slow-links",
    thousand: "thousand",
    traces: "traces",
}

#[test]
fn no_scenario_is_left_out() -> Result<()> {
    let files = fs::read_dir(folder())?.map(|entry| Ok(entry?.path()));
    let files: BTreeSet<PathBuf> = files.collect::<Result<_>>()?;
    let listed = SCENARIOS.iter().map(|(name, _)| folder().join(name).with_extension("yaml"));
    ensure!(files == listed.collect(), "{files:?}");
    Ok(())
}

#[test]
fn two_runs_of_a_seed_are_one_and_an_expectation_that_is_missed_is_said() -> Result<()> {
    let home = tempfile::tempdir()?;
    let text = "version: 1\nnodes: 8\nphases: [{name: joins, for: 5s, expect: {neighbours: 3}}]\n";
    let file = write(home.path(), "tight.yaml", text)?;
    let outputs = [sim(&["--scenario", &file, "--json"])?, sim(&["--scenario", &file, "--json"])?];
    let traces = outputs.iter().map(|output| {
        let line: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(line["v"] == 1 && line["fine"] == false && line["problem_count"] == 0, "{line}");
        Ok(line["trace"].clone())
    });
    let traces: Vec<Value> = traces.collect::<Result<_>>()?;
    ensure!(traces[0] == traces[1] && traces[0].is_string(), "{traces:?}");
    let told = sim(&["--scenario", &file])?;
    ensure!(told.status.code() == Some(1) && stdout(&told).contains("MISSED"), "{}", stdout(&told));
    ensure!(stderr(&told).contains("error: 1 run did not go as expected"), "{}", stderr(&told));
    Ok(())
}

#[test]
fn a_scenario_with_mistakes_is_refused_with_all_of_them() -> Result<()> {
    let home = tempfile::tempdir()?;
    let file = write(home.path(), "wrong.yaml", "version: 1\nnodse: 8\nphases: [{for: 5}]\n")?;
    let output = sim(&["--scenario", &file])?;
    let said = stderr(&output);
    ensure!(output.status.code() == Some(2), "{said}");
    ensure!(said.contains("wrong.yaml:2:1") && said.contains("did you mean `nodes`?"), "{said}");
    ensure!(said.contains("wrong.yaml:3:16"), "{said}");
    Ok(())
}
