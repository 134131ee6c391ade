//! Bridges between networks, with real nodes: parallel ones, rings, and one that goes while events flow.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use hive_client::{
    Message, Terms,
    types::{BridgeState, BridgeStatus},
};
use hive_tests::{
    nodes::Node,
    wait::{MOMENT, until},
};

use crate::{node, run, stdout, write};

/// A configuration of a node in some networks, home first, with bridges between them.
fn config(networks: &[&str], bridges: &[(&str, &str)]) -> String {
    let networks: Vec<String> = networks.iter().map(|name| format!("{name}: {{ open: true }}")).collect();
    let bridge = |(from, to): &(&str, &str)| {
        format!("    - {{ from: {from}, to: {to}, export: ['x/**'], import: ['x/**'] }}\n")
    };
    let bridges: String = bridges.iter().map(bridge).collect();
    format!("version: 1\nnetworks: {{ {} }}\nbridges:\n  hive:\n{bridges}", networks.join(", "))
}

/// Waits until all bridges of a node are up.
async fn up(node: &Node) -> Result<()> {
    until("bridges that are up", MOMENT, async || {
        let bridges = node.status().await.ok()?.bridges;
        (!bridges.is_empty() && bridges.iter().all(|bridge| bridge.state == BridgeState::Up)).then_some(())
    })
    .await
}

/// What all bridges of some nodes carried and dropped, and all that was published.
async fn carried(nodes: &[&Node]) -> Result<(u64, Vec<BridgeStatus>)> {
    let (mut published, mut bridges) = (0, Vec::new());
    for node in nodes {
        let status = node.status().await?;
        published += status.events.published;
        bridges.extend(status.bridges);
    }
    Ok((published, bridges))
}

/// Waits until nothing is carried for a second.
async fn rest(nodes: &[&Node]) -> Result<()> {
    let mut before = carried(nodes).await?;
    let mut since = std::time::Instant::now();
    until("a second without traffic", MOMENT, async || {
        let now = carried(nodes).await.ok()?;
        if now != before {
            (before, since) = (now, std::time::Instant::now());
        }
        (since.elapsed().as_millis() >= 1_000).then_some(())
    })
    .await
}

/// Each text of the events that a subscriber was given, with how often.
async fn texts(subscription: &mut hive_client::Subscription, last: &str) -> Result<BTreeMap<String, u32>> {
    let mut seen = BTreeMap::new();
    loop {
        let event = crate::next(subscription, "an event that crossed").await?;
        let text = event.message.text().unwrap_or_default().to_owned();
        if text == last {
            return Ok(seen);
        }
        *seen.entry(text).or_default() += 1;
    }
}

/// Two nodes bridge the same two networks: whoever listens in either has one copy.
#[tokio::test(flavor = "multi_thread")]
async fn two_parallel_bridges_deliver_one_copy() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let of = |name: &str, text: &str| write(folder.path(), name, text);
    let both = of("both.yaml", &config(&["farm", "city"], &[("farm", "city")]))?;
    let one = node("one").arg("--config").arg(&both).start().await?;
    let two = node("two").arg("--config").arg(&both).peer(&one).start().await?;
    let farm = node("farm").arg("--network").arg("farm").peer(&one).peer(&two).start().await?;
    let city = node("city").arg("--network").arg("city").peer(&one).peer(&two).start().await?;
    for node in [&farm, &city] {
        node.has_peers(2, MOMENT).await?;
    }
    for node in [&one, &two] {
        up(node).await?;
    }
    let mut there = city.client().subscribe(["x/**"], Terms::default()).await?;
    let mut back = farm.client().subscribe(["x/**"], Terms::default()).await?;
    for number in 0..200 {
        farm.client().publish("x/a", &Message::from(number.to_string().as_str())).await?;
        city.client().publish("x/b", &Message::from(format!("c{number}").as_str())).await?;
    }
    let nodes = [&one, &two, &farm, &city];
    rest(&nodes).await?;
    // What was not published by itself comes last, and shows that nothing else is on its way.
    for (from, subscription) in [(&farm, &mut there), (&city, &mut back)] {
        from.client().publish("x/end", &Message::from("end")).await?;
        let seen = texts(subscription, "end").await?;
        let wrong: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
        ensure!(seen.len() >= 400 && wrong.is_empty(), "{} different texts; not once: {wrong:?}", seen.len());
    }
    let status = run(Some(&one), &["status"]).await?;
    ensure!(stdout(&status).contains("hive: up, farm and city"), "{}", stdout(&status));
    Ok(())
}

/// Three networks in a ring: each has each event once, and a second later all is quiet.
#[tokio::test(flavor = "multi_thread")]
async fn a_ring_of_three_networks_delivers_one_copy() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut bridges = Vec::new();
    for (name, from, to) in [("ab", "a", "b"), ("bc", "b", "c"), ("ca", "c", "a")] {
        let file = write(folder.path(), &format!("{name}.yaml"), &config(&[from, to], &[(from, to)]))?;
        bridges.push(node(name).arg("--config").arg(&file).start().await?);
    }
    let [ab, bc, ca] = &bridges[..] else { unreachable!("three were started") };
    // Bridges that are in one network are linked.
    let mut ends = Vec::new();
    for (network, one, other) in [("a", ab, ca), ("b", bc, ab), ("c", ca, bc)] {
        let end = node(network).arg("--network").arg(network).peer(one).peer(other).start().await?;
        end.has_peers(2, MOMENT).await?;
        ends.push(end);
    }
    for bridge in &bridges {
        up(bridge).await?;
    }
    let mut heard = Vec::new();
    for end in &ends {
        heard.push(end.client().subscribe(["x/**"], Terms::default()).await?);
    }
    for (number, end) in ends.iter().enumerate() {
        for event in 0..100 {
            end.client().publish("x/y", &Message::from(format!("{number}-{event}").as_str())).await?;
        }
    }
    let nodes: Vec<&Node> = bridges.iter().chain(&ends).collect();
    rest(&nodes).await?;
    for (end, subscription) in ends.iter().zip(&mut heard) {
        end.client().publish("x/y", &Message::from("end")).await?;
        let seen = texts(subscription, "end").await?;
        let wrong: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
        ensure!(seen.len() == 300 && wrong.is_empty(), "{} different texts; not once: {wrong:?}", seen.len());
    }
    Ok(())
}
