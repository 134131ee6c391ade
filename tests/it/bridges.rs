//! Bridges between networks, with real nodes: parallel ones, rings, and one that goes while events flow.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Result, ensure};
use hive_client::{
    CALL_TIMEOUT, Failure, Incoming, Message, Subscription, Terms,
    types::{BridgeState, BridgeStatus},
};
use hive_tests::{
    hosts::Segment,
    nodes::{Node, clean},
    programs::Program,
    wait::{MOMENT, until},
};

use crate::{PROGRAM, node, run, stderr, stdout, write};

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
async fn texts(subscription: &mut Subscription, last: &str) -> Result<BTreeMap<String, u32>> {
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

/// The flags that keep a bridge on the loopback.
const ALONE: [&str; 4] = ["--listen", "127.0.0.1:0", "--no-mdns", "--json"];

/// `hive-node bridge`, once both ends are there.
async fn joined(name: &str, from: &str, to: &str, more: &[&str]) -> Result<(Program, tempfile::TempDir)> {
    let home = tempfile::tempdir()?;
    let mut command = Command::new(PROGRAM);
    command.args(["bridge", from, to]).args(ALONE).args(more).current_dir(home.path());
    clean(&mut command, home.path());
    let mut bridge = Program::start(name, command)?;
    bridge.says("are joined").await?;
    Ok((bridge, home))
}

/// A network as `bridge` takes it, with this node of it.
fn end(network: &str, node: &Node) -> String {
    format!("{network}@{}", node.addr())
}

/// Answers with who it is.
async fn answers(mut requests: Subscription, who: &'static str) -> Result<()> {
    while let Some(incoming) = requests.next().await? {
        let Incoming::Event(event) = incoming else { continue };
        let Some(request) = event.request else { continue };
        let asked = event.message.text().unwrap_or_default().to_owned();
        let answer = match asked.as_str() {
            "no" => Err(Failure::Rejected("not that".into())),
            asked => Ok(Message::from(format!("{who} heard {asked}").as_str())),
        };
        requests.answer(request, answer).await?;
    }
    Ok(())
}

/// Two bridges of the command line beside each other: one copy each way, kept values and calls too, and a sum at the end.
#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_of_the_command_line_deliver_one_copy() -> Result<()> {
    let farm = node("farm").arg("--network").arg("farm").start().await?;
    let city = node("city").arg("--network").arg("city").start().await?;
    farm.client().retain("barn/full", &Message::from("kept")).await?;
    let everything = ["--export", "x/**", "--import", "x/**", "--export", "barn/*", "--calls", "ask/*"];
    let (from, to) = (end("farm", &farm), end("city", &city));
    let (mut one, _home) = joined("one", &from, &to, &everything).await?;
    let (mut two, _home) = joined("two", &from, &to, &everything).await?;
    // The two bridges are linked, too, as nodes of both networks.
    for node in [&farm, &city] {
        node.has_peers(2, MOMENT).await?;
    }
    let mut there = city.client().subscribe(["x/**"], Terms::default()).await?;
    let mut back = farm.client().subscribe(["x/**"], Terms::default()).await?;
    for number in 0..100 {
        farm.client().publish("x/a", &Message::from(number.to_string().as_str())).await?;
        city.client().publish("x/b", &Message::from(format!("c{number}").as_str())).await?;
    }
    rest(&[&farm, &city]).await?;
    for (from, subscription) in [(&farm, &mut there), (&city, &mut back)] {
        from.client().publish("x/end", &Message::from("end")).await?;
        let seen = texts(subscription, "end").await?;
        let wrong: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
        ensure!(seen.len() >= 200 && wrong.is_empty(), "{} different texts; not once: {wrong:?}", seen.len());
    }
    let mut kept = city.client().subscribe(["barn/*"], Terms::default()).await?;
    let value = crate::next(&mut kept, "a kept value that crossed").await?;
    ensure!(value.retained && value.message.text() == Some("kept"), "{value:?}");
    let asked = city.client().subscribe(["ask/*"], Terms::answering()).await?;
    tokio::spawn(answers(asked, "city"));
    let call = async |text: &str| farm.client().call("ask/x", &Message::from(text), CALL_TIMEOUT).await;
    let answer = until("an answer from the other network", MOMENT, async || call("hello").await.ok()).await?;
    ensure!(answer.text() == Some("city heard hello"), "{answer:?}");
    let refused = call("no").await.expect_err("a refusal");
    ensure!(refused.to_string().contains("not that"), "{refused}");
    let (mut crossed, mut came) = (0, 0);
    for bridge in [&mut one, &mut two] {
        let ended = bridge.stop().await?;
        let said: serde_json::Value = serde_json::from_str(&bridge.stdout())?;
        ensure!(ended.success() && said["v"] == 1 && said["from"] == "farm", "{}", bridge.printed());
        crossed += said["exported"].as_u64().unwrap_or_default();
        came += said["imported"].as_u64().unwrap_or_default();
    }
    // Each published the copy that it had first.
    ensure!(crossed >= 102 && came >= 101, "{}{}", one.printed(), two.printed());
    Ok(())
}

/// Three networks and three bridges of the command line in a ring.
#[tokio::test(flavor = "multi_thread")]
async fn a_ring_from_the_command_line_delivers_one_copy() -> Result<()> {
    let mut ends = Vec::new();
    for network in ["a", "b", "c"] {
        ends.push(node(network).arg("--network").arg(network).start().await?);
    }
    let [a, b, c] = &ends[..] else { unreachable!("three were started") };
    let mut bridges = Vec::new();
    for (from, to) in [(("a", a), ("b", b)), (("b", b), ("c", c)), (("c", c), ("a", a))] {
        bridges.push(joined("ring", &end(from.0, from.1), &end(to.0, to.1), &[]).await?);
    }
    let mut heard = Vec::new();
    for end in &ends {
        end.has_peers(2, MOMENT).await?;
        // What the bridges want may be known a moment after they are.
        until("both bridges to take what is published", MOMENT, async || {
            let receipt = end.client().publish("probe/it", &Message::from("probe")).await.ok()?;
            (receipt.peers == 2).then_some(())
        })
        .await?;
        heard.push(end.client().subscribe(["x/**"], Terms::default()).await?);
    }
    for (number, end) in ends.iter().enumerate() {
        for event in 0..50 {
            end.client().publish("x/y", &Message::from(format!("{number}-{event}").as_str())).await?;
        }
    }
    let nodes: Vec<&Node> = ends.iter().collect();
    rest(&nodes).await?;
    for (end, subscription) in ends.iter().zip(&mut heard) {
        end.client().publish("x/y", &Message::from("end")).await?;
        let seen = texts(subscription, "end").await?;
        let wrong: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
        ensure!(seen.len() == 150 && wrong.is_empty(), "{} different texts; not once: {wrong:?}", seen.len());
    }
    Ok(())
}

/// Two networks of one name are told apart by their secrets, from the command line and in a configuration.
#[tokio::test(flavor = "multi_thread")]
async fn two_networks_of_one_name_are_joined() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let secret = |name: &str, words: &str| write(folder.path(), name, &format!("{words} battery staple"));
    let (south, north) = (secret("south", "correct horse")?, secret("north", "another horse")?);
    let farm = async |name: &str, secret: &str| {
        node(name).args(&["--network", "farm", "--secret-file", secret]).start().await
    };
    let (one, two) = (farm("one", &south).await?, farm("two", &north).await?);
    let secrets = ["--from-secret-file", &south, "--to-secret-file", &north];
    let (mut bridge, _home) = joined("bridge", &end("farm", &one), &end("farm", &two), &secrets).await?;
    let crosses = async |from: &Node, to: &Node, text: &str| {
        let mut heard = to.client().subscribe(["x/*"], Terms::default()).await?;
        until("what is published in one farm to be heard in the other", MOMENT, async || {
            from.client().publish("x/y", &Message::from(text)).await.ok()?;
            let next = tokio::time::timeout(std::time::Duration::from_secs(1), crate::next(&mut heard, "it"));
            (next.await.ok()?.ok()?.message.text() == Some(text)).then_some(())
        })
        .await
    };
    crosses(&one, &two, "from the south").await?;
    crosses(&two, &one, "from the north").await?;
    let ended = bridge.stop().await?;
    ensure!(ended.success() && bridge.stdout().contains(&end("farm", &one)), "{}", bridge.printed());
    let text = format!(
        "version: 1\nnetworks:\n  farm: {{ secret: {{ file: {south} }} }}\n  far: {{ called: farm, secret: {{ file: {north} }} }}\n\
         bridges: {{ hive: [{{ from: farm, to: far, export: ['x/**'], import: ['x/**'] }}] }}\n"
    );
    let config = write(folder.path(), "both.yaml", &text)?;
    let both = node("both").arg("--config").arg(&config).peer(&one).peer(&two).start().await?;
    up(&both).await?;
    crosses(&one, &two, "by a configuration").await
}

/// A node that mDNS finds and that does not let the bridge in says so: it is not that nobody is there.
#[tokio::test(flavor = "multi_thread")]
async fn who_mdns_finds_and_is_refused_by_is_told_so() -> Result<()> {
    let segment = Segment::new(2)?;
    let [first, second] = segment.hosts() else { unreachable!("two were made") };
    let folder = tempfile::tempdir()?;
    let nobody = "networks: { farm: { open: true, allow: [] } }";
    let config = write(folder.path(), "farm.yaml", &format!("version: 1\n{nobody}\n"))?;
    let _farm = node("farm").on(first).arg("--config").arg(&config).start().await?;
    let mut command = second.command(PROGRAM.as_ref());
    command.args(["bridge", "farm", "city", "--wait", "6s"]).current_dir(folder.path());
    clean(&mut command, folder.path());
    let mut bridge = Program::start("bridge", command)?;
    let ended = bridge.ends().await?;
    let said = bridge.printed();
    ensure!(
        ended.code() == Some(1) && said.contains("the network `farm` does not let this bridge in"),
        "{said}"
    );
    ensure!(said.contains("--data-dir DIR"), "{said}");
    Ok(())
}

/// Who is not let in, and who finds nobody, is told so, each with a code of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_of_the_command_line_says_what_is_in_the_way() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let secret = |name: &str, last: &str| {
        write(
            folder.path(),
            name,
            &format!("hive-secret-{}{last}", "0123456789abcdef".repeat(3) + "0123456789abcde"),
        )
    };
    let (right, wrong) = (secret("right", "f")?, secret("wrong", "0")?);
    let farm = node("farm").arg("--network").arg("farm").start().await?;
    let city = node("city").args(&["--network", "city", "--secret-file", &right]).start().await?;
    let (from, to) = (end("farm", &farm), end("city", &city));
    let bridge = async |to: &str, more: &[&str]| {
        let args = [&["bridge", from.as_str(), to][..], &ALONE, more].concat();
        let output = run(None, &args).await?;
        anyhow::Ok((output.status.code(), stderr(&output), stdout(&output)))
    };
    for more in [&[][..], &["--to-secret-file", &wrong]] {
        let (code, said, _) = bridge(&to, more).await?;
        ensure!(code == Some(1) && said.contains("the network `city` does not let this bridge in"), "{said}");
        ensure!(said.contains("--to-secret-file FILE"), "{said}");
    }
    let (code, said, sum) = bridge(&to, &["--to-secret-file", &right, "--timeout", "100ms"]).await?;
    ensure!(code == Some(0) && said.contains("farm and city are joined"), "{said}");
    ensure!(sum.contains(r#""from":"farm","to":"city","exported":0,"imported":0"#), "{sum}");
    let gone = to.clone();
    drop(city);
    let (code, said, _) = bridge(&gone, &["--to-secret-file", &right, "--wait", "300ms"]).await?;
    ensure!(code == Some(3) && said.contains("no node of the network `city` answered at"), "{said}");
    Ok(())
}
