//! One event crossing: an MQTT sensor, a handler in WebAssembly, and a subscriber of Redis.

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use hive_client::types::BridgeState;
use hive_tests::{
    brokers::Broker,
    wait::{MOMENT, within},
};

use super::{mqtt::Bare, state};
use crate::{node, plugins, write};

/// A reading that is too high becomes an alert on the way: the sample `filter`, unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_alarms_a_subscriber_of_another_broker() -> Result<()> {
    let (mqtt, redis) = (Broker::mosquitto().await?, Broker::redis().await?);
    let (folder, handlers) = (tempfile::tempdir()?, plugins(&["filter"])?);
    let bridges = format!(
        "version: 1\nbridges:\n  mqtt: [{{ server: '{}', prefix: '', import: 'sensor/*/reading' }}]\n  redis: [{{ server: '{}', export: 'alert/*' }}]\n",
        mqtt.url(),
        redis.url()
    );
    let file = write(folder.path(), "hive.yaml", &bridges)?;
    let node = node("crossing").arg("--config").arg(file).plugins(handlers.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    for name in ["mqtt", "redis"] {
        state(&node, name, BridgeState::Up).await?;
    }
    let mut subscriber = redis::Client::open(redis.url())?.get_async_pubsub().await?;
    subscriber.psubscribe("alert/*").await?;
    let sensor = Bare::connect(&mqtt, "sensor", None).await?;
    sensor.publish("sensor/attic/reading", r#"{"celsius": 21}"#, false).await?;
    sensor.publish("sensor/attic/reading", r#"{"celsius": 41}"#, false).await?;
    let message = within("an alert", MOMENT, subscriber.on_message().next()).await?.context("the end")?;
    let alert: serde_json::Value = serde_json::from_slice(message.get_payload_bytes())?;
    ensure!(message.get_channel_name() == "alert/attic", "{}", message.get_channel_name());
    ensure!(alert == serde_json::json!({"sensor": "attic", "celsius": 41.0, "limit": 30.0}), "{alert}");
    Ok(())
}
