//! A peer's outgoing queue: one more consumer of what is published. Publishers encode straight into the
//! open batch; the link's writer takes whole batches. Channels become numbers that outlive the batches,
//! so dropping a batch never breaks a later one. What goes on over the peer to others rides along.

mod streams;

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use hive_proto::{
    channel::Channel,
    frame::{
        batch::{ArrivedChannel, Batch, BatchWriter, ChannelRef, Entry},
        data::{put_answer, put_definitions},
        relay::Taken,
    },
    limits::{BATCH_BYTES_TARGET, CHANNEL_NUMBERS_MAX, PEER_QUEUE_BYTES},
    plane::relay::RelayError,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use self::streams::Streams;
use super::{CallError, Message, relay::Port};

/// Answers may pass the queue's bound this far: their number is bounded by the calls in flight, and
/// losing one costs a caller its whole timeout.
const ANSWER_ALLOWANCE: usize = 2;

/// Bytes the writer takes at a time; the rest stays where its bound is.
const WRITE_BYTES: usize = 4 * BATCH_BYTES_TARGET;

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

#[derive(Debug, Default)]
struct State {
    /// Takes events until it passes [`BATCH_BYTES_TARGET`].
    open: BatchWriter,
    /// Closed batches, oldest first; these are what a lagging peer loses.
    sealed: VecDeque<Batch>,
    /// Encoded frames that do not wait behind events: answers and confirmations.
    frames: Vec<Bytes>,
    /// Bytes of all three.
    bytes: usize,
    /// Channel names in the order of their numbers; only grows while the outbox lives.
    names: Vec<Channel>,
    numbers: HashMap<Channel, u32>,
    /// How many of `names` the current stream has been told.
    defined: usize,
    /// Something was dropped and the queue was not empty since.
    lagging: bool,
    /// The peer is gone.
    closed: bool,
    /// What was written.
    streams: Streams,
}

/// What was not sent when the peer was lost.
#[derive(Debug, Default)]
pub(super) struct Leftover {
    /// Batches, oldest first.
    pub(super) batches: Vec<Batch>,
    /// Whole frames beside them.
    pub(super) frames: Vec<Bytes>,
    /// Events that were sent and may have arrived, but were not confirmed.
    pub(super) unconfirmed: u64,
    names: Vec<Channel>,
}

/// What a peer calls a channel on its link: a number after the first use, the name once numbers ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ChannelNumber(Option<u32>);

/// What the writer sends next: complete frames, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Frames to write as they are.
    pub frames: Vec<Bytes>,
    /// Events among them.
    pub events: u64,
}

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
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            ready: Notify::new(),
            space: Notify::new(),
            turn: Default::default(),
            port: None,
        }
    }

    /// One that also carries what goes on over its peer.
    pub(super) fn with_port(port: Port) -> Self {
        Self { port: Some(port), ..Self::new() }
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
        if state.bytes >= PEER_QUEUE_BYTES {
            return Appended::Full;
        }
        let was_empty = state.bytes == 0;
        state.encode(number, channel, entry);
        drop(state);
        if was_empty {
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
        while state.bytes >= PEER_QUEUE_BYTES {
            let Some(batch) = state.sealed.pop_front() else { break };
            state.bytes = state.bytes.saturating_sub(batch.body.len());
            state.lagging = true;
            dropped = dropped.saturating_add(u64::from(batch.events));
        }
        state.encode(number, channel, entry);
        drop(state);
        self.ready.notify_one();
        dropped
    }

    /// Whether nobody should wait for it.
    pub(super) fn is_lagging(&self) -> bool {
        self.lock().lagging
    }

    /// Queues the answer to a call of this peer. False when it was dropped for want of room.
    pub(super) fn answer(&self, call: u64, outcome: &Result<Message, CallError>) -> bool {
        let frame = put_answer(call, outcome.as_ref().map_err(CallError::to_wire));
        let mut state = self.lock();
        if state.closed || state.bytes >= PEER_QUEUE_BYTES.saturating_mul(ANSWER_ALLOWANCE) {
            return false;
        }
        state.push_frame(frame);
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

impl State {
    #[inline]
    fn encode(&mut self, number: ChannelNumber, channel: &Channel, entry: &Entry<'_>) {
        let before = self.open.len();
        let channel = number.0.map_or(ChannelRef::Name(channel), ChannelRef::Number);
        self.open.push(channel, entry);
        self.bytes = self.bytes.saturating_add(self.open.len().saturating_sub(before));
        if self.open.len() >= BATCH_BYTES_TARGET {
            let sealed = self.open.take();
            self.sealed.push_back(sealed);
        }
    }

    /// Takes complete frames of about so many bytes: what the stream was not told yet, answers, then
    /// the oldest batches.
    fn take(&mut self, at_most: usize) -> Outgoing {
        let mut outgoing = Outgoing::default();
        if self.defined < self.names.len() {
            let mut frames = BytesMut::new();
            put_definitions(&mut frames, self.defined, &self.names[self.defined..]);
            outgoing.frames.push(frames.freeze());
            self.defined = self.names.len();
        }
        let mut taken = 0_usize;
        for frame in self.frames.drain(..) {
            taken = taken.saturating_add(frame.len());
            outgoing.frames.push(frame);
        }
        if self.sealed.is_empty() && !self.open.is_empty() {
            self.sealed.push_back(self.open.take());
        }
        while taken < at_most || outgoing.events == 0 {
            let Some(batch) = self.sealed.pop_front() else { break };
            taken = taken.saturating_add(batch.body.len());
            outgoing.events = outgoing.events.saturating_add(u64::from(batch.events));
            outgoing.frames.extend([batch.head, batch.body]);
            if self.sealed.is_empty() && !self.open.is_empty() {
                self.sealed.push_back(self.open.take());
            }
        }
        self.bytes = self.bytes.saturating_sub(taken);
        self.lagging &= self.bytes > 0;
        self.streams.wrote(outgoing.events);
        outgoing
    }

    fn push_frame(&mut self, frame: Bytes) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push(frame);
    }

    /// Everything that is queued, with the names that its numbers stand for.
    fn leave(&mut self) -> Leftover {
        if !self.open.is_empty() {
            self.sealed.push_back(self.open.take());
        }
        self.bytes = 0;
        Leftover {
            batches: self.sealed.drain(..).collect(),
            frames: std::mem::take(&mut self.frames),
            unconfirmed: self.streams.end(),
            names: self.names.clone(),
        }
    }
}

impl Leftover {
    /// Events that were queued.
    pub(super) fn events(&self) -> u64 {
        self.batches.iter().map(|batch| u64::from(batch.events)).sum()
    }

    /// The channel of an entry in one of the batches.
    pub(super) fn channel<'a>(&'a self, channel: &'a ArrivedChannel) -> Option<&'a Channel> {
        match channel {
            ArrivedChannel::Name(name) => Some(name),
            ArrivedChannel::Number(number) => self.names.get(usize::try_from(*number).ok()?),
        }
    }
}
