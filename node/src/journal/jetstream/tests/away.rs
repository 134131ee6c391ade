//! Servers that are away: what waits for them is bounded, told in time, and goes on when they are back.

use super::*;

#[tokio::test]
async fn a_full_spool_is_refused_by_the_servers_name_and_what_waits_too_long_is_told() -> Result<()> {
    let (mut servers, _dir) = alone().await?;
    let patience = Duration::from_secs(2);
    let config = Config { patience, ..config(&servers)? };
    let named = config.named();
    let settings = Settings { queue_events: 4, ..Settings::default() };
    let journal = StreamJournal::open(config, &network(), ORIGIN, settings).await?;
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 1);
    let process = servers.process(0);
    servers.kill(0)?;
    wait::until("the loss to be noticed", MOMENT, async || journal.status().last_failure.map(drop)).await?;
    let waiting: Vec<_> = (2..=5).map(|n| journal.append(&event(n, "a/b", "x"))).collect::<Result<_, _>>()?;
    let full = journal.append(&event(6, "a/b", "x")).expect_err("no room");
    assert!(matches!(full, AppendError::SpoolFull { events: 4, .. }), "{full}");
    assert!(full.to_string().contains(&named), "{full}");
    assert!(full.hint().is_some_and(|hint| hint.contains(&named)));
    for waiting in waiting {
        let late = waiting.await.expect_err("nobody took it");
        assert!(matches!(late, AppendError::Away { .. }), "{late}");
        let words = late.to_string();
        assert!(words.contains(&named) && words.contains("within 2s"), "{words}");
    }
    // Cursors, too: what was asked is told, and nothing hangs.
    let cursor = journal.register(name("group"), Start::End).await.expect_err("nobody took it");
    assert!(matches!(cursor, CursorError::Save(AppendError::Away { .. })), "{cursor}");

    servers.restart(0).await?;
    assert_ne!(servers.process(0), process);
    let again = wait::until("it to go on", MOMENT, async || {
        let appending = journal.append(&event(7, "a/b", "y")).ok()?;
        appending.await.ok()
    });
    again.await?;
    let read = all(&journal, 1, &[]).await?;
    let sequences: Vec<_> = read.values().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 7], "what was refused while nothing could be sent is not there");
    Ok(())
}

/// A reader neither ends nor loses anything while the server is away.
#[tokio::test]
async fn a_reader_waits_for_the_servers_and_goes_on() -> Result<()> {
    let (mut servers, _dir) = alone().await?;
    let journal = open(config(&servers)?).await?;
    for n in 1..=500 {
        drop(journal.append(&event(n, "a/b", "x".repeat(500)))?);
    }
    journal.durable().wait_for(|durable| *durable == 500).await?;
    let mut reader = journal.reader(1, Vec::new());
    let mut read = Vec::new();
    let batch = reader.next(4 << 10).await?.context("a batch")?;
    read.extend(batch.records.into_iter().map(|record| record.position));
    ensure!(read.len() < 100, "some is left to be read");
    servers.kill(0)?;
    // A read that is given up in the middle loses nothing; nor does one that got no answer for too long.
    for patience in [Duration::from_millis(300), api::ANSWER + Duration::from_millis(500)] {
        let given_up = tokio::time::timeout(patience, reader.next(4 << 10)).await;
        ensure!(given_up.is_err(), "it waits: {given_up:?}");
    }
    let (restarted, batch) = tokio::join!(servers.restart(0), reader.next(4 << 10));
    restarted?;
    read.extend(batch?.context("a batch")?.records.into_iter().map(|record| record.position));
    while read.len() < 500 {
        let batch = reader.next(64 << 10).await?.context("a batch")?;
        read.extend(batch.records.into_iter().map(|record| record.position));
    }
    assert_eq!(read, (1..=500).collect::<Vec<_>>());
    Ok(())
}

/// A node may begin before its servers do.
#[tokio::test]
async fn servers_that_come_later_are_waited_for() -> Result<()> {
    let (mut servers, _dir) = alone().await?;
    servers.kill(0)?;
    let config = Config { patience: Duration::from_millis(300), ..config(&servers)? };
    let journal = open(config).await?;
    let note = journal.note().context("a note")?;
    ensure!(note.contains("127.0.0.1") && note.contains("cannot be used yet"), "{note}");
    let late = put(&journal, &event(1, "a/b", "x")).await.expect_err("nobody took it");
    ensure!(late.to_string().contains("did not take it within"), "{late}");
    ensure!(journal.register(name("group"), Start::End).await.is_err());
    servers.restart(0).await?;
    let position = wait::until("it to be open", MOMENT, async || {
        let appending = journal.append(&event(2, "a/b", "y")).ok()?;
        appending.await.ok()
    });
    assert_eq!(position.await?, 1);
    wait::until("a cursor", MOMENT, async || journal.register(name("group"), Start::End).await.ok()).await?;
    Ok(())
}

/// What waits when the journal is closed is stored if the servers are there, and else told.
#[tokio::test]
async fn closing_waits_for_what_waits_and_no_longer() -> Result<()> {
    let (mut servers, _dir) = alone().await?;
    let config = Config { patience: MOMENT, ..config(&servers)? };
    let journal = open(config.clone()).await?;
    let waiting: Vec<_> =
        (1..=100).map(|n| journal.append(&event(n, "a/b", "x"))).collect::<Result<_, _>>()?;
    journal.close().await;
    for (position, waiting) in (1..).zip(waiting) {
        assert_eq!(waiting.await?, position);
    }
    let journal = open(Config { patience: Duration::from_millis(300), ..config }).await?;
    servers.kill(0)?;
    let late = journal.append(&event(101, "a/b", "x"))?;
    journal.close().await;
    ensure!(late.await.is_err(), "nobody took it");
    Ok(())
}
