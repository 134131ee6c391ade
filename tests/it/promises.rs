//! What is promised between real nodes: one of a group gets each event, all who answer are heard, and who dies in the
//! middle loses nothing that is not given to another.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms};
use hive_tests::{
    hosts::Segment,
    nodes::{Node, Setup},
    wait::{self, MOMENT},
};

use crate::{node, run, stderr, stdout, write};

const SECRET: &str = "hive-secret-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Nodes of a network with a secret, where members on other nodes are given events.
struct Vault {
    folder: tempfile::TempDir,
}

impl Vault {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        write(folder.path(), "vault.secret", SECRET)?;
        Ok(Self { folder })
    }

    fn node(&self, name: &str) -> Setup {
        node(name)
            .arg("--network")
            .arg("vault")
            .arg("--secret-file")
            .arg(self.folder.path().join("vault.secret"))
    }
}

fn member() -> Terms {
    Terms { group: Some("workers".into()), ..Terms::default() }
}

/// Publishes until as many members are known as there are nodes with one.
async fn has_members(publisher: &Node, channel: &str) -> Result<()> {
    let probe = Message::from("probe");
    wait::until("a member to be known", MOMENT, async || {
        let receipt = publisher.client().publish(channel, &probe).await.ok()?;
        (receipt.local + receipt.peers == 1).then_some(())
    })
    .await
}

/// The numbers a member gets until none has come for a while; probes are left out.
async fn numbers(member: &mut Subscription, until: usize) -> Result<Vec<u32>> {
    numbers_within(member, until, MOMENT).await
}

/// The same, unless so much time passes between two.
async fn numbers_within(member: &mut Subscription, until: usize, quiet: Duration) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    while numbers.len() < until {
        let Ok(incoming) = tokio::time::timeout(quiet, member.next()).await else { break };
        match incoming? {
            Some(Incoming::Event(event)) => {
                ensure!(event.ticket.is_some(), "an event of a group has a ticket");
                numbers.extend(event.message.text().and_then(|text| text.parse::<u32>().ok()));
            }
            other => anyhow::bail!("came {other:?}"),
        }
    }
    Ok(numbers)
}

/// Two members on two nodes, one of which is killed with events in hand: each event is handled, and only those that the
/// killed one had may have been seen twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_member_loses_nothing() -> Result<()> {
    const EVENTS: u32 = 400;
    let vault = Vault::new()?;
    let publisher = vault.node("publisher").start().await?;
    let mut fragile = vault.node("fragile").peer(&publisher).start().await?;
    let sturdy = vault.node("sturdy").peer(&publisher).peer(&fragile).start().await?;
    let mut doomed = fragile.client().subscribe(["jobs/*"], member()).await?;
    has_members(&publisher, "jobs/new").await?;
    let mut staying = sturdy.client().subscribe(["jobs/*"], member()).await?;
    publisher.has_peers(2, MOMENT).await?;
    for number in 0..EVENTS {
        let receipt =
            publisher.client().publish("jobs/new", &Message::from(number.to_string().as_str())).await?;
        ensure!(receipt.local + receipt.peers == 1, "{receipt:?}");
    }
    // It handles some, and dies with the rest.
    let before = numbers(&mut doomed, 20).await?;
    wait::until("the publisher to know what was handled", MOMENT, async || {
        let with_members = publisher.status().await.ok()?.events.handed_out;
        (with_members <= u64::from(EVENTS) - 19).then_some(())
    })
    .await?;
    fragile.crash().await?;
    // That the other is gone takes some seconds to be known.
    let mut after = numbers(&mut staying, EVENTS as usize - before.len()).await?;
    after.extend(numbers_within(&mut staying, EVENTS as usize, Duration::from_secs(3)).await?);
    let (seen, both): (BTreeSet<u32>, BTreeSet<u32>) = (
        before.iter().chain(&after).copied().collect(),
        after.iter().filter(|n| before.contains(n)).copied().collect(),
    );
    ensure!(seen.len() == EVENTS as usize, "{} of {EVENTS} were handled", seen.len());
    ensure!(
        after.iter().collect::<BTreeSet<_>>().len() == after.len(),
        "twice at the one that stayed: {after:?}"
    );
    // What was said to be handled does not come again; the last one was in hand.
    ensure!(both.len() <= 1, "handled, and given to another: {both:?}");
    Ok(())
}

/// A member that closes its subscription hands on what it has not handled.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_goes_hands_on_what_it_has() -> Result<()> {
    let vault = Vault::new()?;
    let host = vault.node("host").start().await?;
    let mut leaving = host.client().subscribe(["jobs/*"], member()).await?;
    for number in 0..50 {
        host.client().publish("jobs/new", &Message::from(number.to_string().as_str())).await?;
    }
    let before = numbers(&mut leaving, 10).await?;
    leaving.close().await;
    let mut staying = host.client().subscribe(["jobs/*"], member()).await?;
    let after = numbers(&mut staying, 40).await?;
    let mut all = [before, after].concat();
    // What comes again has no order.
    all.sort_unstable();
    ensure!(all == (0..50).collect::<Vec<_>>(), "each once: {all:?}");
    Ok(())
}

/// Answers everything on `who/*` with a text.
async fn answer_with(node: &Node, text: &'static str) -> Result<tokio::task::JoinHandle<()>> {
    let mut asked = node.client().subscribe(["who/*"], Terms::answering()).await?;
    Ok(tokio::spawn(async move {
        while let Ok(Some(Incoming::Event(event))) = asked.next().await {
            if let Some(request) = event.request {
                // A caller that has gone needs no answer.
                let _ = asked.answer(request, Ok(Message::from(text))).await;
            }
        }
    }))
}

/// Two hosts and their terminals: a group shares, everybody answers, and an open network keeps to itself.
#[tokio::test(flavor = "multi_thread")]
async fn groups_and_calls_to_all_across_two_hosts() -> Result<()> {
    let segment = Segment::new(2)?;
    let [left, right] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let folder = tempfile::tempdir()?;
    let allowing = write(
        folder.path(),
        "hive.yaml",
        "version: 1\nchannels:\n  - { pattern: 'jobs/*', group: ['*'] }\n  - { pattern: 'paid/*', durable: true }\n",
    )?;
    let mut here = node("left").on(left).arg("--config").arg(&allowing).start().await?;
    let there = node("right").on(right).start().await?;
    here.has_peers(1, MOMENT).await?;
    let mut far = there.client().subscribe(["jobs/*", "other/*"], member()).await?;
    let _paid =
        there.client().subscribe(["paid/*"], Terms { group: Some("ledger".into()), ..member() }).await?;
    has_members(&here, "jobs/new").await?;
    let receipt = here.client().publish("other/new", &Message::from("x")).await?;
    ensure!(
        receipt.local + receipt.peers == 0,
        "no rule lets other nodes of an open network have it: {receipt:?}"
    );
    ensure!(receipt.denied == 1, "{receipt:?}");
    let said = run(Some(&here), &["publish", "other/new", "x"]).await?;
    let why = "accepted; 1 group with members on other nodes alone got nothing: in an open network that needs a rule";
    ensure!(said.status.success() && stderr(&said).contains(why), "{}", stderr(&said));
    let traced = run(Some(&here), &["trace", "other/new"]).await?;
    let why = "its groups are given nothing: the rules here keep it from that";
    ensure!(traced.status.code() == Some(1) && stdout(&traced).contains(why), "{}", stdout(&traced));
    let traced = run(Some(&here), &["trace", "jobs/new"]).await?;
    ensure!(traced.status.success() && !stdout(&traced).contains("given nothing"), "{}", stdout(&traced));
    // What is on disk is said of before anybody has published there.
    here.says("paid/* is for the group ledger, whose members on other nodes are given nothing").await?;
    ensure!(matches!(far.next().await?, Some(Incoming::Event(event)) if event.channel == "jobs/new"));

    let responders = [answer_with(&here, "me").await?, answer_with(&there, "me too").await?];
    let all = wait::until("both to be asked", MOMENT, async || {
        let said = run(Some(&here), &["call", "--all", "who/there"]).await.ok()?;
        (stdout(&said).lines().count() == 2).then_some(said)
    })
    .await?;
    let mut lines: Vec<_> = stdout(&all).lines().map(str::to_owned).collect();
    lines.sort();
    ensure!(all.status.success() && lines == ["left me", "right me too"], "{lines:?}");
    let first = run(Some(&there), &["call", "--first", "who/there"]).await?;
    ensure!(["me\n", "me too\n"].contains(&stdout(&first).as_str()), "{}", stdout(&first));
    responders.iter().for_each(tokio::task::JoinHandle::abort);
    let nobody = run(Some(&here), &["call", "--all", "no/body", "--timeout", "1s"]).await?;
    ensure!(nobody.status.code() == Some(1), "{}", stderr(&nobody));
    ensure!(stderr(&nobody).contains("nobody answers there"), "{}", stderr(&nobody));
    Ok(())
}

/// Values that are kept: new subscribers get them first, on whatever host, and a cleared channel has none.
#[tokio::test(flavor = "multi_thread")]
async fn kept_values_cross_hosts_and_come_first() -> Result<()> {
    let segment = Segment::new(2)?;
    let [left, right] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let here = node("left").on(left).start().await?;
    let kept = run(Some(&here), &["publish", "--retain", "room/1", "21.5"]).await?;
    ensure!(kept.status.success(), "{}", stderr(&kept));
    // The other comes later, and finds it.
    let there = node("right").on(right).start().await?;
    there.has_peers(1, MOMENT).await?;
    let first = wait::until("the value to cross", MOMENT, async || {
        let said =
            run(Some(&there), &["subscribe", "room/*", "--count", "1", "--timeout", "200ms"]).await.ok()?;
        said.status.success().then(|| stdout(&said))
    })
    .await?;
    ensure!(first == "room/1 21.5\n", "{first}");
    let mut live = there.client().subscribe(["room/*"], Terms::default()).await?;
    let event = crate::next(&mut live, "the value").await?;
    ensure!(event.retained && event.message.text() == Some("21.5"), "{event:?}");
    let cleared = run(Some(&here), &["publish", "--clear", "room/1"]).await?;
    ensure!(cleared.status.success(), "{}", stderr(&cleared));
    let event = crate::next(&mut live, "the end of the value").await?;
    ensure!(!event.retained && event.message.text() == Some(""), "{event:?}");
    let none = run(Some(&there), &["subscribe", "room/*", "--count", "1", "--timeout", "300ms"]).await?;
    ensure!(none.status.code() == Some(1), "{}", stdout(&none));
    // A node that ends alone still has them when it begins again.
    let folder = tempfile::tempdir()?;
    let mut alone = node("alone").data_dir(folder.path()).start().await?;
    run(Some(&alone), &["publish", "--retain", "room/3", "alone"]).await?;
    alone.stop().await?;
    let alone = node("alone").data_dir(folder.path()).start().await?;
    let kept = run(Some(&alone), &["subscribe", "room/*", "--count", "1", "--timeout", "5s"]).await?;
    ensure!(stdout(&kept) == "room/3 alone\n", "{}", stdout(&kept));
    let wrong = run(Some(&here), &["publish", "--clear", "room/1", "21.5"]).await?;
    ensure!(wrong.status.code() == Some(2), "{}", stderr(&wrong));
    Ok(())
}

/// A responder that is killed with a call in hand: the caller is told so long before its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_responder_that_dies_in_a_call_ends_it() -> Result<()> {
    let caller = node("caller").start().await?;
    let mut responder = node("responder").peer(&caller).start().await?;
    let mut requests = responder.client().subscribe(["work/do"], Terms::answering()).await?;
    caller.has_peers(1, MOMENT).await?;
    let client = caller.client().clone();
    let call =
        tokio::spawn(
            async move { client.call("work/do", &Message::from("x"), Duration::from_secs(600)).await },
        );
    let asked = wait::within("the request to be there", MOMENT, requests.next()).await??;
    ensure!(matches!(&asked, Some(Incoming::Event(event)) if event.request.is_some()), "{asked:?}");
    responder.crash().await?;
    let answer = wait::within("the caller to be told", MOMENT, call).await??;
    ensure!(matches!(&answer, Err(error) if error.to_string().contains("responder")), "{answer:?}");
    Ok(())
}
