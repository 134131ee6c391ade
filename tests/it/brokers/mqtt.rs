//! Bridges to an MQTT broker.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, types::BridgeState};
use hive_tests::{
    brokers::{Broker, Kind, certificate},
    wait::{MOMENT, until, within},
};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};

use super::{BACK, bridge, bridging, listen, pair, publish, said, state, until_end};

/// Messages that wait for a test to look at them; then the broker waits.
const MESSAGES_MAX: usize = 100_000;

/// A client that is nothing but the client library, driven by a task of its own.
pub(super) struct Bare {
    client: AsyncClient,
    came: tokio::sync::mpsc::Receiver<Publish>,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Bare {
    /// Connected, and subscribed where it is to be.
    pub(super) async fn connect(broker: &Broker, id: &str, filter: Option<&str>) -> Result<Self> {
        let mut options = MqttOptions::new(id, "127.0.0.1", broker.port());
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut driver) = AsyncClient::new(options, 1_000);
        if let Some(filter) = filter {
            client.subscribe(filter, QoS::AtLeastOnce).await?;
        }
        within("the broker to take the test's client", MOMENT, ready(&mut driver, filter.is_some()))
            .await??;
        let (say, came) = tokio::sync::mpsc::channel(MESSAGES_MAX);
        let driver = tokio::spawn(async move {
            while let Ok(event) = driver.poll().await {
                if let Event::Incoming(Packet::Publish(publish)) = event {
                    // The test that listened is over.
                    let _ = say.send(publish).await;
                }
            }
        });
        Ok(Self { client, came, driver })
    }

    pub(super) async fn publish(&self, topic: &str, text: &str, retain: bool) -> Result<()> {
        Ok(self.client.publish(topic, QoS::AtLeastOnce, retain, text).await?)
    }

    async fn next(&mut self) -> Result<Publish> {
        within("a message from the broker", MOMENT, self.came.recv()).await?.context("the connection ended")
    }

    async fn heard(&mut self) -> Result<(String, String)> {
        let Publish { topic, payload, .. } = self.next().await?;
        Ok((topic, String::from_utf8(payload.to_vec())?))
    }
}

async fn ready(driver: &mut EventLoop, subscribes: bool) -> Result<()> {
    loop {
        match driver.poll().await? {
            Event::Incoming(Packet::ConnAck(_)) if !subscribes => return Ok(()),
            Event::Incoming(Packet::SubAck(_)) => return Ok(()),
            _ => {}
        }
    }
}

fn config(broker: &Broker, version: &str, more: &str) -> String {
    format!(
        "  mqtt:\n    - server: {}\n      version: {version}\n      import: ['sensor/**', 'lamp/*/state']\n      export: ['alert/*', 'mqtt/out/**']\n      max-size: 64KiB\n{more}",
        broker.url()
    )
}

/// Events cross both ways under their names, in both versions; what cannot is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn events_cross_both_ways() -> Result<()> {
    for version in ["5", "3.1.1"] {
        let broker = Broker::mosquitto().await?;
        let (node, _folder) = bridging("both", &config(&broker, version, "")).await?;
        state(&node, "mqtt", BridgeState::Up).await?;
        let (mut events, mut dead) = (listen(&node, "mqtt/**").await?, listen(&node, "$dead/mqtt").await?);
        let mut outside = Bare::connect(&broker, "outside", Some("alert/#")).await?;
        outside.publish("sensor/attic/reading", "21", false).await?;
        ensure!(said(&mut events).await? == pair("mqtt/sensor/attic/reading", "21"), "{version}");
        outside.publish("sensor", "itself", false).await?;
        ensure!(said(&mut events).await? == pair("mqtt/sensor", "itself"), "{version}");
        publish(&node, "alert/attic", "hot").await?;
        ensure!(outside.heard().await? == pair("alert/attic", "hot"), "{version}");

        outside.publish("sensor//empty", "no channel", false).await?;
        ensure!(said(&mut dead).await?.1 == "no channel", "{version}");
        publish(&node, "alert/a+b", "no topic").await?;
        ensure!(said(&mut dead).await?.1 == "no topic", "{version}");
        outside.publish("sensor/large", &"x".repeat(65 << 10), false).await?;
        ensure!(said(&mut dead).await?.1.len() == 65 << 10, "{version}");
        let status = bridge(&node, "mqtt").await.context("a bridge")?;
        ensure!(
            status.dropped.get("name") == Some(&2) && status.dropped.get("too-large") == Some(&1),
            "{status:?}"
        );
    }
    Ok(())
}

/// What is retained there is kept here, and the reverse; an empty one clears.
#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_are_kept_values() -> Result<()> {
    for version in ["5", "3.1.1"] {
        let broker = Broker::mosquitto().await?;
        let outside = Bare::connect(&broker, "outside", None).await?;
        outside.publish("lamp/hall/state", "on", true).await?;
        let (node, _folder) = bridging("kept", &config(&broker, version, "")).await?;
        state(&node, "mqtt", BridgeState::Up).await?;
        let kept = async |want: Option<&str>| {
            until(&format!("{want:?} to be kept"), MOMENT, async || {
                let mut late = listen(&node, "mqtt/lamp/hall/state").await.ok()?;
                publish(&node, "mqtt/lamp/hall/state", "live").await.ok()?;
                let event = super::next(&mut late).await.ok()?;
                let found = event.retained.then(|| event.message.text().unwrap_or_default().to_owned());
                (found.as_deref() == want).then_some(())
            })
            .await
        };
        kept(Some("on")).await?;
        outside.publish("lamp/hall/state", "off", true).await?;
        kept(Some("off")).await?;
        outside.publish("lamp/hall/state", "", true).await?;
        kept(None).await?;

        node.client().retain("alert/fire", &Message::from("yes")).await?;
        until("the broker to have it", MOMENT, async || {
            let mut late = Bare::connect(&broker, "late", Some("alert/fire")).await.ok()?;
            let message = tokio::time::timeout(Duration::from_millis(300), late.came.recv()).await.ok()??;
            (message.retain && message.payload == "yes").then_some(())
        })
        .await?;
        node.client().clear("alert/fire").await?;
        let mut end = Bare::connect(&broker, "end", Some("alert/#")).await?;
        until("the broker to forget it", MOMENT, async || {
            let mut late = Bare::connect(&broker, "late", Some("alert/fire")).await.ok()?;
            publish(&node, "alert/fire", "live").await.ok()?;
            let message = late.next().await.ok()?;
            (!message.retain).then_some(())
        })
        .await?;
        ensure!(end.heard().await?.0 == "alert/fire");
    }
    Ok(())
}

/// A broker that comes late, goes, and comes back empty; kept values are there again.
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_may_come_late_and_go() -> Result<()> {
    let mut broker = Broker::reserve(Kind::Mosquitto(vec!["allow_anonymous true".into()]))?;
    let (node, _folder) = bridging("late", &config(&broker, "5", "")).await?;
    state(&node, "mqtt", BridgeState::Waiting).await?;
    node.client().retain("alert/fire", &Message::from("yes")).await?;
    broker.restart().await?;
    state(&node, "mqtt", BridgeState::Up).await?;
    for round in 0..2 {
        let mut outside = Bare::connect(&broker, "outside", Some("alert/fire")).await?;
        ensure!(outside.heard().await? == pair("alert/fire", "yes"), "round {round}");
        let mut events = listen(&node, "mqtt/sensor/*").await?;
        outside.publish("sensor/x", "21", false).await?;
        ensure!(said(&mut events).await?.1 == "21", "round {round}");
        drop(outside);
        broker.kill()?;
        state(&node, "mqtt", BridgeState::Waiting).await?;
        broker.restart().await?;
        within("the bridge to be back", BACK, state(&node, "mqtt", BridgeState::Up)).await??;
    }
    Ok(())
}

/// With a session that is resumed nothing is missed that came while the node was away; without a goodbye the will is done.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_resumed_and_wills_done() -> Result<()> {
    let broker = Broker::mosquitto().await?;
    let more = "      session: resume\n      client-id: keeper\n      will: { topic: bridges/keeper, payload: gone }\n";
    let (mut node, folder) = bridging("keeper", &config(&broker, "5", more)).await?;
    state(&node, "mqtt", BridgeState::Up).await?;
    let mut outside = Bare::connect(&broker, "outside", Some("bridges/#")).await?;
    node.crash().await?;
    ensure!(outside.heard().await? == pair("bridges/keeper", "gone"));
    for number in 0..10 {
        outside.publish("sensor/x", &number.to_string(), false).await?;
    }
    outside.publish("sensor/x", "end", false).await?;
    // Its plugins are there before the bridge is: nothing is taken before somebody may subscribe. Kept in a journal here.
    let file = crate::write(
        folder.path(),
        "durable.yaml",
        &format!(
            "version: 1\nchannels: [{{ pattern: 'mqtt/**', durable: true, group: ['*'] }}]\nbridges:\n{}",
            config(&broker, "5", more)
        ),
    )?;
    let mut node = crate::node("keeper").arg("--config").arg(file).start().await?;
    state(&node, "mqtt", BridgeState::Up).await?;
    let terms = hive_client::Terms { since_ms: Some(0), ..hive_client::Terms::default() };
    let mut events = node.client().subscribe(["mqtt/sensor/*"], terms).await?;
    let texts = until_end(&mut events).await?;
    ensure!(texts == (0..10).map(|number| number.to_string()).collect::<Vec<_>>(), "{texts:?}");
    node.stop().await?;
    outside.publish("bridges/end", "end", false).await?;
    ensure!(outside.heard().await? == pair("bridges/end", "end"), "with a goodbye there is no will");
    Ok(())
}

/// A broker asks for a password and speaks TLS; with the wrong one the bridge says so.
#[tokio::test(flavor = "multi_thread")]
async fn logins_are_used() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let passwords = folder.path().join("passwords");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["hive", "right"])
        .status();
    ensure!(made.context("mosquitto_passwd, of the package mosquitto")?.success());
    let lines = vec!["allow_anonymous false".into(), format!("password_file {}", passwords.display())];
    let broker = Broker::start(Kind::Mosquitto(lines)).await?;
    let login = |password: &str| format!("      user: hive\n      password: {password}\n");
    let (node, _folder) = bridging("wrong", &config(&broker, "5", &login("wrong"))).await?;
    let status = state(&node, "mqtt", BridgeState::Waiting).await?;
    ensure!(status.problem.as_deref().is_some_and(|why| why.contains("return code")), "{status:?}");
    for version in ["5", "3.1.1"] {
        let (node, _folder) = bridging("right", &config(&broker, version, &login("right"))).await?;
        state(&node, "mqtt", BridgeState::Up).await?;
    }
    Ok(())
}

/// Behind TLS the broker is believed by the authority that was chosen, and by no other.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken() -> Result<()> {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (certificate, key) = certificate(folder.path())?;
    let lines = vec![
        "allow_anonymous true".into(),
        format!("certfile {}", certificate.display()),
        format!("keyfile {}", key.display()),
    ];
    let broker = Broker::start(Kind::Mosquitto(lines)).await?;
    for version in ["5", "3.1.1"] {
        let config = |ca: &std::path::Path| {
            config(&broker, version, &format!("      ca-file: {}\n", ca.display()))
                .replace("mqtt://", "mqtts://")
        };
        let (node, _folder) = bridging("tls", &config(&certificate)).await?;
        state(&node, "mqtt", BridgeState::Up).await?;
        let stranger = hive_tests::brokers::certificate(other.path())?.0;
        let (node, _folder) = bridging("stranger", &config(&stranger)).await?;
        let status = state(&node, "mqtt", BridgeState::Waiting).await?;
        ensure!(status.problem.as_deref().is_some_and(|why| why.contains("certificate")), "{status:?}");
    }
    Ok(())
}

/// A flood comes in whole at QoS 1, and in order; a broker that hangs is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_comes_in_whole() -> Result<()> {
    const EVENTS: usize = 20_000;
    let lines = vec!["allow_anonymous true".into(), "max_queued_messages 0".into()];
    let mut broker = Broker::start(Kind::Mosquitto(lines)).await?;
    let (node, _folder) = bridging("flood", &config(&broker, "5", "")).await?;
    state(&node, "mqtt", BridgeState::Up).await?;
    let mut events = listen(&node, "mqtt/sensor/*").await?;
    let outside = Bare::connect(&broker, "outside", None).await?;
    let reading = tokio::spawn(async move { until_end(&mut events).await });
    for number in 0..EVENTS {
        outside.publish("sensor/x", &number.to_string(), false).await?;
    }
    outside.publish("sensor/x", "end", false).await?;
    let texts = within("the flood", BACK, reading).await???;
    ensure!(
        texts == (0..EVENTS).map(|number| number.to_string()).collect::<Vec<_>>(),
        "{} came",
        texts.len()
    );
    broker.freeze(true)?;
    state(&node, "mqtt", BridgeState::Waiting).await?;
    broker.freeze(false)?;
    within("the bridge to be back", BACK, state(&node, "mqtt", BridgeState::Up)).await??;
    Ok(())
}

/// What a rule asks for and MQTT cannot say ends the start, with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_is_refused_at_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let check = async |bridges: &str, want: &str| {
        let file = crate::write(folder.path(), "hive.yaml", &format!("version: 1\nbridges:\n{bridges}"))?;
        let checked = crate::run(None, &["check", &file]).await?;
        let said = crate::stderr(&checked);
        ensure!(checked.status.code() == Some(2) && said.contains(want), "{said}");
        Ok(())
    };
    check("  mqtt: [{ server: 'mqtt://h', import: 'a/**/b' }]", "MQTT's `#` can stand at the end alone")
        .await?;
    check("  mqtt: [{ server: 'mqtt://h', import: ['a/*', '*/b'] }]", "overlaps").await?;
    check("  nats: [{ servers: 'nats://h', import: 'a/b.c' }]", "mean something else in NATS").await?;
    check("  redis: [{ server: 'redis://h', streams: {}, import: 'a/*' }]", "without wildcards").await?;
    check("  redis: [{ server: 'redis://h', import: 'a/**', export: 'redis/**' }]", "would come back")
        .await?;
    Ok(())
}
