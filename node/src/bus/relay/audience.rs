//! A set of nodes that want the same events, as one consumer: publishers encode into its open batch once for all of
//! them, and the sealing task takes whole batches.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hive_proto::{
    channel::{Channel, NetworkIndex},
    frame::{
        batch::Entry,
        handout::{DATA_OUTCOMES, OUTCOMES_MAX, Settled, put_outcomes},
        relay::{Inner, NamedBatch},
    },
    limits::{BATCH_BYTES_TARGET, PEER_QUEUE_BYTES},
    plane::relay::Set,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Answers may pass the queue's bound this far, as on a link of their own.
const ANSWER_ALLOWANCE: usize = 2;

/// What one outcome counts in the queue's bound.
const OUTCOME_BYTES: usize = 11;

/// The events and answers for one set of nodes that were not sealed yet, bounded in bytes.
#[derive(Debug)]
pub(in crate::bus) struct Audience {
    network: NetworkIndex,
    set: Set,
    /// Held for one encoding, never across a wait.
    state: Mutex<Waiting>,
    /// Told when something was taken.
    space: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    open: NamedBatch,
    /// Closed batches and answers with the events in them, oldest first.
    closed: VecDeque<(Inner, u64)>,
    /// What became of events.
    outcomes: Vec<(u64, Settled)>,
    /// Bytes of all three.
    bytes: usize,
    /// Something was dropped and the queue was not empty since.
    lagging: bool,
}

/// What became of something for an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grown {
    /// It is the first: somebody has to be told.
    Begun,
    /// It is queued behind others.
    More,
    /// No room.
    Full,
}

impl Audience {
    pub(super) fn new(network: NetworkIndex, set: Set) -> Self {
        Self { network, set, state: Mutex::default(), space: Notify::new() }
    }

    pub(super) fn network(&self) -> NetworkIndex {
        self.network
    }

    pub(super) fn set(&self) -> &Set {
        &self.set
    }

    /// Nodes that get a copy of everything.
    pub(in crate::bus) fn copies(&self) -> u32 {
        u32::try_from(self.set.nodes().copies()).unwrap_or(u32::MAX)
    }

    pub(super) fn append(&self, channel: &Channel, entry: &Entry<'_>) -> Grown {
        let mut state = self.lock();
        if state.bytes >= PEER_QUEUE_BYTES {
            return Grown::Full;
        }
        state.encode(channel, entry)
    }

    /// Encodes one event at the cost of the oldest batches. Returns the copies that were dropped, and whether the
    /// audience had been empty.
    pub(super) fn force(&self, channel: &Channel, entry: &Entry<'_>) -> (u64, bool) {
        let mut state = self.lock();
        let mut dropped = 0_u64;
        while state.bytes >= PEER_QUEUE_BYTES {
            let Some((inner, events)) = state.closed.pop_front() else { break };
            state.bytes = state.bytes.saturating_sub(inner.body.len());
            state.lagging = true;
            dropped = dropped.saturating_add(events.saturating_mul(u64::from(self.copies())));
        }
        let grown = state.encode(channel, entry);
        (dropped, grown == Grown::Begun)
    }

    /// Queues an answer.
    pub(super) fn answer(&self, inner: Inner) -> Grown {
        let mut state = self.lock();
        if state.bytes >= PEER_QUEUE_BYTES.saturating_mul(ANSWER_ALLOWANCE) {
            return Grown::Full;
        }
        let was_empty = state.bytes == 0;
        state.bytes = state.bytes.saturating_add(inner.body.len());
        state.closed.push_back((inner, 1));
        if was_empty { Grown::Begun } else { Grown::More }
    }

    /// Queues what became of an event. There are no more of these than events that came.
    pub(super) fn outcome(&self, outcome: (u64, Settled)) -> Grown {
        let mut state = self.lock();
        let was_empty = state.bytes == 0;
        state.bytes = state.bytes.saturating_add(OUTCOME_BYTES);
        state.outcomes.push(outcome);
        if was_empty { Grown::Begun } else { Grown::More }
    }

    /// Everything that waits to be sealed, oldest first.
    pub(super) fn take(&self) -> Vec<(Inner, u64)> {
        let mut state = self.lock();
        let mut taken: Vec<_> = state.closed.drain(..).collect();
        if !state.open.is_empty() {
            taken.push(state.open.take());
        }
        for outcomes in std::mem::take(&mut state.outcomes).chunks(OUTCOMES_MAX) {
            taken.push((Inner { kind: DATA_OUTCOMES, body: put_outcomes(outcomes) }, 1));
        }
        (state.bytes, state.lagging) = (0, false);
        drop(state);
        self.space.notify_waiters();
        taken
    }

    /// Whether an event has no room.
    pub(in crate::bus) fn is_full(&self) -> bool {
        self.lock().bytes >= PEER_QUEUE_BYTES
    }

    /// Whether nobody should wait for it.
    pub(super) fn is_lagging(&self) -> bool {
        self.lock().lagging
    }

    /// Waits until there is room, at most so long.
    pub(in crate::bus) async fn wait_for_room(&self, at_most: Duration) {
        let deadline = Instant::now() + at_most;
        loop {
            let mut space = pin!(self.space.notified());
            space.as_mut().enable();
            if self.lock().bytes < PEER_QUEUE_BYTES || timeout_at(deadline, space).await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn encode(&mut self, channel: &Channel, entry: &Entry<'_>) -> Grown {
        let (was_empty, before) = (self.bytes == 0, self.open.len());
        self.open.push(channel, entry);
        self.bytes = self.bytes.saturating_add(self.open.len().saturating_sub(before));
        if self.open.len() >= BATCH_BYTES_TARGET {
            let closed = self.open.take();
            self.closed.push_back(closed);
        }
        if was_empty { Grown::Begun } else { Grown::More }
    }
}
