//! Programs in Python that tests run against: real peers, in virtual environments that are made once.
//!
//! What it owns: `python3 -m venv` and one `pip install` by name for each set of packages, under a file lock. It must not
//! know what is run. Where that fails it says what to install; no test goes on without its peers.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

use crate::workspace;

/// Python with some packages.
#[derive(Debug, Clone)]
pub struct Venv {
    folder: PathBuf,
}

/// The environment with these packages, as `pip` takes them.
///
/// # Panics
/// When it cannot be made: says what to install.
#[must_use]
pub fn venv(packages: &[&str]) -> Venv {
    match made(packages) {
        Ok(venv) => venv,
        Err(error) => panic!("no Python with {}: {error:#}", packages.join(", ")),
    }
}

impl Venv {
    /// A program of it: `python`, or what a package brings.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// What says that an environment is whole.
const WHOLE: &str = "packages";

fn made(packages: &[&str]) -> Result<Venv> {
    let key = blake3::hash(packages.join("\n").as_bytes()).to_hex();
    let all = workspace().join("target").join("python");
    fs::create_dir_all(&all)?;
    let folder = all.join(&key[..16]);
    // One a set of packages, so that tests with other peers do not wait.
    let lock = File::create(all.join(format!("{}.lock", &key[..16])))?;
    flock(&lock, FlockOperation::LockExclusive).context("locking the folder for Python's packages")?;
    if !folder.join(WHOLE).is_file() {
        make(&folder, packages)?;
    }
    Ok(Venv { folder })
}

/// Made in its place, as its programs name it; what was cut short has no mark and is made anew.
fn make(folder: &Path, packages: &[&str]) -> Result<()> {
    const NEEDED: &str = "install Python 3.9 or later with venv (python3 and python3-venv)";
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder)).context(NEEDED)?;
    let mut pip = Command::new(folder.join("bin").join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run(&mut pip).with_context(|| format!("`pip install {}`", packages.join(" ")))?;
    fs::write(folder.join(WHOLE), packages.join("\n"))?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}
