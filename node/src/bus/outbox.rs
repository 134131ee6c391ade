//! A peer's outgoing queue: one more consumer of what is published. Publishers encode straight into the
//! open batch; the link's writer takes whole batches. Channels become numbers that outlive the batches,
//! so dropping a batch never breaks a later one. What goes on over the peer to others rides along.

mod gather;
mod state;
mod streams;
#[cfg(test)]
mod tests;

use std::{
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hive_proto::{
    channel::Channel,
    frame::{batch::Entry, handout::Settled, relay::Taken},
    limits::{BATCH_BYTES_TARGET, CHANNEL_NUMBERS_MAX, PEER_QUEUE_BYTES},
    plane::{account::LinkCounts, budget::Share, relay::RelayError},
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

pub(super) use self::state::Leftover;
pub use self::state::Outgoing;
use self::{gather::GATHERED_BYTES, state::State};
use super::relay::Port;

/// Answers may pass the queue's bound this far: their number is bounded by the calls in flight, and
/// losing one costs a caller its whole timeout.
const ANSWER_ALLOWANCE: usize = 2;

/// Bytes the writer takes at a time; the rest stays where its bound is.
const WRITE_BYTES: usize = 4 * BATCH_BYTES_TARGET;

/// How long the writer waits for a whole batch of a stream at most.
const GATHER_LIMIT: Duration = Duration::from_millis(1);

/// One peer's outgoing events and answers, bounded in bytes.
#[derive(Debug)]
pub struct Outbox {
    /// Held for one encoding, never across a wait.
    state: Mutex<State>,
    /// Told when there is something to send, and when the outbox closes.
    ready: Notify,
    /// Told when the writer took something.
    space: Notify,
    /// Held by the one writer; the next one waits until it has ended its stream.
    turn: tokio::sync::Mutex<()>,
    /// Where the frames for others come from; none where nothing is relayed.
    port: Option<Port>,
}

/// What a peer calls a channel on its link: a number after the first use, the name once numbers ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChannelNumber(Option<u32>);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// In a batch.
    Taken,
    /// No room.
    Full,
    /// The peer is gone.
    Closed,
}

impl Outbox {
    /// One whose queue has a share of what all may hold, and that also carries what goes on over its peer to others.
    pub(super) fn with(share: Share, port: Option<Port>) -> Self {
        Self {
            state: Mutex::new(State::new(share)),
            ready: Notify::new(),
            space: Notify::new(),
            turn: Default::default(),
            port,
        }
    }

    #[cfg(test)]
    pub(super) fn new() -> Self {
        Self::with(hive_proto::plane::budget::Budget::new(1 << 30).share(), None)
    }

    /// The number this peer knows, or will know, a channel by.
    pub(super) fn number(&self, channel: &Channel) -> ChannelNumber {
        let mut state = self.lock();
        if let Some(number) = state.numbers.get(channel) {
            return ChannelNumber(Some(*number));
        }
        let next = u32::try_from(state.names.len()).ok().filter(|next| *next < CHANNEL_NUMBERS_MAX);
        if let Some(next) = next {
            state.names.push(channel.clone());
            state.numbers.insert(channel.clone(), next);
        }
        ChannelNumber(next)
    }

    /// Encodes one event into the open batch if there is room. `entry.channel` is taken from `number`.
    pub(super) fn append(&self, number: ChannelNumber, channel: &Channel, entry: &Entry<'_>) -> Appended {
        let mut state = self.lock();
        if state.closed {
            return Appended::Closed;
        }
        if state.is_full() {
            return Appended::Full;
        }
        let before = state.bytes;
        state.encode(number, channel, entry);
        let awaited = if state.gathering { GATHERED_BYTES } else { 1 };
        // A caller waits for its answer, and for nothing else.
        let urgent = state.gathering && entry.call.is_some();
        state.gathering &= !urgent;
        let wake = urgent || (before < awaited && state.bytes >= awaited);
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        Appended::Taken
    }

    /// Encodes one event as soon as there is room, waiting at most so long.
    pub(super) async fn append_within(
        &self,
        number: ChannelNumber,
        channel: &Channel,
        entry: &Entry<'_>,
        at_most: Duration,
    ) -> Appended {
        let deadline = Instant::now() + at_most;
        loop {
            let mut space = pin!(self.space.notified());
            space.as_mut().enable();
            match self.append(number, channel, entry) {
                Appended::Full => {}
                settled => return settled,
            }
            if timeout_at(deadline, space).await.is_err() {
                return Appended::Full;
            }
        }
    }

    /// Encodes one event at the cost of the oldest batches. Returns how many events were dropped.
    pub(super) fn force(&self, number: ChannelNumber, channel: &Channel, entry: &Entry<'_>) -> u64 {
        let mut state = self.lock();
        let mut dropped = 0_u64;
        while state.is_full() {
            let Some(batch) = state.sealed.pop_front() else { break };
            state.drained(batch.body.len());
            state.lagging = true;
            dropped = dropped.saturating_add(u64::from(batch.events));
        }
        state.dropped = state.dropped.saturating_add(dropped);
        state.encode(number, channel, entry);
        drop(state);
        self.ready.notify_one();
        dropped
    }

    /// Bytes that wait, and the events among them.
    pub(super) fn queued(&self) -> (u64, u64) {
        let state = self.lock();
        (state.bytes as u64, state.events())
    }

    /// What became of the events.
    pub(super) fn counts(&self) -> LinkCounts {
        let state = self.lock();
        LinkCounts { queued: state.events(), dropped: state.dropped, ..state.streams.counts() }
    }

    /// Whether nobody should wait for it.
    pub(super) fn is_lagging(&self) -> bool {
        self.lock().lagging
    }

    /// Queues a frame that answers a call of this peer, or says that one of ours needs no answer. False when it was
    /// dropped for want of room.
    pub(super) fn answer(&self, frame: Bytes) -> bool {
        let mut state = self.lock();
        if state.closed || state.bytes >= PEER_QUEUE_BYTES.saturating_mul(ANSWER_ALLOWANCE) {
            return false;
        }
        state.push_frame(frame);
        drop(state);
        self.ready.notify_one();
        true
    }

    /// Queues what became of an event that the peer gave to a member here. False when the peer is gone. There are no
    /// more of these than events that came.
    pub(super) fn outcome(&self, outcome: (u64, Settled)) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let wake = state.bytes == 0;
        state.push_outcome(outcome);
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        true
    }

    /// Whether an event has no room.
    pub(super) fn is_full(&self) -> bool {
        self.lock().is_full()
    }

    /// Whether nothing more is taken.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Queues a frame in its order among the events. False when there is no room.
    pub(super) fn in_order(&self, frame: Bytes) -> bool {
        let mut state = self.lock();
        if state.closed || state.is_full() {
            return false;
        }
        state.push_in_order(frame);
        state.gathering = false;
        drop(state);
        self.ready.notify_one();
        true
    }

    /// Queues a frame that confirms what was taken of the peer's stream. There are few, and the peer waits for them.
    pub(super) fn confirm(&self, frame: Bytes) {
        let mut state = self.lock();
        if !state.closed {
            state.push_frame(frame);
        }
        drop(state);
        self.ready.notify_one();
    }

    /// The peer confirms what it has taken of ours.
    pub(super) fn confirmed(&self, taken: &Taken) -> Result<(), RelayError> {
        self.lock().streams.confirmed(taken);
        self.port.as_ref().map_or(Ok(()), |port| port.confirmed(taken))
    }

    /// There is something to send for others.
    pub(super) fn poke(&self) {
        self.lock().gathering = false;
        self.ready.notify_one();
    }

    /// Waits until no other writer serves this peer, and begins a new stream, which knows no channel
    /// numbers yet. The turn lasts until the guard is dropped.
    pub async fn begin_stream(&self) -> impl Drop + '_ {
        let turn = self.turn.lock().await;
        let (broke, first) = {
            let state = self.lock();
            (state.streams.broke(), state.streams.is_first())
        };
        let mut opening = Vec::new();
        if let Some(port) = &self.port {
            let fence = if first { port.fence().await } else { None };
            opening.extend(port.begin_stream(!broke).into_iter().chain(fence));
        }
        let mut state = self.lock();
        state.defined = 0;
        state.streams.begin(opening);
        drop(state);
        turn
    }

    /// Everything that was written to the current stream has arrived.
    pub fn stream_arrived(&self) {
        self.lock().streams.arrived();
    }

    /// Waits until there is something to send, and takes the first part of it. None once the outbox is
    /// closed. Cancel-safe.
    pub async fn next(&self) -> Option<Outgoing> {
        self.gather().await;
        loop {
            let ready = self.ready.notified();
            let (outgoing, closed) = self.take();
            if !outgoing.frames.is_empty() {
                self.space.notify_waiters();
                return Some(outgoing);
            }
            if closed {
                return None;
            }
            ready.await;
        }
    }

    /// Waits for a whole batch if there is a stream of events, but never with anything that somebody waits for.
    async fn gather(&self) {
        if !self.lock().begins_to_gather() {
            return;
        }
        let deadline = Instant::now() + GATHER_LIMIT;
        let told = loop {
            let told = timeout_at(deadline, self.ready.notified()).await;
            // It may have been told of what was taken already.
            if told.is_err() || !self.lock().still_gathers() {
                break told;
            }
        };
        let mut state = self.lock();
        state.gathering = false;
        let bytes = state.bytes;
        // What ended it early says nothing about the stream.
        if told.is_err() || bytes >= GATHERED_BYTES {
            state.gather.gathered(bytes);
        }
    }

    /// The peer leaves: nothing more is taken, what is queued is still sent.
    pub fn finish(&self) {
        self.lock().closed = true;
        self.ready.notify_waiters();
        self.space.notify_waiters();
    }

    /// The peer is gone. Returns what was queued, or is not known to have arrived.
    pub(super) fn close(&self) -> Leftover {
        let mut state = self.lock();
        state.closed = true;
        let leftover = state.leave();
        drop(state);
        self.ready.notify_waiters();
        self.space.notify_waiters();
        leftover
    }

    /// The next part to send, if there is one, and whether nothing will follow.
    fn take(&self) -> (Outgoing, bool) {
        let mut state = self.lock();
        let mut outgoing = if state.bytes > 0 { state.take(WRITE_BYTES) } else { Outgoing::default() };
        let closed = state.closed;
        drop(state);
        if let Some(port) = &self.port {
            port.take(WRITE_BYTES, &mut outgoing.frames);
        }
        if !outgoing.frames.is_empty() {
            outgoing.frames.splice(0..0, self.lock().streams.take_opening());
        }
        (outgoing, closed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
