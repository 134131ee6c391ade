//! Real transmitters and receivers of hein's beside bridges to it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hive_client::{CALL_TIMEOUT, Event, Message, Subscription, Terms};
use hive_tests::{
    programs::Program,
    wait::{MOMENT, until},
};
use serde_json::json;

use super::{HEIN, Stage, publish_until};
use crate::next;

impl Stage {
    fn receiver(&self, port: &str, name: &str) -> Result<Program> {
        self.peer(name, HEIN, "hein_receiver.py", &["127.0.0.1", port, name])
    }
}

/// Many receivers are told the same, with types; `ping` says who is there; they come and go.
#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_told_and_may_come_and_go() -> Result<()> {
    let stage = Stage::new(1)?;
    // Away at first: receivers wait for their transmitter.
    let mut first = stage.receiver("50007", "Kirk")?;
    let config = "version: 1\nbridges: { hein: [{ listen: '127.0.0.1:50007', calls: ['hein/ping'] }] }\n";
    let hive = stage.node("hive", config).await?;
    first.says("connected").await?;
    // More than the five that a real transmitter takes.
    let mut others =
        ["Spock", "Uhura", "Sulu", "Scotty", "Chekov", "McCoy"].map(|name| stage.receiver("50007", name));
    for other in &mut others {
        let other = other.as_mut().map_err(|error| anyhow::anyhow!("{error:#}"))?;
        other.says("connected").await?;
    }
    let value = json!({ "a": 1, "f": 1.5, "t": "q\"x\\y é", "l": [true, null] });
    publish_until(&hive, ("hein/reading", &value), &mut first, "told 'reading' dict").await?;
    let shown = "{'a': 1, 'f': 1.5, 'l': [True, None], 't': 'q\"x\\\\y é'}";
    ensure!(first.stdout().contains(shown), "{}", first.printed());
    for other in others.iter_mut().flatten() {
        other.says("told 'reading' dict").await?;
    }
    hive.client().publish("hein/raw", &Message::from("\u{ac}\u{96} plain")).await?;
    first.says("told 'raw'").await?;

    let there = until("all to be there", MOMENT, async || {
        let answer = hive.client().call("hein/ping", &Message::from(""), CALL_TIMEOUT).await.ok()?;
        let there: serde_json::Value = serde_json::from_str(answer.text()?).ok()?;
        (there.as_object()?.len() == 7).then_some(there)
    });
    let there = there.await?;
    ensure!(there["Kirk"] == true && there["McCoy"] == true, "{there}");
    first.kill().await?;
    let left = until("one to have left", MOMENT, async || {
        let answer = hive.client().call("hein/ping", &Message::from(""), CALL_TIMEOUT).await.ok()?;
        let there: serde_json::Value = serde_json::from_str(answer.text()?).ok()?;
        (there.get("Kirk") != Some(&json!(true))).then_some(())
    });
    left.await?;
    let mut back = stage.receiver("50007", "Kirk")?;
    back.says("connected").await?;
    publish_until(&hive, ("hein/again", &json!([1])), &mut back, "told 'again' list").await
}

async fn told(transmitter: &mut Program, line: &str, events: &mut Subscription) -> Result<Event> {
    let event = until("what is told to come", MOMENT, async || {
        transmitter.tell(line).ok()?;
        tokio::time::timeout(Duration::from_secs(2), next(events, "an event")).await.ok()?.ok()
    });
    event.await.with_context(|| transmitter.printed())
}

/// A real transmitter is heard, with types, and heard again after it was away.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_transmitter_is_heard() -> Result<()> {
    let stage = Stage::new(1)?;
    let config = "version: 1\nbridges:\n  hein:\n    - { connect: 'tcp://127.0.0.1:50008', as: hive, import: ['**'] }\n";
    let hive = stage.node("hive", config).await?;
    let mut events = hive.client().subscribe(["hein/**"], Terms::default()).await?;
    for round in 1..=2 {
        let name = format!("transmitter-{round}");
        let mut transmitter = stage.peer(&name, HEIN, "hein_transmitter.py", &["50008"])?;
        transmitter.says("connected hive").await?;
        let event = told(&mut transmitter, "raw - hello", &mut events).await?;
        ensure!(event.channel == "hein/message" && event.message.text() == Some("hello"), "{event:?}");
        let line =
            "tell tag {'i': 12345678901234567890123, 'd': datetime.date(2020, 2, 29), 'b': b'\\x00\\xff'}";
        let event = loop {
            let event = told(&mut transmitter, line, &mut events).await?;
            if event.channel != "hein/message" {
                break event;
            }
        };
        ensure!(event.channel == "hein/tag", "{event:?}");
        ensure!(event.message.content_type.as_deref() == Some("application/cbor"), "{event:?}");
        transmitter.tell("ping")?;
        transmitter.says("'hive': True").await?;
        transmitter.kill().await?;
        super::bridge_says(&hive, "waiting").await?;
    }
    Ok(())
}
