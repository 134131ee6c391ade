//! What a journal's callers, its thread and its readers share: what waits for the servers, the cursors, and what is
//! known of the stream.
//!
//! It must not know how anything is sent: the thread sends and says here what became of it.

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use hive_proto::{
    plane::{
        cursor::CursorChange,
        log::{Encoded, Logged},
    },
    time::Hlc,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Config, api::Api, names::Names, read};
use crate::journal::{
    AppendError, Appending, CursorError, CursorName, Holder, Promise, Registered, Saving, Settings, Status,
    cursors::Cursors,
};

/// Bytes a message has in a stream beside its body: its place, subject, headers and sum, roughly.
const OVERHEAD_BYTES: u64 = 256;

/// One journal that is open.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) names: Names,
    pub(super) config: Config,
    pub(super) settings: Settings,
    /// Held for a look or a push, never over a request.
    state: Mutex<State>,
    /// Wakes the thread.
    pub(super) work: Notify,
    /// Set when the first connection was made.
    pub(super) api: OnceLock<Api>,
    /// Whether positions and cursors are known. Written by the thread, once.
    pub(super) opened: watch::Sender<bool>,
    /// The last position that is stored. Written by the thread.
    pub(super) durable: watch::Sender<u64>,
    /// Cancelled when the thread has ended and everything is stored or refused.
    pub(super) ended: CancellationToken,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    /// Events that were not sent, or are to be sent again, in order.
    pub(super) waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Events and bytes that were sent and not settled.
    pub(super) flying: (usize, usize),
    pub(super) cursors: Cursors,
    /// Who waits for the cursors that are to be sent next, and since when.
    pub(super) saves: Vec<Save>,
    /// What the stream has. Written by the thread.
    pub(super) kept: Kept,
    /// Why the servers take nothing now.
    pub(super) trouble: Option<Trouble>,
    pub(super) closing: bool,
    pub(super) last_failure: Option<String>,
}

/// An event that is to be stored.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: Encoded,
    /// What it is known by: its origin's incarnation and its sequence.
    pub(super) id: String,
    pub(super) promise: Arc<Promise>,
    pub(super) since: Instant,
    /// The lowest position an attempt to store it had, if there was one.
    pub(super) least: Option<u64>,
}

/// Somebody who waits for cursors.
#[derive(Debug)]
pub(super) struct Save {
    pub(super) promise: Arc<Promise>,
    pub(super) since: Instant,
}

/// What the stream has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    pub(super) bytes: u64,
    pub(super) events: u64,
    /// The first position that is kept.
    pub(super) first: u64,
    /// The last that was ever given.
    pub(super) last: u64,
    /// When the first was published, if anything is kept.
    pub(super) oldest: Option<Hlc>,
}

/// The servers take nothing.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) since: Instant,
    /// In words.
    pub(super) why: String,
    /// It does not pass by waiting.
    pub(super) lasts: bool,
}

impl Shared {
    pub(super) fn new(names: Names, config: Config, settings: Settings) -> Self {
        let trouble = Trouble { since: Instant::now(), why: "not connected yet".into(), lasts: false };
        let state = State {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flying: (0, 0),
            cursors: Cursors::default(),
            saves: Vec::new(),
            kept: Kept::default(),
            trouble: Some(trouble),
            closing: false,
            last_failure: None,
        };
        Self {
            names,
            config,
            settings,
            state: Mutex::new(state),
            work: Notify::new(),
            api: OnceLock::new(),
            opened: watch::Sender::new(false),
            durable: watch::Sender::new(0),
            ended: CancellationToken::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append(&self, event: &Logged) -> Result<Appending, AppendError> {
        let record = event.encode()?;
        let mut state = self.lock();
        self.admit(&state, record.len())?;
        let promise = Arc::new(Promise::default());
        let appending = promise.appending(0);
        let id = read::id_of(event);
        let (since, least) = (Instant::now(), None);
        state.push_back(Waiting { record, id, promise, since, least });
        drop(state);
        self.work.notify_one();
        Ok(appending)
    }

    /// Whether there is room for an event of so many bytes.
    fn admit(&self, state: &State, bytes: usize) -> Result<(), AppendError> {
        if state.closing {
            return Err(AppendError::Closed);
        }
        if let Some(Trouble { lasts: true, why, .. }) = &state.trouble {
            return Err(AppendError::Refused { servers: self.config.named(), why: why.clone() });
        }
        let (events, queued) = state.queued();
        let Settings { queue_events, queue_bytes, max_bytes, .. } = self.settings;
        if events >= queue_events || (events > 0 && queued.saturating_add(bytes) > queue_bytes) {
            return Err(match &state.trouble {
                None => AppendError::Busy { events, bytes: queued },
                Some(Trouble { since, why, .. }) => AppendError::SpoolFull {
                    servers: self.config.named(),
                    why: why.clone(),
                    away: since.elapsed(),
                    events,
                    bytes: queued,
                },
            });
        }
        let coming = (queued.saturating_add(bytes) as u64)
            .saturating_add((events as u64).saturating_add(1).saturating_mul(OVERHEAD_BYTES));
        let used = state.kept.bytes.saturating_add(coming);
        if used > max_bytes {
            // Something may be let go by now.
            self.work.notify_one();
            return Err(self.full(state, used));
        }
        Ok(())
    }

    /// Nothing more is stored before something goes.
    pub(super) fn full(&self, state: &State, used: u64) -> AppendError {
        AppendError::Full { used, max: self.settings.max_bytes, holder: state.holder(now_ms()) }
    }

    /// Makes a cursor whose floor is before `next`, if there is none.
    pub(super) fn register(&self, name: &CursorName, next: u64) -> Result<(Registered, Saving), CursorError> {
        let mut state = self.lock();
        let last = state.kept.last;
        let registered = state.cursors.register(name, next, last, now_ms())?;
        Ok((registered, self.save(state)?))
    }

    pub(super) fn acknowledge(
        &self,
        name: &CursorName,
        positions: RangeInclusive<u64>,
    ) -> Result<Saving, CursorError> {
        let mut state = self.lock();
        let last = state.kept.last;
        state.cursors.acknowledge(name, positions, last)?;
        // Also when nothing changed it is waited for: what changed before may still be on its way.
        self.save(state)
    }

    pub(super) fn forget(&self, name: &CursorName) -> Result<Saving, CursorError> {
        let mut state = self.lock();
        state.cursors.forget(name)?;
        self.save(state)
    }

    fn save(&self, mut state: MutexGuard<'_, State>) -> Result<Saving, CursorError> {
        if state.closing {
            return Err(AppendError::Closed.into());
        }
        // Everybody since the last sending shares one promise.
        let promise = match state.saves.last() {
            Some(save) => Arc::clone(&save.promise),
            None => {
                let promise = Arc::new(Promise::default());
                state.saves.push(Save { promise: Arc::clone(&promise), since: Instant::now() });
                promise
            }
        };
        drop(state);
        self.work.notify_one();
        Ok(Saving(promise.appending(0)))
    }

    /// Takes nothing new; the thread ends when all is stored or refused.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }

    /// The thread has ended, as it should or not: whoever waits still is told.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.closing = true;
        let waiting = std::mem::take(&mut state.waiting);
        let saves = std::mem::take(&mut state.saves);
        drop(state);
        let promises = waiting.into_iter().map(|one| one.promise);
        for promise in promises.chain(saves.into_iter().map(|save| save.promise)) {
            promise.resolve(Err(AppendError::Closed));
        }
        self.ended.cancel();
    }

    /// The next event to be sent, which is on its way then.
    pub(super) fn take(&self) -> Option<Waiting> {
        let mut state = self.lock();
        let one = state.pop()?;
        state.flying.0 = state.flying.0.saturating_add(1);
        state.flying.1 = state.flying.1.saturating_add(one.record.len());
        Some(one)
    }

    /// The cursors that changed, and who waits for them.
    pub(super) fn take_saves(&self) -> (Vec<CursorChange>, Vec<Save>) {
        let mut state = self.lock();
        (state.cursors.take_changes(), std::mem::take(&mut state.saves))
    }

    /// One that was taken is on its way no more.
    pub(super) fn landed(&self, bytes: usize) {
        let mut state = self.lock();
        state.flying.0 = state.flying.0.saturating_sub(1);
        state.flying.1 = state.flying.1.saturating_sub(bytes);
    }

    /// What an event that has waited too long is told.
    pub(super) fn too_late(&self, state: &State) -> AppendError {
        let why = state.trouble.as_ref().map_or("it answers too slowly", |trouble| &trouble.why);
        AppendError::Away { servers: self.config.named(), waited: self.config.patience, why: why.to_owned() }
    }

    /// Waits until positions and cursors are known, as long as an event may wait.
    pub(super) async fn until_opened(&self) -> Result<(), AppendError> {
        let mut opened = self.opened.subscribe();
        let opens = async { opened.wait_for(|opened| *opened).await.is_ok() };
        tokio::select! {
            opened = tokio::time::timeout(self.config.patience, opens) => match opened {
                Ok(_) => Ok(()),
                Err(_) => Err(self.too_late(&self.lock())),
            },
            () = self.ended.cancelled() => Err(AppendError::Closed),
        }
    }

    pub(super) fn status(&self) -> Status {
        let state = self.lock();
        let Kept { bytes, events, first, last, oldest } = state.kept;
        Status {
            bytes,
            events,
            segments: 0,
            first,
            last,
            oldest,
            waiting: state.queued().0,
            last_failure: state.last_failure.clone(),
            cursors: state.cursors.status(last),
        }
    }
}

impl State {
    /// An event waits behind all others.
    pub(super) fn push_back(&mut self, one: Waiting) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(one.record.len());
        self.waiting.push_back(one);
    }

    /// What was sent is to be sent again, before all that waits.
    pub(super) fn push_front(&mut self, one: Waiting) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(one.record.len());
        self.waiting.push_front(one);
    }

    /// All that waits, to be sorted anew.
    pub(super) fn take_all(&mut self) -> VecDeque<Waiting> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// The next event to be sent.
    fn pop(&mut self) -> Option<Waiting> {
        let one = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(one.record.len());
        Some(one)
    }

    /// Events and bytes that are not stored yet.
    pub(super) fn queued(&self) -> (usize, usize) {
        (self.waiting.len().saturating_add(self.flying.0), self.waiting_bytes.saturating_add(self.flying.1))
    }

    /// An event of so many bytes was stored at a position.
    pub(super) fn stored(&mut self, position: u64, bytes: usize) {
        self.kept.last = self.kept.last.max(position);
        self.kept.events = self.kept.events.saturating_add(1);
        self.kept.bytes = self.kept.bytes.saturating_add(bytes as u64).saturating_add(OVERHEAD_BYTES);
    }

    /// Takes out what waits for too long. Returns who is to be told.
    pub(super) fn give_up(&mut self, is_late: impl Fn(Instant) -> bool) -> Vec<Arc<Promise>> {
        let mut told = Vec::new();
        // What waits longest is first.
        while self.waiting.front().is_some_and(|one| is_late(one.since)) {
            told.extend(self.pop().map(|one| one.promise));
        }
        self.saves.retain(|save| {
            let late = is_late(save.since);
            if late {
                told.push(Arc::clone(&save.promise));
            }
            !late
        });
        told
    }

    /// Whether room is to be made.
    pub(super) fn is_short(&self, settings: &Settings) -> bool {
        let used = self.kept.bytes.saturating_add(self.queued().1 as u64);
        used > settings.max_bytes.saturating_sub(settings.headroom())
            && self.cursors.passed() >= self.kept.first
            && self.kept.events > 0
    }

    fn holder(&self, now_ms: u64) -> Option<Holder> {
        let (name, position) = self.cursors.furthest_behind()?;
        if position > self.kept.last {
            return None;
        }
        // What every cursor has passed goes first, so that it is the oldest there is.
        let waits = self.kept.oldest.map_or(0, |time| now_ms.saturating_sub(time.unix_ms()));
        Some(Holder { name: name.clone(), position, waits: Duration::from_millis(waits) })
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
