//! Hosts on one network segment that were told nothing about each other.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use hive_client::{Message, Terms};
use hive_tests::{hosts::Segment, wait};

use crate::{next, node, plugins};

/// Three hosts without any configuration are a mesh, and an event crosses all three of them.
#[tokio::test(flavor = "multi_thread")]
async fn three_hosts_find_each_other_and_carry_an_event() -> Result<()> {
    let segment = Segment::new(3)?;
    let [first, second, third] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let folder = plugins(&["filter"])?;
    let publisher = node("first").on(first).start().await?;
    let handler = node("second").on(second).plugins(folder.path()).start().await?;
    handler.runs_plugin("filter", 1).await?;
    let last_start = Instant::now();
    let subscriber = node("third").on(third).start().await?;
    for node in [&publisher, &handler, &subscriber] {
        node.has_peers(2, Duration::from_secs(10)).await?;
    }
    let connected = last_start.elapsed();
    ensure!(connected < Duration::from_secs(2), "connected only after {connected:?}");

    let mut alerts = subscriber.client().subscribe(["alert/*"], Terms::default()).await?;
    let reading = Message::json(&serde_json::json!({ "celsius": 41 }))?;
    publisher.client().publish("sensor/attic/reading", &reading).await?;
    let alert = next(&mut alerts, "the alert").await?;
    ensure!(alert.channel == "alert/attic", "{alert:?}");
    ensure!(alert.origin == handler.status().await?.node.id, "published by the second host: {alert:?}");
    Ok(())
}

/// Twenty hosts that are switched on at once all know each other, and are no load for their hosts afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_hosts_that_start_at_once_come_to_rest() -> Result<()> {
    let segment = Segment::new(20)?;
    let started = Instant::now();
    let starts = segment.hosts().iter().enumerate().map(|(number, host)| {
        let name = format!("host-{number}");
        async move { node(&name).on(host).start().await }
    });
    let nodes = try_join_all(starts).await?;
    for node in &nodes {
        node.has_peers(19, Duration::from_secs(30)).await?;
    }
    println!("all know each other {:?} after the first start", started.elapsed());
    let window = Duration::from_secs(10);
    let shares = try_join_all(nodes.iter().map(|node| node.idles(window, 3 * window))).await?;
    println!("shares of a processor: {shares:.4?}");
    Ok(())
}

/// Where there is no IPv4, IPv6 does.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_on_ipv6_alone_find_each_other() -> Result<()> {
    let segment = Segment::ipv6_only(2)?;
    let [first, second] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    one.has_peers(1, Duration::from_secs(10)).await?;
    let peers = one.client().peers().await?.peers;
    ensure!(peers.iter().all(|peer| peer.addr.starts_with('[')), "{peers:?}");
    let mut events = other.client().subscribe(["six/*"], Terms::default()).await?;
    one.client().publish("six/hello", &Message::from("hello")).await?;
    ensure!(next(&mut events, "an event over IPv6").await?.message.text() == Some("hello"));
    Ok(())
}

/// A host that is given another address is reached there, and says so to those who cannot see it move.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_moves_to_another_address_is_found_there() -> Result<()> {
    let segment = Segment::new(2)?;
    let [first, second] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    one.has_peers(1, Duration::from_secs(10)).await?;
    let addr = segment.readdress(second, 102)?.to_string();
    wait::until("the other to be at its new address", Duration::from_secs(40), async || {
        let peers = one.client().peers().await.ok()?.peers;
        peers.iter().any(|peer| peer.addr.starts_with(&addr)).then_some(())
    })
    .await?;
    for (from, to) in [(&one, &other), (&other, &one)] {
        let mut events = to.client().subscribe(["moved/*"], Terms::default()).await?;
        from.client().publish("moved/here", &Message::from("hello")).await?;
        ensure!(next(&mut events, "an event after the move").await?.message.text() == Some("hello"));
    }
    Ok(())
}

/// A host whose cable was pulled is missed, and found again.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_away_is_found_again() -> Result<()> {
    let segment = Segment::new(2)?;
    let [first, second] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    one.has_peers(1, Duration::from_secs(10)).await?;
    segment.connect(second, false)?;
    one.has_peers(0, Duration::from_secs(10)).await?;
    segment.connect(second, true)?;
    for node in [&one, &other] {
        node.has_peers(1, Duration::from_secs(40)).await?;
    }
    let mut events = other.client().subscribe(["back/*"], Terms::default()).await?;
    one.client().publish("back/again", &Message::from("hello")).await?;
    ensure!(next(&mut events, "an event after the cable").await?.message.text() == Some("hello"));
    Ok(())
}
