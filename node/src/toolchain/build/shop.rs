//! The user's cache of what projects of all languages need and nobody installed: tools and interfaces.
//!
//! What it owns: where they are, one installation at a time, and what is said of it. It must not know what a tool does.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::{BuildError, Options, tool::place};
use crate::toolchain::sdk;

/// The user's cache: tools and interfaces that the projects of all languages share.
pub struct Shop<'s> {
    folder: PathBuf,
    options: Options,
    say: &'s (dyn Fn(&str) + Sync),
}

/// Something that is installed into the cache once.
pub struct Kit {
    /// Its folder's name: with the versions of what is in it.
    pub name: String,
    /// What people call it.
    pub called: String,
    /// What it is needed for.
    pub why: &'static str,
}

impl<'s> Shop<'s> {
    /// The cache of whoever runs this.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn open(options: Options, say: &'s (dyn Fn(&str) + Sync)) -> Result<Self, BuildError> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let folder = cache.ok_or(BuildError::NoCache)?.join("hive-node");
        Ok(Self { folder, options, say })
    }

    /// Whether something may be installed.
    #[must_use]
    pub fn installs(&self) -> bool {
        self.options.install
    }

    /// Says something to the person who watches.
    pub fn say(&self, text: &str) {
        (self.say)(text);
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
        if !self.options.install {
            return Err(BuildError::NotInstalled {
                what: kit.called.clone(),
                why: kit.why,
                hint: "leave out `--no-install` once: it goes into your cache, not into the system".into(),
            });
        }
        // One installs it at a time, whichever process it is in; the lock goes with the file.
        let _lock = lock(&folder).await?;
        if folder.is_dir() {
            return Ok(folder);
        }
        self.say(&format!("{} is not in your cache yet; installing it there ({})", kit.called, kit.why));
        let fresh = fresh(&folder, "new")?;
        let installed = install(&fresh).await;
        if let Err(error) = installed {
            // What is half there is of no use; the error that made it so is what counts.
            let _ = fs::remove_dir_all(&fresh);
            return Err(error);
        }
        fs::rename(&fresh, &folder).map_err(|source| place(&folder, source))?;
        Ok(folder)
    }
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

/// The lock on a folder to be. Waiting for it holds up nobody else.
async fn lock(folder: &Path) -> Result<File, BuildError> {
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
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kit_is_installed_once_and_a_failed_one_leaves_nothing() {
        let cache = tempfile::tempdir().expect("a folder");
        let shop = |install| Shop { folder: cache.path().into(), options: Options { install }, say: &|_| {} };
        let kit = Kit { name: "kit-1".into(), called: "kit".into(), why: "tests need it" };
        let refused = shop(false).kit(&kit, async |_: &Path| Ok(())).await.expect_err("not installed");
        assert!(matches!(refused, BuildError::NotInstalled { .. }), "{refused}");
        shop(true).kit(&kit, async |_: &Path| Err(BuildError::NoCache)).await.expect_err("it fails");
        let install =
            async |folder: &Path| fs::write(folder.join("a"), b"x").map_err(|error| place(folder, error));
        let folder = shop(true).kit(&kit, install).await.expect("installed");
        assert!(folder.join("a").is_file());
        let again = async |_: &Path| Err(BuildError::NoCache);
        assert_eq!(shop(true).kit(&kit, again).await.expect("there already"), folder);
    }

    #[test]
    fn the_interfaces_are_written_once() {
        let cache = tempfile::tempdir().expect("a folder");
        let shop = Shop { folder: cache.path().into(), options: Options { install: false }, say: &|_| {} };
        let folder = shop.wit().expect("written");
        assert!(folder.join("worlds.wit").is_file());
        assert_eq!(shop.wit().expect("there already"), folder);
    }
}
