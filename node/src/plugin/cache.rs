//! The compiled cache: machine code of components, in the data directory, so that a node that starts again compiles nothing.
//!
//! What it owns: one folder, which several programs of one user may share, its key and its bound. An entry is machine code
//! that runs outside of any sandbox, so nothing is loaded that was not written with the key: each carries a keyed hash over
//! its name and its bytes, and the bytes that are checked are the bytes that are loaded, read once. It must not know plugins,
//! or how code is compiled.

use std::{
    fs::{self, File},
    hash::{Hash, Hasher},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use wasmtime::{Module, component::Component};

use crate::trust::{hex, random_bytes};

/// The folder in the data directory.
const FOLDER: &str = "cache";
/// The file of the key that entries are marked with.
const KEY_FILE: &str = "key";
/// What an entry's file is called behind its name.
const EXTENSION: &str = "code";
/// Bytes of all entries. Small Rust handlers have 200 to 400 KiB each, so this is some thousands of them.
const BYTES_MAX: u64 = 2 << 30;
/// A file that was on its way for so long was left by a crash; another program may be writing a younger one.
const LEFT_AFTER: Duration = Duration::from_secs(60);
/// Bytes of a mark, at the beginning of an entry.
const MARK_BYTES: usize = 32;

/// Machine code by what it was compiled from.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Made with the folder. Whoever reads it can have its nodes run what he likes, and could do so without it.
    key: [u8; 32],
    /// Which engine, with which settings, on which machine: code of any other is another entry.
    engine: String,
    bytes_max: u64,
    /// Bytes of all entries, roughly. Held while old entries are removed.
    used: Mutex<u64>,
    /// Names files while they are written.
    fresh: AtomicU64,
}

/// Why there is nothing to load.
#[derive(Debug, thiserror::Error)]
enum Miss {
    #[error("there is none")]
    None,
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    #[error("it is torn, or not this folder's")]
    Mark,
    #[error("the engine refuses it: {0}")]
    Refused(String),
}

impl Cache {
    /// The cache of a data directory, for one engine.
    ///
    /// # Errors
    /// When its folder or its key cannot be made or read.
    pub fn open(data_dir: &Path, engine: &wasmtime::Engine) -> io::Result<Self> {
        Self::bounded(data_dir, engine, BYTES_MAX)
    }

    fn bounded(data_dir: &Path, engine: &wasmtime::Engine, bytes_max: u64) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // Somebody else's umask, or copy, may have opened it.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        let key = key(&folder.join(KEY_FILE))?;
        let mut used = 0_u64;
        for (path, modified, size) in files(&folder)? {
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                if modified.elapsed().is_ok_and(|age| age > LEFT_AFTER) {
                    let _ = fs::remove_file(&path);
                }
                continue;
            }
            used = used.saturating_add(size);
        }
        let engine = fingerprint(engine);
        Ok(Self { folder, key, engine, bytes_max, used: Mutex::new(used), fresh: AtomicU64::new(0) })
    }

    /// The code of a component or module with this hash, ready to be linked. None: it has to be compiled.
    pub fn load<C: Code>(&self, engine: &wasmtime::Engine, hash: &str) -> Option<C> {
        let path = self.path(hash);
        match self.read(engine, &path, hash) {
            Ok(code) => {
                // The oldest go first; that it was used now need not be known for sure.
                let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                Some(code)
            }
            Err(Miss::None) => None,
            Err(miss) => {
                tracing::debug!("{} is not used, and written anew: {miss}", path.display());
                None
            }
        }
    }

    fn read<C: Code>(&self, engine: &wasmtime::Engine, path: &Path, hash: &str) -> Result<C, Miss> {
        let entry = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Miss::None,
            _ => Miss::Io(error),
        })?;
        let (mark, code) = entry.split_at_checked(MARK_BYTES).ok_or(Miss::Mark)?;
        // Compared in constant time, as hashes are.
        if <[u8; MARK_BYTES]>::try_from(mark).ok().map(blake3::Hash::from_bytes)
            != Some(self.mark(hash, code))
        {
            return Err(Miss::Mark);
        }
        C::of(engine, code).map_err(|error| Miss::Refused(format!("{error:#}")))
    }

    /// Keeps the code of a component or module with this hash. A cache that cannot be written is only slower.
    pub fn keep(&self, code: &impl Code, hash: &str) {
        let path = self.path(hash);
        let kept = code.serialized().map_err(io::Error::other).and_then(|code| {
            let entry = [self.mark(hash, &code).as_bytes(), &code[..]].concat();
            let (process, number) = (std::process::id(), self.fresh.fetch_add(1, Relaxed));
            let fresh = self.folder.join(format!("{process}-{number}.new"));
            let written = write_whole(&fresh, &path, &entry);
            if written.is_err() {
                let _ = fs::remove_file(&fresh);
            }
            written.map(|()| u64::try_from(entry.len()).unwrap_or(u64::MAX))
        });
        match kept {
            Ok(bytes) => self.make_room(bytes),
            Err(error) => tracing::debug!("{} cannot be kept: {error}", path.display()),
        }
    }

    /// Removes what was not used for longest, when all is more than it may be.
    fn make_room(&self, added: u64) {
        let mut used = self.used();
        *used = used.saturating_add(added);
        if *used <= self.bytes_max {
            return;
        }
        let Ok(mut entries) = files(&self.folder) else { return };
        entries.retain(|(path, _, _)| path.extension().is_some_and(|extension| extension == EXTENSION));
        entries.sort_by_key(|(_, modified, _)| *modified);
        *used = entries.iter().map(|(_, _, size)| size).sum();
        for (path, _, size) in entries {
            if *used <= self.bytes_max / 4 * 3 {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                *used = used.saturating_sub(size);
            }
        }
    }

    fn used(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.folder.join(format!("{hash}-{}.{EXTENSION}", self.engine))
    }

    /// What only who has the key can make: of the bytes, and of what they are the code of.
    fn mark(&self, hash: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for text in [hash, &self.engine] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(code);
        hasher.finalize()
    }
}

/// What is compiled, and can be written down.
pub trait Code: Sized {
    /// As bytes.
    ///
    /// # Errors
    /// When the engine cannot.
    fn serialized(&self) -> wasmtime::Result<Vec<u8>>;

    /// From bytes that carry this node's mark.
    ///
    /// # Errors
    /// When they are of something else, or of another engine.
    fn of(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Self>;
}

/// Both kinds say it with the same words and share no trait.
macro_rules! code {
    ($($kind:ty),*) => {
        $(
            impl Code for $kind {
                fn serialized(&self) -> wasmtime::Result<Vec<u8>> {
                    self.serialize()
                }

                #[expect(
                    unsafe_code,
                    reason = "the code carries this node's mark, so it is what `serialize` gave to this engine"
                )]
                fn of(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Self> {
                    // SAFETY: `code` was written by `Cache::keep` of this node, by its keyed hash.
                    unsafe { Self::deserialize(engine, code) }
                }
            }
        )*
    };
}

code!(Component, Module);

/// Which engine: its version, its settings and what the machine can do.
fn fingerprint(engine: &wasmtime::Engine) -> String {
    let mut hasher = Blake(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let hash = hasher.0.finalize();
    hex(hash.as_bytes().get(..8).unwrap_or_default())
}

/// A hasher that gives the same in every build.
struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// The key in a file; a new one when there is none, or none that is whole: then nothing that was kept is used.
fn key(path: &Path) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => {
            if let Ok(key) = bytes.try_into() {
                return Ok(key);
            }
            // Somebody else may have found it torn as well.
            let _ = fs::remove_file(path);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let key: [u8; 32] = random_bytes();
    // Of a name that nobody else writes to, whichever program or thread begins at the same time.
    let fresh = path.with_extension(format!("{}.new", hex(&random_bytes::<8>())));
    let linked = write(&fresh, &key).and_then(|()| fs::hard_link(&fresh, path));
    // What is left of it is let go when the cache is full.
    let _ = fs::remove_file(&fresh);
    match linked {
        // The first one counts: what two programs that begin at once keep is of use to both.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read(path)?.try_into().map_err(|_| io::Error::other("its key is no key"))
        }
        linked => linked.map(|()| key),
    }
}

/// Writes a private file beside its place and puts it there. A crash may leave it torn, which its reader finds out.
pub(super) fn write_whole(fresh: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(fresh, bytes)?;
    fs::rename(fresh, path)
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    io::Write::write_all(&mut file, bytes)
}

/// The entries, and files on their way: each with when it was used and its size.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
    let entries = fs::read_dir(folder)?.flatten().filter(|entry| entry.file_name() != KEY_FILE);
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((entry.path(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len()))
    };
    Ok(entries.filter_map(file).collect())
}

#[cfg(test)]
mod tests;
