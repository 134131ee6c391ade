//! A local consumer's queue, shared between the publishers and links that fill it and the one task that
//! empties it. The bound and what is dropped are `plane::queue`'s; here are the lock and the waking.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hive_proto::{
    limits::{SUBSCRIPTION_QUEUE_BYTES, SUBSCRIPTION_QUEUE_EVENTS},
    plane::queue::{BoundedQueue, QueueLimits},
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::Delivery;

/// What a subscription's or a plugin's queue holds.
pub(super) const LIMITS: QueueLimits =
    QueueLimits { items: SUBSCRIPTION_QUEUE_EVENTS, bytes: SUBSCRIPTION_QUEUE_BYTES };

/// Requests wait apart from events, so that no backlog of events delays an answer somebody waits for.
const REQUEST_LIMITS: QueueLimits = QueueLimits { items: 4_096, bytes: SUBSCRIPTION_QUEUE_BYTES };

/// What one queued event weighs beside its payload and headers, so that empty ones are bounded too.
const EVENT_WEIGHT: usize = 64;

/// A bounded queue of deliveries with one reader.
#[derive(Debug)]
pub(super) struct Queue {
    /// Held for a few instructions, never across a wait.
    state: Mutex<State>,
    /// Told when the queue stops being empty, when a request comes, and when it closes.
    readable: Notify,
    /// Told when the reader took something.
    space: Notify,
}

#[derive(Debug)]
struct State {
    queue: BoundedQueue<Delivery>,
    requests: BoundedQueue<Delivery>,
    /// The reader is gone: what comes is let go without a word.
    closed: bool,
}

/// What became of an offer.
pub(super) enum Offered {
    /// Queued.
    Taken,
    /// No room; the delivery comes back.
    Full(Box<Delivery>),
    /// The reader is gone.
    Closed,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        let state = State {
            queue: BoundedQueue::new(limits),
            requests: BoundedQueue::new(REQUEST_LIMITS),
            closed: false,
        };
        Self { state: Mutex::new(state), readable: Notify::new(), space: Notify::new() }
    }

    /// Queues one delivery if it fits.
    pub(super) fn offer(&self, delivery: Delivery) -> Offered {
        let mut state = self.lock();
        if state.closed {
            return Offered::Closed;
        }
        let wake = state.queue.is_empty() || delivery.request.is_some();
        let offered = state.offer(delivery);
        drop(state);
        if wake {
            self.readable.notify_one();
        }
        offered.map_or_else(|back| Offered::Full(Box::new(back)), |()| Offered::Taken)
    }

    /// Queues from the front of `staged` until the queue is full. Returns how many were queued; a closed
    /// queue swallows all and says none.
    pub(super) fn offer_batch(&self, staged: &mut VecDeque<Delivery>) -> u64 {
        let mut state = self.lock();
        if state.closed {
            staged.clear();
            return 0;
        }
        let mut wake = state.queue.is_empty();
        let mut taken = 0;
        while let Some(delivery) = staged.pop_front() {
            wake |= delivery.request.is_some();
            if let Err(back) = state.offer(delivery) {
                staged.push_front(back);
                break;
            }
            taken += 1;
        }
        drop(state);
        if wake && taken > 0 {
            self.readable.notify_one();
        }
        taken
    }

    /// Queues a delivery at the cost of the oldest ones. Returns how many were dropped.
    pub(super) fn force(&self, delivery: Delivery) -> u64 {
        let mut state = self.lock();
        if state.closed {
            return 0;
        }
        let weight = weight(&delivery);
        let dropped = state.side(&delivery).force(delivery, weight);
        drop(state);
        self.readable.notify_one();
        dropped
    }

    /// Whether nobody should wait for it.
    pub(super) fn is_lagging(&self) -> bool {
        self.lock().queue.is_lagging()
    }

    /// Queues one delivery as soon as it fits, waiting at most so long.
    pub(super) async fn offer_within(&self, mut delivery: Delivery, at_most: Duration) -> Offered {
        let deadline = Instant::now() + at_most;
        loop {
            let mut space = pin!(self.space.notified());
            space.as_mut().enable();
            match self.offer(delivery) {
                Offered::Full(back) => delivery = *back,
                settled => return settled,
            }
            if timeout_at(deadline, space).await.is_err() {
                return Offered::Full(Box::new(delivery));
            }
        }
    }

    /// Moves every request and up to `max` events to the reader. Returns how many events were missed
    /// since the last time.
    pub(super) fn take(&self, max: usize, into: &mut impl Extend<Delivery>) -> u64 {
        let mut state = self.lock();
        into.extend(std::iter::from_fn(|| state.requests.pop()));
        into.extend(std::iter::from_fn(|| state.queue.pop()).take(max));
        let missed = state.queue.take_missed();
        drop(state);
        self.space.notify_waiters();
        missed
    }

    /// Waits until there may be something to take. False once the queue is closed and empty.
    pub(super) async fn readable(&self) -> bool {
        self.readable_if(|state| !state.queue.is_empty() || !state.requests.is_empty()).await
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
        let state = self.lock();
        state.queue.len().saturating_add(state.requests.len())
    }

    /// The reader is gone. Returns what was still queued.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.lock();
        state.closed = true;
        let mut left = 0;
        while state.requests.pop().is_some() || state.queue.pop().is_some() {
            left += 1;
        }
        drop(state);
        self.readable.notify_waiters();
        self.space.notify_waiters();
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn side(&mut self, delivery: &Delivery) -> &mut BoundedQueue<Delivery> {
        if delivery.request.is_some() { &mut self.requests } else { &mut self.queue }
    }

    #[expect(
        clippy::result_large_err,
        reason = "what does not fit goes back as it came, without an allocation"
    )]
    fn offer(&mut self, delivery: Delivery) -> Result<(), Delivery> {
        let weight = weight(&delivery);
        self.side(&delivery).offer(delivery, weight)
    }
}

fn weight(delivery: &Delivery) -> usize {
    delivery.event.message.weight().saturating_add(EVENT_WEIGHT)
}
