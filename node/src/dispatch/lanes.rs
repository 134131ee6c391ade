//! Lanes: events of one channel and key are handled one after the other, different ones side by side.
//! Workers pull; nothing runs here between an event's arrival and the worker that takes it.

mod delayed;
mod ticks;

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hive_proto::channel::Channel;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::delayed::Delayed;
use super::{
    Call, Outcome, Policy,
    tally::{Tallied, Tally},
};
use crate::bus::{Bus, Delivery, Event, Failure, Message, Request, Subscription};

/// Lanes a handler has. More than any pool has instances, so that lanes rarely wait for each other.
const LANES: usize = 64;
/// Events taken from the queue into lanes at a time; the rest stays where its bound is.
const HELD_MAX: usize = 256;
/// Events that wait for another try. Past it a failing event becomes a dead letter at once.
const DELAYED_MAX: usize = 4_096;

/// The jobs of one handler, handed to its workers in order.
#[derive(Debug)]
pub struct Lanes {
    name: String,
    policy: Policy,
    bus: Bus,
    subscription: Subscription,
    /// Held for a few instructions, never across a wait.
    state: Mutex<State>,
    /// Told when a lane becomes ready, or the next retry changes.
    wake: Notify,
    /// Told when a tick was done with. One task waits for it.
    ticked: Notify,
    tally: Tally,
}

#[derive(Debug)]
struct State {
    /// Events by lane.
    lanes: Vec<VecDeque<Delivery>>,
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
}

/// One event in a worker's hands. Dropped unfinished, it counts as broken.
#[derive(Debug)]
pub struct Job {
    lanes: Arc<Lanes>,
    /// Taken when the job is finished.
    work: Option<Delivery>,
    lane: Option<usize>,
    deadline: Instant,
}

impl Lanes {
    /// The lanes of a named handler over its subscription.
    #[must_use]
    pub fn new(name: impl Into<String>, subscription: Subscription, policy: Policy, bus: Bus) -> Arc<Self> {
        let state = State {
            lanes: (0..LANES).map(|_| VecDeque::new()).collect(),
            busy: [false; LANES],
            ready: VecDeque::new(),
            requests: VecDeque::new(),
            held: 0,
            delayed: BinaryHeap::new(),
            ticking: BTreeSet::new(),
            incoming: Vec::new(),
        };
        Arc::new(Self {
            name: name.into(),
            policy,
            bus,
            subscription,
            state: Mutex::new(state),
            wake: Notify::new(),
            ticked: Notify::new(),
            tally: Tally::default(),
        })
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
        drop(state);
        here.saturating_add(self.subscription.queued())
    }

    /// The next job. None once `stop` is cancelled or the subscription has ended.
    pub async fn next(self: &Arc<Self>, stop: &CancellationToken) -> Option<Job> {
        loop {
            if stop.is_cancelled() {
                return None;
            }
            let wake = self.wake.notified();
            let (retry_at, has_room) = {
                let mut state = self.lock();
                self.refill(&mut state);
                if let Some(job) = self.pick(&mut state) {
                    let more = !state.ready.is_empty() || !state.requests.is_empty();
                    drop(state);
                    if more {
                        self.wake.notify_one();
                    }
                    return Some(job);
                }
                (state.delayed.peek().map(|next| next.0.at), state.held < HELD_MAX)
            };
            tokio::select! {
                () = stop.cancelled() => return None,
                () = wake => {}
                () = sleep_until(retry_at) => {}
                open = self.readable(has_room) => if !open { return None },
            }
        }
    }

    /// Moves events from the queue, and those whose time has come again, into lanes.
    fn refill(&self, state: &mut State) {
        let now = Instant::now();
        while state.delayed.peek().is_some_and(|next| next.0.at <= now) {
            if let Some(Reverse(delayed)) = state.delayed.pop() {
                state.enqueue(delayed.delivery);
            }
        }
        let room = HELD_MAX.saturating_sub(state.held);
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
    }

    /// Waits for what could be taken: with all lanes full that is only a request.
    async fn readable(&self, has_room: bool) -> bool {
        if has_room { self.subscription.readable().await } else { self.subscription.request_readable().await }
    }

    fn pick(self: &Arc<Self>, state: &mut State) -> Option<Job> {
        let limit = Instant::now() + self.policy.deadline;
        while let Some(delivery) = state.requests.pop_front() {
            // What nobody waits for is not begun.
            if delivery.request.as_ref().is_some_and(Request::is_withdrawn) {
                continue;
            }
            let deadline = delivery.request.as_ref().map_or(limit, |request| limit.min(request.deadline()));
            return Some(self.job(delivery, None, deadline));
        }
        while let Some(lane) = state.ready.pop_front() {
            while let Some(delivery) = state.lanes[lane].pop_front() {
                state.held = state.held.saturating_sub(1);
                // It may have waited for long, or for another try.
                if let Some(delivery) = self.bus.unless_expired(delivery) {
                    state.busy[lane] = true;
                    return Some(self.job(delivery, Some(lane), limit));
                }
            }
        }
        None
    }

    fn job(self: &Arc<Self>, delivery: Delivery, lane: Option<usize>, deadline: Instant) -> Job {
        Job { lanes: Arc::clone(self), work: Some(delivery), lane, deadline }
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

    /// Keeps a failed event for another try. Gives it back with a reason when it has none left.
    #[expect(clippy::result_large_err, reason = "the event goes back as it came, without an allocation")]
    fn retry(&self, mut delivery: Delivery, after: Option<Duration>) -> Result<(), (Delivery, String)> {
        let event = &mut delivery.event;
        if event.attempt >= self.policy.attempts {
            let attempts = event.attempt;
            return Err((delivery, format!("failed {attempts} times, last: ")));
        }
        let wait = after.unwrap_or_else(|| self.policy.wait(event.attempt, event.id.sequence));
        let wait = wait.min(self.policy.backoff_max.max(self.policy.backoff));
        event.attempt = event.attempt.saturating_add(1);
        let mut state = self.lock();
        if state.delayed.len() >= DELAYED_MAX {
            drop(state);
            return Err((delivery, format!("{DELAYED_MAX} events already wait for another try; last: ")));
        }
        state.delayed.push(Reverse(Delayed { at: Instant::now() + wait, delivery }));
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enqueue(&mut self, delivery: Delivery) {
        let lane = lane_of(&delivery.event);
        let queue = &mut self.lanes[lane];
        queue.push_back(delivery);
        self.held = self.held.saturating_add(1);
        if queue.len() == 1 && !self.busy[lane] {
            self.ready.push_back(lane);
        }
    }
}

/// The same for the same channel and key.
fn lane_of(event: &Event) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default()
        .hash_one((event.channel.as_str(), event.message.key()));
    usize::try_from(hash % LANES as u64).unwrap_or(0)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

impl Job {
    /// What is to be handled.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.work.as_ref().expect("a job has its event until it is finished").event
    }

    /// How it is to be handled.
    #[must_use]
    pub fn call(&self) -> Call {
        let ticket = self.work.as_ref().and_then(|work| work.ticket.as_ref());
        let group = ticket.map(|ticket| ticket.group().clone());
        let request = self.work.as_ref().and_then(|work| work.request.as_ref());
        let (wants_reply, chain) = (request.is_some(), request.and_then(Request::chain).map(Arc::clone));
        Call { deadline: self.deadline, wants_reply, group, chain }
    }

    /// The event, and the request behind it when somebody waits for an answer.
    pub(super) fn parts(&mut self) -> (&Event, Option<&mut Request>) {
        let work = self.work.as_mut().expect("a job has its event until it is finished");
        (&work.event, work.request.as_mut())
    }

    /// Nobody waits for the answer any more, and nothing is to be counted.
    pub(super) fn forget(mut self) {
        drop(self.work.take());
    }

    /// Says what became of it: answers the request, or tries the event again, or buries it.
    pub async fn finish(mut self, outcome: Outcome) {
        let Some(mut delivery) = self.work.take() else { return };
        self.lanes.tally.count(&outcome);
        if let Some(request) = delivery.request.take() {
            request.answer(answer(outcome));
        } else {
            let lanes = Arc::clone(&self.lanes);
            if let Some((delivery, reason)) = settle(&lanes, delivery, outcome) {
                lanes.tally.dead();
                lanes.ticked(&delivery.event.channel);
                lanes.bus.bury(&lanes.name, &delivery.event, &reason).await;
                if let Some(ticket) = delivery.ticket {
                    ticket.dead();
                }
            }
        }
        // Dropping the job releases its lane, also when the caller of this goes away in the middle.
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(mut delivery) = self.work.take() {
            let outcome = Outcome::Broken("the call was abandoned".into());
            self.lanes.tally.count(&outcome);
            match delivery.request.take() {
                Some(request) => request.answer(answer(outcome)),
                None => abandon(&self.lanes, delivery),
            }
        }
        self.lanes.release(self.lane);
    }
}

/// An event whose call was dropped mid-way is tried again; without a try left only its count remains.
fn abandon(lanes: &Lanes, delivery: Delivery) {
    let id = delivery.event.id;
    let Err((delivery, _)) = lanes.retry(delivery, None) else {
        lanes.tally.retried();
        return;
    };
    lanes.ticked(&delivery.event.channel);
    if let Some(ticket) = delivery.ticket {
        ticket.dead();
    }
    lanes.tally.dead();
    tracing::warn!(plugin = lanes.name, event = %id, "an abandoned event had no try left and is lost");
}

/// Keeps the event for another try if that is what follows; gives it back with the reason if it is dead.
fn settle(lanes: &Lanes, delivery: Delivery, outcome: Outcome) -> Option<(Delivery, String)> {
    let (reason, after) = match outcome {
        Outcome::Done(_) => {
            lanes.ticked(&delivery.event.channel);
            if let Some(ticket) = delivery.ticket {
                ticket.done();
            }
            return None;
        }
        Outcome::Reject(reason) => return Some((delivery, format!("rejected: {reason}"))),
        Outcome::Retry { reason, after } => (reason, after),
        Outcome::Broken(reason) => (reason, None),
    };
    match lanes.retry(delivery, after) {
        Ok(()) => {
            lanes.tally.retried();
            tracing::debug!(plugin = lanes.name, "will try again: {reason}");
            None
        }
        Err((delivery, why)) => Some((delivery, format!("{why}{reason}"))),
    }
}

fn answer(outcome: Outcome) -> Result<Message, Failure> {
    match outcome {
        Outcome::Done(answer) => Ok(answer.unwrap_or_default()),
        Outcome::Retry { reason, .. } | Outcome::Broken(reason) => Err(Failure::Failed(reason)),
        Outcome::Reject(reason) => Err(Failure::Rejected(reason)),
    }
}
