//! What is known of keys beside the store: what calls that are not over have written, and what is on its way to disk.
//!
//! What it owns: who sees which value, and which one may be kept. Exists so that other instances see a write at once while
//! the disk sees a call as a whole. It must not know bounds, the store or time beyond what it is told.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::store::StateValue;

/// What a key has; none: nothing.
pub type Slot = Option<StateValue>;

/// One change, as a call made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// This value, or none, whatever was there.
    Put(Slot),
    /// So much more.
    Add(i64),
}

/// The number of a call; a state counts its calls.
pub type CallNumber = u64;

/// What happened to a key lately.
#[derive(Debug)]
pub struct Entry {
    /// What it had before all of the layers.
    base: Slot,
    /// What was written since, the newest last.
    layers: Vec<Layer>,
    /// The last one that took it to the store, until it is readable there.
    pub flight: Option<u64>,
}

#[derive(Debug)]
struct Layer {
    /// Who wrote it; none: calls that are over.
    call: Option<CallNumber>,
    write: Write,
}

impl Entry {
    /// An entry of a key that has this in the store.
    #[must_use]
    pub fn new(base: Slot) -> Self {
        Self { base, layers: Vec::new(), flight: None }
    }

    /// What everybody sees.
    #[must_use]
    pub fn seen(&self, now_ms: u64) -> Slot {
        self.fold(now_ms, |_| true)
    }

    /// What the calls that are over have left: what may be kept.
    #[must_use]
    pub fn settled(&self, now_ms: u64) -> Slot {
        self.fold(now_ms, |layer| layer.call.is_none())
    }

    /// Whether nothing is known here that the store does not have.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.layers.is_empty() && self.flight.is_none()
    }

    /// A call writes. What it wrote before and this replaces is forgotten, so that there are few layers.
    pub fn write(&mut self, call: CallNumber, write: Write) {
        let own = Some(call);
        match write {
            Write::Put(_) => self.layers.retain(|layer| layer.call != own),
            Write::Add(more) => {
                // Sums may be added in any order, so that it finds its own below those of others.
                let adds = self.layers.iter_mut().rev();
                let mut adds = adds.take_while(|layer| matches!(layer.write, Write::Add(_)));
                if let Some(Layer { write: Write::Add(sum), .. }) = adds.find(|layer| layer.call == own) {
                    *sum = sum.saturating_add(more);
                    return;
                }
            }
        }
        self.layers.push(Layer { call: own, write });
    }

    /// A call is over, and what it wrote here stays.
    pub fn settle(&mut self, call: CallNumber, now_ms: u64) {
        for layer in &mut self.layers {
            if layer.call == Some(call) {
                layer.call = None;
            }
        }
        self.merge(now_ms);
    }

    /// A call is over, and what it wrote here is as if it had never been.
    pub fn discard(&mut self, call: CallNumber, now_ms: u64) {
        self.layers.retain(|layer| layer.call != Some(call));
        self.merge(now_ms);
    }

    /// Layers of calls that are over become one where they touch, and the base where they touch it.
    fn merge(&mut self, now_ms: u64) {
        let mut merged: Vec<Layer> = Vec::with_capacity(self.layers.len());
        for layer in self.layers.drain(..) {
            match (merged.last_mut(), layer.call, layer.write) {
                (None, None, write) => self.base = after(self.base.take(), &write, now_ms),
                (Some(Layer { call: None, write: below }), None, write) => match (below, write) {
                    (Write::Add(sum), Write::Add(more)) => *sum = sum.saturating_add(more),
                    (Write::Put(slot), write) => *slot = after(slot.take(), &write, now_ms),
                    (below, write) => *below = write,
                },
                (_, call, write) => merged.push(Layer { call, write }),
            }
        }
        self.layers = merged;
    }

    fn fold(&self, now_ms: u64, counts: impl Fn(&Layer) -> bool) -> Slot {
        let layers = self.layers.iter().filter(|layer| counts(layer));
        layers.fold(self.base.clone(), |slot, layer| after(slot, &layer.write, now_ms))
    }
}

/// What a key has after a write.
fn after(slot: Slot, write: &Write, now_ms: u64) -> Slot {
    match write {
        Write::Put(slot) => slot.clone(),
        Write::Add(more) => {
            let alive = slot.filter(|value| value.is_alive(now_ms));
            // That it is a number was seen when it was added to; the value it was then may have been discarded.
            let sum = alive.as_ref().and_then(number).unwrap_or(0).saturating_add(*more);
            let ends_ms = alive.and_then(|value| value.ends_ms);
            Some(StateValue { bytes: Bytes::from(sum.to_string()), ends_ms })
        }
    }
}

/// The sum that a value is.
#[must_use]
pub fn number(value: &StateValue) -> Option<i64> {
    str::from_utf8(&value.bytes).ok()?.parse().ok()
}

/// The entries by key.
pub type Entries = BTreeMap<Arc<str>, Entry>;

/// The keys from `from` on, behind it or up to `to`, and what is seen there.
pub fn between<'e>(
    entries: &'e Entries,
    (from, to): (Bound<&'e str>, Bound<&'e str>),
    now_ms: u64,
) -> impl Iterator<Item = (&'e str, bool)> {
    let range = entries.range::<str, _>((from, to));
    range.map(move |(key, entry)| (&**key, entry.seen(now_ms).is_some_and(|value| value.is_alive(now_ms))))
}
