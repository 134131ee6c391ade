//! Strict order: while an event of a channel and key waits for another try, those behind it wait, too.
//!
//! It must not know when the event is tried again.

use std::collections::{BTreeMap, VecDeque};

use hive_proto::{channel::Channel, id::EventId};

use crate::bus::{Delivery, Event};

/// Events that may wait behind others; past it those that come next are not taken, whatever their key.
pub(super) const PARKED_MAX: usize = 4_096;

/// Channels and keys that are held back.
#[derive(Debug, Default)]
pub(super) struct Held {
    keys: BTreeMap<(Channel, Option<String>), Behind>,
    parked: usize,
}

/// What waits behind an event.
#[derive(Debug)]
struct Behind {
    /// The event that is tried again.
    first: EventId,
    waiting: VecDeque<Delivery>,
}

fn key_of(event: &Event) -> (Channel, Option<String>) {
    (event.channel.clone(), event.message.key().map(Into::into))
}

impl Held {
    /// From now on others wait behind it.
    pub(super) fn hold(&mut self, event: &Event) {
        let begin = || Behind { first: event.id, waiting: VecDeque::new() };
        self.keys.entry(key_of(event)).or_insert_with(begin);
    }

    /// Takes what has to wait; gives back what may go.
    pub(super) fn park(&mut self, delivery: Delivery) -> Option<Delivery> {
        if self.keys.is_empty() {
            return Some(delivery);
        }
        match self.keys.get_mut(&key_of(&delivery.event)) {
            Some(behind) if behind.first != delivery.event.id => {
                behind.waiting.push_back(delivery);
                self.parked = self.parked.saturating_add(1);
                None
            }
            _ => Some(delivery),
        }
    }

    /// The event is done with. Returns what waited behind it.
    pub(super) fn release(&mut self, event: &Event) -> VecDeque<Delivery> {
        if self.keys.is_empty() {
            return VecDeque::new();
        }
        let key = key_of(event);
        if self.keys.get(&key).is_none_or(|behind| behind.first != event.id) {
            return VecDeque::new();
        }
        let waiting = self.keys.remove(&key).map(|behind| behind.waiting).unwrap_or_default();
        self.parked = self.parked.saturating_sub(waiting.len());
        waiting
    }

    /// Nothing is held back any more. Returns what waited.
    pub(super) fn release_all(&mut self) -> impl Iterator<Item = Delivery> + use<> {
        self.parked = 0;
        std::mem::take(&mut self.keys).into_values().flat_map(|behind| behind.waiting)
    }

    /// Events that wait.
    pub(super) fn parked(&self) -> usize {
        self.parked
    }
}
