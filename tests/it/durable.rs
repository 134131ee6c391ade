//! Durable channels of real nodes that are killed, and what two hosts see of them.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Client, Incoming, Message, Subscription, Terms};
use hive_tests::{
    hosts::Segment,
    nodes::Node,
    wait::{self, MOMENT},
};

use crate::{node, plugins, run, stderr, stdout, write};

/// How often the node is killed.
const ROUNDS: u32 = 100;
/// Who publishes at the same time.
const PUBLISHERS: u32 = 8;

const CONFIG: &str = "version: 1\nchannels:\n  - { pattern: 'orders/**', durable: true, group: ['*'] }\n";

fn audit() -> Terms {
    Terms { group: Some("audit".into()), ..Terms::default() }
}

async fn start(folder: &Path) -> Result<Node> {
    let config = folder.join("hive.yaml");
    node("keeper").arg("--config").arg(&config).data_dir(folder.join("data")).start().await
}

/// Publishes until the node is gone. Notes what was acknowledged.
async fn publish(client: Client, from: u32, acknowledged: Arc<Mutex<BTreeSet<u32>>>) {
    for number in from.. {
        let message = Message::from(number.to_string().as_str());
        match client.publish("orders/new", &message).await {
            Ok(receipt) if receipt.durable => _ = acknowledged.lock().expect("not poisoned").insert(number),
            _ => return,
        }
    }
}

/// Handles until the node is gone, or nothing has come for a while. Returns what came.
async fn handle(mut member: Subscription, quiet: Duration) -> Vec<u32> {
    let mut seen = Vec::new();
    while let Ok(Ok(Some(Incoming::Event(event)))) = tokio::time::timeout(quiet, member.next()).await {
        seen.extend(event.message.text().and_then(|text| text.parse::<u32>().ok()));
    }
    member.close().await;
    seen
}

/// Whoever listens to a durable channel as to any other is told what he misses.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_misses_what_is_durable_is_told_so() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let text = "version: 1\nchannels:\n  - { pattern: 'sensor/**', durable: true }\n";
    let config = write(folder.path(), "hive.yaml", text)?;
    let mut node = node("keeper").arg("--config").arg(config).plugins(folder.path()).start().await?;
    node.says("`sensor/*/reading` is durable, and its subscription there is not").await?;
    node.stop().await?;
    Ok(())
}

/// Killed at a hundred moments while events are published and handled: nothing that was acknowledged is lost, and what a
/// group has passed does not come to it again.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_however_often_the_node_is_killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), "hive.yaml", CONFIG)?;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let (mut seen, mut next) = (Vec::new(), 0_u32);
    for round in 0..ROUNDS {
        let mut keeper = start(folder.path()).await?;
        let client = keeper.client().clone();
        let member = client.subscribe(["orders/**"], audit()).await?;
        let handling = tokio::spawn(handle(member, MOMENT));
        let publishing: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let from = next + publisher * 10_000;
                tokio::spawn(publish(client.clone(), from, Arc::clone(&acknowledged)))
            })
            .collect();
        next += PUBLISHERS * 10_000;
        // Another moment in each round, from before the first event to well within.
        let moment = Duration::from_millis(u64::from(round * 37 % 150));
        tokio::time::timeout(moment, std::future::pending::<()>()).await.ok();
        keeper.crash().await?;
        for publisher in publishing {
            publisher.await?;
        }
        seen.extend(handling.await?);
    }
    let mut keeper = start(folder.path()).await?;
    let member = keeper.client().subscribe(["orders/**"], audit()).await?;
    seen.extend(handle(member, Duration::from_secs(3)).await);
    let acknowledged = acknowledged.lock().expect("not poisoned").clone();
    let distinct: BTreeSet<u32> = seen.iter().copied().collect();
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    println!(
        "{ROUNDS} kills: {} acknowledged, {} handled, {} of them again after a kill, {} lost",
        acknowledged.len(),
        distinct.len(),
        seen.len() - distinct.len(),
        lost.len()
    );
    ensure!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    ensure!(acknowledged.len() > 1_000, "only {} were acknowledged", acknowledged.len());
    // After a clean end nothing comes again.
    keeper.stop().await?;
    let keeper = start(folder.path()).await?;
    let member = keeper.client().subscribe(["orders/**"], audit()).await?;
    let again = handle(member, Duration::from_millis(800)).await;
    ensure!(again.is_empty(), "came to the group after its cursor had passed them: {again:?}");
    Ok(())
}

/// A group on another host, the past on another host, and a terminal that asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_past_and_the_groups_of_two_hosts() -> Result<()> {
    let segment = Segment::new(2)?;
    let [left, right] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "hive.yaml", CONFIG)?;
    let origin = node("left").on(left).arg("--config").arg(&config).start().await?;
    let other = node("right").on(right).start().await?;
    origin.has_peers(1, MOMENT).await?;
    for number in 0..5 {
        let text = number.to_string();
        let said = run(Some(&origin), &["publish", "orders/new", &text]).await?;
        ensure!(said.status.success() && stderr(&said).contains("on disk"), "{}", stderr(&said));
    }
    let past = run(Some(&other), &["subscribe", "orders/**", "--since", "all", "--count", "5"]).await?;
    let lines: Vec<String> = stdout(&past).lines().map(str::to_owned).collect();
    ensure!(lines == (0..5).map(|n| format!("orders/new {n}")).collect::<Vec<_>>(), "{lines:?}");
    let recent = run(Some(&other), &["subscribe", "orders/**", "--since", "1h", "--count", "1"]).await?;
    ensure!(stdout(&recent) == "orders/new 0\n", "{}", stdout(&recent));

    let mut member = other.client().subscribe(["orders/**"], audit()).await?;
    wait::until("the group to be known there", MOMENT, async || {
        origin.client().publish("orders/probe", &Message::from("probe")).await.ok()?;
        let first = tokio::time::timeout(Duration::from_millis(200), member.next()).await.ok()?;
        first.ok()?.map(drop)
    })
    .await?;
    // Without the member the events wait at their origin.
    member.close().await;
    for number in 5..8 {
        origin.client().publish("orders/new", &Message::from(number.to_string().as_str())).await?;
    }
    let member = other.client().subscribe(["orders/**"], audit()).await?;
    let mut waited = handle(member, Duration::from_secs(2)).await;
    // One that was refused while the member was going comes again, and has no order.
    waited.sort_unstable();
    ensure!(waited == [5, 6, 7], "{waited:?}");
    let both = run(Some(&other), &["subscribe", "a/b", "--since", "1h", "--group", "g"]).await?;
    ensure!(both.status.code() == Some(2), "{}", stderr(&both));
    readers_go_on_where_they_left_off(&origin, &other).await?;
    let data = origin.data_dir().join("journal");
    ensure!(std::fs::read_dir(&data).context("the journal")?.count() == 1, "one network has a journal");
    Ok(())
}

/// A reader of one name on each host has everything, also what was published while it was away, and nothing twice.
async fn readers_go_on_where_they_left_off(origin: &Node, other: &Node) -> Result<()> {
    let reader = || Terms { durable: Some("ledger".into()), ..Terms::default() };
    let status = async || {
        let journal = origin.status().await.ok()?.networks.into_iter().find_map(|network| network.journal)?;
        let readers = journal.cursors.into_iter().filter(|cursor| cursor.name.starts_with("ledger@"));
        Some(readers.collect::<Vec<_>>())
    };
    let (here, there) = (
        origin.client().subscribe(["orders/**"], reader()).await?,
        other.client().subscribe(["orders/**"], reader()).await?,
    );
    wait::until("both to have a cursor", MOMENT, async || (status().await?.len() == 2).then_some(())).await?;
    here.close().await;
    there.close().await;
    let numbers: Vec<u32> = (100..110).collect();
    // All on one socket, without waiting for the disk in between; one of them is refused in its turn.
    let mut publisher = origin.client().publisher().await?;
    for number in &numbers {
        publisher.publish("orders/new", &Message::from(number.to_string().as_str())).await?;
    }
    publisher.publish("no//channel", &Message::from("x")).await?;
    let published = publisher.finish().await;
    ensure!(matches!(&published, Err(error) if error.to_string().contains("no//channel")), "{published:?}");
    for node in [origin, other] {
        let reading = node.client().subscribe(["orders/**"], reader()).await?;
        let mut came = handle(reading, Duration::from_secs(2)).await;
        came.sort_unstable();
        ensure!(came == numbers, "at {}: {came:?}", node.data_dir().display());
    }
    wait::until("all of it to be handled", MOMENT, async || {
        status().await?.iter().all(|cursor| cursor.lag == 0).then_some(())
    })
    .await?;
    let bad = run(Some(other), &["subscribe", "orders/**", "--durable", "a@b"]).await?;
    ensure!(bad.status.code() == Some(2) && stderr(&bad).contains("`a@b` is no reader"), "{}", stderr(&bad));
    Ok(())
}
