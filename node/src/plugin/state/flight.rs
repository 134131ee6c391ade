//! The way to the store: what was handed over, what has landed, and what has to go again.
//!
//! It must not know what values mean.

use std::{collections::BTreeSet, sync::Arc};

use super::{Inner, State, overlay::Entry};
use crate::{
    plugin::timer::unix_ms,
    store::{Durability, StateChange, StoreError, Writing},
};

/// What a change on its way costs beside its key and value.
const FLYING_OVERHEAD: usize = 64;

/// Changes that go to disk together.
pub(super) struct Flight {
    number: u64,
    pub(super) writing: Writing,
    keys: Vec<Arc<str>>,
    bytes: usize,
}

impl State {
    /// Gives the store what calls that are over have left of these keys.
    pub(super) fn hand_over(&self, inner: &mut Inner, keys: BTreeSet<Arc<str>>) {
        if keys.is_empty() {
            return;
        }
        let now_ms = unix_ms();
        let changes: Vec<StateChange> = keys
            .into_iter()
            .filter_map(|key| {
                let value = inner.entries.get(&key)?.settled(now_ms);
                Some(StateChange { key, value })
            })
            .collect();
        let Some(store) = &self.store else { return inner.keep_in_memory(changes) };
        let keys: Vec<Arc<str>> = changes.iter().map(|change| Arc::clone(&change.key)).collect();
        let cost = |change: &StateChange| {
            change.key.len() + change.value.as_ref().map_or(0, |value| value.bytes.len()) + FLYING_OVERHEAD
        };
        let bytes = changes.iter().map(cost).sum();
        inner.started = inner.started.saturating_add(1);
        let number = inner.started;
        for key in &keys {
            if let Some(entry) = inner.entries.get_mut(key) {
                entry.flight = Some(number);
            }
        }
        match store.state().write(&self.plugin, changes, Durability::Soon) {
            Ok(writing) => {
                inner.flying = inner.flying.saturating_add(bytes);
                inner.flights.push_back(Flight { number, writing, keys, bytes });
            }
            Err(error) => {
                inner.unsent.extend(keys);
                if !matches!(error, StoreError::Full { .. }) {
                    inner.fail(error);
                }
            }
        }
    }

    /// Sees what the store has written, and tries again what it has not.
    pub(super) fn look(&self, inner: &mut Inner) {
        self.land(inner);
        let unsent = std::mem::take(&mut inner.unsent);
        self.hand_over(inner, unsent);
    }

    /// Forgets what the store has written.
    pub(super) fn land(&self, inner: &mut Inner) {
        while let Some(outcome) = inner.flights.front().and_then(|flight| flight.writing.outcome()) {
            let Some(Flight { number, keys, bytes, .. }) = inner.flights.pop_front() else { return };
            inner.flying = inner.flying.saturating_sub(bytes);
            if let Err(error) = outcome {
                inner.fail(error);
                let entries = &inner.entries;
                let is_its = |key: &Arc<str>| entries.get(key).is_some_and(|e| e.flight == Some(number));
                inner.unsent.extend(keys.into_iter().filter(is_its));
                continue;
            }
            for key in keys {
                let Some(entry) = inner.entries.get_mut(&key).filter(|entry| entry.flight == Some(number))
                else {
                    continue;
                };
                entry.flight = None;
                if entry.is_idle() {
                    inner.entries.remove(&key);
                }
            }
        }
    }
}

impl Inner {
    fn keep_in_memory(&mut self, changes: Vec<StateChange>) {
        for StateChange { key, value } in changes {
            if self.entries.get(&key).is_some_and(Entry::is_idle) {
                self.entries.remove(&key);
            }
            match value {
                Some(value) => drop(self.memory.insert(key, value)),
                None => drop(self.memory.remove(&key)),
            }
        }
    }

    fn fail(&mut self, error: StoreError) {
        self.failures = (self.failures.0.saturating_add(1), Some(error));
    }
}
