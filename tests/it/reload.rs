//! Replacing a handler's file while events flow through it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms};
use hive_tests::{
    guests::{guest, place, variant},
    nodes::Node,
    wait::{MOMENT, until, within},
};
use tokio::sync::watch;

use crate::{next, node, plugins};

/// Events in all, 2,000 a second for ten seconds.
const EVENTS: usize = 20_000;
const BURST: usize = 10;
const BURSTS_EVERY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_doubled_while_a_handler_is_replaced() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let node = node("swapper").plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    let alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    let counting = tokio::spawn(count(alerts));

    let (progress, published) = watch::channel(0);
    tokio::try_join!(publish(&node, progress), replace_three_times(&node, folder.path(), published))?;
    let counts = within("every alert", MOMENT, counting).await???;
    let wrong: Vec<_> = (0..EVENTS).filter(|number| counts.get(number) != Some(&1)).collect();
    ensure!(wrong.is_empty(), "{} events not handled exactly once, such as {:?}", wrong.len(), wrong.first());
    nothing_dropped(&node).await?;
    a_broken_file_changes_nothing(&node, folder.path()).await
}

/// Publishes every event at an even pace and says how many there are so far.
async fn publish(node: &Node, progress: watch::Sender<usize>) -> Result<()> {
    let mut publisher = node.client().publisher().await?;
    let mut clock = tokio::time::interval(BURSTS_EVERY);
    for number in 0..EVENTS {
        if number % BURST == 0 {
            clock.tick().await;
        }
        publisher.publish("sensor/attic/reading", &reading(number)?).await?;
        progress.send_replace(number);
    }
    let published = publisher.finish().await?;
    ensure!(published.count == EVENTS as u64 && published.failed == 0, "{published:?}");
    Ok(())
}

/// Replaces the file after each quarter of the events, and sees the new version run before the events are over.
async fn replace_three_times(
    node: &Node,
    folder: &Path,
    mut published: watch::Receiver<usize>,
) -> Result<()> {
    for swap in 1..=3 {
        published.wait_for(|number| *number >= swap * EVENTS / 4).await?;
        place(folder, "filter.wasm", &variant(&guest("filter"), &format!("variant {swap}"))?)?;
        node.runs_plugin("filter", 1 + swap as u64).await?;
    }
    ensure!(*published.borrow() < EVENTS - 1, "the last version came only after the last event");
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
async fn count(mut alerts: Subscription) -> Result<BTreeMap<usize, usize>> {
    let mut counts = BTreeMap::new();
    while counts.len() < EVENTS {
        match alerts.next().await? {
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
