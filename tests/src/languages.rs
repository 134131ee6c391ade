//! Projects in other languages, as `hive-node new` makes them: kept under `target/` by their content, so that the tools,
//! which take seconds, run once for each content.
//!
//! What it owns: the program's verbs of toolchains run as a person would, with one cache of tools for all tests. It must
//! not know what the handlers do.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};

use crate::{
    nodes::{Setup, clean},
    workspace,
};

/// A project that is kept, and the lock on its folder, which lasts until it is dropped.
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    program: PathBuf,
    _lock: File,
}

/// A file of a project, changed: where, what stood there, and what is to stand there.
pub type Edit<'e> = (&'e str, &'e str, &'e str);

impl Project {
    /// A project of `hive-node new`, with some edits. `label` tells apart several of one language.
    ///
    /// # Errors
    /// When `new` fails, or there is nothing to edit where it should be.
    pub fn new(program: &str, language: &str, name: &str, label: &str, edits: &[Edit<'_>]) -> Result<Self> {
        let kept = home()?.join(label);
        let lock = File::create(kept.with_added_extension("lock"))?;
        flock(&lock, FlockOperation::LockExclusive).context("locking the project")?;
        let fresh = tempfile::tempdir_in(home()?)?;
        let (made, folder) = (fresh.path().join(name), kept.join(name));
        let output = run(program, &["new".as_ref(), made.as_os_str(), "--lang".as_ref(), language.as_ref()])?;
        ensure!(output.status.success(), "{}", said(&output));
        for (file, from, to) in edits {
            let path = made.join(file);
            let text = fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
            ensure!(text.contains(from), "{file} has no `{from}`:\n{text}");
            fs::write(&path, text.replace(from, to))?;
        }
        if contents(&made)? != contents(&folder).unwrap_or_default() {
            if kept.exists() {
                fs::remove_dir_all(&kept)?;
            }
            fs::create_dir_all(&kept)?;
            fs::rename(&made, &folder)?;
        }
        Ok(Self { folder, program: program.into(), _lock: lock })
    }

    /// Builds it, unless that was done. Returns the component and how long it took.
    ///
    /// # Errors
    /// When it does not build: with all that was printed.
    pub fn build(&self) -> Result<(PathBuf, Duration)> {
        let begun = Instant::now();
        let output = self.verb("build", &[])?;
        let took = begun.elapsed();
        ensure!(output.status.success(), "building {}:\n{}", self.folder.display(), said(&output));
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((self.folder.join(printed), took))
    }

    /// Runs a verb on it.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn verb(&self, verb: &str, args: &[&str]) -> Result<Output> {
        let mut command = command(&self.program)?;
        command.arg(verb).args(args).current_dir(&self.folder);
        Ok(command.output()?)
    }
}

/// Everything that a program printed.
#[must_use]
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a program is here. One that is not is said aloud, with what stays untested.
#[must_use]
pub fn is_here(program: &str, language: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok()
        || Command::new(program).arg("version").output().is_ok();
    if !here {
        eprintln!("NOT TESTED: handlers in {language}, because `{program}` is not installed here");
    }
    here
}

/// Gives a command of the program the tools that all tests share.
///
/// # Errors
/// When the cache cannot be made.
pub fn command(program: &Path) -> Result<Command> {
    let home = home()?;
    let mut command = Command::new(program);
    clean(&mut command, &home);
    // Toolchains are where the person who runs the tests has them.
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME"] {
        match std::env::var_os(name) {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("XDG_CACHE_HOME", home.join("cache")).env("XDG_DATA_HOME", home.join("data"));
    command.env_remove("CARGO_TARGET_DIR");
    Ok(command)
}

/// A node that builds with the same tools. It is found where each node of a test is: several of one name run at a time.
///
/// # Errors
/// When there is no place for what the tools leave.
pub fn with_tools(setup: Setup) -> Result<Setup> {
    let tools = command(Path::new(""))?;
    let own = |name: &str| name == "XDG_RUNTIME_DIR";
    let set = tools.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
    Ok(set.filter(|(name, _)| !own(name)).fold(setup, |setup, (name, value)| setup.env(name, value)))
}

fn run(program: &str, args: &[&std::ffi::OsStr]) -> Result<Output> {
    Ok(command(Path::new(program))?.args(args).output()?)
}

fn home() -> Result<PathBuf> {
    let home = workspace().join("target/languages");
    fs::create_dir_all(&home)?;
    Ok(home)
}

/// Every file that people write, or the SDK is.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(&below)? {
            let path = entry?.path();
            let kind = fs::symlink_metadata(&path)?.file_type();
            let made = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            let is_made = [".hive/build", ".hive/site", "target", "node_modules", "Cargo.lock"]
                .contains(&made.as_str())
                || made.ends_with("__pycache__");
            if is_made {
                continue;
            }
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                files.insert(path.strip_prefix(folder)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    if files.is_empty() {
        bail!("nothing is in {}", folder.display());
    }
    Ok(files)
}
