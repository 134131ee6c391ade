//! Components that were live, by their content: what a plugin goes back to must not depend on a file that was replaced.
//!
//! What it owns: one folder of the data directory, or the bytes themselves where there is none. It must not know which
//! plugin had them, or why they are kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::cache::write_whole;
use crate::trust::{hex, random_bytes};

/// The folder in the data directory.
const FOLDER: &str = "versions";
/// What their files are called behind the hash.
const EXTENSION: &str = "wasm";

/// Components by the hash of their content, in hex.
#[derive(Debug)]
pub enum Versions {
    /// In files.
    Disk(PathBuf),
    /// Without a data directory, in memory. The mutex is held for a look.
    Memory(Mutex<BTreeMap<String, Bytes>>),
}

impl Versions {
    /// Those of a data directory; without one they are forgotten with the node.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(data_dir: Option<&Path>) -> io::Result<Self> {
        let Some(data_dir) = data_dir else { return Ok(Self::Memory(Mutex::default())) };
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Self::Disk(folder))
    }

    /// Keeps a component. Blocks on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, hash: &str, component: &Bytes) -> io::Result<()> {
        match self {
            Self::Memory(kept) => drop(lock(kept).insert(hash.to_owned(), component.clone())),
            Self::Disk(folder) => {
                let path = path(folder, hash);
                let size = u64::try_from(component.len()).unwrap_or(u64::MAX);
                if fs::metadata(&path).is_ok_and(|file| file.len() == size) {
                    return Ok(());
                }
                // Two plugins may have the same component.
                let fresh = path.with_extension(hex(&random_bytes::<4>()));
                write_whole(&fresh, &path, component)?;
            }
        }
        Ok(())
    }

    /// A component that is kept, if it is what it was. Blocks on the disk.
    #[must_use]
    pub fn component(&self, hash: &str) -> Option<Bytes> {
        let found = match self {
            Self::Memory(kept) => lock(kept).get(hash).cloned(),
            Self::Disk(folder) => fs::read(path(folder, hash)).ok().map(Bytes::from),
        };
        found.filter(|component| *blake3::hash(component).to_hex() == *hash)
    }

    /// Forgets one.
    pub fn forget(&self, hash: &str) {
        match self {
            Self::Memory(kept) => drop(lock(kept).remove(hash)),
            // What stays is only untidy, and goes with the next start.
            Self::Disk(folder) => drop(fs::remove_file(path(folder, hash))),
        }
    }

    /// Forgets all but these.
    pub fn retain(&self, hashes: &BTreeSet<String>) {
        let Self::Disk(folder) = self else { return };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_wanted = |stem: &std::ffi::OsStr| stem.to_str().is_some_and(|hash| hashes.contains(hash));
            if path.extension().is_none_or(|extension| extension != EXTENSION)
                || !path.file_stem().is_some_and(is_wanted)
            {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

fn path(folder: &Path, hash: &str) -> PathBuf {
    folder.join(format!("{hash}.{EXTENSION}"))
}

fn lock(kept: &Mutex<BTreeMap<String, Bytes>>) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_it_was_or_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let hash_of = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
        let (one, two) = (hash_of("one"), hash_of("two"));
        for data_dir in [None, Some(folder.path())] {
            let versions = Versions::open(data_dir).expect("versions");
            for text in ["one", "two"] {
                versions.keep(&hash_of(text), &Bytes::from(text)).expect("kept");
            }
            assert_eq!(versions.component(&one).as_deref(), Some(&b"one"[..]));
            versions.forget(&one);
            assert_eq!((versions.component(&one), versions.component(&two).is_some()), (None, true));
        }
        let file = path(&folder.path().join(FOLDER), &two);
        fs::write(&file, b"owt").expect("written");
        let versions = Versions::open(Some(folder.path())).expect("versions");
        assert_eq!(versions.component(&two), None, "somebody touched it");
        versions.retain(&[one].into());
        assert!(!file.exists());
    }
}
