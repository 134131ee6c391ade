//! Accounts: what a node says became of events adds up, whoever is slow and whatever dies.

use std::time::Duration;

use anyhow::{Result, ensure};
use hive_client::{
    Incoming, Message, Terms,
    types::{ConsumerStatus, PeerStatus, Status},
};
use hive_tests::wait::{self, MOMENT};

use crate::{node, plugins};

/// Events of this size: more of them than a consumer's queue and its socket hold.
const EVENTS: u64 = 30_000;
const PAYLOAD: usize = 1024;

/// Both equations, for every consumer, every link and the node.
fn add_up(status: &Status) -> Result<()> {
    for ConsumerStatus { name, matched, handed_over, queued, dropped, .. } in &status.consumers {
        ensure!(*matched == handed_over + queued + dropped, "{name}: {:?}", status.consumers);
    }
    for PeerStatus { name, passed_on, .. } in &status.peers {
        let said = passed_on.confirmed + passed_on.in_flight + passed_on.taken_back;
        ensure!(passed_on.sent == said, "{name}: {passed_on:?}");
    }
    let events = &status.events;
    ensure!(events.delivered == events.handed_over + events.queued + events.missed, "{events:?}");
    Ok(())
}

/// One node publishes for another, where a plugin keeps up and a client does not read: each copy is accounted for while it
/// happens, when all is at rest, and when the other node is killed.
#[tokio::test(flavor = "multi_thread")]
async fn every_copy_is_accounted_for() -> Result<()> {
    let folder = plugins(&["counter"])?;
    let publisher = node("publisher").start().await?;
    let mut other = node("other").plugins(folder.path()).peer(&publisher).start().await?;
    other.runs_plugin("counter", 1).await?;
    let lazy = other.client().subscribe(["count/**"], Terms::default()).await?;
    publisher.has_peers(1, MOMENT).await?;

    let message = Message::from(vec![b'x'; PAYLOAD]);
    for number in 0..EVENTS {
        let receipt = publisher.client().publish("count/me", &message).await?;
        ensure!(receipt.peers == 1, "{receipt:?}");
        if number % 1000 == 0 {
            add_up(&publisher.status().await?)?;
            add_up(&other.status().await?)?;
        }
    }
    // At rest the link has said what became of everything.
    wait::until("everything to be confirmed", MOMENT, async || {
        let status = publisher.status().await.ok()?;
        let peer = status.peers.first()?;
        let settled = peer.in_flight == 0 && peer.queued == 0;
        (settled && peer.confirmed + peer.lost + peer.dropped == EVENTS).then_some(())
    })
    .await?;
    let there = wait::until("the plugin to have handled what came", MOMENT, async || {
        let status = other.status().await.ok()?;
        let plugin = status.consumers.iter().find(|consumer| consumer.kind == "plugin")?;
        let work = &status.plugins.first()?.work;
        // Its ticks, which no consumer is handed, count as handled, too.
        (plugin.queued == 0 && work.handled >= plugin.handed_over).then_some(status)
    })
    .await?;
    add_up(&there)?;
    ensure!(there.events.received == EVENTS, "{:?}", there.events);
    // Who is slow is named, first, and nobody else has missed anything.
    let [slow, others @ ..] = &there.consumers[..] else { anyhow::bail!("nobody: {there:?}") };
    ensure!(slow.kind == "client" && slow.dropped > 0 && slow.matched == EVENTS, "{slow:?}");
    ensure!(others.iter().all(|consumer| consumer.dropped == 0), "{others:?}");
    ensure!(there.events.dropped.get("slow-consumer") == Some(&slow.dropped), "{:?}", there.events);

    // It leaves with events unread; the node still knows.
    let (matched, missed) = (there.events.delivered, there.events.missed);
    drop(lazy);
    wait::until("the client to be gone", MOMENT, async || {
        let status = other.status().await.ok()?;
        let gone = status.consumers.iter().all(|consumer| consumer.kind == "plugin");
        (gone && status.events.delivered == matched && status.events.missed >= missed).then_some(())
    })
    .await?;
    add_up(&other.status().await?)?;

    other.crash().await?;
    publisher.has_peers(0, Duration::from_secs(10)).await?;
    let status = publisher.status().await?;
    add_up(&status)?;
    ensure!(status.events.sent == EVENTS, "{:?}", status.events);
    Ok(())
}

/// A million events in one go, to a node away and a client there that reads: each is handed over, or the client is told
/// that it missed it; nobody is stuck, and the nodes hold no more than their queues may.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_a_million_is_handed_over_or_counted() -> Result<()> {
    const BURST: u64 = 1_000_000;
    let publisher = node("publisher").start().await?;
    let other = node("other").peer(&publisher).start().await?;
    let mut reader = other.client().subscribe(["burst/*"], Terms::default()).await?;
    publisher.has_peers(1, MOMENT).await?;
    let client = publisher.client().clone();
    let burst = tokio::spawn(async move {
        let mut burst = client.publisher().await?;
        let message = Message::from("1234567890abcdef");
        for _ in 0..BURST {
            burst.publish("burst/here", &message).await?;
        }
        burst.finish().await
    });
    let (mut got, mut missed) = (0_u64, 0_u64);
    let mut dropped_before = 0;
    while got + missed + dropped_before < BURST {
        match tokio::time::timeout(Duration::from_secs(2), reader.next()).await {
            Ok(incoming) => match incoming? {
                Some(Incoming::Event(_)) => got += 1,
                Some(Incoming::Missed(count)) => missed += count,
                None => anyhow::bail!("the subscription ended"),
            },
            // Nothing comes: what is missing was dropped on the way here, and is counted there.
            Err(_) => {
                let peers = publisher.client().peers().await?.peers;
                dropped_before = peers.iter().map(|peer| peer.dropped + peer.lost).sum();
            }
        }
    }
    let published = burst.await??;
    ensure!((published.count, published.failed) == (BURST, 0), "{published:?}");
    ensure!(got + missed + dropped_before == BURST, "{got} came, {missed} missed, {dropped_before} dropped");
    for node in [&publisher, &other] {
        let status = node.status().await?;
        add_up(&status)?;
        ensure!(status.events.queues_bytes <= status.events.queues_bytes_max, "{:?}", status.events);
    }
    let there = other.status().await?;
    ensure!(there.events.received == BURST - dropped_before, "{:?}", there.events);
    Ok(())
}
