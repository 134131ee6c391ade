//! Files that were cut, overwritten or flipped: what is read is what was acknowledged, or an error that says where.

use super::*;

/// Bytes of the head of these tests' files.
const HEAD_BYTES: u64 = 57 + 4 + 4;

/// A journal of one file with so many events, closed. Returns where each one ends.
async fn one_file(dir: &Path, events: u64) -> Result<(PathBuf, Vec<u64>)> {
    let journal = open(dir, Settings::default())?;
    journal.register(name("billing"), Start::End).await?;
    let mut ends = Vec::new();
    for n in 1..=events {
        put(&journal, &event(n, "a/b", format!("payload {n}"))).await?;
        ends.push(journal.status().bytes);
    }
    journal.close().await;
    let [path] = &files(dir)[..] else { bail!("one file") };
    Ok((path.clone(), ends))
}

#[tokio::test]
async fn cut_at_any_byte_it_has_what_was_whole() -> Result<()> {
    let dir = tempfile::tempdir()?;
    // Nothing here depends on syncs, and thousands of them take their time.
    let weather = Arc::new(Weather::default());
    let open = |dir: &Path, settings| open_in(dir, settings, &weather);
    let (path, ends) = one_file(dir.path(), 6).await?;
    let whole = fs::read(&path)?;
    assert_eq!(ends.last(), Some(&(whole.len() as u64)));
    for length in 0..=whole.len() as u64 {
        for tail in [&[][..], &[0; 100], &[0xa5; 33]] {
            // A head is on the disk before the file has its name, so nothing torn follows half of one.
            if length < HEAD_BYTES && !tail.is_empty() {
                continue;
            }
            fs::write(&path, [&whole[..usize::try_from(length)?], tail].concat())?;
            let journal =
                open(dir.path(), Settings::default()).with_context(|| format!("cut at {length}"))?;
            let want = ends.iter().filter(|end| **end <= length).count();
            let read = all(&journal, 1, &[]).await?;
            assert_eq!(read.len(), want, "cut at {length}");
            assert!(read.iter().all(|(n, read)| *read == event(*n, "a/b", format!("payload {n}"))));
            let torn = tail.len() as u64 > 0 || !ends.contains(&length) && length > 0;
            if want > 0 && length >= ends[0] {
                let cut = length - ends[want - 1] + tail.len() as u64;
                let note = (cut > 0).then(|| Note::Cut { path: path.clone(), bytes: cut });
                assert_eq!(journal.notes(), Vec::from_iter(note), "cut at {length}");
                assert_eq!(journal.cursor(&name("billing")), Some(Cursor::at(0)));
            } else {
                assert!(!torn || journal.notes().len() <= 1);
            }
            // It goes on as if nothing had been.
            assert_eq!(put(&journal, &event(99, "a/b", "after")).await?, want as u64 + 1);
            journal.close().await;
            let journal = open(dir.path(), Settings::default())?;
            assert_eq!(all(&journal, 1, &[]).await?.len(), want + 1);
            assert!(journal.notes().is_empty());
            journal.close().await;
            for file in files(dir.path()) {
                fs::remove_file(file)?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_flipped_bit_is_never_read_as_an_event() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, ends) = one_file(dir.path(), 4).await?;
    let whole = fs::read(&path)?;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes)?;
        let at = at as u64;
        match open(dir.path(), Settings::default()) {
            // Only the last write may have been torn: everything before it was durable when it was written.
            Ok(journal) => {
                assert!(at >= ends[2], "byte {at} of {ends:?}");
                assert_eq!(all(&journal, 1, &[]).await?.len(), 3, "byte {at}");
                assert_eq!(journal.notes().len(), 1);
                journal.close().await;
            }
            Err(error) => {
                assert!(at < ends[2], "byte {at} of {ends:?}: {error}");
                let named = matches!(&error, OpenError::Damaged { path: said, offset, .. } if *said == path && *offset <= at);
                let head = at < 60 && matches!(error, OpenError::Version { .. } | OpenError::Foreign { .. });
                assert!(named || head, "byte {at}: {error}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn damage_in_a_closed_file_is_named_and_can_be_left_out() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    for n in 1..=400 {
        put(&journal, &event(n, "a/b", format!("payload {n}"))).await?;
    }
    let whole = all(&journal, 1, &[]).await?;
    journal.close().await;
    let path = &files(dir.path())[1];
    let mut bytes = fs::read(path)?;
    bytes[700] ^= 0x10;
    fs::write(path, &bytes)?;

    let journal = open(dir.path(), small())?;
    let error = all(&journal, 1, &[]).await.expect_err("it is damaged");
    let Some(ReadError::Damaged { path: said, offset, position }) = error.downcast_ref() else {
        bail!("{error:#}");
    };
    assert!(said == path && *offset <= 700 && *offset > 600, "{error}");
    assert!(matches!(DiskJournal::repair(dir.path(), &network(), ORIGIN), Err(OpenError::Busy { .. })));
    journal.close().await;

    let repaired = DiskJournal::repair(dir.path(), &network(), ORIGIN)?;
    let [Repaired { lost, kept: Some(kept), bytes, .. }] = &repaired[..] else { bail!("{repaired:?}") };
    assert_eq!(lost, &[*position..=*position]);
    assert!(kept.exists() && *bytes > 0);
    assert!(DiskJournal::repair(dir.path(), &network(), ORIGIN)?.is_empty(), "it is whole now");
    let journal = open(dir.path(), small())?;
    let mut without = whole.clone();
    without.remove(position);
    assert_eq!(all(&journal, 1, &[]).await?, without);
    assert_eq!(put(&journal, &event(401, "a/b", "x")).await?, 401);
    journal.close().await;

    // A head, and a whole file.
    fs::write(&files(dir.path())[2], [0; 300])?;
    let gone = files(dir.path())[4].clone();
    fs::remove_file(&gone)?;
    let error = open(dir.path(), small()).expect_err("it is damaged");
    assert!(matches!(error, OpenError::Damaged { offset: 0, .. }), "{error}");
    let repaired = DiskJournal::repair(dir.path(), &network(), ORIGIN)?;
    assert_eq!(repaired.len(), 2, "{repaired:?}");
    let lost: Vec<u64> = repaired.iter().flat_map(|file| file.lost.iter().cloned().flatten()).collect();
    without.retain(|position, _| !lost.contains(position));
    let journal = open(dir.path(), small())?;
    assert_eq!(all(&journal, 1, &[]).await?.len(), without.len() + 1);
    Ok(())
}

#[tokio::test]
async fn a_missing_file_is_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    for n in 1..=100 {
        put(&journal, &event(n, "a/b", format!("payload {n}"))).await?;
    }
    journal.close().await;
    let files = files(dir.path());
    let first = |path: &PathBuf| segment::first_of(path).expect("a segment");
    let want = (first(&files[1]), first(&files[2]) - 1);
    fs::remove_file(&files[1])?;
    let error = open(dir.path(), small()).expect_err("one is missing");
    assert!(matches!(error, OpenError::Missing { first, last, .. } if (first, last) == want), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_closed_file_whose_index_is_gone_is_read_instead() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), small())?;
    for n in 1..=100 {
        put(&journal, &event(n, "a/b", format!("payload {n}"))).await?;
    }
    let whole = all(&journal, 1, &[]).await?;
    journal.close().await;
    for path in &files(dir.path())[..2] {
        let bytes = fs::read(path)?;
        fs::write(path, &bytes[..bytes.len() - 40])?;
    }
    let journal = open(dir.path(), small())?;
    assert_eq!(all(&journal, 1, &[]).await?, whole);
    Ok(())
}
