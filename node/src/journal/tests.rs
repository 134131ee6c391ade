//! What every engine promises: the same tests against each of them, JetStream's with a real server.

mod model;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use hive_proto::{
    channel::{Channel, NetworkName},
    event::Message,
    id::{Incarnation, NodeId},
};

use super::{disk::DiskJournal, jetstream::StreamJournal, *};
use crate::bench::nats::Servers;

const ORIGIN: NodeId = NodeId([7; 32]);

/// A server reserves what a journal may have, so that many of them need small ones.
fn settings() -> Settings {
    Settings { max_bytes: 64 << 20, ..Settings::default() }
}

/// Where journals are.
enum Place {
    Disk(tempfile::TempDir),
    Streams(Servers, #[expect(dead_code, reason = "removed with it")] tempfile::TempDir),
}

impl Place {
    async fn all() -> Result<[Self; 2]> {
        let dir = tempfile::tempdir()?;
        let servers = servers(dir.path(), 1).await?;
        Ok([Self::Disk(tempfile::tempdir()?), Self::Streams(servers, dir)])
    }

    async fn open(&self, network: &str, settings: Settings) -> Result<Box<dyn Journal>> {
        let network = NetworkName::parse(network)?;
        match self {
            Self::Streams(servers, _) => {
                let journal = StreamJournal::open(config(servers)?, &network, ORIGIN, settings).await?;
                Ok(Box::new(journal))
            }
            Self::Disk(dir) => loop {
                match DiskJournal::open(dir.path(), &network, ORIGIN, settings.clone()) {
                    // A test that starts a process has a closed journal's lock until that has begun.
                    Err(OpenError::Busy { .. }) => tokio::task::yield_now().await,
                    opened => break Ok(Box::new(opened?)),
                }
            },
        }
    }
}

/// So many servers that are one cluster.
pub(super) async fn servers(dir: &Path, count: usize) -> Result<Servers> {
    Servers::start(&hive_tests::nats::nats_server(), dir, count).await
}

/// How to use them.
pub(super) fn config(servers: &Servers) -> Result<jetstream::Config> {
    let addresses = servers.addresses();
    let addresses = addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
    Ok(jetstream::Config::of(addresses))
}

pub(super) fn name(text: &str) -> CursorName {
    CursorName::parse(text).expect("a name")
}

pub(super) fn event(sequence: u64, channel: &str, payload: impl Into<Message>) -> Logged {
    Logged {
        incarnation: Incarnation(1),
        sequence,
        time: Hlc::from_unix_ms(1_000 * sequence),
        depth: 0,
        expires_ms: None,
        channel: Channel::parse(channel).expect("a channel"),
        message: payload.into(),
    }
}

/// Appends and waits.
pub(super) async fn put(journal: &dyn Journal, event: &Logged) -> Result<u64> {
    Ok(journal.append(event)?.await?)
}

/// Everything from a position to the durable end.
pub(super) async fn all(
    journal: &dyn Journal,
    from: u64,
    patterns: &[&str],
) -> Result<BTreeMap<u64, Logged>> {
    let patterns = patterns.iter().map(|pattern| Ok(Pattern::parse(pattern)?)).collect::<Result<_>>()?;
    let mut reader = journal.reader(from, patterns);
    let durable = *journal.durable().borrow();
    let (mut read, mut next) = (BTreeMap::new(), from);
    while next <= durable {
        let batch = reader.next(4 << 10).await?.context("it ended early")?;
        if batch.first != next || batch.through < next {
            bail!("asked for {next}, got {}..={}", batch.first, batch.through);
        }
        next = batch.through + 1;
        read.extend(batch.records.into_iter().map(|record| (record.position, record.event)));
    }
    Ok(read)
}

#[tokio::test]
async fn what_was_appended_is_found_and_read_in_order_also_after_opening_again() -> Result<()> {
    for place in Place::all().await? {
        let journal = place.open("order", settings()).await?;
        let text = |n: u64| Message::from(format!("{n}").repeat(9)).with_key("k");
        let events: Vec<_> = (1..=3_000).map(|n| event(n, &format!("a/{}", n % 7), text(n))).collect();
        for part in events.chunks(500) {
            let waiting: Vec<_> = part.iter().map(|event| journal.append(event)).collect::<Result<_, _>>()?;
            for (event, waiting) in part.iter().zip(waiting) {
                assert_eq!(waiting.await?, event.sequence);
            }
        }
        journal.close().await;
        let journal = place.open("order", settings()).await?;
        assert!(all(&*journal, 1, &[]).await?.into_values().eq(events));
        for from in [2, 500, 501, 2_999, 3_000] {
            assert_eq!(all(&*journal, from, &[]).await?.len() as u64, 3_001 - from, "from {from}");
        }
        let sixes = all(&*journal, 1, &["a/6"]).await?;
        assert!(sixes.len() == 428 && sixes.keys().all(|position| position % 7 == 6));
        for (time, want) in
            [(0, 1), (1_000, 1), (1_001, 2), (150_000, 150), (3_000_000, 3_000), (3_000_001, 3_001)]
        {
            assert_eq!(journal.find(Start::Time(Hlc::from_unix_ms(time))).await?, want, "at {time}");
        }
        let status = journal.status();
        assert_eq!((status.events, status.first, status.last, status.waiting), (3_000, 1, 3_000, 0));
        journal.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn who_reads_the_end_is_woken_by_what_comes() -> Result<()> {
    for place in Place::all().await? {
        let journal = place.open("end", settings()).await?;
        let mut reader = journal.reader(1, Vec::new());
        for n in 1..=200 {
            let event = event(n, "a/b", "x");
            let (appended, batch) = tokio::join!(put(&*journal, &event), reader.next(1));
            let batch = batch?.context("a batch")?;
            assert_eq!((appended?, batch.first, batch.through, batch.records.len()), (n, n, n, 1));
        }
        let (end, ()) = tokio::join!(reader.next(1), journal.close());
        assert_eq!(end?, None);
        assert!(matches!(journal.append(&event(999, "a/b", "x")), Err(AppendError::Closed)));
    }
    Ok(())
}

#[tokio::test]
async fn cursors_begin_where_they_are_told_and_are_remembered() -> Result<()> {
    let starts = [
        ("end", Start::End, 50),
        ("beginning", Start::Beginning, 0),
        ("position", Start::Position(20), 19),
        ("far", Start::Position(2_000), 50),
        ("time", Start::Time(Hlc::from_unix_ms(30_000)), 29),
    ];
    for place in Place::all().await? {
        let journal = place.open("cursors", settings()).await?;
        for n in 1..=50 {
            put(&*journal, &event(n, "a/b", "x")).await?;
        }
        for (text, start, floor) in starts {
            let registered = journal.register(name(text), start).await?;
            assert_eq!(registered, Registered { floor, resumed: false }, "{text}");
        }
        journal.acknowledge(&name("beginning"), 1..=7)?.await?;
        journal.acknowledge(&name("beginning"), 9..=12)?.await?;
        let again = journal.register(name("beginning"), Start::End).await?;
        assert_eq!(again, Registered { floor: 7, resumed: true });
        // Forgotten, back, and forgotten again: the last word counts.
        journal.forget(&name("far"))?.await?;
        journal.register(name("far"), Start::Beginning).await?;
        journal.forget(&name("far"))?.await?;
        journal.close().await;

        let journal = place.open("cursors", settings()).await?;
        for (text, _, floor) in starts {
            let cursor = journal.cursor(&name(text));
            match text {
                "far" => assert_eq!(cursor, None),
                "beginning" => {
                    let cursor = cursor.context("it is there")?;
                    assert_eq!((cursor.floor(), cursor.above().collect::<Vec<_>>()), (7, vec![9..=12]));
                }
                _ => assert_eq!(cursor, Some(Cursor::at(floor)), "{text}"),
            }
        }
        let status = journal.status();
        let lags: Vec<_> =
            status.cursors.iter().map(|cursor| (cursor.name.as_str(), cursor.floor, cursor.lag)).collect();
        assert_eq!(lags, [("beginning", 7, 39), ("end", 50, 0), ("position", 19, 31), ("time", 29, 21)]);
        // A name that was forgotten is a new one.
        let far = journal.register(name("far"), Start::Position(11)).await?;
        assert_eq!(far, Registered { floor: 10, resumed: false });
        journal.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_acknowledged_is_refused() -> Result<()> {
    for place in Place::all().await? {
        let journal = place.open("refused", settings()).await?;
        put(&*journal, &event(1, "a/b", "x")).await?;
        let unknown = journal.acknowledge(&name("nobody"), 1..=1).expect_err("nobody");
        assert!(matches!(unknown, CursorError::Unknown(_)), "{unknown}");
        journal.register(name("group"), Start::Beginning).await?;
        let beyond = journal.acknowledge(&name("group"), 1..=2).expect_err("too far");
        assert!(matches!(beyond, CursorError::Beyond { position: 2, last: 1 }), "{beyond}");
        assert_eq!(journal.cursor(&name("group")), Some(Cursor::at(0)));
        assert!(matches!(journal.forget(&name("nobody")), Err(CursorError::Unknown(_))));
    }
    Ok(())
}

/// Who reads with a pattern and acknowledges what it skipped comes to the end.
#[tokio::test]
async fn a_cursor_with_a_pattern_passes_what_is_not_for_it() -> Result<()> {
    for place in Place::all().await? {
        let journal = place.open("pattern", Settings { segment_bytes: 2 << 10, ..settings() }).await?;
        let group = name("group");
        journal.register(group.clone(), Start::Beginning).await?;
        for n in 1..=300 {
            put(&*journal, &event(n, if n % 10 == 0 { "a/wanted" } else { "a/other" }, "x")).await?;
        }
        let mut reader = journal.reader(1, vec![Pattern::parse("*/wanted")?]);
        let mut seen = 0;
        while journal.cursor(&group).context("a cursor")?.floor() < 300 {
            let batch = reader.next(2 << 10).await?.context("a batch")?;
            for skipped in batch.skipped() {
                journal.acknowledge(&group, skipped)?.await?;
            }
            for record in batch.records {
                seen += 1;
                journal.acknowledge(&group, record.position..=record.position)?.await?;
            }
        }
        assert_eq!(seen, 30);
        journal.close().await;
        let journal = place.open("pattern", settings()).await?;
        assert_eq!(journal.cursor(&group), Some(Cursor::at(300)));
    }
    Ok(())
}

#[tokio::test]
async fn what_every_cursor_passed_goes_when_room_is_needed() -> Result<()> {
    for place in Place::all().await? {
        let settings = Settings {
            segment_bytes: 2 << 10,
            max_bytes: 40 << 10,
            queue_bytes: 2 << 10,
            ..Settings::default()
        };
        let journal = place.open("room", settings).await?;
        let (fast, slow) = (name("fast"), name("slow"));
        for group in [&fast, &slow] {
            journal.register(group.clone(), Start::Beginning).await?;
        }
        let mut last = 0;
        let refused = loop {
            match journal.append(&event(last + 1, "a/b", "x".repeat(100))) {
                Ok(appending) => match appending.await {
                    Ok(position) => last = position,
                    Err(error) => break error,
                },
                Err(error) => break error,
            }
            journal.acknowledge(&fast, 1..=last)?.await?;
        };
        let AppendError::Full { holder: Some(holder), .. } = &refused else { bail!("{refused}") };
        assert_eq!((&holder.name, holder.position), (&slow, 1));
        assert!(refused.to_string().contains("`slow` has not acknowledged position 1"), "{refused}");
        ensure!(last > 80, "{last}");
        assert_eq!(all(&*journal, 1, &[]).await?.len() as u64, last, "nothing went");

        // Once the slow one has come half way, there is room again, and what it needs is still there.
        journal.acknowledge(&slow, 1..=last / 2)?.await?;
        let next = loop {
            let appended = match journal.append(&event(last + 1, "a/b", "x".repeat(100))) {
                Ok(appending) => appending.await,
                Err(error) => Err(error),
            };
            match appended {
                Ok(position) => break position,
                // What goes does so on the journal's own thread.
                Err(AppendError::Full { .. }) => tokio::task::yield_now().await,
                Err(error) => bail!(error),
            }
        };
        ensure!(next > last, "no position is given twice");
        let kept = all(&*journal, 1, &[]).await?;
        let first = *kept.keys().next().context("some")?;
        ensure!(first > 1 && first <= last / 2 + 1, "{first}");
        journal.close().await;
    }
    Ok(())
}

#[test]
fn what_a_batch_covers_is_records_and_stretches_between_them() {
    let record = |position| Record { position, event: event(position, "a/b", "x") };
    let check = |positions: &[u64], want: &[RangeInclusive<u64>]| {
        let records = positions.iter().copied().map(record).collect();
        let batch = Batch { first: 3, through: 9, records };
        assert_eq!(batch.skipped(), want, "{positions:?}");
    };
    check(&[], &[3..=9]);
    check(&[3, 4, 9], &[5..=8]);
    check(&[5], &[3..=4, 6..=9]);
    check(&[3, 4, 5, 6, 7, 8, 9], &[]);
}
