//! Real plugins of event-engine's beside a bridge that is its engine.

use anyhow::{Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::wait::{MOMENT, until};

use super::{PYEVENTS, Stage};
use crate::next;

const CONFIG: &str = "version: 1
bridges:
  event-engine:
    - publish: 127.0.0.1:5559
      subscribe: 127.0.0.1:5560
      types: [TypeA, TypeAB, TypeC]
      plugins:
        - { listen: '127.0.0.1:6000', filters: [TypeA] }
        - { listen: '127.0.0.1:6001', types: [TypeA] }
";

/// Plugins take part: by what messages begin with, and by exact type; what waits for them waits from the start.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_plugin_takes_part() -> Result<()> {
    let stage = Stage::new(1)?;
    let mut hive = stage.node("hive", CONFIG).await?;
    hive.says("up: event-engine").await?;
    for (channel, text) in [("TypeA", "one"), ("TypeAB", "two"), ("TypeC", "three"), ("TypeA", "four")] {
        hive.client().publish(&format!("event-engine/{channel}"), &Message::from(text)).await?;
    }
    let mut plugin = stage.peer("plugin", PYEVENTS, "event_engine_plugin.py", &["127.0.0.1", "6000"])?;
    for event in ["TypeAone", "TypeABtwo", "TypeAfour"] {
        plugin.tell("next")?;
        plugin.says(&format!("event b'{event}'")).await?;
    }
    let mut exact = stage.peer("exact", PYEVENTS, "event_engine_plugin.py", &["127.0.0.1", "6001"])?;
    for event in ["TypeAone", "TypeAfour"] {
        exact.tell("next")?;
        exact.says(&format!("event b'{event}'")).await?;
    }

    let mut events = hive.client().subscribe(["event-engine/*"], Terms::default()).await?;
    exact.tell("publish TypeABfrom a plugin")?;
    exact.says("reply event-engine: msg published").await?;
    let event = next(&mut events, "what the plugin published").await?;
    ensure!(event.channel == "event-engine/TypeAB", "{event:?}");
    ensure!(event.message.text() == Some("from a plugin"), "{event:?}");
    // The other plugin has it too, which does not go over the mesh.
    plugin.tell("next")?;
    plugin.says("event b'TypeABfrom a plugin'").await?;
    exact.tell("publish of no type")?;
    let event = next(&mut events, "what has no type").await?;
    ensure!(
        event.channel == "event-engine/untyped" && event.message.text() == Some("of no type"),
        "{event:?}"
    );

    // One that waits while it is killed takes nothing with it.
    exact.tell("next")?;
    plugin.tell("quit")?;
    plugin.says("quit").await?;
    // Its socket would connect again.
    for plugin in [&mut plugin, &mut exact] {
        plugin.kill().await?;
    }
    super::bridge_says(&hive, "\"clients\":0").await?;
    hive.client().publish("event-engine/TypeA", &Message::from("five")).await?;
    let mut again = stage.peer("again", PYEVENTS, "event_engine_plugin.py", &["127.0.0.1", "6001"])?;
    again.tell("next")?;
    again.says("event b'TypeAfive'").await
}

/// Sockets of ZeroMQ itself publish and subscribe at the two ports.
#[tokio::test(flavor = "multi_thread")]
async fn publishers_and_subscribers_use_the_two_ports() -> Result<()> {
    let stage = Stage::new(1)?;
    let hive = stage.node("hive", CONFIG).await?;
    let args = ["127.0.0.1", "5559", "5560", "TypeA"];
    let mut sockets = stage.peer("sockets", PYEVENTS, "event_engine_sockets.py", &args)?;
    super::publish_until(
        &hive,
        ("event-engine/TypeAB", &serde_json::json!({ "a": 1 })),
        &mut sockets,
        "TypeAB{\"a\":1}",
    )
    .await?;
    let mut events = hive.client().subscribe(["event-engine/*"], Terms::default()).await?;
    // What is published before the engine's word has reached a publisher is dropped there.
    let event = until("what a socket publishes", MOMENT, async || {
        sockets.tell("publish TypeCof a socket").ok()?;
        tokio::time::timeout(std::time::Duration::from_secs(1), next(&mut events, "an event"))
            .await
            .ok()?
            .ok()
    });
    let event = event.await?;
    ensure!(
        event.channel == "event-engine/TypeC" && event.message.text() == Some("of a socket"),
        "{event:?}"
    );
    ensure!(!sockets.stdout().contains("TypeC"), "it is subscribed to another type: {}", sockets.printed());
    sockets.tell("publish TypeAback to itself")?;
    sockets.says("TypeAback to itself").await?;

    // What does not speak ZeroMQ is shown the door.
    let mut stranger = stage.server("curl", &["-s", "-m", "5", "http://127.0.0.1:5559/"])?;
    ensure!(!stranger.ends().await?.success(), "{}", stranger.printed());
    Ok(())
}
