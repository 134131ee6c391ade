//! The journal on disk, in good and in bad weather.

mod cursors;
mod faults;
mod keeping;
mod kill;
mod model;
mod torn;
mod weather;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, bail};
use hive_proto::{channel::Channel, event::Message, id::Incarnation, time::Hlc};
use weather::Weather;

use super::*;

const ORIGIN: NodeId = NodeId([7; 32]);

fn network() -> NetworkName {
    NetworkName::parse("farm").expect("a name")
}

fn name(text: &str) -> CursorName {
    CursorName::parse(text).expect("a name")
}

fn event(sequence: u64, channel: &str, payload: impl Into<Message>) -> Logged {
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

fn small() -> Settings {
    Settings { segment_bytes: 2 << 10, ..Settings::default() }
}

fn open(dir: &Path, settings: Settings) -> Result<DiskJournal, OpenError> {
    patiently(|| DiskJournal::open(dir, &network(), ORIGIN, settings.clone()))
}

/// Another test may be starting a process just now, which has a closed journal's lock until it has begun.
fn patiently(open: impl Fn() -> Result<DiskJournal, OpenError>) -> Result<DiskJournal, OpenError> {
    for _ in 0..1_000 {
        match open() {
            Err(OpenError::Busy { .. }) => thread::yield_now(),
            other => return other,
        }
    }
    open()
}

/// A journal in weather of its own.
fn open_in(dir: &Path, settings: Settings, weather: &Arc<Weather>) -> Result<DiskJournal, OpenError> {
    let owner = Owner { network: network(), origin: ORIGIN };
    let system = || Arc::clone(weather) as Arc<dyn System>;
    patiently(|| DiskJournal::open_with(&dir.join("farm"), owner.clone(), settings.clone(), system()))
}

/// Appends and waits.
async fn put(journal: &DiskJournal, event: &Logged) -> Result<u64> {
    Ok(journal.append(event)?.await?)
}

/// Everything from a position to the durable end.
async fn all(journal: &DiskJournal, from: u64, patterns: &[&str]) -> Result<BTreeMap<u64, Logged>> {
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

/// The files of the only journal in a directory, oldest first.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("farm")).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ext| ext == "seg")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_was_appended_is_read_in_order_also_after_opening_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let events: Vec<_> = (1..=300)
        .map(|n| event(n, &format!("a/{}", n % 7), Message::from(format!("{n}").repeat(9)).with_key("k")))
        .collect();
    let journal = open(dir.path(), small())?;
    assert!(journal.notes().is_empty());
    for part in events.chunks(50) {
        let waiting: Vec<_> = part.iter().map(|event| journal.append(event)).collect::<Result<_, _>>()?;
        for (event, waiting) in part.iter().zip(waiting) {
            assert_eq!(waiting.await?, event.sequence);
        }
    }
    for again in [false, true] {
        let reopened;
        let journal = if again {
            journal.close().await;
            reopened = open(dir.path(), small())?;
            &reopened
        } else {
            &journal
        };
        assert!(files(dir.path()).len() > 5);
        let read = all(journal, 1, &[]).await?;
        assert_eq!(read.into_values().collect::<Vec<_>>(), events);
        for from in [2, 50, 51, 299, 300] {
            assert_eq!(all(journal, from, &[]).await?.len() as u64, 301 - from, "from {from}");
        }
        let sixes = all(journal, 1, &["a/6"]).await?;
        assert!(sixes.len() == 43 && sixes.keys().all(|position| position % 7 == 6));
        assert_eq!(all(journal, 1, &["b/*", "a/1", "a/2"]).await?.len(), 43 + 43);
        for (time, want) in [(0, 1), (1_000, 1), (1_001, 2), (150_000, 150), (300_000, 300), (300_001, 301)] {
            assert_eq!(journal.find(Start::Time(Hlc::from_unix_ms(time))).await?, want, "at {time}");
        }
        let status = journal.status();
        assert_eq!((status.events, status.first, status.last, status.waiting), (300, 1, 300, 0));
        let on_disk: u64 = files(dir.path()).iter().map(|path| fs::metadata(path).expect("it").len()).sum();
        assert_eq!(status.bytes, on_disk);
        assert_eq!(status.oldest, Some(Hlc::from_unix_ms(1_000)));
    }
    Ok(())
}

#[tokio::test]
async fn large_and_small_events_share_a_write() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let settings = Settings { queue_bytes: 64 << 20, ..small() };
    let journal = open(dir.path(), settings)?;
    let sizes =
        [3, 200 << 10, 0, 127 << 10, 129 << 10, 1 << 20, 5, 5 << 20, 900 << 10, 300 << 10, 16 << 20, 1];
    let events: Vec<_> = (1..)
        .zip(sizes)
        .map(|(n, size)| event(n, "a/b", vec![u8::try_from(n).expect("few"); size]))
        .collect();
    let waiting: Vec<_> = events.iter().map(|event| journal.append(event)).collect::<Result<_, _>>()?;
    for waiting in waiting {
        waiting.await?;
    }
    assert_eq!(all(&journal, 1, &[]).await?.into_values().collect::<Vec<_>>(), events);
    journal.close().await;
    let journal = open(dir.path(), small())?;
    assert_eq!(all(&journal, 1, &[]).await?.into_values().collect::<Vec<_>>(), events);
    Ok(())
}

#[tokio::test]
async fn what_waits_shares_one_sync() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let journal = open_in(dir.path(), Settings::default(), &weather)?;
    journal.register(name("group"), Start::End).await?;
    let syncs = weather.syncs();
    let held = weather.hold();
    let waiting: Vec<_> =
        (1..=1_000).map(|n| journal.append(&event(n, "a/b", "x"))).collect::<Result<_, _>>()?;
    drop(held);
    journal.register(name("other"), Start::End).await?;
    for waiting in waiting {
        waiting.await?;
    }
    // The first may have gone by itself, and the cursor came when the others were on their way.
    assert!(weather.syncs() - syncs <= 3, "{}", weather.syncs() - syncs);
    Ok(())
}

#[tokio::test]
async fn the_queue_is_bounded() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let settings = Settings { queue_events: 4, queue_bytes: 1_000, ..small() };
    let journal = open_in(dir.path(), settings, &weather)?;
    put(&journal, &event(1, "a/b", "x")).await?;
    // While the disk does nothing, nothing leaves the queue.
    let held = weather.hold();
    let mut waiting = Vec::new();
    let refused = loop {
        match journal.append(&event(1, "a/b", "x")) {
            Ok(appending) => waiting.push(appending),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Busy { events: 4, .. }), "{refused}");
    assert_eq!(waiting.len(), 4);
    drop(held);
    for waiting in waiting {
        waiting.await?;
    }
    // One that is larger than the queue passes an empty one.
    put(&journal, &event(1, "a/b", vec![0; 5_000])).await?;
    let held = weather.hold();
    let first = journal.append(&event(1, "a/b", vec![0; 600]))?;
    let refused = journal.append(&event(1, "a/b", vec![0; 600])).expect_err("it is full");
    assert!(matches!(refused, AppendError::Busy { events: 1, .. }), "{refused}");
    drop(held);
    first.await?;
    Ok(())
}

#[tokio::test]
async fn one_process_has_it_and_others_are_told_which() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    let refused = open(dir.path(), small()).expect_err("it is in use");
    let words = refused.to_string();
    assert!(words.contains(&format!("in use by process {}", std::process::id())), "{words}");
    assert!(refused.hint().contains("--data-dir"));
    journal.close().await;
    open(dir.path(), small())?.close().await;
    Ok(())
}

#[tokio::test]
async fn files_of_others_are_refused_by_name() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    put(&journal, &event(1, "a/b", "x")).await?;
    journal.close().await;
    let other = DiskJournal::open(dir.path(), &network(), NodeId([8; 32]), small()).expect_err("not theirs");
    assert!(matches!(&other, OpenError::Foreign { found, .. } if found.contains("07070707")), "{other}");
    let [path] = &files(dir.path())[..] else { bail!("one file") };
    let mut bytes = fs::read(path)?;
    bytes[8] = 9;
    fs::write(path, &bytes)?;
    let refused = open(dir.path(), small()).expect_err("another version");
    assert!(refused.to_string().ends_with("has format 9; this version reads format 1"), "{refused}");
    assert!(refused.hint().contains("run the version that wrote it"));
    Ok(())
}

#[test]
fn a_network_is_a_folder_and_nothing_else() {
    let folder = |name: &str| folder(&NetworkName::parse(name).expect("a name")).display().to_string();
    assert_eq!(folder("my-hive_2"), "my-hive_2");
    assert_eq!(folder(".."), "%2E%2E");
    assert_eq!(folder("wörk"), "w%C3%B6rk");
}
