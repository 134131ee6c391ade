//! Tests across processes: the program itself, as a person runs it, on one host or several.
//!
//! What they own: the promises made to those who run nodes. What one module promises is tested beside it.

mod accounts;
mod allow;
mod bad_guests;
mod bad_input;
mod bridges;
mod brokers;
mod crowd;
mod doctor;
mod durable;
mod expiry;
mod external;
mod guests;
mod hosts;
mod jetstream;
mod languages;
mod life;
mod openings;
mod promises;
mod reach;
mod relay;
mod reload;
mod replay;
mod rotation;
mod samples;
mod secrets;
mod seeds;
mod sim;
mod spoke;
mod state;
mod trace;
mod tried;
mod verbs;
mod wasmcloud;
mod watching;

use std::{path::Path, process::Output, time::Duration};

use anyhow::{Context as _, Result};
use hive_client::{Event, Incoming, Subscription, Terms};
use hive_tests::{
    nodes::{Node, Setup, clean},
    wait::{self, MOMENT, within},
};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_hive-node");

/// A node to be, on the loopback.
fn node(name: &str) -> Setup {
    Setup::new(PROGRAM, name)
}

/// Runs a verb to its end, told which node is meant.
async fn run(node: Option<&Node>, args: &[&str]) -> Result<Output> {
    let home = tempfile::tempdir()?;
    let mut command = std::process::Command::new(PROGRAM);
    command.args(args).current_dir(home.path());
    clean(&mut command, home.path());
    if let Some(node) = node {
        command.env("HIVE_NODE", node.data_dir());
    }
    let output = tokio::process::Command::from(command).output();
    within(&format!("`hive-node {}` to end", args.join(" ")), MOMENT, output).await?.context("running it")
}

/// What a verb printed to stderr.
fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a verb printed to stdout.
fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The next event of a subscription; a gap is a failure.
async fn next(subscription: &mut Subscription, what: &str) -> Result<Event> {
    match within(what, MOMENT, subscription.next()).await?? {
        Some(Incoming::Event(event)) => Ok(event),
        other => anyhow::bail!("{what}: came {other:?}"),
    }
}

/// What a new subscription is given first, once so many values are kept there; before that, they may come live.
async fn kept(node: &Node, pattern: &str, count: usize) -> Result<Vec<Event>> {
    wait::until(&format!("{count} values kept under {pattern}"), MOMENT, async || {
        let mut late = node.client().subscribe([pattern], Terms::default()).await.ok()?;
        let mut values = Vec::new();
        while values.len() < count {
            let came = tokio::time::timeout(Duration::from_millis(300), late.next()).await.ok()?;
            match came.ok()?? {
                Incoming::Event(event) if event.retained => values.push(event),
                _ => return None,
            }
        }
        Some(values)
    })
    .await
}

/// A folder for plugins with these samples in it.
fn plugins(samples: &[&str]) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for sample in samples {
        let from = hive_tests::guests::guest(sample);
        std::fs::copy(&from, folder.path().join(sample).with_extension("wasm"))
            .with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(folder)
}

/// A file with a text in it.
fn write(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}
