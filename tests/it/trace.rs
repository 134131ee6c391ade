//! Traces across hosts: the ways that events take are told node by node, and what is in the way is named.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Terms,
    types::trace::{Trace, WayEnd},
};
use hive_tests::{
    hosts::Segment,
    nodes::Node,
    wait::{self, MOMENT},
};

use crate::{node, run, stderr, stdout};

const SOON: Duration = Duration::from_secs(10);

/// What `trace --json` says, and its exit code.
async fn trace(asked: &Node, args: &[&str]) -> Result<(Trace, Option<i32>)> {
    let args: Vec<&str> = ["trace", "--json"].iter().chain(args).copied().collect();
    let output = run(Some(asked), &args).await?;
    let document = serde_json::from_slice(&output.stdout).with_context(|| stderr(&output))?;
    Ok((document, output.status.code()))
}

/// Traces until this holds.
async fn until(what: &str, asked: &Node, args: &[&str], holds: impl Fn(&Trace) -> bool) -> Result<Trace> {
    let mut last = None;
    let found = wait::until(what, MOMENT, async || {
        let (trace, _) = trace(asked, args).await.ok()?;
        let found = holds(&trace).then(|| trace.clone());
        last = Some(trace);
        found
    });
    let found = found.await;
    found.with_context(|| format!("the last trace: {last:?}"))
}

/// The names of the nodes on the only way.
fn hops(trace: &Trace) -> Vec<&str> {
    trace.ways.first().map_or(&[][..], |way| &way.hops).iter().map(|hop| hop.name.as_str()).collect()
}

fn is_delivered(trace: &Trace) -> bool {
    trace.ways.len() == 1 && trace.ways.iter().all(|way| way.end == WayEnd::Delivered)
}

/// The way to a subscriber on another segment, with what each node on it says.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_the_node_between_and_the_subscriber_behind_it() -> Result<()> {
    let segment = Segment::two_joined_by(1)?;
    let [left, right, between] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let subscriber = node("right").on(right).start().await?;
    let publisher = node("left").on(left).start().await?;
    let middle = node("between").on(between).start().await?;
    middle.has_peers(2, SOON).await?;
    let (nobody, code) = trace(&publisher, &["news/today"]).await?;
    ensure!(nobody.ways.is_empty() && nobody.local.subscribers == 0 && code == Some(1), "{nobody:?}");

    let _news = subscriber.client().subscribe(["news/*", "news/**"], Terms::default()).await?;
    let _own = publisher.client().subscribe(["news/today", "bee"], Terms::default()).await?;
    let told = until("the way to be known", &publisher, &["news/today"], is_delivered).await?;
    let status = publisher.status().await?;
    ensure!(status.traces.asked > 0 && status.traces.passed > 0, "{:?}", status.traces);
    let before = status.events.published;
    ensure!(hops(&told) == ["left", "between", "right"], "{told:?}");
    ensure!((told.local.subscribers, told.network.as_str()) == (1, "hive"), "{told:?}");
    let way = &told.ways[0];
    let there = way.there.as_ref().context("who wants it there")?;
    ensure!(way.name == "right" && way.patterns == ["news/**"], "{way:?}");
    ensure!(
        (there.subscribers, &there.patterns[..]) == (1, &["news/*".into(), "news/**".into()][..]),
        "{way:?}"
    );
    for (hop, next) in way.hops.iter().zip(&way.hops[1..]) {
        let onward = hop.onward.as_ref().context("it went on")?;
        ensure!(onward.node == next.node && onward.rtt_us.is_some_and(|rtt| rtt > 0), "{hop:?}");
        ensure!(next.heard_us > hop.heard_us, "the farther, the later: {way:?}");
    }
    let addr = way.hops[1].onward.as_ref().map(|onward| onward.addr.clone());
    ensure!(addr == Some("10.78.0.2:7182".into()), "the link between the two on the right: {addr:?}");
    ensure!(way.hops[2].onward.is_none(), "{way:?}");

    let spoken = run(Some(&publisher), &["trace", "news/today"]).await?;
    let text = stdout(&spoken);
    ensure!(spoken.status.code() == Some(0) && stderr(&spoken).is_empty(), "{text}{}", stderr(&spoken));
    for want in
        ["to right (", "NODE", "10.78.0.2:7182", "reached; there: 1 subscriber, by news/*", "local: 1 sub"]
    {
        ensure!(text.contains(want), "{want}: {text}");
    }
    let (own, code) = trace(&publisher, &["bee"]).await?;
    ensure!(own.strictly_local && own.local.subscribers == 1 && code == Some(0), "{own:?}");
    let published = publisher.status().await?.events.published;
    ensure!(published == before, "tracing publishes nothing, and {published} were, {before} before it");
    Ok(())
}

/// The node on the way is killed, and the way is another one; that one is frozen, and nothing comes from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_follows_the_way_that_is_left_and_names_who_is_silent() -> Result<()> {
    let segment = Segment::two_joined_by(2)?;
    let [left, right, first, second] = segment.hosts() else { unreachable!("four hosts were asked for") };
    let subscriber = node("right").on(right).start().await?;
    let publisher = node("left").on(left).start().await?;
    let mut between = [node("one").on(first).start().await?, node("other").on(second).start().await?];
    for each in &between {
        each.has_peers(3, SOON).await?;
    }
    let _news = subscriber.client().subscribe(["news/*"], Terms::default()).await?;
    let told = until("the way to be known", &publisher, &["news/today"], is_delivered).await?;
    let on_the_way = hops(&told).get(1).map(ToString::to_string).context("somebody is between")?;
    let (killed, left_over) = if on_the_way == "one" { (0, "other") } else { (1, "one") };

    between[killed].crash().await?;
    let told = until("the other way", &publisher, &["news/today"], |trace| {
        is_delivered(trace) && hops(trace) == ["left", left_over, "right"]
    });
    told.await?;

    let frozen = &mut between[1 - killed];
    frozen.freeze(true)?;
    let (silent, code) = trace(&publisher, &["news/today", "--timeout", "300ms"]).await?;
    frozen.freeze(false)?;
    let way = silent.ways.first().context("the way is not given up yet")?;
    let at = way.at.as_ref().map(|at| at.name.as_str());
    ensure!((way.end, at, code) == (WayEnd::Silent, Some(left_over), Some(1)), "{silent:?}");
    ensure!(hops(&silent) == ["left"], "nobody else was heard of: {silent:?}");

    frozen.crash().await?;
    let gone = until("nobody to lead there", &publisher, &["news/today"], |trace| trace.ways.is_empty());
    gone.await?;
    Ok(())
}

/// What is no channel is the command line's fault, and nothing is asked of others for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_channel_is_a_wrong_command_line() -> Result<()> {
    let alone = node("alone").start().await?;
    let check = async |channel: &str, code: i32, want: &str| -> Result<()> {
        let output = run(Some(&alone), &["trace", channel]).await?;
        let said = format!("{}{}", stdout(&output), stderr(&output));
        ensure!(output.status.code() == Some(code) && said.contains(want), "{channel}: {said}");
        Ok(())
    };
    check("orders/*", 2, "error: `orders/*` is no channel").await?;
    check("orders/*", 2, "hint: wildcards belong in the patterns of a subscription").await?;
    check("hive/bee", 2, "error: `hive/bee` is no channel").await?;
    check("orders/new", 1, "elsewhere: no node of network hive wants it").await?;
    check("$node/joined", 1, "elsewhere: nobody, because `$node/joined` never leaves this node").await?;
    Ok(())
}
