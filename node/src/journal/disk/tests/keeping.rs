//! What is kept and what goes, by size, by age and by what cursors have passed.

use std::time::Duration;

use super::*;

/// A journal that looks at ages whenever it is woken for something.
fn looks_often() -> Settings {
    Settings { keep: Some(Duration::from_secs(100)), ..small() }
}

/// Has the journal look at ages now, by beginning another look.
async fn look(
    dir: &Path,
    settings: &Settings,
    weather: &Arc<Weather>,
    journal: DiskJournal,
) -> Result<DiskJournal> {
    journal.close().await;
    let journal = open_in(dir, settings.clone(), weather)?;
    // It looks before it takes its first work, and after it.
    journal.register(name("look"), Start::End).await?;
    journal.forget(&name("look"))?.await?;
    Ok(journal)
}

#[tokio::test]
async fn what_is_old_goes_when_it_was_passed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let settings = looks_often();
    let mut journal = open_in(dir.path(), settings.clone(), &weather)?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    for n in 1..=100 {
        put(&journal, &event(n, "a/b", "x".repeat(100))).await?;
    }
    // Published in the seconds 1 to 100; all of it is older than 100 seconds now.
    weather.set_now(201_000);
    journal = look(dir.path(), &settings, &weather, journal).await?;
    assert_eq!(all(&journal, 1, &[]).await?.len(), 100, "the group needs it");
    journal.acknowledge(&group, 1..=60)?.await?;
    journal = look(dir.path(), &settings, &weather, journal).await?;
    let kept = all(&journal, 1, &[]).await?;
    let first = *kept.keys().next().context("some")?;
    assert!(first > 40 && first <= 61 && *kept.keys().next_back().context("some")? == 100, "from {first}");
    journal.acknowledge(&group, 61..=100)?.await?;
    journal = look(dir.path(), &settings, &weather, journal).await?;
    assert!(all(&journal, 1, &[]).await?.is_empty());
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 101, "no position is given twice");
    let cursor = &journal.status().cursors[0];
    assert_eq!((cursor.lost, cursor.lag), (0, 1));
    Ok(())
}

#[tokio::test]
async fn what_grows_too_old_goes_and_is_counted_for_who_needed_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let settings = Settings { max_age: Some(Duration::from_secs(100)), ..small() };
    let mut journal = open_in(dir.path(), settings.clone(), &weather)?;
    let (early, late) = (name("early"), name("late"));
    journal.register(early.clone(), Start::Beginning).await?;
    for n in 1..=100 {
        put(&journal, &event(n, "a/b", "x".repeat(100))).await?;
    }
    journal.register(late.clone(), Start::End).await?;
    journal.acknowledge(&early, 3..=10)?.await?;
    weather.set_now(170_000);
    journal = look(dir.path(), &settings, &weather, journal).await?;
    let first = *all(&journal, 1, &[]).await?.keys().next().context("some")?;
    assert!(first > 40 && first <= 70, "{first}");
    for again in [false, true] {
        let status = journal.status();
        let counted: Vec<_> = status.cursors.iter().map(|c| (c.name.clone(), c.floor, c.lost)).collect();
        assert_eq!(counted, [(early.clone(), first - 1, first - 1 - 8), (late.clone(), 100, 0)], "{again}");
        journal.close().await;
        journal = open_in(dir.path(), settings.clone(), &weather)?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_kept_shorter_is_written_out_of_the_way() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let short = (Pattern::parse("short/**")?, Duration::from_secs(10));
    let settings = Settings { keep_channels: vec![short], ..small() };
    let mut journal = open_in(dir.path(), settings.clone(), &weather)?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    for n in 1..=100 {
        put(&journal, &event(n, if n % 5 == 0 { "long/a" } else { "short/a" }, "x".repeat(100))).await?;
    }
    let whole = all(&journal, 1, &[]).await?;
    weather.set_now(1_000_000);
    for _ in 0..12 {
        journal = look(dir.path(), &settings, &weather, journal).await?;
    }
    assert_eq!(all(&journal, 1, &[]).await?, whole, "the group needs it");
    journal.acknowledge(&group, 1..=100)?.await?;
    let before = journal.status();
    for _ in 0..12 {
        journal = look(dir.path(), &settings, &weather, journal).await?;
    }
    let after = journal.status();
    assert!(after.bytes < before.bytes / 2, "{} of {}", after.bytes, before.bytes);
    let kept = all(&journal, 1, &[]).await?;
    let long: BTreeMap<_, _> = whole.iter().filter(|(n, _)| *n % 5 == 0).collect();
    assert!(long.iter().all(|(n, event)| kept.get(n) == Some(*event)), "positions stay");
    assert!(kept.len() < 40, "{}", kept.len());
    assert_eq!(journal.find(Start::Time(Hlc::from_unix_ms(5_000))).await?, 5);
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 101);
    Ok(())
}
