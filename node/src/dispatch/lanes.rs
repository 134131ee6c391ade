//! Lanes: events of one channel and key are handled one after the other, different ones side by side.
//! Workers pull; nothing runs here between an event's arrival and the worker that takes it.

mod away;
mod delayed;
mod held;
mod job;
mod news;
mod obey;
mod pauses;
mod rest;
mod sort;
mod ticks;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use hive_proto::channel::Channel;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::{
    delayed::Delayed,
    held::{Held, PARKED_MAX},
    news::News,
    sort::{LANES, Sort},
};
pub use self::{job::Job, rest::Left};
use super::{
    Policy,
    breaker::{Admission, Breaker},
    tally::{Tallied, Tally},
};
use crate::{
    bus::{Bus, Delivery, Event, Request, Subscription},
    status,
};

/// Events taken from the queue into lanes at a time; the rest stays where its bound is.
const HELD_MAX: usize = 256;
/// With so many in lanes, some of them ready, no more are taken: a queue that is never empty is looked at once for many.
const HELD_ENOUGH: usize = HELD_MAX / 2;

/// The jobs of one handler, handed to its workers in order.
#[derive(Debug)]
pub struct Lanes {
    name: String,
    bus: Bus,
    subscription: Subscription,
    /// Held for a few instructions, never across a wait.
    state: Mutex<State>,
    /// Told when a lane becomes ready, or the next retry changes.
    wake: Notify,
    /// Told when a tick was done with. One task waits for it.
    ticked: Notify,
    tally: Tally,
    /// Says why events are gone.
    news: News,
    /// The breaker has something to hear of what is handled well: it counts failures, or is open.
    troubled: AtomicBool,
    /// Order is strict, or was: what is done with may have held others back.
    strict: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// How events are tried again, and when the handler is paused.
    policy: Policy,
    /// Events by lane.
    lanes: Vec<VecDeque<Delivery>>,
    /// Which lane an event belongs into.
    sort: Sort,
    /// Lanes with a worker at one of their events.
    busy: [bool; LANES],
    /// Lanes with events and no worker.
    ready: VecDeque<usize>,
    /// Requests, which keep no order.
    requests: VecDeque<Delivery>,
    /// Events in lanes, together.
    held: usize,
    /// Failed events by the moment of their next try.
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Timers whose last tick is not done with.
    ticking: BTreeSet<Channel>,
    /// What was taken from the queue in one go, before it is sorted into lanes.
    incoming: Vec<Delivery>,
    /// Whether the handler is paused.
    breaker: Breaker,
    /// What waits behind failed events, where order is strict.
    strict: Held,
}

impl Lanes {
    /// The lanes of a named handler over its subscription.
    #[must_use]
    pub fn new(name: impl Into<String>, subscription: Subscription, policy: Policy, bus: Bus) -> Arc<Self> {
        let state = State {
            policy,
            lanes: (0..LANES).map(|_| VecDeque::new()).collect(),
            sort: Sort::default(),
            busy: [false; LANES],
            ready: VecDeque::new(),
            requests: VecDeque::new(),
            held: 0,
            delayed: BinaryHeap::new(),
            ticking: BTreeSet::new(),
            incoming: Vec::new(),
            breaker: Breaker::new(policy.breaker),
            strict: Held::default(),
        };
        Arc::new(Self {
            name: name.into(),
            bus,
            subscription,
            state: Mutex::new(state),
            wake: Notify::new(),
            ticked: Notify::new(),
            tally: Tally::default(),
            news: News::default(),
            troubled: AtomicBool::new(false),
            strict: AtomicBool::new(policy.strict),
        })
    }

    /// The handler's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The subscription the events come by.
    #[must_use]
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// What became of the events so far.
    #[must_use]
    pub fn tally(&self) -> Tallied {
        self.tally.read()
    }

    /// Events waiting here, in the queue or for another try.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let state = self.lock();
        let here = state.held.saturating_add(state.delayed.len()).saturating_add(state.requests.len());
        let here = here.saturating_add(state.strict.parked());
        drop(state);
        here.saturating_add(self.subscription.queued())
    }

    /// Whether the handler is paused, and how often it was.
    #[must_use]
    pub fn breaker(&self) -> (status::Breaker, u64) {
        self.lock().breaker.look()
    }

    /// The next job. None once `stop` is cancelled or the subscription has ended.
    pub async fn next(self: &Arc<Self>, stop: &CancellationToken) -> Option<Job> {
        loop {
            if stop.is_cancelled() {
                // What woke it may have been meant for whoever goes on.
                self.wake.notify_one();
                return None;
            }
            let wake = self.wake.notified();
            let (look_at, has_room) = {
                let mut state = self.lock();
                let now = Instant::now();
                self.refill(&mut state, now);
                if let Some(job) = self.pick(&mut state, now) {
                    let more = !state.ready.is_empty() || !state.requests.is_empty();
                    drop(state);
                    if more {
                        self.wake.notify_one();
                    }
                    return Some(job);
                }
                (state.look_at(), state.room(now) > 0)
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = wake => {}
                () = sleep_until(look_at) => {}
                open = self.readable(has_room) => if !open { return None },
            }
        }
    }

    /// Moves events from the queue, and those whose time has come again, into lanes.
    fn refill(&self, state: &mut State, now: Instant) {
        let is_closed = state.breaker.is_closed();
        while is_closed && state.enqueue_due(now) {}
        if state.held > HELD_ENOUGH && !state.ready.is_empty() && !self.subscription.is_asked() {
            return;
        }
        let room = state.room(now);
        let mut incoming = std::mem::take(&mut state.incoming);
        let missed = self.subscription.take(room, &mut incoming);
        self.tally.missed(missed);
        for delivery in incoming.drain(..) {
            match delivery.request {
                Some(_) => state.requests.push_back(delivery),
                None => state.enqueue(delivery),
            }
        }
        state.incoming = incoming;
        // What has not failed yet says more of a handler that is tried than what has.
        if !is_closed && state.room(now) > 0 && state.requests.is_empty() {
            state.enqueue_due(now);
        }
    }

    /// Waits for what could be taken: with all lanes full that is only a request.
    async fn readable(&self, has_room: bool) -> bool {
        if has_room { self.subscription.readable().await } else { self.subscription.request_readable().await }
    }

    fn pick(self: &Arc<Self>, state: &mut State, now: Instant) -> Option<Job> {
        let limit = now + state.policy.deadline;
        let lets_ask = state.breaker.lets_ask();
        let tried = match state.breaker.admits(now) {
            Admission::All => Some(false),
            Admission::One => Some(true),
            Admission::Nothing(..) if lets_ask => None,
            Admission::Nothing(why, until) => {
                pauses::refuse(
                    state.requests.drain(..),
                    why,
                    until.map(|until| until.saturating_duration_since(now)),
                );
                return None;
            }
        };
        while let Some(delivery) = state.requests.pop_front() {
            // What nobody waits for is not begun.
            if delivery.request.as_ref().is_some_and(Request::is_withdrawn) {
                continue;
            }
            let deadline = delivery.request.as_ref().map_or(limit, |request| limit.min(request.deadline()));
            let tried = !lets_ask && tried == Some(true);
            return Some(self.job(state, delivery, (None, deadline, tried)));
        }
        let tried = tried?;
        while let Some(lane) = state.ready.pop_front() {
            while let Some(delivery) = state.lanes[lane].pop_front() {
                state.held = state.held.saturating_sub(1);
                let Some(delivery) = state.strict.park(delivery) else { continue };
                let event = self.strict.load(Relaxed).then(|| delivery.event.clone());
                // It may have waited for long, or for another try.
                if let Some(delivery) = self.bus.unless_expired(delivery) {
                    state.busy[lane] = true;
                    return Some(self.job(state, delivery, (Some(lane), limit, tried)));
                }
                event.iter().for_each(|event| state.let_go(event));
            }
        }
        None
    }

    fn job(
        self: &Arc<Self>,
        state: &mut State,
        delivery: Delivery,
        (lane, deadline, tried): (Option<usize>, Instant, bool),
    ) -> Job {
        if tried {
            state.breaker.tries();
        }
        Job { lanes: Arc::clone(self), work: Some(delivery), lane, deadline, tried }
    }

    fn wake_all(&self) {
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// An event was handled, or is a dead letter.
    fn done_with(&self, event: &Event) {
        self.ticked(&event.channel);
        if self.strict.load(Relaxed) {
            self.lock().let_go(event);
        }
    }

    /// A lane's event is done with: its next one may go.
    fn release(&self, lane: Option<usize>) {
        let Some(lane) = lane else { return };
        let mut state = self.lock();
        state.busy[lane] = false;
        if state.lanes[lane].is_empty() {
            return;
        }
        state.ready.push_back(lane);
        drop(state);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Events that may be taken from the queue; while the handler is paused none, and then one that it is tried with.
    fn room(&self, now: Instant) -> usize {
        let room = if self.strict.parked() >= PARKED_MAX { 0 } else { HELD_MAX.saturating_sub(self.held) };
        match self.breaker.admits(now) {
            Admission::All => room,
            Admission::One => room.min(usize::from(self.ready.is_empty())),
            Admission::Nothing(..) => 0,
        }
    }

    /// Moves an event whose time has come again into its lane. False: there is none.
    fn enqueue_due(&mut self, now: Instant) -> bool {
        let is_due = self.delayed.peek().is_some_and(|next| next.0.at <= now);
        if is_due && let Some(Reverse(delayed)) = self.delayed.pop() {
            self.enqueue(delayed.delivery);
        }
        is_due
    }

    /// When there may be something to do though nothing comes.
    fn look_at(&self) -> Option<Instant> {
        let retry = self.delayed.peek().map(|next| next.0.at);
        match self.breaker.admits(Instant::now()) {
            Admission::Nothing(_, until) => until,
            Admission::All | Admission::One => retry,
        }
    }

    /// What waited behind an event may go.
    fn let_go(&mut self, event: &Event) {
        let waited = self.strict.release(event);
        self.held = self.held.saturating_add(waited.len());
        let queue = &mut self.lanes[self.sort.lane(event)];
        waited.into_iter().rev().for_each(|delivery| queue.push_front(delivery));
    }

    fn enqueue(&mut self, delivery: Delivery) {
        let lane = self.sort.lane(&delivery.event);
        let queue = &mut self.lanes[lane];
        queue.push_back(delivery);
        self.held = self.held.saturating_add(1);
        if queue.len() == 1 && !self.busy[lane] {
            self.ready.push_back(lane);
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
