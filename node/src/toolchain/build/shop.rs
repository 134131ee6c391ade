//! The user's cache of what projects of all languages need and nobody installed: tools and interfaces.
//!
//! What it owns: where they are, one installation at a time, and what is said of it. It must not know what a tool does.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};

use super::{BuildError, Options, tool::place};
use crate::toolchain::sdk::{self, Refreshed, Sdk};

/// What goes on without a word for so long is said to go on.
const SILENCE: Duration = Duration::from_secs(2);
/// And then so often.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// The SDKs of which was said that they stay as they are: that is no news at the next save, for which there is another shop.
/// The lock is held for one insertion.
static STAYING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What is said to the person who watches.
#[derive(Debug, Clone, Copy)]
pub enum Said<'s> {
    /// What is done, or was.
    Fact(&'s str),
    /// How far something is that takes long, which is for a terminal alone.
    Progress(&'s str),
}

/// The user's cache: tools and interfaces that the projects of all languages share.
pub struct Shop<'s> {
    folder: PathBuf,
    options: Options,
    say: &'s (dyn Fn(Said<'_>) + Sync),
    /// How much is being installed: what waits for it says nothing of its own.
    installing: AtomicUsize,
}

/// Something that is installed into the cache once.
pub struct Kit {
    /// Its folder's name: with the versions of what is in it.
    pub name: String,
    /// What people call it.
    pub called: String,
    /// What it is needed for.
    pub why: &'static str,
    /// How it gets there.
    pub comes: Comes,
}

/// How something gets into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comes {
    /// From elsewhere, which may be forbidden.
    Installed,
    /// Of what is there.
    Made,
}

impl Comes {
    /// While it does, and when it has.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Installed => ("installing", "installed"),
            Self::Made => ("making", "made"),
        }
    }
}

impl<'s> Shop<'s> {
    /// The cache of whoever runs this.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn open(options: Options, say: &'s (dyn Fn(Said<'_>) + Sync)) -> Result<Self, BuildError> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let folder = cache.ok_or(BuildError::NoCache)?.join("hive-node");
        Ok(Self { folder, options, say, installing: AtomicUsize::new(0) })
    }

    /// Whether something may be installed.
    #[must_use]
    pub fn installs(&self) -> bool {
        self.options.install
    }

    /// Says something to the person who watches.
    pub fn say(&self, text: &str) {
        (self.say)(Said::Fact(text));
    }

    /// Waits for what a tool makes without a word, and says meanwhile that it goes on.
    pub async fn making<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let is_free = || self.installing.load(Relaxed) == 0;
        self.watched(work, async |took| is_free().then(|| format!("{what}: {took} s"))).await
    }

    /// Waits for what a tool installs into a folder without a word, and says meanwhile how far it is, and at the end how long
    /// it took.
    ///
    /// # Errors
    /// Those of the tool.
    pub async fn installing<T>(
        &self,
        what: &str,
        folder: &Path,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        self.coming(Comes::Installed, what, folder, work).await
    }

    async fn coming<T>(
        &self,
        comes: Comes,
        what: &str,
        folder: &Path,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        let (doing, did) = comes.words();
        let begun = Instant::now();
        self.installing.fetch_add(1, Relaxed);
        let done = self.watched(work, async |took| {
            let folder = folder.to_path_buf();
            let bytes = tokio::task::spawn_blocking(move || bytes_in(&folder)).await.unwrap_or(0);
            Some(format!("{doing} {what}: {} MB, {took} s", bytes / 1_000_000))
        });
        let done = done.await;
        self.installing.fetch_sub(1, Relaxed);
        if done.is_ok() {
            self.say(&format!("{did} {what} in {:.1} s", begun.elapsed().as_secs_f64()));
        }
        done
    }

    /// `progress` says how far it is after so many seconds, if there is something to say.
    async fn watched<T>(
        &self,
        work: impl Future<Output = T>,
        progress: impl AsyncFn(u64) -> Option<String>,
    ) -> T {
        let (begun, mut silence, mut work) = (Instant::now(), SILENCE, pin!(work));
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(silence) => {
                    silence = PROGRESS_EVERY;
                    if let Some(text) = progress(begun.elapsed().as_secs()).await {
                        (self.say)(Said::Progress(&text));
                    }
                }
            }
        }
    }

    /// A folder of the cache for what a tool itself keeps, such as objects.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|source| place(&folder, source))?;
        Ok(folder)
    }

    /// The folder with the interfaces between handler and node, as this program has them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn wit(&self) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join("wit").join(sdk::wit_hash());
        if folder.is_dir() {
            return Ok(folder);
        }
        let fresh = fresh(&folder, &format!("{}.new", std::process::id()))?;
        sdk::write(&sdk::WIT, &fresh).map_err(|source| place(&fresh, source))?;
        let renamed = fs::rename(&fresh, &folder);
        if renamed.is_err() && folder.is_dir() {
            // Somebody else was faster, with the same.
            fs::remove_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
            return Ok(folder);
        }
        renamed.map_err(|source| place(&folder, source))?;
        Ok(folder)
    }

    /// Sees to it that the SDK in a project's own folder is this program's, unless somebody has changed it, and says what was
    /// done, or once that nothing was.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn see_to_sdk(&self, project: &str, sdk: Sdk, folder: &Path) -> Result<(), BuildError> {
        if sdk.is_in(folder) {
            return Ok(());
        }
        // Another program may be at it.
        let _lock = lock(&folder.with_file_name("build").join("sdk")).await?;
        let refreshed = sdk.refresh(folder).map_err(|source| place(folder, source))?;
        let stays = matches!(refreshed, Refreshed::Changed(_) | Refreshed::Unknown);
        if stays && !STAYING.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.into()) {
            return Ok(());
        }
        let what = match refreshed {
            Refreshed::Same => return Ok(()),
            Refreshed::Written => "was not there, and was written".to_owned(),
            Refreshed::Renewed => "was of another hive-node, and is this one's now".to_owned(),
            Refreshed::Changed(file) => format!(
                "is of another hive-node and stays so, as {} was changed: delete the folder to have this one's",
                file.display()
            ),
            Refreshed::Unknown => "is of another hive-node: delete the folder to have this one's".to_owned(),
        };
        self.say(&format!("the SDK of `{project}` in {} {what}", sdk::FOLDER));
        Ok(())
    }

    /// The folder of a kit; it is installed when it is not there: `install` is given an empty folder.
    ///
    /// # Errors
    /// When it is not there and must not or cannot be installed.
    pub async fn kit(
        &self,
        kit: &Kit,
        install: impl AsyncFnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join("tools").join(&kit.name);
        if folder.is_dir() {
            return Ok(folder);
        }
        if kit.comes == Comes::Installed && !self.options.install {
            return Err(BuildError::NotInstalled {
                what: kit.called.clone(),
                why: kit.why,
                hint: "leave out `--no-install` once: it goes into your cache, not into the system".into(),
            });
        }
        // One installs it at a time, whichever process it is in; the lock goes with the file.
        let _lock = self.making(&format!("waiting for {}", kit.called), lock(&folder)).await?;
        if folder.is_dir() {
            return Ok(folder);
        }
        let (doing, _) = kit.comes.words();
        self.say(&format!("{} is not in your cache yet; {doing} it there ({})", kit.called, kit.why));
        let fresh = fresh(&folder, "new")?;
        let installed = self.coming(kit.comes, &kit.called, &fresh, install(&fresh)).await;
        if let Err(error) = installed {
            // What is half there is of no use; the error that made it so is what counts.
            let _ = fs::remove_dir_all(&fresh);
            return Err(error);
        }
        fs::rename(&fresh, &folder).map_err(|source| place(&folder, source))?;
        Ok(folder)
    }
}

/// What the files of a folder and below have. What cannot be read counts for nothing.
fn bytes_in(folder: &Path) -> u64 {
    let (mut bytes, mut open) = (0_u64, vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => open.push(entry.path()),
                Ok(found) => bytes = bytes.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// An empty folder beside the one that it will be renamed to.
fn fresh(folder: &Path, extension: &str) -> Result<PathBuf, BuildError> {
    let fresh = folder.with_added_extension(extension);
    if fresh.exists() {
        // Of somebody who was ended in between.
        fs::remove_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
    }
    fs::create_dir_all(&fresh).map_err(|source| place(&fresh, source))?;
    Ok(fresh)
}

/// The lock on a folder, which need not be there. Waiting for it holds up nobody else.
pub(super) async fn lock(folder: &Path) -> Result<File, BuildError> {
    let path = folder.with_added_extension("lock");
    let taken = tokio::task::spawn_blocking(move || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| place(parent, source))?;
        }
        let lock = File::create(&path).map_err(|source| place(&path, source))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| place(&path, error.into()))?;
        Ok(lock)
    });
    taken.await.unwrap_or_else(|error| Err(place(folder, io::Error::other(error))))
}

#[cfg(test)]
mod tests;
