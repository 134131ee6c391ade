//! A local consumer's queue, shared between the publishers and links that fill it and the one task that
//! empties it. The bound and what is dropped are `plane::queue`'s; here are the lock and the waking.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use hive_proto::{
    limits::{SUBSCRIPTION_QUEUE_BYTES, SUBSCRIPTION_QUEUE_EVENTS},
    plane::{
        account::ConsumerCounts,
        budget::Budget,
        queue::{BoundedQueue, Load, QueueLimits},
    },
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{
    Actor, Delivery, Event,
    queued::{Queued, Taken},
};

/// What a subscription's or a plugin's queue holds.
pub(super) const LIMITS: QueueLimits =
    QueueLimits { events: SUBSCRIPTION_QUEUE_EVENTS, bytes: SUBSCRIPTION_QUEUE_BYTES };

/// Requests wait apart from events, so that no backlog of events delays an answer somebody waits for.
const REQUEST_LIMITS: QueueLimits = QueueLimits { events: 4_096, bytes: SUBSCRIPTION_QUEUE_BYTES };

/// A bounded queue of deliveries with one reader.
#[derive(Debug)]
pub(super) struct Queue {
    /// Whose it is.
    actor: Actor,
    /// Held for a few instructions, never across a wait.
    state: Mutex<State>,
    /// Whether somebody else is rather asked, as whoever reads is away; written by the reader.
    away: AtomicBool,
    /// Whether there are requests; written with the lock, read without.
    asked: AtomicBool,
    /// Told when the queue stops being empty, when a request comes, and when it closes.
    readable: Notify,
    /// Told when the reader took something.
    space: Notify,
}

#[derive(Debug)]
struct State {
    queue: BoundedQueue<Queued>,
    requests: BoundedQueue<Queued>,
    /// Kept values that the reader is to have before anything else. As many as are kept, whose bytes they share.
    first: VecDeque<Event>,
    /// Of these, everything there ever was, and what was never taken.
    began_with: u64,
    first_dropped: u64,
    /// The reader is gone: what comes is let go without a word.
    closed: bool,
}

/// What became of an offer.
pub(super) enum Offer {
    /// Queued.
    Taken,
    /// No room; what had none comes back.
    Full(Box<Queued>),
    /// The reader is gone; what was offered comes back.
    Closed(Box<Queued>),
}

impl Queue {
    pub(super) fn new(actor: Actor, limits: QueueLimits, budget: &Arc<Budget>) -> Self {
        let state = State {
            queue: BoundedQueue::new(limits, budget.share()),
            requests: BoundedQueue::new(REQUEST_LIMITS, budget.share()),
            first: VecDeque::new(),
            began_with: 0,
            first_dropped: 0,
            closed: false,
        };
        Self {
            actor,
            state: Mutex::new(state),
            away: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            readable: Notify::new(),
            space: Notify::new(),
        }
    }

    /// Whose it is.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether whoever reads is away.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Relaxed)
    }

    /// Says whether whoever reads is away.
    pub(super) fn set_away(&self, away: bool) {
        self.away.store(away, Relaxed);
    }

    /// What became of everything that was ever queued, and whether nobody waits for the reader.
    pub(super) fn counts(&self) -> (ConsumerCounts, bool) {
        let state = self.lock();
        (state.counts(), state.queue.is_lagging())
    }

    /// Queues one event if it fits.
    pub(super) fn offer(&self, one: Queued) -> Offer {
        let mut state = self.lock();
        if state.closed {
            return Offer::Closed(Box::new(one));
        }
        let wake = state.queue.is_empty() || one.is_request();
        let offered = state.offer(one);
        self.note_requests(&state);
        drop(state);
        if wake {
            self.readable.notify_one();
        }
        offered.map_or_else(|back| Offer::Full(Box::new(back)), |()| Offer::Taken)
    }

    /// Queues from the front of `staged` until the queue is full, and says how many events. A closed queue swallows all.
    pub(super) fn offer_batch(&self, staged: &mut VecDeque<Queued>) -> usize {
        let mut state = self.lock();
        if state.closed {
            staged.clear();
            return 0;
        }
        let (before, mut wake) = (state.len(), state.queue.is_empty());
        while let Some(load) = staged.pop_front() {
            wake |= load.is_request();
            if let Err(back) = state.offer(load) {
                staged.push_front(back);
                break;
            }
        }
        let taken = state.len().saturating_sub(before);
        self.note_requests(&state);
        drop(state);
        if wake && taken > 0 {
            self.readable.notify_one();
        }
        taken
    }

    /// The same as soon as anything fits, waiting at most so long. Cancel-safe: what is not queued stays in `staged`.
    pub(super) async fn offer_batch_within(&self, staged: &mut VecDeque<Queued>, at_most: Duration) -> usize {
        let deadline = Instant::now() + at_most;
        loop {
            let mut space = pin!(self.space.notified());
            space.as_mut().enable();
            let taken = self.offer_batch(staged);
            if taken > 0 || staged.is_empty() || timeout_at(deadline, space).await.is_err() {
                return taken;
            }
        }
    }

    /// Queues one event at the cost of the oldest ones. Returns how many were dropped.
    pub(super) fn force(&self, one: Queued) -> u64 {
        let mut state = self.lock();
        if state.closed {
            return 0;
        }
        let dropped = state.side(&one).force(one);
        self.note_requests(&state);
        drop(state);
        self.readable.notify_one();
        dropped
    }

    /// Puts kept values before everything else.
    pub(super) fn begin_with(&self, values: VecDeque<Event>) {
        if values.is_empty() {
            return;
        }
        let mut state = self.lock();
        if !state.closed {
            state.began_with = state.began_with.saturating_add(values.len() as u64);
            state.first.extend(values);
        }
        drop(state);
        self.readable.notify_one();
    }

    /// Puts these kept values before everything else, in place of those that were not taken yet.
    pub(super) fn begin_again(&self, values: VecDeque<Event>) {
        let mut state = self.lock();
        let untaken = state.first.len() as u64;
        state.began_with = state.began_with.saturating_sub(untaken);
        state.first.clear();
        drop(state);
        self.begin_with(values);
    }

    /// Whether one event of this weight has no room.
    pub(super) fn is_full(&self, weight: usize) -> bool {
        !self.lock().queue.has_room(1, weight)
    }

    /// Whether nobody should wait for it.
    pub(super) fn is_lagging(&self) -> bool {
        self.lock().queue.is_lagging()
    }

    /// Queues one event as soon as it fits, waiting at most so long.
    pub(super) async fn offer_within(&self, mut one: Queued, at_most: Duration) -> Offer {
        let deadline = Instant::now() + at_most;
        loop {
            let mut space = pin!(self.space.notified());
            space.as_mut().enable();
            match self.offer(one) {
                Offer::Full(back) => one = *back,
                settled => return settled,
            }
            if timeout_at(deadline, space).await.is_err() {
                return Offer::Full(Box::new(one));
            }
        }
    }

    /// Moves every request and up to `max` events to the reader. Returns how many events were missed
    /// since the last time.
    pub(super) fn take(&self, max: usize, into: &mut Taken) -> u64 {
        let mut state = self.lock();
        into.0.extend(std::iter::from_fn(|| state.requests.pop(usize::MAX)));
        let mut room = max;
        while room > 0
            && let Some(event) = state.first.pop_front()
        {
            room = room.saturating_sub(1);
            into.0.push_back(Delivery::event(event).into());
        }
        if room >= state.queue.len() {
            state.queue.pop_all(&mut into.0);
        }
        while let Some(load) = state.queue.pop(room) {
            room = room.saturating_sub(load.events());
            into.0.push_back(load);
        }
        let missed = state.queue.take_missed();
        self.note_requests(&state);
        drop(state);
        self.space.notify_waiters();
        missed
    }

    /// Whether requests wait, without a lock: one that comes at this moment may be seen a moment later.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Relaxed)
    }

    fn note_requests(&self, state: &State) {
        self.asked.store(!state.requests.is_empty(), Relaxed);
    }

    /// Waits until there may be something to take. False once the queue is closed and empty.
    pub(super) async fn readable(&self) -> bool {
        self.readable_if(|state| state.len() > 0).await
    }

    /// Waits until there may be a request to take. False once the queue is closed and empty.
    pub(super) async fn request_readable(&self) -> bool {
        self.readable_if(|state| !state.requests.is_empty()).await
    }

    async fn readable_if(&self, has: impl Fn(&State) -> bool) -> bool {
        loop {
            let notified = self.readable.notified();
            {
                let state = self.lock();
                if has(&state) {
                    return true;
                }
                if state.closed {
                    return false;
                }
            }
            notified.await;
        }
    }

    /// Deliveries queued.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// The reader is gone. What somebody else may have, or answer, is given back. Returns the events that were still
    /// queued and nobody gets.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.lock();
        state.closed = true;
        let before = state.counts().dropped;
        state.first_dropped = state.first_dropped.saturating_add(state.first.len() as u64);
        state.first.clear();
        let lost = |load: &Queued| !load.is_request() && !load.is_ticketed();
        let mut left = Vec::new();
        while let Some(load) = state.requests.withdraw(lost).or_else(|| state.queue.withdraw(lost)) {
            left.push(load);
        }
        let unread = state.counts().dropped.saturating_sub(before);
        drop(state);
        left.into_iter().for_each(Queued::refuse);
        self.readable.notify_waiters();
        self.space.notify_waiters();
        unread
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn counts(&self) -> ConsumerCounts {
        let (queued, dropped) = (self.first.len() as u64, self.first_dropped);
        let handed_over = self.began_with.saturating_sub(queued).saturating_sub(dropped);
        let first = ConsumerCounts { matched: self.began_with, handed_over, queued, dropped };
        self.queue.counts().and(self.requests.counts()).and(first)
    }

    fn len(&self) -> usize {
        self.queue.len().saturating_add(self.requests.len()).saturating_add(self.first.len())
    }

    fn side(&mut self, load: &Queued) -> &mut BoundedQueue<Queued> {
        if load.is_request() { &mut self.requests } else { &mut self.queue }
    }

    #[expect(
        clippy::result_large_err,
        reason = "what does not fit goes back as it came, without an allocation"
    )]
    fn offer(&mut self, load: Queued) -> Result<(), Queued> {
        self.side(&load).offer(load)
    }
}
