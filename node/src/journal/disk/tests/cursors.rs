//! Cursors: where they begin, that they stay, and what they are refused.

use super::*;

#[tokio::test]
async fn cursors_begin_where_they_are_told_and_are_remembered() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    for n in 1..=50 {
        put(&journal, &event(n, "a/b", "x")).await?;
    }
    let starts = [
        ("end", Start::End, 50),
        ("beginning", Start::Beginning, 0),
        ("position", Start::Position(20), 19),
        ("far", Start::Position(2_000), 50),
        ("time", Start::Time(Hlc::from_unix_ms(30_000)), 29),
    ];
    for (text, start, floor) in starts {
        let registered = journal.register(name(text), start).await?;
        assert_eq!(registered, Registered { floor, resumed: false }, "{text}");
    }
    journal.acknowledge(&name("beginning"), 1..=7)?.await?;
    journal.acknowledge(&name("beginning"), 9..=12)?.await?;
    assert_eq!(
        journal.register(name("beginning"), Start::End).await?,
        Registered { floor: 7, resumed: true }
    );
    journal.forget(&name("far"))?.await?;
    journal.close().await;

    let journal = open(dir.path(), small())?;
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
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_acknowledged_is_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    put(&journal, &event(1, "a/b", "x")).await?;
    let unknown = journal.acknowledge(&name("nobody"), 1..=1).expect_err("nobody");
    assert!(matches!(unknown, CursorError::Unknown(_)), "{unknown}");
    journal.register(name("group"), Start::Beginning).await?;
    let beyond = journal.acknowledge(&name("group"), 1..=2).expect_err("too far");
    assert!(matches!(beyond, CursorError::Beyond { position: 2, last: 1 }), "{beyond}");
    assert_eq!(journal.cursor(&name("group")), Some(Cursor::at(0)));
    assert!(matches!(journal.forget(&name("nobody")), Err(CursorError::Unknown(_))));
    Ok(())
}

/// Who reads with a pattern and acknowledges what it skipped comes to the end, and cursors survive any number of files.
#[tokio::test]
async fn a_cursor_with_a_pattern_passes_what_is_not_for_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    for n in 1..=300 {
        put(&journal, &event(n, if n % 10 == 0 { "a/wanted" } else { "a/other" }, "x")).await?;
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
    assert_eq!(open(dir.path(), small())?.cursor(&group), Some(Cursor::at(300)));
    Ok(())
}

/// Acknowledgements alone fill files, too; those are replaced and not kept.
#[tokio::test]
async fn acknowledgements_do_not_pile_up() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    for round in 0..200 {
        journal.register(name(&format!("group-{}", round % 3)), Start::End).await?;
    }
    assert_eq!(files(dir.path()).len(), 1);
    assert!(journal.status().bytes < 5 << 10);
    journal.close().await;
    let journal = open(dir.path(), small())?;
    assert_eq!(journal.status().cursors.len(), 3);
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 1);
    Ok(())
}
