//! Folders of sources that are being worked on: which of them changed.
//!
//! Exists so that `dev` builds again only what somebody saved. It must not know how anything is built.

use std::path::PathBuf;

use crate::watch::{Depth, Watch, WatchError};

/// Watches folders of sources, without what is built from them.
pub struct Sources {
    folders: Vec<(PathBuf, PathBuf)>,
    watch: Watch,
}

impl Sources {
    /// Watches these folders.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn watch(folders: &[PathBuf]) -> Result<Self, WatchError> {
        let mut known = Vec::new();
        for folder in folders {
            let real = folder
                .canonicalize()
                .map_err(|source| WatchError::Folder { path: folder.clone(), source })?;
            known.push((folder.clone(), real));
        }
        let real: Vec<PathBuf> = known.iter().map(|(_, real)| real.clone()).collect();
        Ok(Self { folders: known, watch: Watch::start(&real, Depth::Sources)? })
    }

    /// Waits until something was saved. Returns the folders, as they were given, in which it was.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let paths = self.watch.changed().await;
            let is_in = |folder: &PathBuf| paths.iter().any(|path| path.starts_with(folder));
            let changed = self.folders.iter().filter(|(_, real)| is_in(real));
            let changed: Vec<PathBuf> = changed.map(|(folder, _)| folder.clone()).collect();
            if !changed.is_empty() {
                return changed;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_save_tells_its_folder_and_a_build_tells_nothing() {
        let parent = tempfile::tempdir().expect("a folder");
        let (one, other) = (parent.path().join("one"), parent.path().join("other"));
        fs::create_dir_all(one.join("src")).expect("made");
        fs::create_dir_all(other.join("target/release")).expect("made");
        let mut sources = Sources::watch(&[one.clone(), other.clone()]).expect("a watch");
        fs::write(other.join("target/release/x"), b"x").expect("written");
        fs::write(one.join("src/lib.rs"), b"x").expect("written");
        let changed = tokio::time::timeout(Duration::from_secs(20), sources.changed());
        assert_eq!(changed.await.expect("a change in time"), [one]);
    }
}
