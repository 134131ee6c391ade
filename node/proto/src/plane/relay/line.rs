//! What is on its way to one neighbour: frames that were not sent yet, and frames that were and are kept until the
//! neighbour has confirmed them.
//!
//! Both are bounded. While too much is unconfirmed nothing more is sent; while too much is unsent the oldest of it
//! is dropped. Where a frame goes instead when the neighbour is lost is not decided here.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};

use super::paths::Set;
use crate::{
    frame::relay::{Destinations, Leg, Sealed, SetBudget, Taken, put_set, put_stream, relay_head},
    id::NodeId,
    limits::PEER_QUEUE_BYTES,
    plane::budget::Share,
    time::Now,
};

/// Frames that may be unconfirmed at a time; each costs a little memory beside its bytes.
const UNCONFIRMED_MAX: usize = 32_768;

/// A sealed frame on its way from here.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) sealed: Sealed,
    /// For whom of those it was sealed for.
    pub(super) set: Set,
    /// Links it may cross behind the next one.
    pub(super) hops: u8,
    /// The neighbour it came from; none for this node's own.
    pub(super) from: Option<NodeId>,
    /// It was sent once and not confirmed, so it may have arrived.
    pub(super) sent: bool,
}

impl Frame {
    /// Copies of events it stands for.
    pub(super) fn copies(&self) -> u64 {
        self.sealed.envelope().events.saturating_mul(self.set.nodes().copies())
    }

    /// Bytes it holds in a queue.
    pub(super) fn weight(&self) -> usize {
        self.sealed.bytes().len()
    }
}

/// What became of the copies that were sent to one neighbour: `sent` is the sum of `confirmed`, `in_flight` and
/// `taken_back`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// Copies written to a data stream.
    pub sent: u64,
    /// Copies the neighbour has taken over.
    pub confirmed: u64,
    /// Copies it may or may not have.
    pub in_flight: u64,
    /// Copies that were taken back, to be sent again or another way, because a stream or the neighbour was lost.
    pub taken_back: u64,
    /// Copies that set out again, of those that were taken back or are in flight.
    pub again: u64,
}

impl LineCounts {
    /// Both together.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            sent: self.sent.saturating_add(other.sent),
            confirmed: self.confirmed.saturating_add(other.confirmed),
            in_flight: self.in_flight.saturating_add(other.in_flight),
            taken_back: self.taken_back.saturating_add(other.taken_back),
            again: self.again.saturating_add(other.again),
        }
    }
}

/// A neighbour confirms what was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it confirms {confirmed} relayed frames of stream {stream}, where {sent} were sent")]
pub struct ConfirmError {
    stream: u64,
    confirmed: u64,
    sent: u64,
}

/// The frames for one neighbour.
#[derive(Debug)]
pub(super) struct Line {
    /// Of what all queues may hold.
    share: Share,
    unsent: VecDeque<Frame>,
    unsent_bytes: usize,
    /// In the order in which they were sent.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    /// The number of the current stream; streams count from 1.
    stream: u64,
    /// Frames written to it.
    written: u64,
    budget: SetBudget,
    /// What the current stream calls a set, by the set's number here.
    numbers: BTreeMap<u64, u32>,
    counts: LineCounts,
}

#[derive(Debug)]
struct Kept {
    stream: u64,
    /// Counts the stream's frames from 1.
    position: u64,
    at: Now,
    copies: u64,
    weight: usize,
    /// None when another way has it.
    frame: Option<Frame>,
}

impl Line {
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            stream: 0,
            written: 0,
            budget: SetBudget::default(),
            numbers: BTreeMap::new(),
            counts: LineCounts::default(),
        }
    }

    /// Adds a frame. Returns how many copies were dropped to make room: the oldest that were not sent.
    pub(super) fn push(&mut self, frame: Frame) -> u64 {
        let mut dropped = 0_u64;
        while !self.has_room(frame.weight()) {
            let Some(oldest) = self.unsent.pop_front() else { break };
            self.unsent_bytes = self.unsent_bytes.saturating_sub(oldest.weight());
            dropped = dropped.saturating_add(oldest.copies());
        }
        self.unsent_bytes = self.unsent_bytes.saturating_add(frame.weight());
        self.unsent.push_back(frame);
        dropped
    }

    fn has_room(&mut self, weight: usize) -> bool {
        let unsent = self.unsent_bytes.saturating_add(weight);
        unsent <= PEER_QUEUE_BYTES && self.share.hold(unsent.saturating_add(self.kept_bytes))
    }

    /// Whether who brings more should wait if it can.
    pub(super) fn is_crowded(&self) -> bool {
        self.unsent_bytes >= PEER_QUEUE_BYTES / 2
    }

    /// Whether there is something to send that may be sent.
    pub(super) fn is_ready(&self) -> bool {
        !self.unsent.is_empty()
            && self.kept.len() < UNCONFIRMED_MAX
            && (self.kept.is_empty() || self.kept_bytes < PEER_QUEUE_BYTES)
    }

    /// A new stream begins, which knows no sets yet. Returns the frame that opens it.
    pub(super) fn begin_stream(&mut self) -> Bytes {
        self.stream = self.stream.saturating_add(1);
        self.written = 0;
        self.budget = SetBudget::default();
        self.numbers.clear();
        put_stream(self.stream)
    }

    /// A stream broke: what it may not have delivered is sent again, before everything else.
    pub(super) fn stream_broke(&mut self) {
        for kept in std::mem::take(&mut self.kept).into_iter().rev() {
            self.counts.in_flight = self.counts.in_flight.saturating_sub(kept.copies);
            self.counts.taken_back = self.counts.taken_back.saturating_add(kept.copies);
            if let Some(frame) = kept.frame {
                self.unsent_bytes = self.unsent_bytes.saturating_add(frame.weight());
                self.counts.again = self.counts.again.saturating_add(frame.copies());
                self.unsent.push_front(Frame { sent: true, ..frame });
            }
        }
        self.kept_bytes = 0;
    }

    /// Whole frames to write now, about so many bytes, and the copies in them. Keeps what it hands out.
    pub(super) fn take(&mut self, now: Now, at_most: usize, out: &mut Vec<Bytes>) -> u64 {
        let (mut bytes, mut copies) = (0_usize, 0_u64);
        while bytes < at_most && self.is_ready() {
            let Some(frame) = self.unsent.pop_front() else { break };
            self.unsent_bytes = self.unsent_bytes.saturating_sub(frame.weight());
            bytes = bytes.saturating_add(frame.weight());
            let leg = Leg { set: self.declare(&frame.set, out), hops: frame.hops };
            out.extend([relay_head(leg, &frame.sealed), frame.sealed.bytes().clone()]);
            copies = copies.saturating_add(frame.copies());
            self.keep(now, frame);
        }
        copies
    }

    fn keep(&mut self, now: Now, frame: Frame) {
        self.written = self.written.saturating_add(1);
        let (copies, weight) = (frame.copies(), frame.weight());
        self.kept_bytes = self.kept_bytes.saturating_add(weight);
        self.counts.sent = self.counts.sent.saturating_add(copies);
        self.counts.in_flight = self.counts.in_flight.saturating_add(copies);
        let (stream, position) = (self.stream, self.written);
        self.kept.push_back(Kept { stream, position, at: now, copies, weight, frame: Some(frame) });
    }

    /// The number of a set on the current stream, declared when it has none yet.
    fn declare(&mut self, set: &Set, out: &mut Vec<Bytes>) -> u32 {
        if let Some(&number) = self.numbers.get(&set.number) {
            return number;
        }
        let (number, again) = self.budget.take(set.nodes());
        if again {
            self.numbers.clear();
        }
        let mut frame = BytesMut::new();
        put_set(&mut frame, number, set.nodes());
        out.push(frame.freeze());
        self.numbers.insert(set.number, number);
        number
    }

    /// The neighbour has taken over the first frames of a stream, and all of the streams before it.
    pub(super) fn confirmed(&mut self, taken: &Taken) -> Result<(), ConfirmError> {
        let sent = if taken.stream == self.stream { self.written } else { u64::MAX };
        if taken.stream > self.stream || taken.frames > sent {
            return Err(ConfirmError { stream: taken.stream, confirmed: taken.frames, sent });
        }
        while let Some(oldest) = self.kept.front()
            && (oldest.stream, oldest.position) <= (taken.stream, taken.frames)
        {
            self.kept_bytes = self.kept_bytes.saturating_sub(oldest.weight);
            self.counts.in_flight = self.counts.in_flight.saturating_sub(oldest.copies);
            self.counts.confirmed = self.counts.confirmed.saturating_add(oldest.copies);
            self.kept.pop_front();
        }
        self.share.keep(self.unsent_bytes.saturating_add(self.kept_bytes));
        Ok(())
    }

    /// When the oldest unconfirmed frame was sent.
    pub(super) fn unconfirmed_since(&self) -> Option<Now> {
        self.kept.front().map(|kept| kept.at)
    }

    /// Takes back the part of all frames that is for these nodes, oldest first. What was sent of it may arrive all
    /// the same.
    pub(super) fn withdraw(
        &mut self,
        moved: impl Fn(&NodeId) -> bool,
        mut number: impl FnMut(Destinations) -> Set,
    ) -> Vec<Frame> {
        let mut part = |frame: Frame, withdrawn: &mut Vec<Frame>| {
            let (gone, stays): (Vec<_>, Vec<_>) =
                frame.set.nodes().nodes().iter().partition(|node| moved(node));
            let Some(gone) = Destinations::new(gone) else { return Some(frame) };
            withdrawn.push(Frame { set: number(gone), ..frame.clone() });
            Destinations::new(stays).map(|stays| Frame { set: number(stays), ..frame })
        };
        let (mut again, mut unsent) = (Vec::new(), Vec::new());
        for kept in &mut self.kept {
            let frame = kept.frame.take().map(|frame| Frame { sent: true, ..frame });
            kept.frame = frame.and_then(|frame| part(frame, &mut again));
        }
        let waiting = std::mem::take(&mut self.unsent).into_iter();
        self.unsent = waiting.filter_map(|frame| part(frame, &mut unsent)).collect();
        self.unsent_bytes = self.unsent.iter().map(Frame::weight).sum();
        self.counts.again = self.counts.again.saturating_add(copies(&again));
        again.extend(unsent);
        again
    }

    /// The neighbour is lost: everything it has not confirmed, oldest first, and how the counts end.
    pub(super) fn close(mut self) -> (Vec<Frame>, LineCounts) {
        self.counts.taken_back = self.counts.taken_back.saturating_add(self.counts.in_flight);
        self.counts.in_flight = 0;
        let sent = self.kept.into_iter().filter_map(|kept| kept.frame);
        let mut frames: Vec<Frame> = sent.map(|frame| Frame { sent: true, ..frame }).collect();
        self.counts.again = self.counts.again.saturating_add(copies(&frames));
        frames.extend(self.unsent);
        (frames, self.counts)
    }

    /// Bytes that were not sent yet, and the copies in them.
    pub(super) fn queued(&self) -> (usize, u64) {
        (self.unsent_bytes, copies(&self.unsent))
    }

    pub(super) fn counts(&self) -> LineCounts {
        self.counts
    }
}

/// Copies that frames stand for together.
pub(super) fn copies<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> u64 {
    frames.into_iter().fold(0, |sum, frame| frame.copies().saturating_add(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::{
            relay::{DATA_RELAY, DATA_SET, Inner, SIGNATURE_BYTES, Unsigned, read_relay},
            split_frame,
        },
        id::Incarnation,
        limits::HOPS_MAX,
        plane::{
            budget::Budget,
            relay::{departures::Departures, paths::Paths},
        },
    };

    /// Makes frames of one origin to one node, one after the other.
    struct Source {
        departures: Departures,
        set: Set,
    }

    impl Source {
        fn new() -> Self {
            let [me, to] = [NodeId([9; 32]), NodeId([1; 32])];
            let set = Paths::new(me).number(Destinations::one(to));
            Self { departures: Departures::new(me, Incarnation(1)), set }
        }

        fn next(&mut self) -> Frame {
            let inner = Inner { kind: 2, body: Bytes::from_static(b"b") };
            let unsigned = Unsigned::new(self.departures.envelope(&self.set, 1), &inner);
            let sealed = unsigned.sign(&[0; SIGNATURE_BYTES]);
            Frame { sealed, set: self.set.clone(), hops: HOPS_MAX - 1, from: None, sent: false }
        }
    }

    /// What is written next: the kinds of all frames, and the sequences and hops of the relayed ones.
    fn written(line: &mut Line) -> (Vec<u8>, Vec<(u64, u8)>) {
        let (mut out, mut kinds, mut relayed) = (Vec::new(), Vec::new(), Vec::new());
        line.take(Now::default(), usize::MAX, &mut out);
        let mut bytes = BytesMut::from(&out.concat()[..]);
        while let Some((kind, body)) = split_frame(&mut bytes, usize::MAX).expect("frames") {
            kinds.push(kind);
            if kind == DATA_RELAY {
                let (leg, sealed) = read_relay(&body).expect("a relayed frame");
                relayed.push((sealed.envelope().sequence, leg.hops));
            }
        }
        (kinds, relayed)
    }

    #[test]
    fn what_a_stream_lost_comes_first_on_the_next_and_in_order() {
        let (mut line, mut source) = (Line::new(Budget::new(1 << 30).share()), Source::new());
        line.begin_stream();
        (0..3).for_each(|_| assert_eq!(line.push(source.next()), 0));
        let most = HOPS_MAX - 1;
        assert_eq!(
            written(&mut line),
            (vec![DATA_SET, DATA_RELAY, DATA_RELAY, DATA_RELAY], vec![(1, most), (2, most), (3, most)])
        );
        line.confirmed(&Taken { stream: 1, frames: 1, events: 0 }).expect("it was sent");
        line.push(source.next());
        line.stream_broke();
        line.begin_stream();
        // The new stream knows no set yet.
        assert_eq!(
            written(&mut line),
            (vec![DATA_SET, DATA_RELAY, DATA_RELAY, DATA_RELAY], vec![(2, most), (3, most), (4, most)])
        );
    }

    #[test]
    fn no_more_is_sent_than_may_be_unconfirmed() {
        let (mut line, mut source) = (Line::new(Budget::new(1 << 30).share()), Source::new());
        line.begin_stream();
        let mut sent = 0;
        for _ in 0..UNCONFIRMED_MAX / 1_000 + 2 {
            (0..1_000).for_each(|_| assert_eq!(line.push(source.next()), 0));
            sent += written(&mut line).1.len();
        }
        assert!(!line.is_ready());
        assert_eq!(sent, UNCONFIRMED_MAX);
        assert!(line.kept_bytes < PEER_QUEUE_BYTES);
        line.confirmed(&Taken { stream: 1, frames: 1_000, events: 0 }).expect("they were sent");
        assert!(line.is_ready());
        assert_eq!(written(&mut line).1.len(), 1_000);
    }
}
