//! What an outbox holds, under its lock: the open batch, the closed ones, whole frames beside them, and the
//! names behind channel numbers. Nothing here waits or wakes.

use std::collections::{HashMap, VecDeque};

use bytes::{Bytes, BytesMut};
use hive_proto::{
    channel::Channel,
    frame::{
        batch::{ArrivedChannel, Batch, BatchWriter, ChannelRef, Entry},
        data::put_definitions,
        frame,
        handout::{DATA_OUTCOMES, OUTCOMES_MAX, Settled, put_outcomes},
    },
    limits::{BATCH_BYTES_TARGET, PEER_QUEUE_BYTES},
    plane::budget::Share,
};

use super::{
    ChannelNumber,
    gather::{GATHERED_BYTES, Gather},
    streams::Streams,
};

/// What one outcome counts in the queue's bound: a number and a code at their longest.
const OUTCOME_BYTES: usize = 11;

#[derive(Debug)]
pub(super) struct State {
    /// Of what all queues may hold.
    share: Share,
    /// Takes events until it passes [`BATCH_BYTES_TARGET`].
    pub(super) open: BatchWriter,
    /// Closed batches, oldest first; these are what a lagging peer loses.
    pub(super) sealed: VecDeque<Batch>,
    /// Encoded frames that do not wait behind events: answers and confirmations.
    pub(super) frames: Vec<Bytes>,
    /// What became of events that the peer gave to members here, not framed yet.
    outcomes: Vec<(u64, Settled)>,
    /// Bytes of all four.
    pub(super) bytes: usize,
    /// Set while the writer waits for a whole batch: events before it need not wake it.
    pub(super) gathering: bool,
    pub(super) gather: Gather,
    /// Channel names in the order of their numbers; only grows while the outbox lives.
    pub(super) names: Vec<Channel>,
    pub(super) numbers: HashMap<Channel, u32>,
    /// How many of `names` the current stream has been told.
    pub(super) defined: usize,
    /// Something was dropped and the queue was not empty since.
    pub(super) lagging: bool,
    /// The peer is gone.
    pub(super) closed: bool,
    /// Events that a lagging peer has lost.
    pub(super) dropped: u64,
    /// What was written.
    pub(super) streams: Streams,
}

/// What was not sent when the peer was lost.
#[derive(Debug, Default)]
pub(in crate::bus) struct Leftover {
    /// Batches, oldest first.
    pub(in crate::bus) batches: Vec<Batch>,
    /// Whole frames beside them.
    pub(in crate::bus) frames: Vec<Bytes>,
    /// Events that were sent and may have arrived, but were not confirmed.
    pub(in crate::bus) unconfirmed: u64,
    names: Vec<Channel>,
}

/// What the writer sends next: complete frames, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Frames to write as they are.
    pub frames: Vec<Bytes>,
    /// Events among them.
    pub events: u64,
}

impl State {
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            open: BatchWriter::default(),
            sealed: VecDeque::new(),
            frames: Vec::new(),
            outcomes: Vec::new(),
            bytes: 0,
            gathering: false,
            gather: Gather::default(),
            names: Vec::new(),
            numbers: HashMap::new(),
            defined: 0,
            lagging: false,
            closed: false,
            dropped: 0,
            streams: Streams::default(),
        }
    }

    /// Whether an event has no room.
    #[inline]
    pub(super) fn is_full(&mut self) -> bool {
        self.bytes >= PEER_QUEUE_BYTES || !self.share.hold(self.bytes)
    }

    /// So many bytes are not held any more.
    pub(super) fn drained(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.share.keep(self.bytes);
    }

    /// Whether a whole batch is likely to be there soon, and nothing speaks against waiting for it.
    pub(super) fn begins_to_gather(&mut self) -> bool {
        self.gathering = self.gather.is_stream();
        self.gathering = self.still_gathers();
        self.gathering
    }

    pub(super) fn still_gathers(&self) -> bool {
        self.gathering && self.bytes < GATHERED_BYTES && self.frames.is_empty() && !self.closed
    }

    #[inline]
    pub(super) fn encode(&mut self, number: ChannelNumber, channel: &Channel, entry: &Entry<'_>) {
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
    pub(super) fn take(&mut self, at_most: usize) -> Outgoing {
        let mut outgoing = Outgoing::default();
        self.frame_outcomes();
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
        self.drained(taken);
        self.lagging &= self.bytes > 0;
        self.streams.wrote(outgoing.events);
        self.gather.took(outgoing.events);
        outgoing
    }

    /// Events that wait.
    pub(super) fn events(&self) -> u64 {
        let sealed = self.sealed.iter().fold(0, |sum: u64, batch| sum.saturating_add(batch.events.into()));
        sealed.saturating_add(self.open.events().into())
    }

    pub(super) fn push_frame(&mut self, frame: Bytes) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push(frame);
    }

    /// Behind the events that are queued, and before those that come.
    pub(super) fn push_in_order(&mut self, frame: Bytes) {
        if !self.open.is_empty() {
            self.sealed.push_back(self.open.take());
        }
        self.bytes = self.bytes.saturating_add(frame.len());
        self.sealed.push_back(Batch { head: Bytes::new(), body: frame, events: 0 });
    }

    pub(super) fn push_outcome(&mut self, outcome: (u64, Settled)) {
        self.bytes = self.bytes.saturating_add(OUTCOME_BYTES);
        self.outcomes.push(outcome);
    }

    fn frame_outcomes(&mut self) {
        let outcomes = std::mem::take(&mut self.outcomes);
        self.bytes = self.bytes.saturating_sub(OUTCOME_BYTES.saturating_mul(outcomes.len()));
        for outcomes in outcomes.chunks(OUTCOMES_MAX) {
            self.push_frame(frame(DATA_OUTCOMES, &put_outcomes(outcomes)));
        }
    }

    /// Everything that is queued, with the names that its numbers stand for.
    pub(super) fn leave(&mut self) -> Leftover {
        if !self.open.is_empty() {
            self.sealed.push_back(self.open.take());
        }
        self.frame_outcomes();
        self.drained(usize::MAX);
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
    pub(in crate::bus) fn events(&self) -> u64 {
        self.batches.iter().map(|batch| u64::from(batch.events)).sum()
    }

    /// The channel of an entry in one of the batches.
    pub(in crate::bus) fn channel<'a>(&'a self, channel: &'a ArrivedChannel) -> Option<&'a Channel> {
        match channel {
            ArrivedChannel::Name(name) => Some(name),
            ArrivedChannel::Number(number) => self.names.get(usize::try_from(*number).ok()?),
        }
    }
}
