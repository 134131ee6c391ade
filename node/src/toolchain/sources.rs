//! Folders of sources that are being worked on: which of them changed.
//!
//! Exists so that `dev` builds again only what somebody saved. It must not know how anything is built.

use std::path::{Path, PathBuf};

use crate::watch::{Depth, Watch, WatchError, is_skipped};

/// Watches folders of sources, without what is built from them.
pub struct Sources {
    /// Their real paths.
    folders: Vec<PathBuf>,
    watch: Watch,
}

impl Sources {
    /// Watches these folders.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn watch(folders: &[PathBuf]) -> Result<Self, WatchError> {
        let real = |folder: &PathBuf| {
            folder.canonicalize().map_err(|source| WatchError::Folder { path: folder.clone(), source })
        };
        let folders = folders.iter().map(real).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { watch: Watch::start(&folders, Depth::Sources)?, folders })
    }

    /// Waits until something was saved. Returns the files, or their folders when there were too many.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let mut changed = self.watch.changed().await;
            changed.retain(|path| self.folders.iter().any(|folder| is_source(path, folder)));
            if !changed.is_empty() {
                return changed;
            }
        }
    }
}

/// Whether a path is in a folder of sources, and not in what is made of them.
fn is_source(path: &Path, folder: &Path) -> bool {
    path.strip_prefix(folder).is_ok_and(|below| !below.iter().any(|part| is_skipped(Path::new(part))))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_save_tells_its_file_and_a_build_tells_nothing() {
        let parent = tempfile::tempdir().expect("a folder");
        let (one, other) = (parent.path().join("one"), parent.path().join("other"));
        fs::create_dir_all(one.join("src")).expect("made");
        fs::create_dir_all(other.join("target/release")).expect("made");
        let mut sources = Sources::watch(&[one.clone(), other.clone()]).expect("a watch");
        fs::write(other.join("target/release/x"), b"x").expect("written");
        fs::write(one.join("src/lib.rs"), b"x").expect("written");
        let changed = tokio::time::timeout(Duration::from_secs(20), sources.changed());
        let saved = one.canonicalize().expect("a folder").join("src/lib.rs");
        assert_eq!(changed.await.expect("a change in time"), [saved]);
    }
}
