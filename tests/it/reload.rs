//! Replacing a handler's file while events flow through it.

mod configuration;
mod typed;

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms};
use hive_tests::{
    guests::{guest, place, variant},
    nodes::Node,
    wait::{MOMENT, until, within},
};
use tokio::sync::watch;

use crate::{next, node, plugins, run, stderr, stdout, write};

/// Events at least, 2,000 a second; they go on until the last version has handled some.
const EVENTS: usize = 20_000;
/// Between two versions, and after the last.
const PART: usize = EVENTS / 4;
const BURST: usize = 10;
const BURSTS_EVERY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_doubled_while_a_handler_is_replaced() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let node = node("swapper").plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    let alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    let (all, known) = watch::channel(None);
    let counting = tokio::spawn(count(alerts, known));

    let (progress, published) = watch::channel(0);
    let (replaced, over) = watch::channel(false);
    let replacing = replace_three_times(&node, folder.path(), (published, replaced));
    let (events, ()) = tokio::try_join!(publish(&node, (progress, over)), replacing)?;
    all.send_replace(Some(events));
    let counts = within("every alert", MOMENT, counting).await???;
    let wrong: Vec<_> = (0..events).filter(|number| counts.get(number) != Some(&1)).collect();
    ensure!(wrong.is_empty(), "{} events not handled exactly once, such as {:?}", wrong.len(), wrong.first());
    nothing_dropped(&node).await?;
    a_broken_file_changes_nothing(&node, folder.path()).await
}

/// Publishes events at an even pace and says how many there are so far, until all versions have had some. Returns how many
/// there were.
async fn publish(
    node: &Node,
    (progress, over): (watch::Sender<usize>, watch::Receiver<bool>),
) -> Result<usize> {
    let mut publisher = node.client().publisher().await?;
    let mut clock = tokio::time::interval(BURSTS_EVERY);
    let (mut number, mut end) = (0, None);
    while end.is_none_or(|end| number < end) {
        if number % BURST == 0 {
            clock.tick().await;
        }
        if end.is_none() && *over.borrow() {
            end = Some(EVENTS.max(number + PART));
        }
        publisher.publish("sensor/attic/reading", &reading(number)?).await?;
        progress.send_replace(number);
        number += 1;
    }
    let published = publisher.finish().await?;
    ensure!(published.count == number as u64 && published.failed == 0, "{published:?}");
    Ok(number)
}

/// Replaces the file after each part of the events, and says when the last version runs.
async fn replace_three_times(
    node: &Node,
    folder: &Path,
    (mut published, replaced): (watch::Receiver<usize>, watch::Sender<bool>),
) -> Result<()> {
    for swap in 1..=3 {
        published.wait_for(|number| *number >= swap * PART).await?;
        place(folder, "filter.wasm", &variant(&guest("filter"), &format!("variant {swap}"))?)?;
        node.runs_plugin("filter", 1 + swap as u64).await?;
    }
    replaced.send_replace(true);
    Ok(())
}

/// The old version goes on when the new file is none, and what is wrong with it is said.
async fn a_broken_file_changes_nothing(node: &Node, folder: &Path) -> Result<()> {
    let before = filter(node).await?;
    place(folder, "filter.wasm", b"\0asm\x01\0\0\0")?;
    let after = until("the broken file to be refused", MOMENT, async || {
        filter(node).await.ok().filter(|plugin| plugin.problem.is_some())
    })
    .await
    .with_context(|| node.printed())?;
    ensure!(after.generation == before.generation, "{after:?}");
    let problem = after.problem.unwrap_or_default();
    ensure!(problem.contains("core WebAssembly module"), "{problem}");
    let mut alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    node.client().publish("sensor/cellar/reading", &reading(7)?).await?;
    ensure!(next(&mut alerts, "an alert of the old version").await?.channel == "alert/cellar");
    nothing_dropped(node).await
}

fn reading(number: usize) -> Result<Message> {
    Ok(Message::json(&serde_json::json!({ "celsius": 1_000 + number }))?)
}

/// Counts alerts by the event they were made from, until all are there.
async fn count(
    mut alerts: Subscription,
    mut all: watch::Receiver<Option<usize>>,
) -> Result<BTreeMap<usize, usize>> {
    let mut counts = BTreeMap::new();
    while all.borrow_and_update().is_none_or(|all| counts.len() < all) {
        let next = tokio::select! {
            next = alerts.next() => next?,
            changed = all.changed() => {
                changed?;
                continue;
            }
        };
        match next {
            Some(Incoming::Event(event)) => {
                let alert: serde_json::Value = serde_json::from_slice(&event.message.payload)?;
                let celsius = alert["celsius"].as_f64().context("a number")?;
                *counts.entry(celsius as usize - 1_000).or_default() += 1;
            }
            other => anyhow::bail!("instead of an alert came {other:?}"),
        }
    }
    Ok(counts)
}

async fn filter(node: &Node) -> Result<hive_client::types::PluginStatus> {
    let plugins = node.client().plugins().await?.plugins;
    plugins.into_iter().find(|plugin| plugin.name == "filter").context("the filter")
}

async fn nothing_dropped(node: &Node) -> Result<()> {
    let status = node.status().await?;
    ensure!(status.events.dropped.values().all(|count| *count == 0), "{:?}", status.events);
    let work = filter(node).await?.work;
    let unwanted = work.dropped + work.dead + work.retried + work.trapped + work.cut;
    ensure!(unwanted == 0, "{work:?}");
    Ok(())
}

/// A section for a plugin that is not there is said once, shown, and holds when the plugin comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_section_of_the_configuration_without_a_plugin_is_said() -> Result<()> {
    let (folder, home) = (plugins(&["greeter"])?, tempfile::tempdir()?);
    let each =
        "{ greter: { deadline: 4321ms }, worker: { exec: { command: [sleep, 1h], ready-within: 1ms } } }";
    let config = write(home.path(), "hive.yaml", &format!("version: 1\nplugins: {{ each: {each} }}\n"))?;
    let mut node = node("attic").plugins(folder.path()).arg("--config").arg(config).start().await?;
    let said =
        "no plugin is called `greter`, for which the configuration has a section (did you mean `greeter`?)";
    node.says(said).await?;
    let listed = run(Some(&node), &["plugins"]).await?;
    ensure!(stderr(&listed).contains("greter: it has a section in the configuration, and is not here"));
    let status = run(Some(&node), &["status"]).await?;
    ensure!(stdout(&status).contains("and is not here; did you mean `greeter`?"), "{}", stdout(&status));
    place(folder.path(), "greter.wasm", &std::fs::read(guest("filter"))?)?;
    node.runs_plugin("greter", 1).await?;
    let plugins = node.client().plugins().await?;
    ensure!(plugins.absent.is_empty(), "{plugins:?}");
    let limits = plugins.plugins.iter().find(|one| one.name == "greter").and_then(|one| one.limits.clone());
    ensure!(limits.is_some_and(|limits| limits.deadline_ms == 4_321), "{plugins:?}");
    let printed = node.stderr();
    ensure!(printed.matches("for which the configuration has a section").count() == 1, "{printed}");
    Ok(())
}
