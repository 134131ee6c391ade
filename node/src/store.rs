//! The store: one database in the data directory for what is looked up by name and changed in place.
//!
//! What it owns: retained values, the index of dead letters, and the state of plugins; each as a typed table. It exists
//! beside the journal because that one only grows. It must not know who writes, when a value is too old, or what a value's
//! bytes mean. Reading is a look into a file that is mostly in memory; writing is handed to one thread, which commits all
//! that waits at once, and may be awaited.
//!
//! The engine is redb, chosen by measurement against fjall, 256-byte values, two runs on a busy 2-core machine with
//! ext4 (redb 4.5 / fjall 3.1): a durable put 280 / 370 a second, the same by 64 a commit 13,000 / 24,000, a put that need not be
//! durable 22,000 / 220,000, a get 175,000 / 85,000, iterating 2,200,000 / 340,000, opening 100,000 values 10 ms / 1.5 s.
//! Both are synced at the disk's pace; what is retained is read at each start and iterated by each new subscriber, where
//! redb is two to a hundred times faster, and it is one file and one dependency, which is libc. What is written so often
//! that fjall would matter belongs in the journal.
//!
//! A file that something else changed can make redb panic, so every page is checked when it is opened: 150 ms for the
//! 70 MB of the measurement.

mod dead;
mod plugins;
mod retained;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition, TableError};

pub use dead::DeadLetters;
pub use plugins::Plugins;
pub use retained::{Retained, RetainedValue};
pub use state::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, State, StateChange, StateValue};
pub use timers::{KeptTimer, Timers};
pub use write::{Durability, Writing};
use write::{Shared, Writer};

/// The file in the data directory.
const FILE: &str = "store.redb";
/// What the tables look like. Another number is another version's.
const FORMAT: u64 = 1;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
/// The database keeps so much of itself in memory; retained values are 64 MiB at most and few of them are hot.
const CACHE_BYTES: usize = 16 << 20;

/// The database of one data directory. Clones are the same one; it is closed, with all that was handed over written,
/// when the last is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// Ends the thread, and waits for it, with the last clone.
    _writer: Arc<Writer>,
}

/// Why the store cannot be opened, read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the store {path} is in use by another process", path = .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A program of another version wrote it.
    #[error("the store {path} has format {found}; this version reads format {FORMAT}", path = .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: u64,
    },
    /// It is no store, or not as it was written.
    #[error("the store {path} is damaged: {reason}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refuses something.
    #[error("cannot use the store {path}: {reason}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
    /// More is written than the disk takes.
    #[error("{changes} changes ({bytes} bytes) wait for the store already")]
    Full {
        /// How many wait.
        changes: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// It is over what the table takes.
    #[error("the {what} has {bytes} bytes; {max} is the most")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// The thread that writes has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { .. } => {
                Some("stop that node, or give this one a directory of its own with --data-dir".into())
            }
            Self::Version { path, .. } => {
                Some(format!("run the version that wrote it, or move {} away", path.display()))
            }
            Self::Damaged { path, .. } => Some(format!(
                "restore {path} from a backup, or move it away: other nodes give back retained values, the state of plugins is lost",
                path = path.display()
            )),
            Self::Io { .. } => {
                Some("let this user read and write it, look at the disk, or choose another --data-dir".into())
            }
            Self::Full { .. } | Self::TooLarge { .. } | Self::Closed => None,
        }
    }
}

impl Store {
    /// Opens the store of a data directory; makes it if there is none.
    ///
    /// # Errors
    /// When another process has it, it is another version's, it is damaged, or the system refuses.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE);
        let fault = Fault(&path);
        let opened =
            Database::builder().set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true).create(&path);
        let database = opened.map_err(|error| fault.opening(error))?;
        match format_of(&database, fault)? {
            Some(FORMAT) => {}
            Some(found) => return Err(StoreError::Version { path, found }),
            None => stamp(&database).map_err(|error| fault.of(error))?,
        }
        let shared = Arc::new(Shared::new(path, database));
        let writer = Writer::start(Arc::clone(&shared))?;
        Ok(Self { shared, _writer: Arc::new(writer) })
    }

    /// The last values of channels.
    #[must_use]
    pub fn retained(&self) -> Retained<'_> {
        Retained(&self.shared)
    }

    /// What no handler could handle.
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters<'_> {
        DeadLetters(&self.shared)
    }

    /// What plugins keep.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        State(&self.shared)
    }

    /// What is remembered of plugins.
    #[must_use]
    pub fn plugins(&self) -> Plugins<'_> {
        Plugins(&self.shared)
    }

    /// What plugins have set for later.
    #[must_use]
    pub fn timers(&self) -> Timers<'_> {
        Timers(&self.shared)
    }

    /// Has everything that was handed over so far put on disk.
    ///
    /// # Errors
    /// When the store is closed.
    pub fn flush(&self) -> Result<Writing, StoreError> {
        self.shared.flush()
    }

    /// The last time a commit failed, in words, since the store was opened.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.shared.last_failure()
    }
}

/// The format a database has; none when it was just made.
fn format_of(database: &Database, fault: Fault<'_>) -> Result<Option<u64>, StoreError> {
    let transaction = database.begin_read().map_err(|error| fault.of(error))?;
    let table = match transaction.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => {
            let others = transaction.list_tables().map_err(|error| fault.of(error))?.count();
            return match others {
                0 => Ok(None),
                _ => Err(fault.damaged("it has tables and does not say of which format")),
            };
        }
        Err(error) => return Err(fault.of(error)),
    };
    let format = table.get(FORMAT_KEY).map_err(|error| fault.of(error))?;
    format.map(|format| Some(format.value())).ok_or_else(|| fault.damaged("it does not say its format"))
}

/// Makes all tables, so that a read need not ask whether one is there.
fn stamp(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    retained::make(&transaction)?;
    dead::make(&transaction)?;
    plugins::make(&transaction)?;
    state::make(&transaction)?;
    timers::make(&transaction)?;
    transaction.commit()?;
    Ok(())
}

/// Turns the engine's errors into the store's, for a file.
#[derive(Debug, Clone, Copy)]
struct Fault<'a>(&'a Path);

impl Fault<'_> {
    fn of(self, error: impl Into<redb::Error>) -> StoreError {
        let path = self.0.to_path_buf();
        match error.into() {
            redb::Error::Io(error) => StoreError::Io { path, reason: error.to_string() },
            redb::Error::PreviousIo => {
                StoreError::Io { path, reason: "an earlier write failed; open it again".into() }
            }
            redb::Error::DatabaseAlreadyOpen => StoreError::Busy { path },
            other => StoreError::Damaged { path, reason: other.to_string() },
        }
    }

    fn opening(self, error: DatabaseError) -> StoreError {
        match error {
            DatabaseError::UpgradeRequired(found) => {
                StoreError::Version { path: self.0.into(), found: found.into() }
            }
            // So a file that is no database, or ends too early, is reported.
            DatabaseError::Storage(StorageError::Io(error))
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof
                ) =>
            {
                self.damaged(&error.to_string())
            }
            other => self.of(other),
        }
    }

    fn damaged(self, reason: &str) -> StoreError {
        StoreError::Damaged { path: self.0.into(), reason: reason.into() }
    }
}

/// Refuses a part that is over its limit.
fn check(what: &'static str, bytes: usize, max: usize) -> Result<(), StoreError> {
    if bytes > max { Err(StoreError::TooLarge { what, bytes, max }) } else { Ok(()) }
}
