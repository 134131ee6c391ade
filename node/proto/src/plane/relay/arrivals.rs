//! Frames that are there: each once, in the order of its set, and none behind a later one of its channel.
//!
//! A frame that took a longer way may come behind its successors, so these wait a moment for it. What is
//! remembered of an origin is bounded: what is too old to be told from a repetition is dropped as one.

use std::collections::BTreeMap;

use super::window::Window;
use crate::{
    channel::Channel,
    frame::relay::{Envelope, Sealed},
    id::{Incarnation, NodeId},
    plane::account::DropReason,
    time::Now,
};

/// Origins that are remembered; past it the one that was silent for longest is forgotten.
const ORIGINS_MAX: usize = 4096;
/// Bytes of frames that wait for an earlier one, all together. Past it those of the origin at hand go on without.
const WAITING_BYTES: usize = 4 << 20;
/// Channels of one origin that are remembered; past it all of them are forgotten.
const CHANNELS_MAX: usize = 4096;
/// How long a frame waits for the one before it. The ends of a broken link learn of it up to a second apart, and
/// that is how much later what was on it sets out anew; two of them in a row are rare enough.
const ORDER_WAIT: std::time::Duration = std::time::Duration::from_millis(2000);

/// What has arrived of every origin.
#[derive(Debug)]
pub(super) struct Arrivals {
    me: NodeId,
    origins: BTreeMap<NodeId, Origin>,
    waiting_bytes: usize,
}

/// What is remembered of one life of an origin.
#[derive(Debug)]
struct Origin {
    incarnation: Incarnation,
    seen: Window,
    /// Frames whose predecessor was not seen, by sequence.
    waiting: BTreeMap<u64, Waiting>,
    /// The last frame that each channel had events in.
    channels: BTreeMap<Channel, u64>,
    /// When something last came.
    used: Now,
}

#[derive(Debug)]
struct Waiting {
    sealed: Sealed,
    until: Now,
}

impl Arrivals {
    pub(super) fn new(me: NodeId) -> Self {
        Self { me, origins: BTreeMap::new(), waiting_bytes: 0 }
    }

    /// Whether a frame is worth verifying its signature.
    pub(super) fn check(&self, envelope: &Envelope) -> Result<(), DropReason> {
        if envelope.origin == self.me {
            return Err(DropReason::Duplicate);
        }
        if envelope.to.is_some_and(|to| to != self.me) {
            return Err(DropReason::Forged);
        }
        let Some(origin) = self.origins.get(&envelope.origin) else { return Ok(()) };
        if envelope.incarnation < origin.incarnation {
            return Err(DropReason::Late);
        }
        if envelope.incarnation == origin.incarnation && origin.seen.contains(envelope.sequence) {
            return Err(DropReason::Duplicate);
        }
        Ok(())
    }

    /// A frame whose signature was verified. Returns what is to be handed over now, in order: it may have to wait,
    /// and others may have waited for it.
    pub(super) fn admit(&mut self, now: Now, sealed: Sealed) -> Result<Vec<Sealed>, DropReason> {
        let envelope = sealed.envelope().clone();
        self.check(&envelope)?;
        self.make_room(&envelope.origin);
        let origin = self.origins.entry(envelope.origin).or_insert_with(|| Origin::new(&envelope, now));
        let mut ready = Vec::new();
        if origin.incarnation != envelope.incarnation {
            let earlier = std::mem::replace(origin, Origin::new(&envelope, now));
            ready.extend(earlier.waiting.into_values().map(|waiting| waiting.sealed));
        }
        origin.used = now;
        origin.seen.insert(envelope.sequence);
        self.waiting_bytes = self.waiting_bytes.saturating_add(sealed.bytes().len());
        origin.waiting.insert(envelope.sequence, Waiting { sealed, until: now.after(ORDER_WAIT) });
        let crowded = self.waiting_bytes > WAITING_BYTES;
        origin.release(&self.me, if crowded { u64::MAX } else { 0 }, &mut ready);
        self.released(&ready);
        Ok(ready)
    }

    /// What has waited for long enough, in order.
    pub(super) fn due(&mut self, now: Now) -> Vec<Sealed> {
        let mut ready = Vec::new();
        for origin in self.origins.values_mut().filter(|origin| !origin.waiting.is_empty()) {
            let due = origin.waiting.iter().filter(|(_, waiting)| waiting.until <= now);
            if let Some(last) = due.map(|(sequence, _)| *sequence).max() {
                origin.release(&self.me, last, &mut ready);
            }
        }
        self.released(&ready);
        ready
    }

    /// Events that wait for an earlier frame.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = self.origins.values().flat_map(|origin| origin.waiting.values());
        waiting.fold(0, |sum, waiting| waiting.sealed.envelope().events.saturating_add(sum))
    }

    /// When something will have waited for long enough.
    pub(super) fn next_due(&self) -> Option<Now> {
        let waiting = self.origins.values().flat_map(|origin| origin.waiting.values());
        waiting.map(|waiting| waiting.until).min()
    }

    /// Whether a frame of this life of an origin was handed over, or never will be.
    pub(super) fn is_past(&self, node: &NodeId, incarnation: Incarnation, sequence: u64) -> bool {
        self.origins.get(node).is_some_and(|origin| {
            let settled = origin.seen.contains(sequence) && !origin.waiting.contains_key(&sequence);
            origin.incarnation > incarnation || (origin.incarnation == incarnation && settled)
        })
    }

    /// Whether the events of a channel in this frame are in order, that is, behind none of a later frame.
    pub(super) fn in_order(&mut self, envelope: &Envelope, channel: &Channel) -> bool {
        let Some(origin) = self.origins.get_mut(&envelope.origin) else { return true };
        if origin.incarnation != envelope.incarnation {
            // It had waited, and was released in the moment in which a later life of its origin came.
            return true;
        }
        if let Some(last) = origin.channels.get_mut(channel) {
            let in_order = *last <= envelope.sequence;
            *last = envelope.sequence.max(*last);
            return in_order;
        }
        if origin.channels.len() >= CHANNELS_MAX {
            origin.channels.clear();
        }
        origin.channels.insert(channel.clone(), envelope.sequence);
        true
    }

    fn released(&mut self, ready: &[Sealed]) {
        let bytes: usize = ready.iter().map(|sealed| sealed.bytes().len()).sum();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
    }

    /// Forgets an origin if there is no room for another. One that has frames waiting is never silent for longest:
    /// they do not wait for that long.
    fn make_room(&mut self, newcomer: &NodeId) {
        if self.origins.len() < ORIGINS_MAX || self.origins.contains_key(newcomer) {
            return;
        }
        let idle = self.origins.iter().filter(|(_, origin)| origin.waiting.is_empty());
        if let Some(oldest) = idle.min_by_key(|(_, origin)| origin.used).map(|(node, _)| *node) {
            self.origins.remove(&oldest);
        }
    }
}

impl Origin {
    fn new(envelope: &Envelope, now: Now) -> Self {
        Self {
            incarnation: envelope.incarnation,
            seen: Window::default(),
            waiting: BTreeMap::new(),
            channels: BTreeMap::new(),
            used: now,
        }
    }

    /// Hands over what waits for nothing any more, and all up to a sequence whatever it waits for.
    fn release(&mut self, me: &NodeId, all_up_to: u64, ready: &mut Vec<Sealed>) {
        let mut still = BTreeMap::new();
        // A predecessor has the smaller number, so one pass releases whole chains.
        for (sequence, waiting) in std::mem::take(&mut self.waiting) {
            let after = waiting.sealed.envelope().after(me);
            let came = after == 0 || (self.seen.contains(after) && !still.contains_key(&after));
            match came || sequence <= all_up_to {
                true => ready.push(waiting.sealed),
                false => drop(still.insert(sequence, waiting)),
            }
        }
        self.waiting = still;
    }
}
