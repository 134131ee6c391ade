//! Guests: the samples, and handlers for tests alone, as components, built once for all tests and all test programs.
//!
//! What it owns: one cargo build of each workspace of guests under a file lock, kept by the content of everything that
//! goes into it. It must not know what the guests do.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::fs::{FlockOperation, flock};

use crate::{
    cargo::{cargo, clean},
    workspace,
};

/// A workspace of guests.
struct Guests {
    /// Where it is.
    folder: &'static str,
    built: OnceLock<PathBuf>,
}

static SAMPLES: Guests = Guests { folder: "samples", built: OnceLock::new() };
static TEST_GUESTS: Guests = Guests { folder: "tests/guests", built: OnceLock::new() };

/// The component of a sample, such as `greeter`.
///
/// # Panics
/// When the samples cannot be built or have no such component: says why and what to do.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    SAMPLES.component(name)
}

/// The component of a handler for tests alone, such as `openings`.
///
/// # Panics
/// As [`guest`].
#[must_use]
pub fn test_guest(name: &str) -> PathBuf {
    TEST_GUESTS.component(name)
}

impl Guests {
    fn component(&self, name: &str) -> PathBuf {
        let folder = self.built.get_or_init(|| match self.build() {
            Ok(folder) => folder,
            Err(error) => panic!("cannot build {}: {error:#}", self.folder),
        });
        // Cargo calls a library so that Rust can name it.
        let path = folder.join(name.replace('-', "_")).with_extension("wasm");
        assert!(path.is_file(), "{} has no component `{name}`: {} is missing", self.folder, path.display());
        path
    }
}

/// The same component with another content and so another hash: a custom section at its end that nobody reads.
///
/// # Errors
/// When the file cannot be read.
pub fn variant(component: &Path, mark: &str) -> Result<Vec<u8>> {
    const NAME: &[u8] = b"variant";
    let mut bytes = fs::read(component)?;
    let length = 1 + NAME.len() + mark.len();
    ensure!(length < 128, "a mark of fewer bytes, so that its length is one byte");
    bytes.extend([0, u8::try_from(length)?, u8::try_from(NAME.len())?]);
    bytes.extend(NAME);
    bytes.extend(mark.as_bytes());
    Ok(bytes)
}

/// Puts a file into a folder at once: written beside and renamed, so that a watcher never sees a half.
///
/// # Errors
/// When it cannot be written.
pub fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let (beside, path) = (folder.join(format!(".{name}.new")), folder.join(name));
    fs::write(&beside, bytes)?;
    fs::rename(&beside, &path)?;
    Ok(path)
}

const TARGET: &str = "wasm32-wasip2";

/// The folder of what is built here, and its lock, which lasts until it is dropped.
fn locked() -> Result<(PathBuf, File)> {
    let guests = workspace().join("target").join("guests");
    fs::create_dir_all(&guests)?;
    let lock = File::create(guests.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive).context("locking the guests")?;
    Ok((guests, lock))
}

impl Guests {
    /// Cargo in the workspace, with its own target folder.
    fn cargo(&self) -> Command {
        let mut cargo = cargo(&workspace().join(self.folder));
        cargo.env_remove("CARGO_TARGET_DIR");
        cargo
    }

    /// The folder with all components of the present content.
    fn build(&self) -> Result<PathBuf> {
        let (guests, _lock) = locked()?;
        let folder = guests.join(self.content()?);
        if folder.is_dir() {
            return Ok(folder);
        }
        ensure_target()?;
        run(self.cargo().args(["build", "--release", "--target", TARGET]), "building the guests")?;
        let fresh = tempfile::tempdir_in(&guests)?;
        let built = workspace().join(self.folder).join("target").join(TARGET).join("release");
        for file in fs::read_dir(built)? {
            let path = file?.path();
            if let (Some(true), Some(name)) = (path.extension().map(|ext| ext == "wasm"), path.file_name()) {
                fs::copy(&path, fresh.path().join(name))?;
            }
        }
        fs::rename(fresh.keep(), &folder)?;
        Ok(folder)
    }

    /// A hash of every file that goes into the guests.
    fn content(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut files = Vec::new();
        for root in [self.folder, "guest-sdk/rust", "wit"] {
            collect(&workspace().join(root), &mut files)?;
        }
        files.sort();
        for file in files {
            hasher.update(file.as_os_str().as_encoded_bytes());
            hasher.update(blake3::hash(&fs::read(&file)?).as_bytes());
        }
        hasher.update(rustc_version()?.as_bytes());
        Ok(hasher.finalize().to_hex().chars().take(16).collect())
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What builds and tests of any language leave behind.
        if matches!(&*name, "target" | "node_modules" | "__pycache__") || name.starts_with('.') {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

fn rustc_version() -> Result<String> {
    Ok(String::from_utf8(clean("rustc").arg("-V").output()?.stdout)?)
}

/// Adds the target's standard library if the toolchain has none.
fn ensure_target() -> Result<()> {
    let rustc = |what: &[&str]| clean("rustc").args(what).output();
    let libraries = rustc(&["--print", "target-libdir", "--target", TARGET])?;
    if Path::new(String::from_utf8_lossy(&libraries.stdout).trim()).is_dir() {
        return Ok(());
    }
    run(clean("rustup").args(["target", "add", TARGET]), "adding the target")
        .context("the samples need the WebAssembly target: run `rustup target add wasm32-wasip2`")
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("{what}: cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{what} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_components_once() -> Result<()> {
        let (first, again) = (guest("greeter"), guest("greeter"));
        assert_eq!(first, again);
        let (plain, varied) = (fs::read(&first)?, variant(&first, "v2")?);
        // Layer 1 of the binary format: a component, where a core module has layer 0.
        assert_eq!(&plain[..8], b"\0asm\x0d\0\x01\0");
        assert_eq!((&varied[..plain.len()], varied.len()), (&plain[..], plain.len() + 2 + 1 + 7 + 2));
        Ok(())
    }

    /// Another workspace, so that testing this one would not run them.
    #[test]
    fn the_samples_pass_their_own_tests() -> Result<()> {
        let (_, _lock) = locked()?;
        run(SAMPLES.cargo().args(["test", "--locked"]), "testing the samples")
    }
}
