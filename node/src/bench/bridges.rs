//! What a bridge carries in from a broker, beside a bare client of the same library on the same broker, in turns.
//!
//! One publisher, which stays a little ahead of whoever reads, so that nothing is dropped on either way and both are
//! measured on the same events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::ServerAddr;
use bytes::Bytes;
use futures_util::StreamExt as _;
use hive_proto::{channel::NetworkIndex, pattern::Pattern};
use rumqttc::v5::{self, mqttbytes::QoS};
use serde::Serialize;
use tokio::{sync::Notify, time::timeout};

use super::measure::median;
use crate::{
    Node,
    bridge::{Config, Kind, Limits, Rule, Rules, Settings, mqtt, nats, redis as hive_redis},
    shutdown::Part,
    transport::Listen,
    units::ByteSize,
};

/// Events that are published and not read yet. Less than any queue on the way.
const AHEAD: u64 = 1_024;
/// Events published at a time.
const BURST: u64 = 128;
/// Without any event for so long a measurement has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// The channel of what is measured.
const CHANNEL: &str = "bench/x";

/// A broker to measure with.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Which kind.
    pub kind: BrokerKind,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Which kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerKind {
    /// A Redis, by its channels.
    Redis,
    /// An MQTT broker, version 5, QoS 0.
    Mqtt,
    /// A NATS server.
    Nats,
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// With which brokers.
    pub brokers: Vec<Broker>,
    /// The payload's size.
    pub size: ByteSize,
    /// How often each way is measured, in turns.
    pub rounds: u32,
    /// Events of one measurement.
    pub events: u64,
}

/// What was measured: a row a broker.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// Payload bytes of one event.
    pub payload_bytes: u64,
    /// Events of one measurement.
    pub events: u64,
    /// A row a broker.
    pub rows: Vec<Row>,
}

/// One broker: medians over the rounds, and the median of the ratios within each.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which kind.
    pub broker: BrokerKind,
    /// Events a second that a bare client reads.
    pub bare_events_per_s: f64,
    /// Events a second that a subscriber of a node gets over its bridge.
    pub bridge_events_per_s: f64,
    /// The second through the first.
    pub ratio: f64,
}

impl Report {
    /// The report as a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let head = format!("{} in", ByteSize(self.payload_bytes));
        let mut text =
            format!("{head:<10} {:>16} {:>16} {:>8}\n", "bare events/s", "bridge events/s", "ratio");
        for Row { broker, bare_events_per_s, bridge_events_per_s, ratio } in &self.rows {
            let name = broker.name();
            text +=
                &format!("{name:<10} {bare_events_per_s:>16.0} {bridge_events_per_s:>16.0} {ratio:>7.2}x\n");
        }
        text
    }
}

impl Broker {
    /// Where a NATS server is.
    fn url(&self) -> String {
        format!("nats://{}:{}", self.host, self.port)
    }
}

impl BrokerKind {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Mqtt => "mqtt",
            Self::Nats => "nats",
        }
    }
}

/// Measures what the plan says. Calls `progress` with a line now and then.
///
/// # Errors
/// When a broker cannot be used, or loses events.
pub async fn run(plan: &Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let mut rows = Vec::new();
    for broker in &plan.brokers {
        let (mut bare, mut bridge) = (Vec::new(), Vec::new());
        for round in 1..=plan.rounds {
            progress(format!("{}: round {round} of {}", broker.kind.name(), plan.rounds));
            bare.push(measure(broker, plan, read_bare(broker).await?).await?);
            bridge.push(measure(broker, plan, read_bridged(broker).await?).await?);
        }
        let ratio = median(bare.iter().zip(&bridge).map(|(bare, bridge)| bridge / bare).collect());
        let (bare_events_per_s, bridge_events_per_s) = (median(bare), median(bridge));
        rows.push(Row { broker: broker.kind, bare_events_per_s, bridge_events_per_s, ratio });
    }
    Ok(Report { v: 1, payload_bytes: plan.size.0, events: plan.events, rows })
}

/// Somebody who counts what comes, until the part ends.
struct Reader {
    read: Arc<Progress>,
    reading: Part,
    node: Option<Node>,
}

/// How much was read. Whoever publishes is told of it, as the ticks of a timer are longer than all that is measured.
#[derive(Default)]
struct Progress {
    read: AtomicU64,
    /// Told now and then.
    went_on: Notify,
}

impl Progress {
    fn one(&self) {
        let read = self.read.fetch_add(1, Relaxed) + 1;
        if read.is_multiple_of(BURST) {
            self.went_on.notify_one();
        }
    }
}

/// Events a second from the first to the last.
async fn measure(broker: &Broker, plan: &Plan, reader: Reader) -> Result<f64> {
    let payload = Bytes::from(vec![b'x'; usize::try_from(plan.size.0)?]);
    let read = Arc::clone(&reader.read);
    let (began, events) = (Instant::now(), plan.events);
    match broker.kind {
        BrokerKind::Redis => publish_redis(broker, &payload, &read, events).await?,
        BrokerKind::Mqtt => publish_mqtt(broker, &payload, &read, events).await?,
        BrokerKind::Nats => publish_nats(broker, &payload, &read, events).await?,
    }
    room(&read, events, 0).await?;
    let rate = events as f64 / began.elapsed().as_secs_f64();
    let Reader { node, reading, .. } = reader;
    reading.finish(Duration::from_secs(1)).await?;
    if let Some(node) = node {
        node.shutdown().await;
    }
    Ok(rate)
}

/// Waits until no more than `ahead` of what was sent is unread.
async fn room(progress: &Progress, sent: u64, ahead: u64) -> Result<()> {
    let read = || progress.read.load(Relaxed);
    let (mut last, mut since) = (read(), Instant::now());
    while sent.saturating_sub(read()) > ahead {
        let now = read();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < PATIENCE, "{sent} events were sent and {now} came");
        // The last few are fewer than whoever reads tells of.
        let _ = timeout(Duration::from_millis(1), progress.went_on.notified()).await;
    }
    Ok(())
}

async fn publish_redis(broker: &Broker, payload: &Bytes, read: &Progress, events: u64) -> Result<()> {
    let client = redis::Client::open((broker.host.as_str(), broker.port))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut sent = 0;
    while sent < events {
        let burst = BURST.min(events - sent);
        room(read, sent, AHEAD).await?;
        let mut batch = redis::pipe();
        for _ in 0..burst {
            batch.cmd("PUBLISH").arg(CHANNEL).arg(payload.as_ref()).ignore();
        }
        batch.exec_async(&mut connection).await?;
        sent += burst;
    }
    Ok(())
}

async fn publish_mqtt(broker: &Broker, payload: &Bytes, read: &Progress, events: u64) -> Result<()> {
    let options = v5::MqttOptions::new("hive-bench-publisher", &broker.host, broker.port);
    let (client, mut driver) = v5::AsyncClient::new(options, 256);
    let driving = async {
        loop {
            if let Err(error) = driver.poll().await {
                return error;
            }
        }
    };
    let publishing = async {
        let mut sent = 0;
        while sent < events {
            let burst = BURST.min(events - sent);
            room(read, sent, AHEAD).await?;
            for _ in 0..burst {
                client.publish(CHANNEL, QoS::AtMostOnce, false, payload.clone()).await?;
            }
            sent += burst;
        }
        room(read, events, 0).await
    };
    tokio::select! {
        error = driving => bail!("publishing over MQTT: {error}"),
        published = publishing => published,
    }
}

async fn publish_nats(broker: &Broker, payload: &Bytes, read: &Progress, events: u64) -> Result<()> {
    let client = async_nats::connect(broker.url()).await?;
    let subject = async_nats::Subject::from("bench.x");
    let mut sent = 0;
    while sent < events {
        let burst = BURST.min(events - sent);
        room(read, sent, AHEAD).await?;
        for _ in 0..burst {
            client.publish(subject.clone(), payload.clone()).await?;
        }
        client.flush().await?;
        sent += burst;
    }
    Ok(())
}

/// Counts until the part ends.
fn count_on(part: &Part, counting: impl Future<Output = ()> + Send + 'static) {
    let stop = part.stop().clone();
    part.spawn("reader", async move {
        // None when it is told to end, which is how it ends.
        let _ = stop.run_until_cancelled(counting).await;
    });
}

/// A client that does nothing but count.
async fn read_bare(broker: &Broker) -> Result<Reader> {
    let read = Arc::<Progress>::default();
    let counted = Arc::clone(&read);
    let count = move || counted.one();
    let reading = Part::new("bench");
    match broker.kind {
        BrokerKind::Redis => {
            let client = redis::Client::open((broker.host.as_str(), broker.port))?;
            let mut subscriber = client.get_async_pubsub().await?;
            subscriber.psubscribe("bench/*").await?;
            let mut messages = subscriber.into_on_message();
            count_on(&reading, async move {
                while messages.next().await.is_some() {
                    count();
                }
            });
        }
        BrokerKind::Mqtt => {
            let options = v5::MqttOptions::new("hive-bench-reader", &broker.host, broker.port);
            let (client, mut driver) = v5::AsyncClient::new(options, 16);
            client.subscribe("bench/#", QoS::AtMostOnce).await?;
            loop {
                if let v5::Event::Incoming(v5::mqttbytes::v5::Packet::SubAck(_)) = driver.poll().await? {
                    break;
                }
            }
            count_on(&reading, async move {
                let _client = client;
                while let Ok(event) = driver.poll().await {
                    if let v5::Event::Incoming(v5::mqttbytes::v5::Packet::Publish(_)) = event {
                        count();
                    }
                }
            });
        }
        BrokerKind::Nats => {
            let client = async_nats::connect(broker.url()).await?;
            let mut subscriber = client.subscribe("bench.>").await?;
            client.flush().await?;
            count_on(&reading, async move {
                while subscriber.next().await.is_some() {
                    count();
                }
            });
        }
    }
    Ok(Reader { read, reading, node: None })
}

/// A node with a bridge, and a subscriber of it that counts.
async fn read_bridged(broker: &Broker) -> Result<Reader> {
    let rule = Rule { prefix: "far".into(), ..Rule::plain(NetworkIndex::HOME, Pattern::parse("bench/**")?) };
    let settings = Settings {
        name: "bench".into(),
        rules: Rules { import: vec![rule], ..Rules::default() },
        limits: Limits::default(),
        seal: None,
        kind: kind(broker)?,
    };
    let node = Node::builder()
        .listen(Listen::Loopback)
        .mdns(false)
        .bridges(Config { bridges: vec![settings], ..Config::default() });
    let node = node.start().await?;
    let mut subscription = node.subscribe("far/**").await?;
    let since = Instant::now();
    while node.boards().bridges.read().values().any(|bridge| bridge.since.is_none()) {
        let cards = node.boards().bridges.read();
        let problem = cards.values().find_map(|bridge| bridge.problem.clone()).unwrap_or_default();
        ensure!(since.elapsed() < PATIENCE, "the bridge is not up: {problem}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let read = Arc::<Progress>::default();
    let counted = Arc::clone(&read);
    let reading = Part::new("bench");
    count_on(&reading, async move {
        while subscription.next().await.is_some() {
            counted.one();
        }
    });
    Ok(Reader { read, reading, node: Some(node) })
}

fn kind(broker: &Broker) -> Result<Kind> {
    let (host, port) = (broker.host.clone(), broker.port);
    Ok(match broker.kind {
        BrokerKind::Redis => Kind::Redis(hive_redis::Config {
            place: hive_redis::Place { host, port, database: 0, user: None, password: None, tls: None },
            medium: hive_redis::Medium::Channels,
        }),
        BrokerKind::Mqtt => Kind::Mqtt(mqtt::Config {
            place: mqtt::Place {
                host,
                port,
                version: mqtt::Version::V5,
                client_id: None,
                resume: false,
                login: None,
                tls: None,
                will: None,
            },
            qos: mqtt::qos(0),
        }),
        BrokerKind::Nats => {
            let server: ServerAddr = broker.url().parse().context("a server's address")?;
            let place = nats::Place { servers: vec![server], login: nats::Login::Nobody, ca_file: None };
            Kind::Nats(nats::Config { place, queue: None, jetstream: None, alone: true, timeout: PATIENCE })
        }
    })
}
