//! A run: neighbouring plain events of one batch, left encoded until their consumer takes them. The link
//! that brought them reads only their heads, and touches no counter an event.
//!
//! What a channel number means, and who a run is for, is not known here.

use bytes::{Buf, Bytes};

use super::{Base, Head};
use crate::{frame::wire::Reader, time::Hlc};

/// Entries that were checked when they arrived, so that reading them cannot fail; the oldest comes first.
#[derive(Debug, Clone)]
pub struct Run {
    /// What was not taken yet.
    body: Bytes,
    base: Base,
    events: usize,
    payload_bytes: usize,
}

/// One event of a run: a numbered channel and a payload that shares the frame's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The channel's number.
    pub channel: u32,
    /// Of the event's id.
    pub sequence: u64,
    /// When it was published.
    pub time: Hlc,
    /// How many publishes led here.
    pub depth: u8,
    /// What was sent.
    pub payload: Bytes,
}

impl Run {
    pub(super) fn checked(body: Bytes, base: Base, events: usize, payload_bytes: usize) -> Self {
        Self { body, base, events, payload_bytes }
    }

    /// Events not taken yet.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// Bytes of their payloads.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// Takes the oldest event; none at the end.
    #[inline]
    pub fn pop(&mut self) -> Option<Plain> {
        let mut base = self.base;
        let (head, used) = self.peek(&mut base)?;
        self.body.advance(used);
        let payload = self.body.split_to(head.payload_bytes);
        self.base = base;
        self.events = self.events.saturating_sub(1);
        self.payload_bytes = self.payload_bytes.saturating_sub(head.payload_bytes);
        let Head { number, depth, .. } = head;
        Some(Plain { channel: number, sequence: base.sequence, time: Hlc(base.time), depth, payload })
    }

    /// Splits off the oldest events for as long as `takes` says yes to the next one's payload bytes; none
    /// where it refuses the first. The last event always stays.
    #[must_use]
    pub fn split_front(&mut self, mut takes: impl FnMut(usize) -> bool) -> Option<Self> {
        let mut rest = self.clone();
        let mut front = Self { events: 0, payload_bytes: 0, ..self.clone() };
        while rest.events > 1 {
            let mut base = rest.base;
            let Some((head, used)) = rest.peek(&mut base) else { break };
            if !takes(head.payload_bytes) {
                break;
            }
            rest.body.advance(used.saturating_add(head.payload_bytes));
            rest.base = base;
            rest.events = rest.events.saturating_sub(1);
            rest.payload_bytes = rest.payload_bytes.saturating_sub(head.payload_bytes);
            front.events = front.events.saturating_add(1);
            front.payload_bytes = front.payload_bytes.saturating_add(head.payload_bytes);
        }
        if front.events == 0 {
            return None;
        }
        front.body.truncate(self.body.len().saturating_sub(rest.body.len()));
        *self = rest;
        Some(front)
    }

    /// The oldest event's head, checked to have its payload behind it, and the head's length.
    #[inline]
    fn peek(&self, base: &mut Base) -> Option<(Head, usize)> {
        let mut reader = Reader::new(&self.body);
        let head = Head::read(&mut reader, base).ok()?;
        let used = self.body.len().checked_sub(reader.remaining())?;
        (reader.remaining() >= head.payload_bytes).then_some((head, used))
    }
}
