//! The journal: the durable log of what this node publishes in one network, and who has come how far in it.
//!
//! What it owns: what any journal promises, as the trait [`Journal`], and the words for it. It exists so that the bus
//! writes before it acknowledges without knowing where to. It must not know subscriptions, links or who is to be told.
//!
//! The promises. An append that resolved is on disk at the position it says. Positions count from 1 and are never given
//! twice. A cursor never goes back behind an acknowledgement that resolved, and never beyond what was acknowledged; one
//! that did not resolve may be lost, and what it covered comes again. The journal's owner is the origin: nobody else's
//! events are in it.
//!
//! "On disk" is where the engine keeps it: on this node's own disk, or on those of JetStream servers.

mod cursors;
pub mod disk;
mod error;
pub mod jetstream;
mod pending;
#[cfg(test)]
mod tests;

use std::{fmt, io, ops::RangeInclusive, path::Path, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use hive_proto::{channel::NetworkName, id::NodeId, pattern::Pattern, time::Hlc};
use tokio::sync::watch;

pub use error::{AppendError, CursorError, Holder, OpenError, ReadError};
pub use hive_proto::plane::{
    cursor::{Cursor, CursorName},
    log::Logged,
};
pub(crate) use pending::Promise;
pub use pending::{Appending, Saving};

/// A durable log and its cursors. Everything may be called from anywhere at any time; nothing blocks but reading, which
/// is done elsewhere and awaited.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Queues an event. What is returned resolves to its position once it is on disk, or to why it is not.
    ///
    /// # Errors
    /// When it is not even queued: the queue or the journal is full, the event over a limit, the journal closed.
    fn append(&self, event: &Logged) -> Result<Appending, AppendError>;

    /// Makes a cursor, on disk before this resolves; one that is there already stays where it is.
    fn register(&self, name: CursorName, start: Start) -> BoxFuture<'_, Result<Registered, CursorError>>;

    /// Acknowledges a stretch of positions for a cursor: at once for who asks here, on disk when what is returned
    /// resolves. Who reads with a pattern acknowledges what was [skipped](Batch::skipped), too, or the floor stays.
    ///
    /// # Errors
    /// When there is no such cursor, nothing is at these positions yet, or they would leave too many holes below them.
    fn acknowledge(&self, name: &CursorName, positions: RangeInclusive<u64>) -> Result<Saving, CursorError>;

    /// Removes a cursor: nothing is kept for it any more.
    ///
    /// # Errors
    /// When there is no such cursor.
    fn forget(&self, name: &CursorName) -> Result<Saving, CursorError>;

    /// What a cursor has acknowledged.
    fn cursor(&self, name: &CursorName) -> Option<Cursor>;

    /// The first position that `start` means: of what is there, or of what comes next.
    fn find(&self, start: Start) -> BoxFuture<'_, Result<u64, ReadError>>;

    /// Reads from a position on, only what one of the patterns matches; without patterns, everything.
    fn reader(&self, from: u64, patterns: Vec<Pattern>) -> Box<dyn Reader>;

    /// The last position on disk, 0 while there is none. Changes as soon as there is more to read.
    fn durable(&self) -> watch::Receiver<u64>;

    /// What there is to show.
    fn status(&self) -> Status;

    /// Takes nothing new, and resolves when all that was queued is on disk or refused. Dropping a journal does the same
    /// and does not wait.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Reads a journal in order.
pub trait Reader: fmt::Debug + Send {
    /// What comes next, about `bytes` of it and at least one record; waits while there is nothing new. Nothing of it need
    /// match. None when the journal was closed and everything was read. Nothing is lost when the future is dropped.
    fn next(&mut self, bytes: usize) -> BoxFuture<'_, Result<Option<Batch>, ReadError>>;
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what comes next.
    End,
    /// With the first that is kept.
    Beginning,
    /// With this position, or the first that is kept after it.
    Position(u64),
    /// With the first that was published at this time or later.
    Time(Hlc),
}

/// A cursor after it was registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Everything up to here is behind it.
    pub floor: u64,
    /// It was there before.
    pub resumed: bool,
}

/// What one reading gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The position it was read from.
    pub first: u64,
    /// The last position it covers. The next batch begins behind it.
    pub through: u64,
    /// What matched. Payloads share one buffer of about the size that was asked for, so who keeps one keeps it.
    pub records: Vec<Record>,
}

/// An event and its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its position, from 1.
    pub position: u64,
    /// What was appended.
    pub event: Logged,
}

impl Batch {
    /// The stretches it covers without a record: what did not match, and what is not kept any more.
    #[must_use]
    pub fn skipped(&self) -> Vec<RangeInclusive<u64>> {
        let mut skipped = Vec::new();
        let mut next = self.first;
        for record in &self.records {
            if record.position > next {
                skipped.push(next..=record.position.saturating_sub(1));
            }
            next = record.position.saturating_add(1);
        }
        if next <= self.through {
            skipped.push(next..=self.through);
        }
        skipped
    }
}

/// Where journals are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Engine {
    /// On this node's own disk.
    #[default]
    Disk,
    /// On JetStream servers.
    JetStream(jetstream::Config),
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => f.write_str("this node's disk"),
            Self::JetStream(config) if config.replicas == 1 => {
                write!(f, "JetStream at {}, one copy", config.named())
            }
            Self::JetStream(config) => {
                write!(f, "JetStream at {}, {} copies", config.named(), config.replicas)
            }
        }
    }
}

/// Opens the journal of a network for the node `origin`: below `dir`, where a disk keeps it. Returns also what a person
/// should know about how it was found.
///
/// # Errors
/// As [`disk::DiskJournal::open`] and [`jetstream::StreamJournal::open`].
pub async fn open(
    engine: &Engine,
    dir: &Path,
    network: &NetworkName,
    origin: NodeId,
    settings: Settings,
) -> Result<(Arc<dyn Journal>, Vec<String>), OpenError> {
    match engine {
        Engine::Disk => {
            let (path, network) = (dir.to_path_buf(), network.clone());
            let open = move || disk::DiskJournal::open(&path, &network, origin, settings);
            let stopped =
                |_| OpenError::Io { path: dir.into(), source: io::Error::other("the runtime is ending") };
            let journal = tokio::task::spawn_blocking(open).await.map_err(stopped)??;
            let notes = journal.notes().iter().map(ToString::to_string).collect();
            Ok((Arc::new(journal), notes))
        }
        Engine::JetStream(config) => {
            let opened = jetstream::StreamJournal::open(config.clone(), network, origin, settings).await?;
            let notes = opened.note().map(str::to_owned).into_iter().collect();
            Ok((Arc::new(opened), notes))
        }
    }
}

/// How much a journal keeps, for how long, and how much may wait for the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes a segment has before the next one begins, at most 1 GiB.
    pub segment_bytes: u64,
    /// Bytes of all segments together. What every cursor has passed goes first; while cursors need all of it, appends
    /// are refused.
    pub max_bytes: u64,
    /// What every cursor has passed is kept so long for replays; none: as long as there is room.
    pub keep: Option<Duration>,
    /// The same, for channels that are kept shorter; the first pattern that matches counts. None of it is kept longer
    /// than `keep`.
    pub keep_channels: Vec<(Pattern, Duration)>,
    /// What is older goes, even what cursors still need; that is counted for each. None: it stays.
    pub max_age: Option<Duration>,
    /// Events that may wait for the disk; past it appends are refused.
    pub queue_events: usize,
    /// Bytes that may wait for the disk; one event is always taken by an empty queue.
    pub queue_bytes: usize,
}

impl Settings {
    /// Room that is made before it is needed: what may wait, while that is a small part of all.
    pub(crate) fn headroom(&self) -> u64 {
        (self.queue_bytes as u64).saturating_mul(2).min(self.max_bytes / 4)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes: 4 << 30,
            keep: None,
            keep_channels: Vec::new(),
            max_age: None,
            queue_events: 65_536,
            queue_bytes: 8 << 20,
        }
    }
}

/// What a journal says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Bytes on disk.
    pub bytes: u64,
    /// Events on disk.
    pub events: u64,
    /// Files; 0 where others keep it.
    pub segments: usize,
    /// The first position that is kept; one more than `last` when nothing is.
    pub first: u64,
    /// The last position that was ever given, 0 for none.
    pub last: u64,
    /// When the oldest that is kept was published.
    pub oldest: Option<Hlc>,
    /// Events that wait for the disk.
    pub waiting: usize,
    /// The last time the disk failed, in words, since the journal was opened.
    pub last_failure: Option<String>,
    /// By name.
    pub cursors: Vec<CursorStatus>,
}

/// How far one cursor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorStatus {
    /// Whose.
    pub name: CursorName,
    /// Everything up to here is acknowledged.
    pub floor: u64,
    /// Positions behind the last that are not.
    pub lag: u64,
    /// Positions that went by age although it had not acknowledged them.
    pub lost: u64,
    /// When it was registered, in milliseconds since the Unix epoch.
    pub since_ms: u64,
}
