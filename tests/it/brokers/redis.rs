//! Bridges to a Redis.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, types::BridgeState};
use hive_tests::{
    brokers::{Broker, Kind, certificate},
    wait::{MOMENT, until, within},
};
use redis::{AsyncCommands as _, aio::MultiplexedConnection};

use super::{BACK, bridge, bridging, dropped, listen, pair, publish, said, state, until_end};

async fn bare(broker: &Broker) -> Result<MultiplexedConnection> {
    Ok(redis::Client::open(broker.url())?.get_multiplexed_async_connection().await?)
}

/// A subscriber that is nothing but the client library.
async fn subscriber(broker: &Broker, pattern: &str) -> Result<redis::aio::PubSub> {
    let mut subscriber = redis::Client::open(broker.url())?.get_async_pubsub().await?;
    subscriber.psubscribe(pattern).await?;
    Ok(subscriber)
}

async fn heard(subscriber: &mut redis::aio::PubSub) -> Result<(String, String)> {
    use futures_util::StreamExt as _;
    let message = within("a message from Redis", MOMENT, subscriber.on_message().next()).await?;
    let message = message.context("the connection ended")?;
    Ok((message.get_channel_name().to_owned(), message.get_payload()?))
}

fn config(broker: &Broker) -> String {
    format!(
        "  redis:\n    - server: {}\n      import: ['sensor/**', 'odd/*/x']\n      export: ['alert/*', 'redis/out/**']\n      max-size: 64KiB\n",
        broker.url()
    )
}

/// Events cross both ways under their names; what is too large, or no channel, is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn channels_cross_both_ways() -> Result<()> {
    let broker = Broker::redis().await?;
    let (node, _folder) = bridging("both", &config(&broker)).await?;
    state(&node, "redis", BridgeState::Up).await?;
    let (mut events, mut dead) = (listen(&node, "redis/**").await?, listen(&node, "$dead/redis").await?);
    let mut client = bare(&broker).await?;
    let reached: usize = client.publish("sensor/attic/reading", "21").await?;
    ensure!(reached == 1, "Redis gave it to {reached}");
    ensure!(said(&mut events).await? == pair("redis/sensor/attic/reading", "21"));
    // `odd/*/x` is a glob there that matches more.
    let _: usize = client.publish("odd/a/b/x", "not this").await?;
    let _: usize = client.publish("odd/a/x", "this").await?;
    ensure!(said(&mut events).await? == pair("redis/odd/a/x", "this"));
    let _: usize = client.publish("sensor", "itself").await?;
    ensure!(said(&mut events).await? == pair("redis/sensor", "itself"));

    let mut outside = subscriber(&broker, "*").await?;
    publish(&node, "alert/attic", "hot").await?;
    ensure!(heard(&mut outside).await? == pair("alert/attic", "hot"));
    publish(&node, "redis/out/x", "own").await?;
    ensure!(heard(&mut outside).await? == pair("out/x", "own"));

    let _: usize = client.publish("sensor//empty", "x").await?;
    ensure!(said(&mut dead).await?.1 == "x");
    let _: usize = client.publish("sensor/large", vec![b'x'; 65 << 10]).await?;
    ensure!(said(&mut dead).await?.1.len() == 65 << 10);
    node.client().publish("alert/large", &Message::from("y".repeat(65 << 10).as_str())).await?;
    ensure!(said(&mut dead).await?.1.starts_with("yy"));
    let status = bridge(&node, "redis").await.context("a bridge")?;
    ensure!(
        status.dropped.get("name") == Some(&1) && status.dropped.get("too-large") == Some(&2),
        "{status:?}"
    );
    ensure!(status.imported == 3 && status.exported == 2, "{status:?}");
    Ok(())
}

/// What is published before a bridge knows whether others are at its server goes out when none is.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_at_once_goes_out() -> Result<()> {
    let broker = Broker::redis().await?;
    let mut outside = subscriber(&broker, "*").await?;
    let (node, _folder) = bridging("early", &config(&broker)).await?;
    // The claim is made behind the queue: whichever of the two is seen, the queue is there.
    until("a queue", MOMENT, async || {
        let consumers = node.status().await.ok()?.consumers;
        consumers.iter().any(|consumer| consumer.kind == "bridge").then_some(())
    })
    .await?;
    publish(&node, "alert/early", "hot").await?;
    node.client().retain("alert/kept", &Message::from("once")).await?;
    ensure!(heard(&mut outside).await? == pair("alert/early", "hot"));
    ensure!(heard(&mut outside).await? == pair("alert/kept", "once"));
    publish(&node, "alert/later", "end").await?;
    ensure!(heard(&mut outside).await? == pair("alert/later", "end"));
    Ok(())
}

/// A bridge begins without its server, and goes on after it was killed, empty or not.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_may_come_late_and_go() -> Result<()> {
    let mut broker = Broker::reserve(Kind::Redis(Vec::new()))?;
    let (node, _folder) = bridging("late", &config(&broker)).await?;
    let waiting = state(&node, "redis", BridgeState::Waiting).await?;
    ensure!(waiting.problem.is_some_and(|why| why.contains("refused")), "it says why");
    // Events wait for the server, within the bridge's bounds.
    publish(&node, "alert/early", "first").await?;
    broker.restart().await?;
    let mut outside = subscriber(&broker, "alert/*").await?;
    state(&node, "redis", BridgeState::Up).await?;
    publish(&node, "alert/end", "second").await?;
    let mut came = vec![heard(&mut outside).await?];
    if came[0] == pair("alert/early", "first") {
        came.push(heard(&mut outside).await?);
    }
    ensure!(came.last() == Some(&pair("alert/end", "second")), "{came:?}");
    for round in 0..2 {
        broker.kill()?;
        state(&node, "redis", BridgeState::Waiting).await?;
        broker.restart().await?;
        let mut events = listen(&node, "redis/sensor/*").await?;
        let mut client = bare(&broker).await?;
        // Subscribed again once it reaches somebody.
        until("the bridge to be subscribed again", BACK, async || {
            let reached: usize = client.publish("sensor/x", "back").await.ok()?;
            (reached > 0).then_some(())
        })
        .await?;
        ensure!(said(&mut events).await?.1 == "back", "round {round}");
    }
    Ok(())
}

/// A server that does not answer is noticed; what was for it waits, and nobody else is slower for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_noticed() -> Result<()> {
    let mut broker = Broker::redis().await?;
    let (node, _folder) = bridging("hung", &config(&broker)).await?;
    state(&node, "redis", BridgeState::Up).await?;
    broker.freeze(true)?;
    let mut events = listen(&node, "alert/*").await?;
    for number in 0..1_000 {
        publish(&node, "alert/x", &number.to_string()).await?;
    }
    publish(&node, "alert/x", "end").await?;
    ensure!(until_end(&mut events).await?.len() == 1_000, "others have everything");
    state(&node, "redis", BridgeState::Waiting).await?;
    broker.freeze(false)?;
    state(&node, "redis", BridgeState::Up).await?;
    Ok(())
}

/// A flood is carried as far as anybody keeps up, and leaves the bridge up and in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_comes_in_in_order() -> Result<()> {
    const EVENTS: usize = 50_000;
    let broker = Broker::redis().await?;
    let (node, _folder) = bridging("flood", &config(&broker)).await?;
    state(&node, "redis", BridgeState::Up).await?;
    let mut events = listen(&node, "redis/sensor/*").await?;
    let mut client = bare(&broker).await?;
    let reading = tokio::spawn(async move { until_end(&mut events).await });
    for at in 0..EVENTS / 500 {
        let mut batch = redis::pipe();
        for number in at * 500..(at + 1) * 500 {
            batch.publish("sensor/x", number).ignore();
        }
        batch.exec_async(&mut client).await?;
    }
    let _: usize = client.publish("sensor/x", "end").await?;
    let numbers = within("the flood", BACK, reading).await???;
    let numbers: Vec<usize> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    ensure!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "out of order");
    let status = bridge(&node, "redis").await.context("a bridge")?;
    ensure!(status.imported == EVENTS as u64 + 1 && status.state == BridgeState::Up, "{status:?}");
    Ok(())
}

/// Of two nodes at one server one carries; when it goes the other does within seconds.
#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_bring_one_copy() -> Result<()> {
    let broker = Broker::redis().await?;
    let (mut one, folder) = bridging("one", &config(&broker)).await?;
    let file = folder.path().join("hive.yaml");
    let mut other = crate::node("other").arg("--config").arg(file).peer(&one).start().await?;
    other.has_peers(1, MOMENT).await?;
    let mut client = bare(&broker).await?;
    let active = |one: hive_client::types::BridgeStatus| one.state == BridgeState::Up;
    let which = until("one of them to stand by", MOMENT, async || {
        let (one, other) = (bridge(&one, "redis").await?, bridge(&other, "redis").await?);
        let standing = one.state == BridgeState::Standby || other.state == BridgeState::Standby;
        (standing && (active(one.clone()) || active(other))).then_some(active(one))
    })
    .await?;
    let (quits, stays) = if which { (&mut one, &mut other) } else { (&mut other, &mut one) };
    let mut events = listen(stays, "redis/sensor/*").await?;
    for text in ["a", "b", "end"] {
        let _: usize = client.publish("sensor/x", text).await?;
    }
    ensure!(until_end(&mut events).await? == ["a", "b"], "one copy of each");
    quits.stop().await?;
    state(stays, "redis", BridgeState::Up).await?;
    until("the other to be subscribed", MOMENT, async || {
        let reached: usize = client.publish("sensor/x", "c").await.ok()?;
        (reached > 0).then_some(())
    })
    .await?;
    ensure!(said(&mut events).await?.1 == "c");
    Ok(())
}

fn streams(broker: &Broker, rest: &str) -> String {
    format!("  redis:\n    - server: {}\n      streams: {{ group: mesh, from: all }}\n{rest}", broker.url())
}

/// Entries of streams come in once, with what goes with them, and are acknowledged; events go out as entries.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_read_and_written() -> Result<()> {
    let mut broker = Broker::start(Kind::Redis(Vec::new())).await?;
    let mut client = bare(&broker).await?;
    let _: String =
        client.xadd("jobs", "*", &[("payload", "one"), ("content-type", "text/plain"), ("x-y", "z")]).await?;
    let _: String = client.xadd("jobs", "*", &[("celsius", "21"), ("place", "attic")]).await?;
    let rest = "      import: jobs\n      export: 'redis/done/*'\n";
    let (node, _folder) = bridging("streams", &streams(&broker, rest)).await?;
    // What came before anybody subscribed went to nobody; it was taken, and so is acknowledged.
    state(&node, "redis", BridgeState::Up).await?;
    until("two entries", MOMENT, async || (bridge(&node, "redis").await?.imported == 2).then_some(()))
        .await?;
    let mut events = listen(&node, "redis/jobs").await?;
    let _: String =
        client.xadd("jobs", "*", &[("payload", "two"), ("content-type", "text/plain"), ("x-y", "z")]).await?;
    let event = super::next(&mut events).await?;
    ensure!(
        event.message.text() == Some("two") && event.message.content_type.as_deref() == Some("text/plain")
    );
    ensure!(
        event.message.headers.iter().any(|header| *header == ("x-y".to_owned(), "z".to_owned())),
        "{event:?}"
    );
    let _: String = client.xadd("jobs", "*", &[("celsius", "21"), ("place", "attic")]).await?;
    let event = super::next(&mut events).await?;
    let value: serde_json::Value = event.message.value()?;
    ensure!(value == serde_json::json!({"celsius": "21", "place": "attic"}), "{value}");
    until("all to be acknowledged", MOMENT, async || {
        let pending: redis::streams::StreamPendingReply = client.xpending("jobs", "mesh").await.ok()?;
        (pending.count() == 0).then_some(())
    })
    .await?;

    publish(&node, "redis/done/x", "ready").await?;
    let entries = until("an entry", MOMENT, async || {
        let reply: redis::streams::StreamRangeReply = client.xrange_all("done/x").await.ok()?;
        (!reply.ids.is_empty()).then_some(reply.ids)
    })
    .await?;
    ensure!(entries[0].get::<String>("payload").as_deref() == Some("ready"), "{entries:?}");
    ensure!(entries[0].get::<String>("hive-bridge").is_some(), "where it has been");

    // Emptied by a restart: the group is made again.
    broker.kill()?;
    broker.restart().await?;
    let mut client = bare(&broker).await?;
    let _: String = client.xadd("jobs", "*", &[("payload", "three")]).await?;
    ensure!(within("an entry after the restart", BACK, said(&mut events)).await??.1 == "three");
    Ok(())
}

/// What another reader of the group took and left is taken over.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_entries_are_claimed() -> Result<()> {
    let broker = Broker::redis().await?;
    let mut client = bare(&broker).await?;
    let _: () = client.xgroup_create_mkstream("jobs", "mesh", "0").await?;
    let id: String = client.xadd("jobs", "*", &[("payload", "left")]).await?;
    let options = redis::streams::StreamReadOptions::default().group("mesh", "gone");
    let _: redis::streams::StreamReadReply = client.xread_options(&["jobs"], &[">"], &options).await?;
    // As if it had been taken a minute ago.
    let _: redis::Value = redis::cmd("XCLAIM")
        .arg("jobs")
        .arg("mesh")
        .arg("gone")
        .arg(0)
        .arg(&id)
        .arg("IDLE")
        .arg(60_000)
        .query_async(&mut client)
        .await?;
    let rest = "      import: jobs\n";
    let (node, _folder) = bridging("claims", &streams(&broker, rest)).await?;
    until("the entry to be claimed", MOMENT, async || {
        let pending: redis::streams::StreamPendingReply = client.xpending("jobs", "mesh").await.ok()?;
        (pending.count() == 0 && bridge(&node, "redis").await?.imported == 1).then_some(())
    })
    .await?;
    dropped(&node, "redis", "garbage", 0).await
}

/// Two nodes and a Redis that speaks nothing else: channels and streams are written and read, and a certificate of somebody else is none.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken() -> Result<()> {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (ours, key) = certificate(folder.path())?;
    let broker = Broker::start(Kind::Rediss(ours.clone(), key)).await?;
    let config = |what: &str, ca: &Path| {
        let server = format!("server: {}, ca-file: '{}'", broker.url(), ca.display());
        format!(
            "  redis:\n    - {{ {server}, {what} }}\n    - {{ {server}, name: logs, streams: {{}}, {what} }}\n"
        )
    };
    let stranger = certificate(other.path())?.0;
    let (node, _folder) = bridging("stranger", &config("import: [a]", &stranger)).await?;
    for name in ["redis", "logs"] {
        let status = state(&node, name, BridgeState::Waiting).await?;
        ensure!(status.problem.as_deref().is_some_and(|why| why.contains("certificate")), "{status:?}");
    }
    let (from, _from) = bridging("from", &config("export: [a/b]", &ours)).await?;
    let (to, _to) = bridging("to", &config("import: [a/b]", &ours)).await?;
    for node in [&from, &to] {
        for name in ["redis", "logs"] {
            state(node, name, BridgeState::Up).await?;
        }
    }
    let mut events = listen(&to, "redis/a/b").await?;
    publish(&from, "a/b", "over TLS").await?;
    ensure!(said(&mut events).await? == pair("redis/a/b", "over TLS"));
    // In the stream it says that it comes from a network of this name.
    dropped(&to, "logs", "loop", 1).await
}

/// A server that does not know a command gives back what came with it, a password as well: nobody is shown that.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_in_what_a_server_refuses() -> Result<()> {
    const PASSWORD: &str = "open-sesame";
    for command in ["HELLO", "AUTH"] {
        let args = ["--requirepass", PASSWORD, "--rename-command", command, ""].map(str::to_owned);
        let broker = Broker::start(Kind::Redis(args.into())).await?;
        let bridges = format!("{}      password: {PASSWORD}\n", config(&broker));
        let (node, _folder) = bridging("refused", &bridges).await?;
        let problem = state(&node, "redis", BridgeState::Waiting).await?.problem.unwrap_or_default();
        ensure!(problem.contains(&format!("unknown command '{command}'")), "{problem}");
        ensure!(!problem.contains(PASSWORD), "{problem}");
        ensure!(!node.printed().contains(PASSWORD), "{}", node.printed());
    }
    Ok(())
}
