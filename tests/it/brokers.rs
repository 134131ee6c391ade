//! Bridges to brokers: real servers, real nodes, and bare clients of the servers beside them.
//!
//! What each test shows is good and bad weather of one kind: away at the start, gone and back, empty again, nonsense,
//! slow, two bridges at one broker, too large, names that cannot be translated.

mod between;
mod mqtt;
mod nats;
mod redis;
mod show;
mod tools;
mod webhook;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Event, Incoming, Message, Subscription, Terms,
    types::{BridgeState, BridgeStatus},
};
use hive_tests::{
    nodes::Node,
    wait::{MOMENT, until, within},
};

use crate::{node, write};

/// A node with these bridges, which are written as in a configuration file, below `bridges:`.
async fn bridging(name: &str, bridges: &str) -> Result<(Node, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let file = write(folder.path(), "hive.yaml", &format!("version: 1\nbridges:\n{bridges}"))?;
    Ok((node(name).arg("--config").arg(file).start().await?, folder))
}

/// What a bridge says of itself.
async fn bridge(node: &Node, name: &str) -> Option<BridgeStatus> {
    node.status().await.ok()?.bridges.into_iter().find(|bridge| bridge.name == name)
}

/// Waits until a bridge is in a state.
async fn state(node: &Node, name: &str, state: BridgeState) -> Result<BridgeStatus> {
    let what = format!("the bridge {name} to be {state:?}");
    let there =
        until(&what, MOMENT, async || bridge(node, name).await.filter(|bridge| bridge.state == state));
    match there.await {
        Ok(status) => Ok(status),
        Err(error) => Err(error).with_context(|| node.printed()),
    }
}

/// Waits until so many events were dropped for a reason.
async fn dropped(node: &Node, name: &str, reason: &str, count: u64) -> Result<()> {
    let what = format!("{count} events of {name} to be dropped as {reason}");
    let there = until(&what, MOMENT, async || {
        let bridge = bridge(node, name).await?;
        (bridge.dropped.get(reason).copied().unwrap_or(0) >= count).then_some(())
    });
    match there.await {
        Ok(()) => Ok(()),
        Err(error) => Err(error).with_context(|| node.printed()),
    }
}

async fn listen(node: &Node, pattern: &str) -> Result<Subscription> {
    Ok(node.client().subscribe([pattern], Terms::default()).await?)
}

/// The next event's channel and text.
async fn said(subscription: &mut Subscription) -> Result<(String, String)> {
    let event = next(subscription).await?;
    let text = event.message.text().context("a text")?.to_owned();
    Ok((event.channel, text))
}

async fn next(subscription: &mut Subscription) -> Result<Event> {
    crate::next(subscription, "an event from a bridge").await
}

/// That nothing is there but what was expected: the last event is one that was sent behind it.
async fn publish(node: &Node, channel: &str, text: &str) -> Result<()> {
    node.client().publish(channel, &Message::from(text)).await?;
    Ok(())
}

/// The texts until one is `end`, in their order.
async fn until_end(subscription: &mut Subscription) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    loop {
        let came = within("the last event", MOMENT, subscription.next()).await??;
        let Some(Incoming::Event(event)) = came else {
            ensure!(matches!(came, Some(Incoming::Missed(_))), "came {came:?}");
            continue;
        };
        match event.message.text() {
            Some("end") => return Ok(texts),
            text => texts.push(text.unwrap_or_default().to_owned()),
        }
    }
}

/// Bad weather passes in a moment; a bridge that lost its server long ago looks for it every 15 s.
const BACK: Duration = Duration::from_secs(40);

fn pair(channel: &str, text: &str) -> (String, String) {
    (channel.to_owned(), text.to_owned())
}
