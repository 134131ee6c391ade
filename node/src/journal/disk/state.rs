//! What a journal's callers, its thread and its readers share: what waits for the disk, what is on it, and the cursors.
//!
//! It must not know files' bytes: the thread writes, readers read, and both only look things up here.

use std::{
    ops::RangeInclusive,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hive_proto::{
    channel::Channel,
    plane::{
        cursor::{CursorChange, CursorName},
        log::{Encoded, Logged},
    },
    time::Hlc,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    segment::{Owner, Segment},
    system::System,
};
use crate::journal::{
    AppendError, Appending, CursorError, Holder, Promise, Registered, Saving, Settings, Status,
    cursors::Cursors,
};

/// One journal that is open.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) owner: Owner,
    pub(super) settings: Settings,
    pub(super) system: Arc<dyn System>,
    /// Held for a look or a push, never over a call into the system.
    state: Mutex<State>,
    /// Wakes the thread.
    work: Condvar,
    /// The last durable position. Written by the thread.
    pub(super) durable: watch::Sender<u64>,
    /// Cancelled when the thread has ended and everything is written or refused.
    pub(super) ended: CancellationToken,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    /// Who waits for the batch that is being gathered.
    promise: Arc<Promise>,
    /// The events of it.
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    /// Events and bytes that the thread has taken and not settled.
    flying: (usize, usize),
    /// A cursor changed and nobody has written it yet.
    save: bool,
    /// The thread waits and wants to be woken.
    pub(super) idle: bool,
    pub(super) closing: bool,
    /// All segments, by their first position. Only the last one may grow.
    pub(super) held: Vec<Arc<Segment>>,
    /// The position the next event gets.
    pub(super) next: u64,
    /// Bytes of all files.
    pub(super) total: u64,
    pub(super) cursors: Cursors,
    pub(super) last_failure: Option<String>,
}

/// An event that waits to be written, and what the index needs of it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: Encoded,
    pub(super) channel: Channel,
    pub(super) time: Hlc,
}

/// What the thread writes at once.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) promise: Arc<Promise>,
    pub(super) events: Vec<Waiting>,
    pub(super) changes: Vec<CursorChange>,
}

impl Shared {
    pub(super) fn new(
        (dir, owner): (PathBuf, Owner),
        settings: Settings,
        system: Arc<dyn System>,
        (held, next): (Vec<Arc<Segment>>, u64),
        cursors: Cursors,
    ) -> Self {
        let total = total(&held);
        let state = State {
            promise: Arc::default(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            flying: (0, 0),
            save: cursors.has_changes(),
            idle: false,
            closing: false,
            held,
            next,
            total,
            cursors,
            last_failure: None,
        };
        let durable = watch::Sender::new(next.saturating_sub(1));
        Self {
            dir,
            owner,
            settings,
            system,
            state: Mutex::new(state),
            work: Condvar::new(),
            durable,
            ended: CancellationToken::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append(&self, event: &Logged) -> Result<Appending, AppendError> {
        let record = event.encode()?;
        let bytes = record.len();
        let mut state = self.lock();
        if state.closing {
            return Err(AppendError::Closed);
        }
        let (events, queued) = (state.waiting.len() + state.flying.0, state.waiting_bytes + state.flying.1);
        let Settings { queue_events, queue_bytes, max_bytes, .. } = self.settings;
        if events >= queue_events || (events > 0 && queued.saturating_add(bytes) > queue_bytes) {
            return Err(AppendError::Busy { events, bytes: queued });
        }
        let used = state.total.saturating_add(queued as u64);
        if used.saturating_add(bytes as u64) > max_bytes {
            let holder = state.holder(self.system.now_ms());
            return Err(AppendError::Full { used, max: max_bytes, holder });
        }
        let index = state.waiting.len() as u64;
        state.waiting.push(Waiting { record, channel: event.channel.clone(), time: event.time });
        state.waiting_bytes += bytes;
        let appending = state.promise.appending(index);
        self.wake(state);
        Ok(appending)
    }

    /// Makes a cursor whose floor is before `next`, if there is none.
    pub(super) fn register(&self, name: &CursorName, next: u64) -> Result<(Registered, Saving), CursorError> {
        let now_ms = self.system.now_ms();
        let mut state = self.lock();
        let last = state.next.saturating_sub(1);
        let registered = state.cursors.register(name, next, last, now_ms)?;
        Ok((registered, self.save(state)?))
    }

    pub(super) fn acknowledge(
        &self,
        name: &CursorName,
        positions: RangeInclusive<u64>,
    ) -> Result<Saving, CursorError> {
        let mut state = self.lock();
        let last = state.next.saturating_sub(1);
        state.cursors.acknowledge(name, positions, last)?;
        // Also when nothing changed it is waited for: what changed before may still be on its way to the disk.
        self.save(state)
    }

    pub(super) fn forget(&self, name: &CursorName) -> Result<Saving, CursorError> {
        let mut state = self.lock();
        state.cursors.forget(name)?;
        self.save(state)
    }

    /// Takes nothing new; the thread ends when all is written.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        self.wake(state);
    }

    /// The thread has ended, as it should or not: whoever waits still is told.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.closing = true;
        let promise = std::mem::take(&mut state.promise);
        drop(state);
        promise.resolve(Err(AppendError::Closed));
        self.ended.cancel();
    }

    fn save(&self, mut state: MutexGuard<'_, State>) -> Result<Saving, CursorError> {
        if state.closing {
            return Err(AppendError::Closed.into());
        }
        state.save = true;
        let saving = Saving(state.promise.appending(0));
        self.wake(state);
        Ok(saving)
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        if std::mem::take(&mut state.idle) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// What waits, for the thread; none when `patience` is over first, or everything is done and it was told to close.
    pub(super) fn work(&self, patience: Duration) -> Option<Work> {
        let mut state = self.lock();
        if state.waiting.is_empty() && !state.save && !state.closing {
            state.idle = true;
            let waited = self.work.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle = false;
        }
        if state.waiting.is_empty() && !state.save {
            return None;
        }
        Some(state.take_work())
    }

    pub(super) fn status(&self) -> Status {
        let state = self.lock();
        let last = state.next.saturating_sub(1);
        let indexes = || state.held.iter().map(|segment| segment.index());
        Status {
            bytes: state.total,
            events: indexes().map(|index| index.events).sum(),
            segments: state.held.len(),
            first: state.first(),
            last,
            oldest: indexes().find_map(|index| index.times.map(|(earliest, _)| earliest)),
            waiting: state.waiting.len() + state.flying.0,
            last_failure: state.last_failure.clone(),
            cursors: state.cursors.status(last),
        }
    }
}

impl State {
    fn take_work(&mut self) -> Work {
        self.save = false;
        self.flying = (self.waiting.len(), std::mem::take(&mut self.waiting_bytes));
        let room = Vec::with_capacity(self.waiting.len());
        let changes = self.cursors.take_changes();
        let events = std::mem::replace(&mut self.waiting, room);
        Work { promise: std::mem::take(&mut self.promise), events, changes }
    }

    /// What the thread took is on disk.
    pub(super) fn settle(&mut self, events: u64, changes: &[CursorChange]) {
        self.flying = (0, 0);
        self.next = self.next.saturating_add(events);
        self.total = total(&self.held);
        self.cursors.settle(changes);
    }

    /// What the thread took is not on disk. Cursors are tried again with the next batch.
    pub(super) fn fail(&mut self, changes: &[CursorChange], why: &AppendError) {
        self.flying = (0, 0);
        self.total = total(&self.held);
        self.last_failure = Some(why.to_string());
        self.cursors.fail(changes);
    }

    /// Moves every cursor over what is no longer kept, and has that written. Returns how much each lost by that.
    pub(super) fn pass_over(&mut self, last: u64) -> Vec<(CursorName, u64)> {
        let moved = self.cursors.pass_over(last);
        self.save |= !moved.is_empty();
        moved
    }

    /// The first position that is kept.
    pub(super) fn first(&self) -> u64 {
        self.held.iter().find(|segment| segment.index().events > 0).map_or(self.next, |segment| segment.first)
    }

    /// The segment that has this position, or the next one that is kept.
    pub(super) fn segment_of(&self, position: u64) -> Option<Arc<Segment>> {
        let after = self.held.partition_point(|segment| segment.first <= position);
        let at = after.saturating_sub(1);
        self.held.get(at..)?.iter().find(|segment| segment.index().last >= position).cloned()
    }

    fn holder(&self, now_ms: u64) -> Option<Holder> {
        let (name, position) = self.cursors.furthest_behind()?;
        if position >= self.next {
            return None;
        }
        let published = self.segment_of(position).and_then(|segment| {
            let index = segment.index();
            let earliest = index.times.map(|(earliest, _)| earliest)?;
            Some(index.place_of(position).map_or(earliest, |mark| mark.before.max(earliest)))
        });
        let waits = published.map_or(0, |time| now_ms.saturating_sub(time.unix_ms()));
        Some(Holder { name: name.clone(), position, waits: Duration::from_millis(waits) })
    }
}

/// Bytes of all files.
pub(super) fn total(held: &[Arc<Segment>]) -> u64 {
    held.iter().map(|segment| segment.bytes()).sum()
}
