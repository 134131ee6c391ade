//! Hosts that share no segment, and what is between them: events, calls and answers cross other nodes.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms};
use hive_tests::{
    hosts::{Host, Segment},
    nodes::Node,
    wait::{self, MOMENT},
};

use crate::{next, node, plugins, run, stderr, stdout};

/// How long a way may be interrupted.
const INTERRUPTED: Duration = Duration::from_secs(5);

/// Publishes until somebody far away is known to want it.
async fn is_wanted_from(publisher: &Node, channel: &str) -> Result<()> {
    let message = Message::from("-1");
    wait::until("interest to cross the node between", MOMENT, async || {
        let receipt = publisher.client().publish(channel, &message).await.ok()?;
        (receipt.peers == 1).then_some(())
    })
    .await
}

/// Events come and calls are answered though caller and responder cannot reach each other.
#[tokio::test(flavor = "multi_thread")]
async fn events_calls_and_answers_cross_the_node_between() -> Result<()> {
    let segment = Segment::two_joined_by(1)?;
    let [left, right, between] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let folder = plugins(&["greeter"])?;
    let responder = node("right").on(right).plugins(folder.path()).start().await?;
    responder.runs_plugin("greeter", 1).await?;
    let caller = node("left").on(left).start().await?;
    let middle = node("between").on(between).start().await?;
    middle.has_peers(2, Duration::from_secs(10)).await?;

    let mut news = responder.client().subscribe(["news/*"], Terms::default()).await?;
    is_wanted_from(&caller, "news/probe").await?;
    for number in 0..100 {
        caller.client().publish("news/today", &Message::from(number.to_string().as_str())).await?;
    }
    let mut seen = Vec::new();
    while seen.len() < 100 {
        let event = next(&mut news, "an event from the other side").await?;
        ensure!(event.origin == caller.status().await?.node.id, "{event:?}");
        if event.channel == "news/today" {
            seen.push(event.message.text().unwrap_or_default().to_owned());
        }
    }
    ensure!(seen == (0..100).map(|number: i32| number.to_string()).collect::<Vec<_>>(), "{seen:?}");

    let answered = run(Some(&caller), &["call", "greet/hello", "\"Ada\""]).await?;
    ensure!(answered.status.success(), "{}", stderr(&answered));
    ensure!(stdout(&answered).trim() == "\"Hello, Ada!\"", "{}", stdout(&answered));
    let passed_on = middle.status().await?.events.relayed;
    ensure!(passed_on >= 102, "events, a call and its answer crossed the middle, which counts {passed_on}");
    let status = run(Some(&middle), &["status"]).await?;
    ensure!(stdout(&status).contains("passed on between peers"), "{}", stdout(&status));
    Ok(())
}

/// Publishes numbers, one every 20 ms, until told otherwise.
async fn count(publisher: &Node, until: &tokio_util::sync::CancellationToken) -> Result<u64> {
    let (mut number, mut beat) = (0, tokio::time::interval(Duration::from_millis(20)));
    while !until.is_cancelled() {
        publisher.client().publish("news/count", &Message::from(number.to_string().as_str())).await?;
        number += 1;
        beat.tick().await;
    }
    Ok(number)
}

async fn next_number(news: &mut Subscription) -> Result<i64> {
    loop {
        match news.next().await? {
            Some(Incoming::Event(event)) => return Ok(event.message.text().unwrap_or_default().parse()?),
            Some(_) => {}
            None => anyhow::bail!("the subscription ended"),
        }
    }
}

async fn start_between(host: &Host, name: &str, folder: &tempfile::TempDir) -> Result<Node> {
    node(name).on(host).data_dir(folder.path().join(name)).start().await
}

/// The node between is killed and comes back: traffic resumes by itself.
#[tokio::test(flavor = "multi_thread")]
async fn traffic_resumes_when_the_node_between_comes_back() -> Result<()> {
    let segment = Segment::two_joined_by(1)?;
    let [left, right, between] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let folder = tempfile::tempdir()?;
    let subscriber = node("right").on(right).start().await?;
    let publisher = node("left").on(left).start().await?;
    let mut middle = start_between(between, "between", &folder).await?;
    middle.has_peers(2, Duration::from_secs(10)).await?;
    let mut news = subscriber.client().subscribe(["news/*"], Terms::default()).await?;
    is_wanted_from(&publisher, "news/probe").await?;

    middle.crash().await?;
    for away in [&publisher, &subscriber] {
        away.has_peers(0, Duration::from_secs(10)).await?;
    }
    let back = Instant::now();
    let _middle = start_between(between, "between", &folder).await?;
    is_wanted_from(&publisher, "news/again").await?;
    while next(&mut news, "an event after the node between was away").await?.channel != "news/again" {}
    let resumed = back.elapsed();
    ensure!(resumed < INTERRUPTED, "only after {resumed:?}");
    Ok(())
}

/// A second node between takes over from one that is killed, and nothing is lost or comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_way_takes_over_and_nothing_is_lost() -> Result<()> {
    let segment = Segment::two_joined_by(2)?;
    let [left, right, first, second] = segment.hosts() else { unreachable!("four hosts were asked for") };
    let folder = tempfile::tempdir()?;
    let subscriber = node("right").on(right).start().await?;
    let publisher = node("left").on(left).start().await?;
    let one = start_between(first, "one", &folder).await?;
    let other = start_between(second, "other", &folder).await?;
    for between in [&one, &other] {
        between.has_peers(3, Duration::from_secs(10)).await?;
    }
    let mut news = subscriber.client().subscribe(["news/*"], Terms::default()).await?;
    is_wanted_from(&publisher, "news/probe").await?;

    let (end, mut ways) = (tokio_util::sync::CancellationToken::new(), vec![one, other]);
    let watch = async {
        let (mut numbers, mut killed_at, mut longest) = (Vec::new(), None, Duration::ZERO);
        while numbers.len() < 1000 {
            let waiting = Instant::now();
            let number = wait::within("the next number", MOMENT, next_number(&mut news)).await??;
            if number < 0 {
                continue;
            }
            longest = longest.max(waiting.elapsed());
            numbers.push(u64::try_from(number)?);
            if numbers.len() == 50 {
                // Whichever of the two carries it.
                let carries = busiest(&ways).await?;
                ways[carries].crash().await?;
                killed_at = Some(Instant::now());
            }
            if killed_at.is_some_and(|at| at.elapsed() > 2 * INTERRUPTED) {
                break;
            }
        }
        end.cancel();
        anyhow::Ok((numbers, longest))
    };
    let (watched, counted) = tokio::join!(watch, count(&publisher, &end));
    let (numbers, longest) = watched?;
    let published = counted?;
    ensure!(published >= numbers.len() as u64, "{published}");
    ensure!(numbers.is_sorted_by(|a, b| a < b), "in order and none twice: {numbers:?}");
    let came: BTreeSet<u64> = numbers.iter().copied().collect();
    let missing: Vec<u64> =
        (0..=numbers.last().copied().unwrap_or(0)).filter(|n| !came.contains(n)).collect();
    ensure!(missing.is_empty(), "missing: {missing:?} of {}", numbers.len());
    ensure!(longest < INTERRUPTED, "nothing came for {longest:?}");
    Ok(())
}

/// The position of the node that has carried most.
async fn busiest(nodes: &[Node]) -> Result<usize> {
    let mut most = (0, 0);
    for (position, node) in nodes.iter().enumerate() {
        let peers = node.client().peers().await?.peers;
        let sent: u64 = peers.iter().map(|peer| peer.sent_bytes).sum();
        most = most.max((sent, position));
    }
    Ok(most.1)
}
