//! What `check` says to programs.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::{run, stdout, write};

/// The lines of `--json`.
fn lines(text: &str) -> Result<Vec<Json>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_fine_is_a_document() -> Result<()> {
    let folder = TempDir::new()?;
    let file = write(folder.path(), "hive.yaml", "version: 1\n")?;
    let fine = run(None, &["check", &file, "--json"]).await?;
    let want = json!({"v": 1, "file": file, "problems": [], "warnings": []});
    ensure!(fine.status.success() && lines(&stdout(&fine))? == [want], "{fine:?}");
    let file = write(folder.path(), "hive.yaml", "version: 1\nlogg: info\n")?;
    let wrong = run(None, &["check", &file, "--json"]).await?;
    let error = lines(&stdout(&wrong))?.into_iter().next().context("a document")?;
    let message = error["error"]["message"].as_str().unwrap_or_default();
    ensure!(message == format!("{file}:2:1: unknown key `logg`"), "{error}");
    Ok(())
}
