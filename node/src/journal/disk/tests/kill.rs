//! A process that is killed while it appends: what it was told is durable is there afterwards.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::*;

const ROUNDS: u64 = 100;
const CHILD: &str = "HIVE_TEST_JOURNAL_CHILD";

/// The child: appends for ever, and prints each position once it is durable, and each floor once it is saved.
#[test]
fn child() -> Result<()> {
    let Some(dir) = std::env::var_os(CHILD) else { return Ok(()) };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let settings = Settings { segment_bytes: 16 << 10, ..Settings::default() };
        let journal = open(Path::new(&dir), settings)?;
        let group = name("group");
        let floor = journal.register(group.clone(), Start::Beginning).await?.floor;
        let mut next = floor.max(journal.status().last) + 1;
        let mut out = std::io::stdout().lock();
        loop {
            let waiting: Vec<_> = (next..next + 17)
                .map(|n| journal.append(&event(n, "a/b", format!("{n}").repeat(20))))
                .collect::<Result<_, _>>()?;
            for waiting in waiting {
                next = waiting.await? + 1;
                writeln!(out, "position {}", next - 1)?;
            }
            let seen = (next - 1).saturating_sub(5);
            journal.acknowledge(&group, 1..=seen)?.await?;
            writeln!(out, "floor {seen}")?;
        }
    })
}

#[tokio::test]
async fn nothing_acknowledged_is_missing_after_a_hundred_kills() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (mut last, mut floor) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "journal::disk::tests::kill::child", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().context("its stdout")?;
        // Somewhere else in each round, down to before the first word.
        let mut left = round * 7 % 60;
        for line in BufReader::new(out).lines() {
            let line = line?;
            match line.split_once(' ') {
                Some(("position", position)) => last = position.parse()?,
                Some(("floor", seen)) => floor = seen.parse()?,
                _ => continue,
            }
            if left == 0 {
                // What it says between here and its death counts, too.
                child.kill()?;
            }
            left = left.saturating_sub(1);
        }
        child.wait()?;
        let journal = open(dir.path(), Settings::default()).with_context(|| format!("round {round}"))?;
        let read = all(&journal, 1, &[]).await?;
        assert!(read.len() as u64 >= last, "round {round}: {} of {last}", read.len());
        for (n, (position, read)) in (1..).zip(&read) {
            assert_eq!((n, read), (*position, &event(n, "a/b", format!("{n}").repeat(20))), "round {round}");
        }
        let cursor = journal.cursor(&name("group")).context("a cursor")?;
        assert!(cursor.floor() >= floor && cursor.floor() <= read.len() as u64, "round {round}");
        journal.close().await;
    }
    assert!(last > 17 * ROUNDS && floor > 0, "{last} and {floor}");
    Ok(())
}
