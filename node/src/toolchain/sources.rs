//! Folders of sources that are being worked on: which of them changed.
//!
//! Exists so that `dev` builds again only what somebody saved. It must not know how anything is built.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::File,
    io::{stderr, stdout},
    os::{fd::AsFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use crate::watch::{Depth, Watch, WatchError, is_skipped};

/// Watches folders of sources, without what is built from them.
pub struct Sources {
    /// Their real paths.
    folders: Vec<PathBuf>,
    /// The files that this process writes what it says into.
    outputs: Vec<FileId>,
    watch: Watch,
    /// Files that are elsewhere and matter, too, and what watches their folders.
    files: BTreeSet<PathBuf>,
    files_watch: Option<Watch>,
    /// Folders of sources that are elsewhere.
    others: BTreeSet<PathBuf>,
    others_watch: Option<Watch>,
    /// What is in there is none.
    except: Option<PathBuf>,
}

/// A device, and a file's number there.
type FileId = (u64, u64);

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
        let outputs = [file_id(stdout()), file_id(stderr())].into_iter().flatten().collect();
        let watch = Watch::start(&folders, Depth::Sources)?;
        let (files, others) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self {
            folders,
            outputs,
            watch,
            files,
            files_watch: None,
            others,
            others_watch: None,
            except: None,
        })
    }

    /// Watches files and folders elsewhere, too, as far as they are there, and for good.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn also(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> Result<(), WatchError> {
        let real = paths.into_iter().filter_map(|path| path.canonicalize().ok());
        let new = real.filter(|path| !self.is_source(path) && !self.files.contains(path));
        let (folders, files): (BTreeSet<_>, BTreeSet<_>) = new.partition(|path| path.is_dir());
        if !folders.is_empty() {
            self.others.extend(folders);
            let all: Vec<_> = self.others.iter().cloned().collect();
            self.others_watch = Some(Watch::start(&all, Depth::Sources)?);
        }
        if !files.is_empty() {
            self.files.extend(files);
            let all: BTreeSet<_> = self.files.iter().filter_map(|file| file.parent()).collect();
            let all: Vec<_> = all.into_iter().map(Path::to_owned).collect();
            self.files_watch = Some(Watch::start(&all, Depth::Files)?);
        }
        Ok(())
    }

    /// The same without a folder among them that programs write into.
    #[must_use]
    pub fn except(self, folder: &Path) -> Self {
        Self { except: folder.canonicalize().ok(), ..self }
    }

    /// Waits until something was saved; that a program's log grew is no save. Returns the files, or their folders when there
    /// were too many.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let mut changed = tokio::select! {
                changed = self.watch.changed() => changed,
                changed = next(&mut self.others_watch) => changed,
                changed = next(&mut self.files_watch) => {
                    changed.into_iter().filter(|path| self.files.contains(path)).collect()
                }
            };
            let matters = |path: &PathBuf| self.is_source(path) || self.files.contains(path);
            changed.retain(|path| matters(path) && !self.is_output(path));
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    /// Whether a path is in a folder of sources, and not in what is made of them.
    fn is_source(&self, path: &Path) -> bool {
        let is_apart = self.except.as_ref().is_some_and(|except| path.starts_with(except));
        !is_apart && self.folders.iter().chain(&self.others).any(|folder| is_source(path, folder))
    }

    /// Whether somebody's log grew. One that began a build, of which it tells, would begin one for ever.
    fn is_output(&self, path: &Path) -> bool {
        let is_ours = |id: FileId| self.outputs.contains(&id);
        path.extension() == Some(OsStr::new("log")) && !path.is_dir()
            || path.metadata().is_ok_and(|found| is_ours((found.dev(), found.ino())))
    }
}

/// What changed; nothing ever does where nothing is watched.
async fn next(watch: &mut Option<Watch>) -> Vec<PathBuf> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn file_id(file: impl AsFd) -> Option<FileId> {
    let found = File::from(file.as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
    Some((found.dev(), found.ino()))
}

/// Whether a path is in a folder of sources, and not in what is made of them.
fn is_source(path: &Path, folder: &Path) -> bool {
    let mut below = path.ancestors().take_while(|above| *above != folder);
    path.starts_with(folder) && !below.any(is_skipped)
}

#[cfg(test)]
mod tests {
    use std::{fs, slice, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_save_tells_its_file_and_a_build_tells_nothing() {
        let parent = tempfile::tempdir().expect("a folder");
        let (one, other) = (parent.path().join("one"), parent.path().join("other"));
        fs::create_dir_all(one.join("src")).expect("made");
        fs::create_dir_all(other.join("target/release")).expect("made");
        fs::write(other.join("Cargo.toml"), b"").expect("written");
        let mut sources = Sources::watch(&[one.clone(), other.clone()]).expect("a watch");
        fs::write(other.join("target/release/x"), b"x").expect("written");
        fs::write(one.join("src/lib.rs"), b"x").expect("written");
        let changed = tokio::time::timeout(Duration::from_secs(20), sources.changed());
        let saved = one.canonicalize().expect("a folder").join("src/lib.rs");
        assert_eq!(changed.await.expect("a change in time"), [saved]);
    }

    #[tokio::test]
    async fn what_is_said_into_a_file_beside_them_is_no_save() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().canonicalize().expect("a folder");
        let said = File::create(folder.join("said.txt")).expect("made");
        let mut sources = Sources::watch(slice::from_ref(&folder)).expect("a watch");
        sources.outputs.extend(file_id(&said));
        fs::write(folder.join("said.txt"), b"x").expect("written");
        fs::write(folder.join("other.log"), b"x").expect("written");
        fs::write(folder.join("catalog"), b"x").expect("written");
        let changed = tokio::time::timeout(Duration::from_secs(20), sources.changed());
        assert_eq!(changed.await.expect("a change in time"), [folder.join("catalog")]);
    }

    #[tokio::test]
    async fn a_file_elsewhere_is_followed_and_a_folder_of_data_is_not() {
        let parent = tempfile::tempdir().expect("a folder");
        let parent = parent.path().canonicalize().expect("a folder");
        let (folder, file) = (parent.join("one"), parent.join("hive.yaml"));
        fs::create_dir_all(folder.join("data")).expect("made");
        let inside = folder.join("inside.js");
        fs::write(&file, "x").expect("written");
        fs::write(&inside, "x").expect("written");
        let sources = Sources::watch(slice::from_ref(&folder)).expect("a watch");
        let mut sources = sources.except(&folder.join("data"));
        let lib = parent.join("lib");
        fs::create_dir(&lib).expect("made");
        sources.also([file.clone(), inside, lib.clone(), parent.join("gone")]).expect("a watch");
        assert_eq!((sources.files.len(), sources.others.len()), (1, 1), "one is among them anyway");
        let mut next = async || {
            let changed = tokio::time::timeout(Duration::from_secs(20), sources.changed());
            changed.await.expect("a change in time")
        };
        fs::write(folder.join("data/store"), b"x").expect("written");
        fs::write(parent.join("other.yaml"), b"x").expect("written");
        fs::write(&file, b"y").expect("written");
        assert_eq!(next().await, slice::from_ref(&file));
        fs::write(lib.join("x.c"), b"y").expect("written");
        assert_eq!(next().await, [lib.join("x.c")]);
    }
}
