//! The journal on JetStream when its servers are killed, away, full, alone or foreign; always real ones.

mod away;
mod forgotten;
mod refused;
mod relay;
mod sealed;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use hive_tests::wait::{self, MOMENT};
use tempfile::TempDir;

use super::*;
use crate::{
    bench::nats::Servers,
    journal::tests::{all, config, event, name, put, servers},
};

const ORIGIN: NodeId = NodeId([7; 32]);

fn network() -> NetworkName {
    NetworkName::parse("farm").expect("a name")
}

async fn open(config: Config) -> Result<StreamJournal> {
    Ok(StreamJournal::open(config, &network(), ORIGIN, Settings::default()).await?)
}

/// A lone server and the folder it is in.
async fn alone() -> Result<(Servers, TempDir)> {
    let dir = tempfile::tempdir()?;
    Ok((servers(dir.path(), 1).await?, dir))
}

/// What was acknowledged, by position.
type Acknowledged = BTreeMap<u64, u64>;

/// Appends so many events, some at a time, and notes where each of them stands.
async fn publish(
    journal: &StreamJournal,
    sequences: std::ops::Range<u64>,
    acknowledged: &mut Acknowledged,
) -> Result<()> {
    let mut waiting = std::collections::VecDeque::new();
    for sequence in sequences {
        if waiting.len() >= 100 {
            let (sequence, appending): (u64, Appending) = waiting.pop_front().context("some")?;
            note(acknowledged, sequence, appending.await?)?;
        }
        waiting.push_back((sequence, journal.append(&event(sequence, "a/b", "x".repeat(200)))?));
    }
    for (sequence, appending) in waiting {
        note(acknowledged, sequence, appending.await?)?;
    }
    Ok(())
}

fn note(acknowledged: &mut Acknowledged, sequence: u64, position: u64) -> Result<()> {
    ensure!(acknowledged.insert(position, sequence).is_none(), "position {position} was given twice");
    Ok(())
}

/// Everything that was acknowledged is where it was said to be, and nothing is there twice.
async fn check(journal: &StreamJournal, acknowledged: &Acknowledged) -> Result<()> {
    let read = all(journal, 1, &[]).await?;
    for (position, sequence) in acknowledged {
        let found = read.get(position).map(|event| event.sequence);
        ensure!(found == Some(*sequence), "{sequence} was to be at {position}, where {found:?} is");
    }
    let distinct: BTreeSet<u64> = read.values().map(|event| event.sequence).collect();
    ensure!(distinct.len() == read.len(), "{} of {} are doubled", read.len() - distinct.len(), read.len());
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_kills_of_the_server() -> Result<()> {
    const KILLS: u64 = 10;
    const PART: u64 = 500;
    let (mut servers, _dir) = alone().await?;
    let journal = open(config(&servers)?).await?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    let (mut acknowledged, mut floor) = (Acknowledged::new(), 0);
    for round in 0..KILLS {
        let from = round * PART + 1;
        // Somewhere else in each round.
        let until = from + round * 97 % (PART - 100);
        let killing = async {
            let mut durable = journal.durable();
            durable.wait_for(|durable| *durable >= until).await?;
            servers.kill(0)?;
            let saving = journal.acknowledge(&group, 1..=until)?;
            servers.restart(0).await?;
            Ok::<_, anyhow::Error>(saving.await?)
        };
        let (published, killed) =
            tokio::join!(publish(&journal, from..from + PART, &mut acknowledged), killing);
        killed?;
        published.with_context(|| format!("round {round}"))?;
        floor = until;
    }
    assert_eq!(acknowledged.len() as u64, KILLS * PART);
    check(&journal, &acknowledged).await?;
    journal.close().await;
    let journal = open(config(&servers)?).await?;
    check(&journal, &acknowledged).await?;
    assert_eq!(journal.cursor(&group).map(|cursor| cursor.floor()), Some(floor));
    assert_eq!(journal.status().last, KILLS * PART, "nothing else is there");
    Ok(())
}

/// Three copies on three servers: each is killed once while events are published, and it goes on.
#[tokio::test]
async fn three_servers_go_on_without_any_one_of_them() -> Result<()> {
    const PART: u64 = 600;
    let dir = tempfile::tempdir()?;
    let mut servers = servers(dir.path(), 3).await?;
    let config = Config { replicas: 3, patience: MOMENT, ..config(&servers)? };
    let journal = open(config.clone()).await?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    let mut acknowledged = Acknowledged::new();
    publish(&journal, 1..11, &mut acknowledged).await?;
    until_whole(&config).await?;
    for at in 0..3 {
        let from = at as u64 * PART + 11;
        let killing = async {
            let mut durable = journal.durable();
            durable.wait_for(|durable| *durable >= from + PART / 3).await?;
            servers.kill(at)
        };
        let (published, killed) =
            tokio::join!(publish(&journal, from..from + PART, &mut acknowledged), killing);
        killed?;
        published.with_context(|| format!("without server {at}"))?;
        journal.acknowledge(&group, 1..=from)?.await?;
        check(&journal, &acknowledged).await.with_context(|| format!("without server {at}"))?;
        servers.restart(at).await?;
        // The next one may only go when this one has caught up: two of three are needed.
        until_whole(&config).await?;
    }
    assert_eq!(acknowledged.len() as u64, PART * 3 + 10);
    assert_eq!(journal.cursor(&group).map(|cursor| cursor.floor()), Some(PART * 2 + 11));
    journal.close().await;
    let journal = open(config).await?;
    check(&journal, &acknowledged).await?;
    assert_eq!(journal.cursor(&group).map(|cursor| cursor.floor()), Some(PART * 2 + 11));
    Ok(())
}

/// Waits until all copies are up to date.
async fn until_whole(config: &Config) -> Result<()> {
    let names = Names::new(&network(), ORIGIN);
    wait::until("all copies to be up to date", MOMENT, async || {
        let (api, _link) = connect::connect(config, "test").await.ok()?;
        for stream in [&names.events, &names.cursors] {
            let info = api.info(stream).await.ok()?;
            if connect::weakness(&info, config).is_some() {
                return None;
            }
        }
        Some(())
    })
    .await
}

#[tokio::test]
async fn what_is_older_than_it_may_be_goes_and_is_counted_for_who_needed_it() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let settings = Settings { max_age: Some(Duration::from_secs(2)), ..Settings::default() };
    let journal = StreamJournal::open(config(&servers)?, &network(), ORIGIN, settings).await?;
    journal.register(name("early"), Start::Beginning).await?;
    for n in 1..=20 {
        put(&journal, &event(n, "a/b", "x")).await?;
    }
    journal.register(name("late"), Start::End).await?;
    journal.acknowledge(&name("early"), 3..=6)?.await?;
    wait::until("what is old to go", MOMENT, async || {
        (journal.status().cursors.iter().any(|cursor| cursor.lost > 0)).then_some(())
    })
    .await?;
    let status = journal.status();
    let counted: Vec<_> = status.cursors.iter().map(|c| (c.name.as_str(), c.floor, c.lost)).collect();
    assert_eq!(counted, [("early", 20, 16), ("late", 20, 0)]);
    assert_eq!((status.events, status.first, status.last), (0, 21, 20));
    assert_eq!(put(&journal, &event(21, "a/b", "x")).await?, 21, "no position is given twice");
    let mut reader = journal.reader(1, Vec::new());
    let batch = reader.next(1 << 10).await?.context("a batch")?;
    assert_eq!((batch.skipped(), batch.records.len()), (vec![1..=20], 1));
    Ok(())
}

/// What somebody else puts into the streams is left out, and nobody stumbles over it.
#[tokio::test]
async fn what_others_put_into_the_streams_is_passed_over() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let config = config(&servers)?;
    let journal = open(config.clone()).await?;
    journal.register(name("group"), Start::Beginning).await?;
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 1);
    let (names, (api, _link)) =
        (Names::new(&network(), ORIGIN), connect::connect(&config, "other").await.ok().context("a link")?);
    let copy = api.batch(&names.events, 1, 1 << 10).await?.remove(0).body;
    for body in ["nonsense".into(), copy] {
        api.client.publish(names.subject.clone(), body).await?;
    }
    api.client.publish(names.cursor(&name("other")), "nonsense".into()).await?;
    api.client.flush().await?;
    // The server takes what several clients send in an order of its own.
    wait::until("all of it to be stored", MOMENT, async || {
        let stored = api.batch(&names.events, 1, 1 << 10).await.ok()?;
        (stored.len() == 3).then_some(())
    })
    .await?;
    // Its place was taken, so it is sent for the next one.
    assert_eq!(put(&journal, &event(2, "a/b", "y")).await?, 4);
    let read = all(&journal, 1, &[]).await?;
    assert_eq!(read.keys().copied().collect::<Vec<_>>(), [1, 4]);
    journal.close().await;
    let journal = open(config).await?;
    assert_eq!(journal.status().cursors.len(), 1);
    assert_eq!(all(&journal, 1, &[]).await?, read);
    Ok(())
}
