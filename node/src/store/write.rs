//! The store's thread: takes all that waits, commits it at once, and tells who waits for it.
//!
//! Whoever needs a change on disk says so, and then everything that came before it is there, too. What nobody needs there
//! follows within a second.

use std::{
    path::PathBuf,
    pin::pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hive_proto::time::Hlc;
use redb::{Database, WriteTransaction};
use tokio::sync::Notify;

use super::{Fault, RetainedValue, StateChange, StoreError, dead, plugins, retained, state, timers};

/// Changes that may wait.
const CHANGES_MAX: usize = 65_536;
/// Bytes of them.
const BYTES_MAX: usize = 16 << 20;
/// What is not durable yet becomes so after this long.
const SETTLES: Duration = Duration::from_secs(1);

/// What a change has to be before it counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Readable; on disk within about a second.
    Soon,
    /// On disk.
    Now,
}

/// One change of one table.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Retained { network: String, channel: String, value: Option<RetainedValue> },
    ForgetCleared { network: String, before: Hlc },
    Dead { plugin: String, number: u64, letter: Option<Vec<u8>> },
    State { plugin: String, changes: Vec<StateChange> },
    ForgetState { plugin: String },
    Plugin { plugin: String, record: Vec<u8> },
    Timer { plugin: String, name: String, value: Option<(u64, Vec<u8>)> },
    Sweep { now_ms: u64 },
}

impl Change {
    fn bytes(&self) -> usize {
        let own = match self {
            Self::Retained { network, channel, value } => {
                let value = value.as_ref().and_then(|value| value.bytes.as_ref());
                network.len() + channel.len() + value.map_or(0, |bytes| bytes.len())
            }
            Self::Dead { plugin, letter, .. } => plugin.len() + letter.as_ref().map_or(0, Vec::len),
            Self::State { plugin, changes } => {
                let bytes = |change: &StateChange| {
                    let value = change.value.as_ref().map_or(0, |value| value.bytes.len());
                    change.key.len() + value + size_of::<StateChange>()
                };
                plugin.len() + changes.iter().map(bytes).sum::<usize>()
            }
            Self::Plugin { plugin, record } => plugin.len() + record.len(),
            Self::Timer { plugin, name, value } => {
                plugin.len() + name.len() + value.as_ref().map_or(0, |(_, payload)| payload.len())
            }
            Self::ForgetCleared { .. } | Self::ForgetState { .. } | Self::Sweep { .. } => 0,
        };
        own + size_of::<Self>()
    }

    fn apply(self, transaction: &WriteTransaction) -> Result<(), redb::Error> {
        match self {
            Self::Retained { network, channel, value } => {
                retained::put(transaction, &network, &channel, value.as_ref())
            }
            Self::ForgetCleared { network, before } => retained::forget(transaction, &network, before),
            Self::Dead { plugin, number, letter } => {
                dead::put(transaction, &plugin, number, letter.as_deref())
            }
            Self::State { plugin, changes } => {
                changes.into_iter().try_for_each(|StateChange { key, value }| {
                    let value = value.as_ref().map(|value| (&value.bytes[..], value.ends_ms));
                    state::put(transaction, (&plugin, key.as_bytes()), value)
                })
            }
            Self::ForgetState { plugin } => state::forget(transaction, &plugin),
            Self::Plugin { plugin, record } => plugins::put(transaction, &plugin, &record),
            Self::Timer { plugin, name, value } => {
                let value = value.as_ref().map(|(due_ms, payload)| (*due_ms, payload.as_slice()));
                timers::put(transaction, (&plugin, &name), value)
            }
            Self::Sweep { now_ms } => state::sweep(transaction, now_ms),
        }
    }
}

/// What the store's users and its thread share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) database: Database,
    /// Held for a push or a swap.
    queue: Mutex<Queue>,
    /// Wakes the thread.
    work: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    changes: Vec<Change>,
    bytes: usize,
    durability: Option<Durability>,
    outcome: Arc<Outcome>,
    closing: bool,
    last_failure: Option<String>,
}

/// What came of one commit. The mutex is held for a look.
#[derive(Debug, Default)]
struct Outcome {
    result: Mutex<Option<Result<(), StoreError>>>,
    /// Wakes threads that wait.
    told: Condvar,
    /// Wakes tasks that wait.
    landed: Notify,
}

/// A change on its way. Dropping it changes nothing; clones are the same one.
#[derive(Debug, Clone)]
#[must_use = "the change may still fail"]
pub struct Writing(Arc<Outcome>);

impl Writing {
    /// Blocks until it is written as it was asked for.
    ///
    /// # Errors
    /// When the commit failed.
    pub fn wait(self) -> Result<(), StoreError> {
        let mut result = self.0.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*result {
                Some(result) => return result.clone(),
                None => result = self.0.told.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Waits as [`Self::wait`] does, without holding the thread up.
    ///
    /// # Errors
    /// When the commit failed.
    pub async fn written(&self) -> Result<(), StoreError> {
        loop {
            let mut landed = pin!(self.0.landed.notified());
            // From here on nothing that is told is missed.
            landed.as_mut().enable();
            if let Some(result) = self.outcome() {
                return result;
            }
            landed.await;
        }
    }

    /// What came of it; none: it is on its way.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<(), StoreError>> {
        self.0.result.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does not wait; a failure is logged and shown in the store's status.
    pub fn forget(self) {}
}

impl Shared {
    pub(super) fn new(path: PathBuf, database: Database) -> Self {
        Self { path, database, queue: Mutex::default(), work: Condvar::new() }
    }

    pub(super) fn fault(&self) -> Fault<'_> {
        Fault(&self.path)
    }

    /// Hands a change to the thread.
    pub(super) fn write(&self, change: Change, durability: Durability) -> Result<Writing, StoreError> {
        let bytes = change.bytes();
        let mut queue = self.lock();
        if queue.closing {
            return Err(StoreError::Closed);
        }
        let changes = queue.changes.len();
        if changes >= CHANGES_MAX || (changes > 0 && queue.bytes.saturating_add(bytes) > BYTES_MAX) {
            return Err(StoreError::Full { changes, bytes: queue.bytes });
        }
        queue.changes.push(change);
        queue.bytes += bytes;
        if queue.durability != Some(Durability::Now) {
            queue.durability = Some(durability);
        }
        let writing = Writing(Arc::clone(&queue.outcome));
        drop(queue);
        self.work.notify_one();
        Ok(writing)
    }

    /// Has everything that was handed over before put on disk.
    pub(super) fn flush(&self) -> Result<Writing, StoreError> {
        let mut queue = self.lock();
        if queue.closing {
            return Err(StoreError::Closed);
        }
        queue.durability = Some(Durability::Now);
        let writing = Writing(Arc::clone(&queue.outcome));
        drop(queue);
        self.work.notify_one();
        Ok(writing)
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        self.lock().last_failure.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's whole life.
    fn run(&self) {
        // Since when something is committed that is not on disk for sure.
        let mut unsettled: Option<Instant> = None;
        loop {
            let mut queue = self.lock();
            if queue.changes.is_empty() && queue.durability.is_none() && !queue.closing {
                let patience =
                    unsettled.map_or(Duration::MAX, |since| SETTLES.saturating_sub(since.elapsed()));
                let waited = self.work.wait_timeout(queue, patience);
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let changes = std::mem::take(&mut queue.changes);
            queue.bytes = 0;
            // What comes without a pause must not put off what came before.
            let overdue = unsettled.is_some_and(|since| since.elapsed() >= SETTLES);
            let durability = queue.durability.take().filter(|_| !overdue).unwrap_or(Durability::Now);
            let outcome = std::mem::take(&mut queue.outcome);
            let closing = queue.closing;
            drop(queue);
            let result = match changes.is_empty() && unsettled.is_none() {
                true => Ok(()),
                false => self.commit(changes, durability),
            };
            let is_settled = durability == Durability::Now || result.is_err();
            unsettled = if is_settled { None } else { unsettled.or_else(|| Some(Instant::now())) };
            if let Err(error) = &result {
                tracing::error!("{error}");
                self.lock().last_failure = Some(error.to_string());
            }
            outcome.resolve(result);
            if closing && unsettled.is_none() && self.lock().changes.is_empty() {
                return;
            }
        }
    }

    fn commit(&self, changes: Vec<Change>, durability: Durability) -> Result<(), StoreError> {
        let committed = self.database.begin_write().map_err(redb::Error::from).and_then(|mut transaction| {
            if durability == Durability::Soon {
                transaction.set_durability(redb::Durability::None)?;
            }
            for change in changes {
                change.apply(&transaction)?;
            }
            transaction.commit()?;
            Ok(())
        });
        committed.map_err(|error| self.fault().of(error))
    }
}

impl Outcome {
    fn resolve(&self, result: Result<(), StoreError>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.told.notify_all();
        self.landed.notify_waiters();
    }
}

/// The thread, as long as somebody has the store.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let own = Arc::clone(&shared);
        let ended = Ended(Arc::clone(&shared));
        let run = move || {
            let _ended = ended;
            own.run();
        };
        let thread = thread::Builder::new().name("store".into()).spawn(run);
        let thread = thread
            .map_err(|error| StoreError::Io { path: shared.path.clone(), reason: error.to_string() })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take() {
            // What panicked has said so, and told who waited.
            let _ = thread.join();
        }
    }
}

/// Whoever waits is told also when the thread panicked.
#[derive(Debug)]
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.closing = true;
        std::mem::take(&mut queue.outcome).resolve(Err(StoreError::Closed));
    }
}
