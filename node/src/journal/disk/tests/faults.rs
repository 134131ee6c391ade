//! A disk that is full, or fails: whoever waited is told, nothing that was acknowledged goes, and it goes on afterwards.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

#[tokio::test]
async fn a_full_disk_fails_what_waits_and_nothing_else() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let journal = open_in(dir.path(), Settings::default(), &weather)?;
    journal.register(name("group"), Start::Beginning).await?;
    put(&journal, &event(1, "a/b", "before")).await?;
    let mut durable = 1;
    for room in [0, 1, 30, 90, 400] {
        weather.set_room(Some(room));
        let held = weather.hold();
        let waiting: Vec<_> =
            (0..20).map(|_| journal.append(&event(2, "a/b", "lost"))).collect::<Result<_, _>>()?;
        let acknowledged = journal.acknowledge(&name("group"), 1..=1)?;
        drop(held);
        let mut failed = 0;
        for waiting in waiting {
            let error = match waiting.await {
                Ok(position) => {
                    durable += 1;
                    assert_eq!(position, durable);
                    continue;
                }
                Err(error) => error,
            };
            failed += 1;
            assert!(
                matches!(&error, AppendError::Write { source, .. } if source.raw_os_error() == Some(28)),
                "{error}"
            );
            assert!(error.to_string().contains("No space left"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("is it full")));
        }
        // What the writer had taken before all had come may have had room.
        assert!(failed > 0, "everything was written into {room} bytes");
        acknowledged.await.expect_err("the disk is full");
        assert_eq!(fs::metadata(&files(dir.path())[0])?.len(), journal.status().bytes, "the tail was cut");
        assert!(journal.status().last_failure.is_some());
    }
    weather.set_room(None);
    assert_eq!(put(&journal, &event(3, "a/b", "after")).await?, durable + 1);
    assert_eq!(all(&journal, 1, &[]).await?.len() as u64, durable + 1);
    journal.close().await;
    let journal = open(dir.path(), small())?;
    assert_eq!(all(&journal, 1, &[]).await?.len() as u64, durable + 1);
    // What failed to be saved was saved with the next batch.
    assert_eq!(journal.cursor(&name("group")), Some(Cursor::at(1)));
    Ok(())
}

/// A sync that failed says that pages may be gone, and no later sync of that file says otherwise.
#[tokio::test]
async fn after_a_failed_sync_another_file_goes_on() -> Result<()> {
    for (cuts_fail, first) in [(false, false), (true, false), (false, true), (true, true)] {
        let dir = tempfile::tempdir()?;
        let weather = Arc::new(Weather::default());
        let journal = open_in(dir.path(), Settings::default(), &weather)?;
        let before = if first { 0 } else { 3 };
        if first {
            // A file without events: the next one gets its name.
            journal.register(name("group"), Start::End).await?;
        }
        for n in 1..=before {
            put(&journal, &event(n, "a/b", "before")).await?;
        }
        weather.fail_cuts(cuts_fail);
        weather.fail_syncs(1);
        let error = journal.append(&event(8, "a/b", "lost"))?.await;
        assert!(matches!(error, Err(AppendError::Sync { .. })), "{error:?}");
        assert_eq!(put(&journal, &event(9, "a/b", "after")).await?, before + 1);
        assert_eq!(files(dir.path()).len(), if first { 1 } else { 2 });
        weather.cut_power();
        journal.close().await;
        weather.restore_power(|| true)?;
        let journal = open_in(dir.path(), small(), &weather)?;
        let read = all(&journal, 1, &[]).await?;
        let want = (1..=before).map(|n| event(n, "a/b", "before")).chain([event(9, "a/b", "after")]);
        assert_eq!(read.into_values().collect::<Vec<_>>(), want.collect::<Vec<_>>());
    }
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_begun_is_tried_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let weather = Arc::new(Weather::default());
    let journal = open_in(dir.path(), small(), &weather)?;
    weather.set_room(Some(20));
    put(&journal, &event(1, "a/b", "x")).await.expect_err("not even its head");
    weather.set_room(None);
    weather.fail_syncs(1);
    put(&journal, &event(1, "a/b", "x")).await.expect_err("its head may be gone");
    assert_eq!(put(&journal, &event(1, "a/b", "x")).await?, 1);
    Ok(())
}

/// The system itself, and not only the seam: a limit on the size of files is what a test can set without a disk.
#[test]
fn the_system_says_that_a_file_may_not_grow() -> Result<()> {
    // The limit is the process's, so it is another process that gets it.
    if std::env::var_os("HIVE_TEST_SMALL_FILES").is_none() {
        let test = "journal::disk::tests::faults::the_system_says_that_a_file_may_not_grow";
        let child = std::process::Command::new(std::env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env("HIVE_TEST_SMALL_FILES", "1")
            .output()?;
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let dir = tempfile::tempdir()?;
        // Over the limit a process is sent a signal, which ends it unless it is ignored.
        let _ignored = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25))?;
        let before = getrlimit(Resource::Fsize);
        let journal = open(dir.path(), Settings::default())?;
        put(&journal, &event(1, "a/b", "x")).await?;
        setrlimit(Resource::Fsize, Rlimit { current: Some(2_000), maximum: before.maximum })?;
        let error = put(&journal, &event(2, "a/b", vec![1; 3_000])).await.expect_err("it is too long");
        let Some(AppendError::Write { source, .. }) = error.downcast_ref() else { bail!("{error:#}") };
        assert_eq!(source.raw_os_error(), Some(27), "{source}");
        assert_eq!(put(&journal, &event(3, "a/b", "short")).await?, 2);
        setrlimit(Resource::Fsize, before)?;
        assert_eq!(put(&journal, &event(4, "a/b", vec![1; 3_000])).await?, 3);
        journal.close().await;
        assert_eq!(all(&open(dir.path(), small())?, 1, &[]).await?.len(), 3);
        Ok(())
    })
}
