//! NATS's own programs that tests run against: real ones, from the path or built once.
//!
//! What it owns: finding each, or one `go install` of a fixed version under a file lock. It must not know how they are
//! started. Without both it says what to install; no test goes on without them.

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

/// A program, and what is built where there is none.
struct Tool {
    name: &'static str,
    module: &'static str,
    version: &'static str,
}

const SERVER: Tool =
    Tool { name: "nats-server", module: "github.com/nats-io/nats-server/v2", version: "v2.15.2" };
const COMMAND: Tool = Tool { name: "nats", module: "github.com/nats-io/natscli/nats", version: "v0.5.1" };

/// The server.
///
/// # Panics
/// When there is none and it cannot be built: says what to install.
#[must_use]
pub fn nats_server() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| SERVER.there()).clone()
}

/// The command line.
///
/// # Panics
/// As [`nats_server`].
#[must_use]
pub fn nats_command() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| COMMAND.there()).clone()
}

impl Tool {
    fn there(&self) -> PathBuf {
        match self.found() {
            Ok(path) => path,
            Err(error) => panic!("no {}: {error:#}", self.name),
        }
    }

    fn found(&self) -> Result<PathBuf> {
        if let Some(path) = on_path(self.name) {
            return Ok(path);
        }
        let folder = workspace().join("target").join("nats");
        fs::create_dir_all(&folder)?;
        let program = folder.join(self.version).join(self.name);
        let lock = File::create(folder.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)
            .with_context(|| format!("locking the folder for {}", self.name))?;
        if !program.is_file() {
            self.build(&folder)?;
        }
        Ok(program)
    }

    /// Built beside and renamed, so that a build that was cut short leaves nothing that looks like a program.
    fn build(&self, folder: &Path) -> Result<()> {
        let Self { name, module, version } = self;
        let fresh = tempfile::tempdir_in(folder)?;
        let mut go = Command::new("go");
        go.arg("install").arg(format!("{module}@{version}"));
        go.env("GOBIN", fresh.path()).env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0").env_remove("GOOS");
        let output = go.output().with_context(|| {
            format!(
                "it is not on the path, and neither is `go`, which could build it: install {name}, or Go 1.21 or later"
            )
        })?;
        if !output.status.success() {
            bail!(
                "building it with `go install {module}@{version}`:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        fs::rename(fresh.keep(), folder.join(version))?;
        Ok(())
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
