//! Files and folders that change: one debounced watcher, for plugins and for their sources alike.
//!
//! Exists so that a burst of system events, as from a compiler or a copy, becomes one notice after it is over. It must not
//! know what the files are.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::Notify, time::Instant};

/// A change is told when nothing more happened for so long: a file that is being written is not looked at.
const QUIET: Duration = Duration::from_millis(100);

/// Something that never is quiet is told after so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the system cannot watch, folders are looked at so often.
const POLL: Duration = Duration::from_secs(1);

/// Changed paths that are remembered one by one; past it only the roots are told.
const CHANGES_MAX: usize = 1_024;

/// Folders that are watched inside a tree of sources.
const TREE_FOLDERS_MAX: usize = 4_096;

/// How much of a folder is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The files in it, but hidden ones.
    Files,
    /// The files in it.
    Hidden,
    /// The files in it and below, without hidden folders, `node_modules` and what cargo makes.
    Sources,
}

/// Watches folders until it is dropped.
pub struct Watch {
    roots: Vec<PathBuf>,
    depth: Depth,
    changes: Arc<Changes>,
    watcher: Box<dyn Watcher + Send>,
    /// Folders that have a watch of their own; only grows, as the system forgets those that are gone.
    watched: BTreeSet<PathBuf>,
    /// When the changes began that are still going on; set between the first notice and the telling.
    begun: Option<Instant>,
}

/// Why a folder is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It cannot be read.
    #[error("cannot watch {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system's own reasons.
    #[error("cannot watch {}: {reason}", .path.display())]
    System {
        /// The folder.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
}

/// What changed and was not told yet. Written by the watcher's thread; the mutex is held for one insertion.
#[derive(Default)]
struct Changes {
    paths: Mutex<BTreeSet<PathBuf>>,
    told: Notify,
}

impl Watch {
    /// Watches folders. Where the system has no watches left, they are looked at once a second.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn start(roots: &[PathBuf], depth: Depth) -> Result<Self, WatchError> {
        for root in roots {
            fs::read_dir(root).map_err(|source| WatchError::Folder { path: root.clone(), source })?;
        }
        let changes = Arc::new(Changes::default());
        let mut watch = Self {
            roots: roots.to_vec(),
            depth,
            watcher: Box::new(notify::NullWatcher),
            changes,
            watched: BTreeSet::new(),
            begun: None,
        };
        let ignored = if depth == Depth::Hidden { |_: &Path| false } else { is_noise };
        if let Err(error) = watch.follow_with(|changes| Ok(Box::new(system_watcher(changes, ignored)?))) {
            tracing::warn!("{error}; looking every second instead");
            watch.follow_with(|changes| Ok(Box::new(poll_watcher(changes, ignored)?)))?;
        }
        Ok(watch)
    }

    fn follow_with(
        &mut self,
        make: impl Fn(&Arc<Changes>) -> notify::Result<Box<dyn Watcher + Send>>,
    ) -> Result<(), WatchError> {
        let root = self.roots.first().map_or(Path::new(""), PathBuf::as_path);
        self.watcher = make(&self.changes).map_err(|error| system(root, &error))?;
        self.watched.clear();
        self.follow()
    }

    /// Waits for changes and then until they are over. Returns the paths, or the roots when there were too many.
    /// Cancel-safe: what was noticed is told the next time.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        let begun = match self.begun {
            Some(begun) => begun,
            None => {
                self.something().await;
                *self.begun.insert(Instant::now())
            }
        };
        let patience = begun + PATIENCE;
        while Instant::now() < patience {
            let more = tokio::time::timeout(QUIET, self.changes.told.notified()).await;
            if more.is_err() {
                break;
            }
        }
        self.begun = None;
        // Folders that are new have files in them that were not seen: their own path is among the changes.
        if let Err(error) = self.follow() {
            tracing::warn!("{error}");
        }
        let mut paths = self.changes.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = std::mem::take(&mut *paths);
        if changed.len() >= CHANGES_MAX { self.roots.clone() } else { changed.into_iter().collect() }
    }

    /// Waits for a notice, or for a root that was gone and is back: of that nobody gives notice.
    async fn something(&mut self) {
        let is_gone = |watch: &Self| watch.roots.iter().any(|root| !watch.watched.contains(root));
        while is_gone(self) {
            if tokio::time::timeout(POLL, self.changes.told.notified()).await.is_ok() {
                return;
            }
            let back: Vec<PathBuf> = self
                .roots
                .iter()
                .filter(|root| !self.watched.contains(*root) && root.is_dir())
                .cloned()
                .collect();
            if !back.is_empty() {
                self.changes.paths.lock().unwrap_or_else(PoisonError::into_inner).extend(back);
                return;
            }
        }
        self.changes.told.notified().await;
    }

    /// Watches every folder that has no watch yet. A root that was gone and is back gets a new one.
    fn follow(&mut self) -> Result<(), WatchError> {
        let folders = match self.depth {
            Depth::Files | Depth::Hidden => self.roots.clone(),
            Depth::Sources => tree(&self.roots),
        };
        self.watched.retain(|folder| folder.is_dir());
        for folder in folders {
            if self.watched.contains(&folder) || !folder.is_dir() {
                continue;
            }
            let watched = self.watcher.watch(&folder, RecursiveMode::NonRecursive);
            watched.map_err(|error| system(&folder, &error))?;
            self.watched.insert(folder);
        }
        Ok(())
    }
}

impl Changes {
    fn note(&self, event: notify::Result<Event>, ignored: impl Fn(&Path) -> bool) {
        let paths = match event {
            Ok(event) if is_change(event.kind) => event.paths,
            Ok(_) => return,
            // The watcher lost events: its paths, if any, are as good as changed.
            Err(error) => error.paths,
        };
        let mut changed = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        let mut something = false;
        for path in paths.into_iter().filter(|path| !ignored(path)) {
            something = true;
            if changed.len() < CHANGES_MAX {
                changed.insert(path);
            }
        }
        drop(changed);
        if something {
            self.told.notify_one();
        }
    }
}

fn is_change(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// Which paths are not told.
type Ignored = fn(&Path) -> bool;

fn system_watcher(changes: &Arc<Changes>, ignored: Ignored) -> notify::Result<RecommendedWatcher> {
    let noted = Arc::clone(changes);
    RecommendedWatcher::new(move |event| noted.note(event, ignored), Config::default())
}

fn poll_watcher(changes: &Arc<Changes>, ignored: Ignored) -> notify::Result<PollWatcher> {
    let noted = Arc::clone(changes);
    let config = Config::default().with_poll_interval(POLL);
    PollWatcher::new(move |event| noted.note(event, ignored), config)
}

fn system(path: &Path, error: &notify::Error) -> WatchError {
    let reason = match &error.kind {
        notify::ErrorKind::Io(error) => error.to_string(),
        notify::ErrorKind::MaxFilesWatch => "the system's limit of watches is reached".into(),
        _ => error.to_string(),
    };
    WatchError::System { path: path.into(), reason }
}

/// What editors and tools write beside the files that matter. A name with two dots is how volumes are swapped.
fn is_noise(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (name.starts_with('.') && !name.starts_with("..")) || name.ends_with('~') || name.ends_with(".swp")
}

fn tree(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = roots.to_vec();
    while let Some(folder) = open.pop() {
        if found.len() >= TREE_FOLDERS_MAX {
            tracing::warn!("more than {TREE_FOLDERS_MAX} folders of sources; the rest is not watched");
            break;
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(below.map(|entry| entry.path()).filter(|path| !is_skipped(path)));
        found.push(folder);
    }
    found
}

/// Whether a folder holds what was made from the sources, or nothing of anybody's interest.
#[must_use]
pub fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Cargo's own is beside its manifest, or has a tag in it; others call their sources so. So has a virtual environment.
    let is_cargos = || name == "target" && folder.with_file_name("Cargo.toml").is_file();
    let is_made = || ["CACHEDIR.TAG", "pyvenv.cfg"].iter().any(|mark| folder.join(mark).is_file());
    // What setuptools leaves where a package is built from its sources.
    let is_pythons = || {
        name == "build" && folder.join("lib").is_dir() && folder.with_file_name("pyproject.toml").is_file()
    };
    let is_named = matches!(name, "node_modules" | "__pycache__") || name.ends_with(".egg-info");
    name.starts_with('.') || is_named || is_cargos() || is_pythons() || is_made()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn changed(watch: &mut Watch) -> Vec<PathBuf> {
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.expect("a change in time")
    }

    #[tokio::test]
    async fn a_burst_of_writes_is_one_change_and_tells_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.wasm");
        let mut watch = Watch::start(&[folder.path().into()], Depth::Files).expect("a watch");
        for n in 0..20 {
            fs::write(&file, vec![0_u8; n]).expect("written");
            fs::write(folder.path().join(".a.tmp"), b"x").expect("written");
        }
        assert_eq!(changed(&mut watch).await, [file]);
        fs::rename(folder.path().join(".a.tmp"), folder.path().join("b.wasm")).expect("renamed");
        assert_eq!(changed(&mut watch).await, [folder.path().join("b.wasm")]);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_no_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.wasm");
        let mut watch = Watch::start(&[folder.path().into()], Depth::Files).expect("a watch");
        fs::write(&file, b"x").expect("written");
        for _ in 0..5 {
            let short = tokio::time::timeout(QUIET / 5, watch.changed()).await;
            assert!(short.is_err() || short == Ok(vec![file.clone()]));
            if short.is_ok() {
                return;
            }
        }
        assert_eq!(changed(&mut watch).await, [file]);
    }

    #[tokio::test]
    async fn a_folder_that_went_and_came_back_is_watched_again() {
        let parent = tempfile::tempdir().expect("a folder");
        let new = parent.path().join("src");
        let mut watch = Watch::start(&[parent.path().into()], Depth::Sources).expect("a watch");
        for _ in 0..2 {
            fs::create_dir(&new).expect("made");
            assert!(changed(&mut watch).await.contains(&new));
            fs::write(new.join("lib.rs"), b"x").expect("written");
            assert!(changed(&mut watch).await.contains(&new.join("lib.rs")));
            fs::remove_dir_all(&new).expect("removed");
            assert!(changed(&mut watch).await.contains(&new));
        }
    }

    #[tokio::test]
    async fn a_root_that_went_and_came_back_is_watched_again() {
        let parent = tempfile::tempdir().expect("a folder");
        let root = parent.path().join("plugins");
        fs::create_dir(&root).expect("made");
        let mut watch = Watch::start(std::slice::from_ref(&root), Depth::Files).expect("a watch");
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(changed(&mut watch).await, std::slice::from_ref(&root));
        fs::create_dir(&root).expect("made");
        assert_eq!(changed(&mut watch).await, std::slice::from_ref(&root));
        fs::write(root.join("a.wasm"), b"x").expect("written");
        assert_eq!(changed(&mut watch).await, [root.join("a.wasm")]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Watch::start(&["/nowhere/at/all".into()], Depth::Files).err().expect("an error");
        assert!(error.to_string().starts_with("cannot watch /nowhere/at/all: "), "{error}");
    }

    #[test]
    fn what_was_built_is_not_source() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, venv) = (folder.path().join("target"), folder.path().join("venv"));
        fs::create_dir(&venv).expect("made");
        assert!(is_skipped(Path::new(".git")) && !is_skipped(Path::new("a/src")));
        assert!(!is_skipped(&target) && !is_skipped(&venv));
        fs::write(folder.path().join("Cargo.toml"), "").expect("written");
        fs::write(venv.join("pyvenv.cfg"), "").expect("written");
        assert!(is_skipped(&target) && is_skipped(&venv));
    }
}
