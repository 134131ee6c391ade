//! The journal on this node's own disk: files that only grow, one thread that writes them, and a lock.
//!
//! It lies in one directory a network. Cursors are records among the events, and each segment begins with all of them:
//! so an acknowledgement costs no sync of its own, nothing has to be compacted, and opening reads one segment. It must
//! not know who publishes or why.

mod keep;
mod open;
mod read;
mod repair;
mod segment;
mod state;
mod system;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::{
    fs::DirBuilder,
    ops::RangeInclusive,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use futures_util::future::BoxFuture;
use hive_proto::{channel::NetworkName, id::NodeId, pattern::Pattern};
use tokio::sync::watch;

pub use open::Note;
pub use repair::Repaired;
use segment::Owner;
use state::Shared;
use system::{Real, System};
use writer::Writer;

use super::{
    AppendError, Appending, Cursor, CursorError, CursorName, Journal, Logged, OpenError, ReadError, Reader,
    Registered, Saving, Settings, Start, Status,
};
use crate::trust::identity::{self, DirLock, LockError};

/// Bytes of one segment at most: offsets in records are 32 bits, and a batch may go past the end.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// A journal in a directory of its own.
#[derive(Debug)]
pub struct DiskJournal {
    shared: Arc<Shared>,
    notes: Vec<Note>,
}

impl DiskJournal {
    /// Opens the journal of a network below `dir`, for the node `origin`; makes it if there is none. Reads the last
    /// segment, so it blocks for some tens of milliseconds.
    ///
    /// # Errors
    /// When another process has it, it is another version's or another node's, it is damaged, or the system refuses.
    pub fn open(
        dir: &Path,
        network: &NetworkName,
        origin: NodeId,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let owner = Owner { network: network.clone(), origin };
        Self::open_with(&dir.join(folder(network)), owner, settings, Arc::new(Real))
    }

    /// Mends a damaged journal that nobody has open. Returns what was done, file by file.
    ///
    /// # Errors
    /// As [`DiskJournal::open`], but for damage.
    pub fn repair(dir: &Path, network: &NetworkName, origin: NodeId) -> Result<Vec<Repaired>, OpenError> {
        let dir = dir.join(folder(network));
        let _lock = lock(&dir)?;
        repair::repair(&dir, &Owner { network: network.clone(), origin })
    }

    /// What a person should know about how it was found.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    fn open_with(
        dir: &Path,
        owner: Owner,
        mut settings: Settings,
        system: Arc<dyn System>,
    ) -> Result<Self, OpenError> {
        let lock = lock(dir)?;
        settings.segment_bytes = settings.segment_bytes.clamp(1, SEGMENT_BYTES_MAX);
        let found = open::recover(dir, &owner, &*system)?;
        let active = found.held.last().filter(|_| found.grows).cloned();
        let place = (dir.to_path_buf(), owner);
        let shared = Shared::new(place, settings, system, (found.held, found.next), found.cursors);
        let shared = Arc::new(shared);
        let ended = Ended(Arc::clone(&shared));
        let writer = Writer::new(Arc::clone(&shared), active);
        let run = move || {
            // Dropped in reverse: whoever hears that the journal has ended may open it again.
            let _ended = ended;
            let _lock = lock;
            writer.run();
        };
        let thread = thread::Builder::new().name("journal".into()).spawn(run);
        thread.map_err(|source| OpenError::Io { path: dir.into(), source })?;
        Ok(Self { shared, notes: found.notes })
    }
}

impl Drop for DiskJournal {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Journal for DiskJournal {
    fn append(&self, event: &Logged) -> Result<Appending, AppendError> {
        self.shared.append(event)
    }

    fn register(&self, name: CursorName, start: Start) -> BoxFuture<'_, Result<Registered, CursorError>> {
        Box::pin(async move {
            let next = self.find(start).await?;
            let (registered, saving) = self.shared.register(&name, next)?;
            saving.await?;
            Ok(registered)
        })
    }

    fn acknowledge(&self, name: &CursorName, positions: RangeInclusive<u64>) -> Result<Saving, CursorError> {
        self.shared.acknowledge(name, positions)
    }

    fn forget(&self, name: &CursorName) -> Result<Saving, CursorError> {
        self.shared.forget(name)
    }

    fn cursor(&self, name: &CursorName) -> Option<Cursor> {
        self.shared.lock().cursors.cursor(name).cloned()
    }

    fn find(&self, start: Start) -> BoxFuture<'_, Result<u64, ReadError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            match start {
                Start::Time(_) => tokio::task::spawn_blocking(move || read::find(&shared, start))
                    .await
                    .map_err(|_| ReadError::Interrupted)?,
                _ => read::find(&shared, start),
            }
        })
    }

    fn reader(&self, from: u64, patterns: Vec<Pattern>) -> Box<dyn Reader> {
        Box::new(read::DiskReader::new(Arc::clone(&self.shared), from, patterns))
    }

    fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable.subscribe()
    }

    fn status(&self) -> Status {
        self.shared.status()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.shared.close();
        Box::pin(self.shared.ended.cancelled())
    }
}

/// Says that the thread has ended, also when it panicked.
#[derive(Debug)]
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Makes the directory and keeps others out of it.
fn lock(dir: &Path) -> Result<DirLock, OpenError> {
    let failed = |source| OpenError::Io { path: dir.into(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    identity::lock(dir).map_err(|error| match error {
        LockError::Busy { dir, pid } => OpenError::Busy { dir, pid },
        LockError::Unusable { dir, source } => OpenError::Io { path: dir, source },
    })
}

/// A network's name as a file name: what could mean something to a file system is written as `%` and its number.
fn folder(network: &NetworkName) -> PathBuf {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    network
        .as_str()
        .bytes()
        .fold(String::new(), |mut name, byte| {
            match plain(byte) {
                true => name.push(char::from(byte)),
                false => name.push_str(&format!("%{byte:02X}")),
            }
            name
        })
        .into()
}
