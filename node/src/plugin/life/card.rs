//! A plugin's card on the board: what it says of itself to whoever looks.
//!
//! Exists so that the life of a plugin reads without bookkeeping. It must not decide anything.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::SystemTime,
};

use super::{Shared, Version};
use crate::{
    control::Reloaded,
    dispatch::Lanes,
    plugin::description::Listen,
    status::{PluginCard, PluginState, WantCard, Work},
};

/// Writes one plugin's card.
pub struct Card {
    name: String,
    shared: Arc<Shared>,
    work: Arc<Work>,
}

impl Card {
    pub(super) fn new(name: &str, shared: Arc<Shared>) -> Self {
        Self { name: name.to_owned(), shared, work: Arc::default() }
    }

    pub(super) fn work(&self) -> Arc<Work> {
        Arc::clone(&self.work)
    }

    /// A file is being compiled and tried; an older version may be live.
    pub(super) fn looking_at(&self, file: &Path, is_live: bool) {
        self.change(|card| {
            card.file = file.to_path_buf();
            card.state = if is_live { PluginState::Running } else { PluginState::Loading };
        });
    }

    /// A version went live.
    pub(super) fn live(&self, version: &Version, generation: u64, hash: &str, size_bytes: u64) {
        let wishes = &version.wishes;
        let want = |listen: &Listen| WantCard { pattern: listen.pattern.clone(), answers: listen.answers };
        let now = SystemTime::now();
        self.change(|card| {
            card.state = PluginState::Running;
            card.generation = generation;
            card.hash = hash.to_owned();
            card.size_bytes = size_bytes;
            card.version.clone_from(&wishes.version);
            card.instances = wishes.mode.to_string();
            card.wants = wishes.listens.iter().map(want).collect();
            card.loaded = Some(now);
        });
    }

    /// The newest file is what is live.
    pub(super) fn fine(&self) {
        self.change(|card| {
            card.problem = None;
            card.state = PluginState::Running;
        });
    }

    /// The newest file is not live.
    pub(super) fn refused(&self, why: &str, is_live: bool) {
        self.change(|card| {
            card.problem = Some(why.to_owned());
            card.state = if is_live { PluginState::Running } else { PluginState::Failed };
        });
    }

    /// It finishes what it has.
    pub(super) fn draining(&self) {
        self.change(|card| card.state = PluginState::Draining);
    }

    /// It is gone.
    pub(super) fn gone(&self) {
        self.shared.boards.plugins.change(|plugins| {
            plugins.remove(&self.name);
        });
    }

    /// What a reload came to.
    pub(super) fn reloaded(&self, generation: u64) -> Reloaded {
        let plugins = self.shared.boards.plugins.read();
        let problem = plugins.get(&self.name).and_then(|card| card.problem.clone());
        Reloaded { plugin: self.name.clone(), generation, problem }
    }

    fn change(&self, change: impl Fn(&mut PluginCard)) {
        self.shared.boards.plugins.change(|plugins| {
            change(plugins.entry(self.name.clone()).or_insert_with(|| self.blank()));
        });
    }

    fn blank(&self) -> PluginCard {
        PluginCard {
            file: PathBuf::new(),
            state: PluginState::Loading,
            generation: 0,
            hash: String::new(),
            size_bytes: 0,
            version: String::new(),
            instances: String::new(),
            wants: Vec::new(),
            loaded: None,
            problem: None,
            work: Arc::clone(&self.work),
        }
    }
}

/// Carries what the lanes count to the boards. The mutex is held for a walk through plugins, a few times a second.
#[derive(Default)]
pub struct Counts(Mutex<Vec<(Weak<Lanes>, Arc<Work>)>>);

impl Counts {
    /// From now on `work` says what these lanes count.
    pub fn follow(&self, lanes: &Arc<Lanes>, work: Arc<Work>) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.push((Arc::downgrade(lanes), work));
    }

    /// Brings everything up to date.
    pub fn update(&self) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|(lanes, work)| {
            let Some(lanes) = lanes.upgrade() else { return false };
            let tally = lanes.tally();
            work.handled.set(tally.handled);
            work.retried.set(tally.retried);
            work.dead.set(tally.dead);
            work.dropped.set(tally.missed.saturating_add(tally.skipped));
            work.queued.set(u64::try_from(lanes.waiting()).unwrap_or(u64::MAX));
            true
        });
    }
}
