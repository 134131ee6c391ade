//! Cursors among the events of files.

use super::*;

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
