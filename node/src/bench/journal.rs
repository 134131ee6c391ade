//! `hive-node bench journal`: durable appends beside a bare append and fdatasync, and beside JetStream where there is a
//! server, on the same disk in the same round.
//!
//! The bare loop writes one record's bytes and syncs, one after the other: what a disk gives without group commit. With
//! one event outstanding a journal can come near it and not pass it; with many it shares each sync.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hive_proto::{
    channel::{Channel, NetworkName},
    id::{Incarnation, NodeId},
    time::Hlc,
};
use serde::Serialize;

use super::{
    measure::{median, percentile},
    nats::Servers,
};
use crate::{
    Message,
    journal::{
        Journal, Logged, Settings,
        disk::DiskJournal,
        jetstream::{Config, Server, ServerError, StreamJournal},
    },
    units::ByteSize,
};

/// Events that wait for their acknowledgement at the same time.
const OUTSTANDING: [usize; 3] = [1, 64, 1_024];
/// What JetStream reserves for one journal that is measured.
const JETSTREAM_BYTES: u64 = 1 << 30;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the files are made and removed again.
    pub dir: PathBuf,
    /// Payload bytes of one event.
    pub size: ByteSize,
    /// How often everything is measured, in turns.
    pub rounds: u32,
    /// How long one measurement takes.
    pub duration: Duration,
    /// JetStream, to be measured beside it.
    pub nats: Option<Nats>,
}

/// JetStream as it is to be measured.
#[derive(Debug, Clone)]
pub struct Nats {
    /// Where it is.
    pub place: NatsPlace,
    /// How many servers keep each event.
    pub replicas: u8,
}

/// Where JetStream is.
#[derive(Debug, Clone)]
pub enum NatsPlace {
    /// The program: as many servers as there are replicas are started beside the other files, each syncing every message
    /// before it acknowledges it.
    Program(PathBuf),
    /// Somebody's server, as it was set up.
    Address(Server),
}

impl NatsPlace {
    /// A program's path, or an address with its `nats://`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return text.parse().map(Self::Address).map_err(|error: ServerError| error.to_string());
        }
        let path = PathBuf::from(text);
        match path.is_file() {
            true => Ok(Self::Program(path)),
            false => Err("there is no such program".into()),
        }
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// How often everything was measured.
    pub rounds: u32,
    /// Payload bytes of one event.
    pub payload_bytes: u64,
    /// Which JetStream, and how it syncs.
    pub jetstream: Option<String>,
    /// First the bare loop, which the others are compared with.
    pub rows: Vec<Row>,
}

/// One way to write: medians over the rounds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Who wrote: `bare`, `disk` (the journal) or `jetstream` (the journal there).
    pub engine: &'static str,
    /// Events that waited at the same time; none is the bare loop.
    pub outstanding: Option<usize>,
    /// Durable appends a second.
    pub events_per_s: f64,
    /// Half of all appends were acknowledged within this.
    pub p50_us: f64,
    /// 99 of 100 were.
    pub p99_us: f64,
    /// Appends a second through those of the bare loop.
    pub ratio: f64,
}

/// Measures what the plan says. Calls `progress` with a line now and then.
///
/// # Errors
/// When the disk refuses something.
pub async fn run(plan: &Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let dir = plan.dir.join(format!("hive-node-bench-{}", std::process::id()));
    std::fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let measured = measure(plan, &dir, &mut progress).await;
    // What failed is more interesting than what is left behind.
    let removed = std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()));
    let (rounds, jetstream) = measured?;
    removed?;
    let over = |at: usize, of: fn(&Row) -> f64| {
        median(rounds.iter().filter_map(|rows: &Vec<Row>| rows.get(at).map(of)).collect())
    };
    let ways = rounds.first().map(|rows| rows.iter().map(|row| (row.engine, row.outstanding)).collect());
    let ways: Vec<_> = ways.unwrap_or_default();
    let rows = ways.into_iter().enumerate().map(|(at, (engine, outstanding))| Row {
        engine,
        outstanding,
        events_per_s: over(at, |row| row.events_per_s),
        p50_us: over(at, |row| row.p50_us),
        p99_us: over(at, |row| row.p99_us),
        ratio: over(at, |row| row.ratio),
    });
    let rows = rows.collect();
    Ok(Report { v: 1, rounds: plan.rounds, payload_bytes: plan.size.0, jetstream, rows })
}

/// JetStream while it is measured.
struct JetStream {
    config: Config,
    /// For people.
    named: String,
    /// Ended with it.
    _servers: Option<Servers>,
}

impl JetStream {
    async fn start(nats: &Nats, dir: &Path) -> Result<Self> {
        let replicas = nats.replicas;
        let (servers, named) = match &nats.place {
            NatsPlace::Program(program) => {
                let servers = Servers::start(program, dir, replicas.into()).await?;
                (Some(servers), format!("{}, sync_interval: always", Servers::version(program)?))
            }
            NatsPlace::Address(server) => {
                (None, format!("JetStream at {server}, synced as it is set up there"))
            }
        };
        let addresses = match (&nats.place, &servers) {
            (NatsPlace::Address(server), _) => vec![server.clone()],
            (_, servers) => {
                let addresses = servers.iter().flat_map(Servers::addresses);
                addresses.map(|address| Ok(address.parse()?)).collect::<Result<_>>()?
            }
        };
        let config = Config { replicas, ..Config::of(addresses) };
        let copies = if replicas == 1 { "one copy".to_owned() } else { format!("{replicas} copies") };
        Ok(Self { config, named: format!("{named}, {copies}"), _servers: servers })
    }

    /// A journal there that is used and removed.
    async fn journal(&self, event: &Logged, outstanding: usize, duration: Duration) -> Result<Row> {
        let network = NetworkName::parse(&format!("bench-{}", std::process::id())).context("a network")?;
        let settings = Settings { max_bytes: JETSTREAM_BYTES, ..Settings::default() };
        let journal = StreamJournal::open(self.config.clone(), &network, NodeId([0; 32]), settings).await?;
        let row = journal_row("jetstream", &journal, event, outstanding, duration).await;
        let removed = journal.remove().await;
        let row = row?;
        removed?;
        Ok(row)
    }
}

async fn measure(
    plan: &Plan,
    dir: &Path,
    progress: &mut impl FnMut(String),
) -> Result<(Vec<Vec<Row>>, Option<String>)> {
    let jetstream = match &plan.nats {
        Some(nats) => Some(JetStream::start(nats, dir).await?),
        None => None,
    };
    let rounds = rounds(plan, dir, jetstream.as_ref(), progress).await?;
    Ok((rounds, jetstream.map(|jetstream| jetstream.named)))
}

async fn rounds(
    plan: &Plan,
    dir: &Path,
    jetstream: Option<&JetStream>,
    progress: &mut impl FnMut(String),
) -> Result<Vec<Vec<Row>>> {
    let event = Logged {
        incarnation: Incarnation(1),
        sequence: 1,
        time: Hlc::from_unix_ms(1),
        depth: 0,
        expires_ms: None,
        channel: Channel::parse("bench/journal").context("a channel")?,
        message: Message::new(vec![b'x'; plan.size.as_usize()]),
    };
    let mut rounds = Vec::new();
    for round in 1..=plan.rounds {
        progress(format!("round {round} of {}: the bare loop", plan.rounds));
        let floor = bare(&dir.join(format!("bare-{round}")), &event, plan.duration)?;
        let mut rows = vec![floor.clone()];
        for outstanding in OUTSTANDING {
            progress(format!("round {round} of {}: {outstanding} outstanding", plan.rounds));
            let dir = dir.join(format!("journal-{round}-{outstanding}"));
            rows.push(on_disk(&dir, &event, outstanding, plan.duration).await?);
        }
        for outstanding in OUTSTANDING.into_iter().filter(|_| jetstream.is_some()) {
            progress(format!("round {round} of {}: JetStream, {outstanding} outstanding", plan.rounds));
            if let Some(jetstream) = jetstream {
                rows.push(jetstream.journal(&event, outstanding, plan.duration).await?);
            }
        }
        rows.iter_mut().for_each(|row| row.ratio = row.events_per_s / floor.events_per_s);
        rounds.push(rows);
    }
    Ok(rounds)
}

/// As many bytes as the journal writes for one event, and a sync, again and again.
fn bare(path: &Path, event: &Logged, duration: Duration) -> Result<Row> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let bytes = vec![1; event.encode()?.len()];
    let (started, mut times, mut at) = (Instant::now(), Vec::new(), 0);
    while started.elapsed() < duration {
        let appended = Instant::now();
        file.write_all_at(&bytes, at)?;
        file.sync_data()?;
        at = at.saturating_add(bytes.len() as u64);
        times.push(micros(appended));
    }
    Ok(row("bare", None, started, times))
}

async fn on_disk(dir: &Path, event: &Logged, outstanding: usize, duration: Duration) -> Result<Row> {
    let network = NetworkName::parse("bench").context("a network")?;
    let journal = DiskJournal::open(dir, &network, NodeId([0; 32]), Settings::default())?;
    let row = journal_row("disk", &journal, event, outstanding, duration).await?;
    journal.close().await;
    Ok(row)
}

async fn journal_row(
    engine: &'static str,
    journal: &dyn Journal,
    event: &Logged,
    outstanding: usize,
    duration: Duration,
) -> Result<Row> {
    let mut event = event.clone();
    // The first append makes the file.
    journal.append(&event)?.await?;
    let (started, mut times, mut waiting) = (Instant::now(), Vec::new(), VecDeque::new());
    loop {
        let over = started.elapsed() >= duration;
        while !over && waiting.len() < outstanding {
            event.sequence = event.sequence.saturating_add(1);
            waiting.push_back((Instant::now(), journal.append(&event)?));
        }
        // They resolve in order, a batch at once.
        let Some((appended, appending)) = waiting.pop_front() else { break };
        appending.await?;
        times.push(micros(appended));
    }
    Ok(row(engine, Some(outstanding), started, times))
}

fn row(engine: &'static str, outstanding: Option<usize>, started: Instant, mut times: Vec<f64>) -> Row {
    let events_per_s = times.len() as f64 / started.elapsed().as_secs_f64();
    let (p50_us, p99_us) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    Row { engine, outstanding, events_per_s, p50_us, p99_us, ratio: 0.0 }
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

impl Report {
    /// The report as a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let head = format!("one {} event, synced", ByteSize(self.payload_bytes));
        let mut text =
            format!("{head:<30} {:>11} {:>9} {:>9} {:>8}\n", "events/s", "p50 µs", "p99 µs", "ratio");
        for Row { engine, outstanding, events_per_s, p50_us, p99_us, ratio } in &self.rows {
            let engine = if *engine == "jetstream" { "JetStream" } else { "journal" };
            let way = outstanding.map_or_else(
                || "bare write and fdatasync".to_owned(),
                |outstanding| format!("{engine}, {outstanding} outstanding"),
            );
            text += &format!("{way:<30} {events_per_s:>11.0} {p50_us:>9.1} {p99_us:>9.1} {ratio:>7.2}x\n");
        }
        if let Some(jetstream) = &self.jetstream {
            text += &format!("JetStream is {jetstream}, through the journal's own engine for it.\n");
        }
        text +=
            "p50 and p99 are from append to acknowledgement; ratios are of events/s to the bare loop's.\n";
        text
    }
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    #[tokio::test]
    async fn every_row_stands_beside_the_bare_loop_and_nothing_is_left() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let duration = Duration::from_millis(20);
        let place = NatsPlace::Program(hive_tests::nats::nats_server());
        let nats = Some(Nats { place, replicas: 1 });
        let plan = Plan { dir: dir.path().into(), size: ByteSize(64), rounds: 2, duration, nats };
        let report = run(&plan, drop).await?;
        assert_eq!(report.rows.len(), 7);
        for row in &report.rows {
            ensure!(row.events_per_s > 0.0 && row.p50_us > 0.0 && row.p99_us >= row.p50_us, "{row:?}");
        }
        assert!((report.rows[0].ratio - 1.0).abs() < f64::EPSILON);
        for row in
            ["journal, 1024 outstanding", "JetStream, 64 outstanding", "sync_interval: always, one copy"]
        {
            assert!(report.table().contains(row), "{}", report.table());
        }
        assert_eq!(std::fs::read_dir(dir.path())?.count(), 0);
        Ok(())
    }
}
