//! A node's identity: its ed25519 key, the life it is in, and the data directory that keeps both.
//!
//! One key, one living node: the key file is private to its owner, the incarnation is on disk before it is
//! used, and a lock on the directory keeps a second node out. Nothing here knows what the key is shown to.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use ed25519_dalek::{
    Signer, SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use hive_proto::id::{Incarnation, NodeId};
use zeroize::Zeroizing;

use super::{Existing, random_bytes, write_whole};

/// The private key, PKCS#8 in PEM.
const KEY_FILE: &str = "node.key";
/// The number of the node's last life, in decimal digits.
const INCARNATION_FILE: &str = "incarnation";
/// Locked while a node runs; holds its process id and what it does, for the message.
const LOCK_FILE: &str = "node.lock";
/// Bytes of it that are read.
const LOCK_FILE_BYTES_MAX: u64 = 32;
/// A PKCS#8 ed25519 key in PEM takes about 120 bytes; anything much larger is another file.
const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

/// A node's key pair. Cheap to make, never printed.
#[derive(Clone)]
pub struct Identity {
    key: SigningKey,
}

impl Identity {
    /// The key in `dir/node.key`; made there with mode 0600 if there is none, and the directory with it.
    ///
    /// # Errors
    /// When the directory or file cannot be used, holds no ed25519 key, or others may read it.
    pub fn load_or_create(dir: &Path) -> Result<Self, IdentityError> {
        create_private_dir(dir)?;
        match Self::load(dir)? {
            Some(identity) => Ok(identity),
            None => Self::create(&dir.join(KEY_FILE)),
        }
    }

    /// The key in `dir/node.key`; none if there is no such file. Makes and changes nothing.
    ///
    /// # Errors
    /// When the file cannot be read, holds no ed25519 key, or others may read it.
    pub fn load(dir: &Path) -> Result<Option<Self>, IdentityError> {
        let path = dir.join(KEY_FILE);
        match File::open(&path) {
            Ok(file) => Self::read(&path, file).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(IdentityError::Read { path, source: e }),
        }
    }

    /// A key that lives as long as this value: for tests, `dev` and embedded nodes.
    #[must_use]
    pub fn ephemeral() -> Self {
        let secret = Zeroizing::new(random_bytes::<32>());
        Self { key: SigningKey::from_bytes(&secret) }
    }

    /// The key of a seed (RFC 8032), as vectors give it.
    #[cfg(test)]
    pub(super) fn of_seed(seed: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(seed) }
    }

    /// The public key, which is the node's id.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.key.verifying_key().to_bytes())
    }

    /// An ed25519 signature (RFC 8032) of the message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The private key as PKCS#8 DER, wiped when dropped. For the TLS stack.
    ///
    /// # Panics
    /// Never: a key pair of fixed size always encodes.
    #[must_use]
    pub fn pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let der = self.key.to_pkcs8_der().expect("an ed25519 key encodes");
        Zeroizing::new(der.as_bytes().to_vec())
    }

    fn read(path: &Path, mut file: File) -> Result<Self, IdentityError> {
        let failed = |source| IdentityError::Read { path: path.into(), source };
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::TooOpen { path: path.into(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        match Read::by_ref(&mut file).take(KEY_FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                return Err(IdentityError::NoKey { path: path.into() });
            }
            Err(e) => return Err(failed(e)),
        }
        match SigningKey::from_pkcs8_pem(&text) {
            Ok(key) => Ok(Self { key }),
            Err(_) => Err(IdentityError::NoKey { path: path.into() }),
        }
    }

    fn create(path: &Path) -> Result<Self, IdentityError> {
        let identity = Self::ephemeral();
        let pem = identity.key.to_pkcs8_pem(LineEnding::LF).expect("an ed25519 key encodes");
        match write_whole(path, pem.as_bytes(), Existing::Keep) {
            Ok(()) => Ok(identity),
            // Somebody else made one in the meantime: theirs is the node's.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let file =
                    File::open(path).map_err(|source| IdentityError::Read { path: path.into(), source })?;
                Self::read(path, file)
            }
            Err(source) => Err(IdentityError::Write { path: path.into(), source }),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.node_id().short())
    }
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The data directory is missing and cannot be made.
    #[error("cannot make the data directory {path}: {source}", path = .path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is there and cannot be read.
    #[error("cannot read {path}: {source}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}", path = .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} holds no ed25519 private key in PEM", path = .path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// Other users may read or write the key.
    #[error("{path} is open to other users (mode {mode:04o})", path = .path.display())]
    TooOpen {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The incarnation file holds no number, or the last there is.
    #[error("{path} holds no incarnation number", path = .path.display())]
    NoIncarnation {
        /// Which.
        path: PathBuf,
    },
}

impl IdentityError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Directory { .. } | Self::Write { .. } => {
                "choose a directory this user may write, with --data-dir".into()
            }
            Self::Read { path, .. } => {
                format!("let this user read {}, or choose another --data-dir", path.display())
            }
            Self::NoKey { path } => format!(
                "restore {path} from a backup, or move it away to start as a new node",
                path = path.display()
            ),
            Self::TooOpen { path, .. } => format!("chmod 600 {}", path.display()),
            Self::NoIncarnation { path } => {
                format!("if this machine's clock is right, remove {}", path.display())
            }
        }
    }
}

/// Begins the node's next life: max(stored + 1, wall clock in ms), on disk before it is returned.
///
/// # Errors
/// When the file cannot be read or written, or holds no number.
pub fn next_incarnation(dir: &Path) -> Result<Incarnation, IdentityError> {
    create_private_dir(dir)?;
    let path = dir.join(INCARNATION_FILE);
    let stored = match fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(IdentityError::Read { path, source }),
    };
    let mut next = clock_incarnation();
    if let Some(bytes) = stored {
        let number = str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let Some(after) = number.and_then(|number| number.checked_add(1)) else {
            return Err(IdentityError::NoIncarnation { path });
        };
        next = next.max(Incarnation(after));
    }
    match write_whole(&path, format!("{}\n", next.0).as_bytes(), Existing::Replace) {
        Ok(()) => Ok(next),
        Err(source) => Err(IdentityError::Write { path, source }),
    }
}

/// The incarnation of a node that keeps nothing on disk: the wall clock in ms.
#[must_use]
pub fn clock_incarnation() -> Incarnation {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Incarnation(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// A data directory held by this process until dropped.
#[derive(Debug)]
pub struct DirLock {
    /// The lock is the open file's; dying releases it.
    file: File,
}

/// What the process that holds a data directory does, for whoever looks for its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It builds handlers; there is no node yet.
    Building,
    /// It starts a node, which does not answer yet.
    Starting,
    /// Its node runs.
    Running,
}

impl Doing {
    const ALL: [Self; 3] = [Self::Building, Self::Starting, Self::Running];

    fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Starting => "starting",
            Self::Running => "running",
        }
    }
}

impl DirLock {
    /// Says what is done with the directory from now on. Nothing is lost where that cannot be written.
    pub fn says(&mut self, doing: Doing) {
        let _ = self.write(doing);
    }

    fn write(&self, doing: Doing) -> io::Result<()> {
        let text = format!("{} {}\n", std::process::id(), doing.word());
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing would not be enough while a child that is being started has the file, too. Nothing is lost if it fails.
        let _ = self.file.unlock();
    }
}

/// Claims a data directory, and makes it if it is missing.
///
/// # Errors
/// When another process holds it, or the lock file cannot be made.
pub fn lock(dir: &Path) -> Result<DirLock, LockError> {
    create_private_dir(dir).map_err(|e| match e {
        IdentityError::Directory { path, source } => LockError::Unusable { dir: path, source },
        other => LockError::Unusable { dir: dir.into(), source: io::Error::other(other) },
    })?;
    let unusable = |source| LockError::Unusable { dir: dir.into(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join(LOCK_FILE))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // The process id is a courtesy; without it the message still says which directory.
            return Err(LockError::Busy { dir: dir.into(), pid: said(&file).0 });
        }
        Err(TryLockError::Error(e)) => return Err(unusable(e)),
    }
    let lock = DirLock { file };
    lock.write(Doing::Starting).map_err(unusable)?;
    Ok(lock)
}

/// The process that holds a data directory and has no node yet, and what it does. None: nobody, or its node runs.
#[must_use]
pub fn held(dir: &Path) -> Option<(u32, Doing)> {
    let file = File::open(dir.join(LOCK_FILE)).ok()?;
    let (Some(process), Some(doing)) = said(&file) else { return None };
    if doing == Doing::Running {
        return None;
    }
    // A process that was killed left its word and not its lock. Who tries has the lock for a moment, so it is not tried
    // where the word says enough.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then_some((process, doing))
}

/// What a lock file says: which process, and what it does.
fn said(mut file: &File) -> (Option<u32>, Option<Doing>) {
    let mut text = String::new();
    let _ = Read::by_ref(&mut file).take(LOCK_FILE_BYTES_MAX).read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let process = words.next().and_then(|word| word.parse().ok());
    let doing = words.next().and_then(|word| Doing::ALL.into_iter().find(|doing| doing.word() == word));
    (process, doing)
}

/// Why a data directory cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another node runs on it.
    #[error("another node{holder} is running on the data directory {dir}",
        holder = .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), dir = .dir.display())]
    Busy {
        /// Which.
        dir: PathBuf,
        /// Who holds it, if they said so.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot use the data directory {dir}: {source}", dir = .dir.display())]
    Unusable {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "stop that node, or give this one a directory of its own with --data-dir",
            Self::Unusable { .. } => "choose a directory this user may write, with --data-dir",
        }
    }
}

fn create_private_dir(dir: &Path) -> Result<(), IdentityError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| IdentityError::Directory { path: dir.into(), source })
}

#[cfg(test)]
mod tests;
