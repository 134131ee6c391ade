//! The states of all plugins of a node, and the task that removes what has ended.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::State;
use crate::{
    plugin::timer::unix_ms,
    status::Work,
    store::{Durability, StateChange, Store},
    units::ByteSize,
};

/// How often it is looked for what has ended. Until then it is not seen, but counts.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Keys that one sweep removes.
const SWEEP_MAX: usize = 10_000;

/// Where the states of plugins are opened.
#[derive(Debug, Default)]
pub struct States {
    pub(super) store: Option<Store>,
    /// Those of plugins that the node has. Held for a look.
    open: Mutex<BTreeMap<Arc<str>, Weak<State>>>,
    /// That nothing outlives the node is said once.
    said: AtomicBool,
}

impl States {
    /// The states that are kept in a store; none: in memory.
    #[must_use]
    pub fn new(store: Option<Store>) -> Arc<Self> {
        Arc::new(Self { store, ..Self::default() })
    }

    /// Opens a plugin's.
    #[must_use]
    pub fn open(&self, plugin: &Arc<str>, quota: ByteSize, work: Arc<Work>) -> Arc<State> {
        let state = State::load(Arc::clone(plugin), self.store.clone(), quota, work);
        self.lock().insert(Arc::clone(plugin), Arc::downgrade(&state));
        state
    }

    /// A plugin is loaded that keeps something.
    pub fn is_used(&self) {
        if self.store.is_none() && !self.said.swap(true, Relaxed) {
            tracing::warn!("this node has no data directory: what its plugins keep ends with it");
        }
    }

    /// Removes what has ended, until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut interval = tokio::time::interval(SWEEP_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            let states = Arc::clone(&self);
            // It reads the store, and the thread has other tasks.
            if tokio::task::spawn_blocking(move || states.sweep(unix_ms())).await.is_err() {
                return;
            }
        }
    }

    pub(super) fn sweep(&self, now_ms: u64) {
        let ended = self.store.as_ref().map(|store| store.state().ended(now_ms, SWEEP_MAX)).transpose();
        let ended = ended.unwrap_or_else(|error| {
            tracing::warn!("what plugins keep is not swept: {error}");
            None
        });
        let mut by_plugin: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (plugin, key) in ended.into_iter().flatten() {
            by_plugin.entry(plugin).or_default().push(key);
        }
        let states: Vec<Arc<State>> = {
            let mut open = self.lock();
            open.retain(|_, state| state.strong_count() > 0);
            open.values().filter_map(Weak::upgrade).collect()
        };
        for state in states {
            let keys = by_plugin.remove(&*state.plugin).unwrap_or_default();
            state.sweep(&keys, now_ms);
        }
        // Of plugins that this node does not run now nobody writes.
        for (plugin, keys) in by_plugin {
            let change = |key: String| StateChange { key: key.into(), value: None };
            let changes = keys.into_iter().map(change).collect();
            let written = self.store.as_ref().map(|s| s.state().write(&plugin, changes, Durability::Soon));
            if let Some(Err(error)) = written {
                tracing::debug!(plugin, "what it kept is not swept: {error}");
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Weak<State>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
