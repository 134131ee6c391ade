//! The nats-server that tests run against: a real one, from the path or built once.
//!
//! What it owns: finding the program, or one `go install` of a fixed version under a file lock. It must not know how it
//! is started. Without both it says what to install; no test goes on without a server.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::workspace;

/// What is built where there is none.
const VERSION: &str = "v2.15.2";
const MODULE: &str = "github.com/nats-io/nats-server/v2";

/// The program.
///
/// # Panics
/// When there is none and it cannot be built: says what to install.
#[must_use]
pub fn nats_server() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let found = FOUND.get_or_init(|| match found() {
        Ok(path) => path,
        Err(error) => panic!("no nats-server: {error:#}"),
    });
    found.clone()
}

fn found() -> Result<PathBuf> {
    if let Some(path) = on_path("nats-server") {
        return Ok(path);
    }
    let folder = workspace().join("target").join("nats");
    fs::create_dir_all(&folder)?;
    let program = folder.join(VERSION).join("nats-server");
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive).context("locking the folder for nats-server")?;
    if !program.is_file() {
        build(&folder)?;
    }
    Ok(program)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Built beside and renamed, so that a build that was cut short leaves nothing that looks like a program.
fn build(folder: &Path) -> Result<()> {
    let fresh = tempfile::tempdir_in(folder)?;
    let mut go = Command::new("go");
    go.arg("install").arg(format!("{MODULE}@{VERSION}"));
    go.env("GOBIN", fresh.path()).env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0").env_remove("GOOS");
    let output = go.output().context(
        "it is not on the path, and neither is `go`, which could build it: install nats-server, or Go 1.21 or later",
    )?;
    if !output.status.success() {
        bail!(
            "building it with `go install {MODULE}@{VERSION}`:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    fs::rename(fresh.keep(), folder.join(VERSION))?;
    Ok(())
}
