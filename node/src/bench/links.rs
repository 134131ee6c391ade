//! The near end: starts the far one, connects both links, and measures them in turns.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{
    Figures, Plan, Report, Row,
    far::{self, Addresses},
    hive::Near,
    measure::{median, percentile},
    thin,
};
use crate::{
    Node,
    transport::{Endpoint, Listen, Session},
    units::ByteSize,
};

/// Round trips in one measurement.
const ROUND_TRIPS: u64 = 2_000;
/// Events sent to find out how many fill the wanted time.
const CALIBRATION_BYTES: u64 = 4 << 20;

/// Measures what the plan says. Calls `progress` with a line now and then.
///
/// # Errors
/// When the second process cannot be started, or a link breaks.
pub async fn run(plan: &Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let mut links = Links::start(plan).await?;
    let mut rows = Vec::new();
    for size in &plan.sizes {
        rows.push(links.row(plan, *size, &mut progress).await?);
    }
    links.end().await;
    Ok(Report { v: 1, rounds: plan.rounds, rows })
}

/// Both links to the far end.
struct Links {
    /// Killed when dropped, so that no error leaves it behind.
    child: Child,
    _endpoint: Endpoint,
    thin: Session,
    hive: Near,
}

/// One link's figures of one round.
struct Round {
    events_per_s: f64,
    cpu_s_per_million: f64,
    trips: Vec<f64>,
}

impl Links {
    async fn start(plan: &Plan) -> Result<Self> {
        let mut child = Command::new(&plan.program)
            .args(&plan.far_arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} as the far end", plan.program.display()))?;
        let stdout = child.stdout.take().context("the far end has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.context("the far end ended before it listened")?;
        let addresses: Addresses = serde_json::from_str(&line).context("the far end speaks nonsense")?;
        let endpoint = far::thin_endpoint()?;
        let thin = endpoint.dial(addresses.thin, &far::membership(), None).await?;
        let node = Node::builder().listen(Listen::Loopback).mdns(false).peer(addresses.hive);
        let node = node.start().await?;
        node.connected(Duration::from_secs(5)).await?;
        let hive = Near::new(node);
        hive.ready().await?;
        Ok(Self { child, _endpoint: endpoint, thin, hive })
    }

    async fn row(&mut self, plan: &Plan, size: ByteSize, progress: &mut impl FnMut(String)) -> Result<Row> {
        // Never freed, so that neither link pays for counting who shares it.
        let payload = Bytes::from_static(vec![0x5a; usize::try_from(size.0)?].leak());
        let calibration = CALIBRATION_BYTES / size.0.max(1) + 64;
        let (mut thin_rounds, mut hive_rounds) = (Vec::new(), Vec::new());
        self.hive.throughput(&payload, calibration).await?;
        let pace = thin::throughput(&self.thin, &payload, calibration).await?;
        let events = calibration as f64 * plan.duration.as_secs_f64() / pace.as_secs_f64();
        for round in 1..=plan.rounds {
            progress(format!("{size}: round {round} of {}", plan.rounds));
            if std::env::var_os("ONLY").is_none() || round == 1 {
                thin_rounds.push(self.thin_round(&payload, events as u64).await?);
            }
            hive_rounds.push(self.hive_round(&payload, events as u64).await?);
        }
        let pairs = || thin_rounds.iter().zip(&hive_rounds);
        let trip = |round: &Round| percentile(&mut round.trips.clone(), 0.5);
        Ok(Row {
            payload_bytes: size.0,
            throughput_ratio: median(
                pairs().map(|(thin, hive)| hive.events_per_s / thin.events_per_s).collect(),
            ),
            round_trip_ratio: median(pairs().map(|(thin, hive)| trip(hive) / trip(thin)).collect()),
            thin: figures(size, &thin_rounds),
            hive: figures(size, &hive_rounds),
        })
    }

    async fn thin_round(&self, payload: &Bytes, events: u64) -> Result<Round> {
        let before = self.hive.cpu_time().await?;
        let time = thin::throughput(&self.thin, payload, events).await?;
        let cpu = self.hive.cpu_time().await?.saturating_sub(before);
        let trips = thin::round_trips(&self.thin, payload, ROUND_TRIPS).await?;
        Ok(Round::new(events, time, cpu, trips))
    }

    async fn hive_round(&self, payload: &Bytes, events: u64) -> Result<Round> {
        let before = self.hive.cpu_time().await?;
        let time = self.hive.throughput(payload, events).await?;
        let cpu = self.hive.cpu_time().await?.saturating_sub(before);
        let trips = self
            .hive
            .round_trips(payload, if std::env::var_os("ONLY").is_none() { ROUND_TRIPS } else { 2 })
            .await?;
        Ok(Round::new(events, time, cpu, trips))
    }

    async fn end(mut self) {
        self.hive.end().await;
        drop(self.child.stdin.take());
        // What does not end by itself is killed when it is dropped.
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

impl Round {
    fn new(events: u64, time: Duration, cpu: Duration, trips: Vec<f64>) -> Self {
        let events = events as f64;
        Self {
            events_per_s: events / time.as_secs_f64(),
            cpu_s_per_million: cpu.as_secs_f64() / events * 1e6,
            trips,
        }
    }
}

fn figures(size: ByteSize, rounds: &[Round]) -> Figures {
    let events_per_s = median(rounds.iter().map(|round| round.events_per_s).collect());
    let mut trips: Vec<f64> = rounds.iter().flat_map(|round| round.trips.iter().copied()).collect();
    Figures {
        events_per_s,
        mb_per_s: events_per_s * size.0 as f64 / 1e6,
        cpu_s_per_million: median(rounds.iter().map(|round| round.cpu_s_per_million).collect()),
        round_trip_p50_us: percentile(&mut trips, 0.5),
        round_trip_p99_us: percentile(&mut trips, 0.99),
    }
}
