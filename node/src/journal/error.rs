//! What can go wrong with a journal: one enum an operation, and what a person may do about it.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use hive_proto::{
    event::MessageError,
    plane::cursor::{CursorName, Scattered},
};

use crate::units::{self, ByteSize};

/// Why an event, or a cursor's change, is not on disk. Everybody in a batch gets the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The event is over a limit.
    #[error(transparent)]
    Event(#[from] MessageError),
    /// More is published than the disk takes.
    #[error("{events} events ({bytes}) wait for the disk already", bytes = ByteSize(*.bytes as u64))]
    Busy {
        /// How many wait.
        events: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Everything that is kept is still needed.
    #[error("the journal is full ({used} of {max}){holder}", used = ByteSize(*.used), max = ByteSize(*.max),
        holder = .holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Full {
        /// Bytes on disk and on their way there.
        used: u64,
        /// Bytes there may be.
        max: u64,
        /// Who needs the oldest of it.
        holder: Option<Holder>,
    },
    /// The disk refused the bytes. They were taken back, and the next append tries again.
    #[error("cannot write the journal {path}: {source}", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The disk took the bytes and could not say that it has them. The file is closed and the next append begins a new one.
    #[error("cannot bring the journal {path} to the disk: {source}", path = .path.display())]
    Sync {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The servers that keep the journal take nothing, and no more may wait for them.
    #[error("{events} events ({bytes}) wait already for the journal's servers at {servers}, for {away}: {why}",
        bytes = ByteSize(*.bytes as u64), away = units::duration_rough(*.away))]
    SpoolFull {
        /// Which servers.
        servers: String,
        /// Why they take nothing.
        why: String,
        /// How long they have taken nothing.
        away: Duration,
        /// How many wait.
        events: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The servers that keep the journal did not take it in time. It may be there nevertheless.
    #[error("the journal's servers at {servers} did not take it within {waited}: {why}",
        waited = units::duration_rough(*.waited))]
    Away {
        /// Which servers.
        servers: String,
        /// How long it was tried.
        waited: Duration,
        /// What is wrong.
        why: String,
    },
    /// The servers that keep the journal say no.
    #[error("the journal's servers at {servers} do not take it: {why}")]
    Refused {
        /// Which servers.
        servers: String,
        /// What they say.
        why: String,
    },
    /// It was told to close.
    #[error("the journal is closed")]
    Closed,
}

/// The cursor that is furthest behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` has not acknowledged position {position}, which was published {} ago", units::duration_rough(*.waits))]
pub struct Holder {
    /// Whose.
    pub name: CursorName,
    /// The first position it needs.
    pub position: u64,
    /// How long ago that was published, to about a mark of the index.
    pub waits: Duration,
}

impl AppendError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Full { holder: Some(holder), .. } => Some(format!(
                "let `{}` catch up or be forgotten, or allow the journal more bytes",
                holder.name
            )),
            Self::Full { .. } => Some("allow the journal more bytes".into()),
            Self::Write { path, .. } | Self::Sync { path, .. } => {
                Some(format!("look at the disk that has {}: is it full or failing?", path.display()))
            }
            Self::SpoolFull { servers, .. } | Self::Away { servers, .. } => {
                Some(format!("look at nats-server on {servers}: what waits is taken as soon as it is back"))
            }
            Self::Event(_) | Self::Busy { .. } | Self::Refused { .. } | Self::Closed => None,
        }
    }
}

/// Why a cursor is not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CursorError {
    /// Nobody registered it, or it was forgotten.
    #[error("the journal has no cursor `{0}`")]
    Unknown(CursorName),
    /// An acknowledgement of what is not there yet.
    #[error("position {position} cannot be acknowledged: the journal ends at {last}")]
    Beyond {
        /// What was acknowledged.
        position: u64,
        /// The last there is.
        last: u64,
    },
    /// Too many holes.
    #[error(transparent)]
    Scattered(#[from] Scattered),
    /// Every cursor is written at the head of each segment, so there are only so many.
    #[error("the journal has {0} cursors, which is the most")]
    TooMany(usize),
    /// Where to begin cannot be found out.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not on disk.
    #[error(transparent)]
    Save(#[from] AppendError),
}

/// Why a journal cannot be read on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not what was written.
    #[error("the journal {path} is damaged at byte {offset}: no record at position {position} can be read", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// Which position was expected there.
        position: u64,
    },
    /// The system cannot read the file.
    #[error("cannot read the journal {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: Arc<io::Error>,
    },
    /// The servers that keep it do not say what is there.
    #[error("cannot read the journal at {servers}: {why}")]
    Servers {
        /// Which servers.
        servers: String,
        /// What is wrong.
        why: String,
    },
    /// The thread that reads is gone: the runtime is ending.
    #[error("reading the journal was interrupted")]
    Interrupted,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the journal in {dir} is in use{holder}", dir = .dir.display(),
        holder = .pid.map(|pid| format!(" by process {pid}")).unwrap_or_default())]
    Busy {
        /// The journal's directory.
        dir: PathBuf,
        /// Who has it, if they said so.
        pid: Option<u32>,
    },
    /// A program of another version wrote it.
    #[error("the journal {path} has format {found}; this version reads format {ours}", path = .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: u16,
        /// What is read.
        ours: u16,
    },
    /// It is no journal of this node and network.
    #[error("the journal {path} is {found}, not {expected}", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it says it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// Bytes that were durable are not what was written.
    #[error("the journal {path} is damaged at byte {offset}, at or after position {position}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// The first position that may be lost.
        position: u64,
    },
    /// A segment in the middle is not there.
    #[error("the journal in {dir} has no file with positions {first} to {last}", dir = .dir.display())]
    Missing {
        /// The journal's directory.
        dir: PathBuf,
        /// The first that is missing.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The servers that are to keep it refuse, and waiting does not help.
    #[error("cannot keep the journal at {servers}: {why}")]
    Servers {
        /// Which servers.
        servers: String,
        /// What is wrong.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The system refuses something.
    #[error("cannot use the journal {path}: {source}", path = .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

impl OpenError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Busy { .. } => {
                "stop that node, or give this one a directory of its own with --data-dir".into()
            }
            Self::Version { path, .. } => format!(
                "run the version that wrote it, or move {} away: its events are lost to this node then",
                path.parent().unwrap_or(path).display()
            ),
            Self::Foreign { path, .. } => format!(
                "put back the node key it was written with, or move {} away",
                path.parent().unwrap_or(path).display()
            ),
            Self::Damaged { .. } | Self::Missing { .. } => {
                "restore the journal from a backup, or repair it: what is damaged is left out and named"
                    .into()
            }
            Self::Servers { hint, .. } => (*hint).into(),
            Self::Io { .. } => "let this user read and write it, or choose another --data-dir".into(),
        }
    }
}
