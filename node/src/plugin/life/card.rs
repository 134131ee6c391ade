//! A plugin's card on the board: what it says of itself to whoever looks.
//!
//! Exists so that the life of a plugin reads without bookkeeping. It must not decide anything.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::SystemTime,
};

use super::{Content, Shared, Version};
use crate::{
    dispatch::Lanes,
    plugin::{
        allowance::Allowance,
        description::{Listen, Wishes},
        limits::Limits,
    },
    status::{Lines, PluginCard, PluginState, WantCard, Work},
    units::ByteSize,
};

/// Writes one plugin's card.
pub struct Card {
    name: Arc<str>,
    shared: Arc<Shared>,
    work: Arc<Work>,
    lines: Arc<Lines>,
    state_quota: ByteSize,
}

impl Card {
    pub(in crate::plugin) fn new(name: &str, shared: Arc<Shared>, state_quota: ByteSize) -> Self {
        Self { name: name.into(), shared, work: Arc::default(), lines: Arc::default(), state_quota }
    }

    /// What the plugin may do to the node in a second, counted on the card.
    pub(in crate::plugin) fn allowance(&self, limits: &Limits) -> Arc<Allowance> {
        let (work, lines) = (Arc::clone(&self.work), Arc::clone(&self.lines));
        Arc::new(Allowance::new(Arc::clone(&self.name), limits, work, lines))
    }

    /// It may keep so much from here on.
    pub(super) fn quota(&mut self, quota: ByteSize) {
        self.state_quota = quota;
        self.change(|card| card.state_quota_bytes = quota.0);
    }

    pub(in crate::plugin) fn work(&self) -> Arc<Work> {
        Arc::clone(&self.work)
    }

    /// A file is being compiled and tried; an older version may be live.
    pub(in crate::plugin) fn looking_at(&self, file: &Path, is_live: bool) {
        self.change(|card| {
            card.file = file.to_path_buf();
            card.state = if is_live { PluginState::Running } else { PluginState::Loading };
        });
    }

    /// A version went live.
    pub(super) fn live(&self, version: &Version, content: &Content) {
        let wishes = &version.wishes;
        let now = SystemTime::now();
        self.change(|card| {
            card.state = PluginState::Running;
            card.generation = version.place.generation;
            card.hash.clone_from(&content.hash);
            card.size_bytes = content.size_bytes;
            card.version.clone_from(&wishes.version);
            card.instances = wishes.mode.to_string();
            card.wants = wishes.listens.iter().map(want).collect();
            card.loaded = Some(now);
            card.limits = Some(version.limits.card());
        });
    }

    /// A process is ready, and takes so many events side by side.
    pub(in crate::plugin) fn process(&self, generation: u64, wishes: &Wishes, window: usize) {
        let now = SystemTime::now();
        self.change(|card| {
            card.state = PluginState::Running;
            card.generation = generation;
            card.version.clone_from(&wishes.version);
            card.instances = format!("process, {window} at a time");
            card.wants = wishes.listens.iter().map(want).collect();
            card.loaded = Some(now);
            card.problem = None;
        });
    }

    /// The newest file is what is live.
    pub(in crate::plugin) fn fine(&self) {
        let is_fine = |card: &PluginCard| {
            card.problem.is_none() && card.waits.is_empty() && card.state == PluginState::Running
        };
        // A change copies the map of all plugins.
        if self.shared.boards.plugins.read().get(&self.name).is_some_and(|card| is_fine(card)) {
            return;
        }
        self.change(|card| {
            card.problem = None;
            card.waits.clear();
            card.state = PluginState::Running;
        });
    }

    /// The newest file is not live.
    pub(in crate::plugin) fn refused(&self, why: &str, is_live: bool) {
        self.change(|card| {
            card.problem = Some(why.to_owned());
            card.waits.clear();
            card.state = if is_live { PluginState::Running } else { PluginState::Failed };
        });
    }

    /// The newest file is not live until somebody approves what it wants.
    pub(in crate::plugin) fn waits(&self, wants: &[String], is_live: bool) {
        self.change(|card| {
            card.problem = None;
            card.waits = wants.to_vec();
            card.state = if is_live { PluginState::Running } else { PluginState::Waiting };
        });
    }

    /// Somebody switched it off.
    pub(in crate::plugin) fn disabled(&self, file: &Path) {
        let is_off = |card: &Arc<PluginCard>| card.state == PluginState::Disabled;
        if !self.shared.boards.plugins.read().get(&self.name).is_some_and(is_off) {
            let plugin = &*self.name;
            tracing::info!(plugin, "it is off, and stays so until somebody says `plugins enable {plugin}`");
        }
        self.change(|card| {
            card.file = file.to_path_buf();
            card.state = PluginState::Disabled;
            (card.problem, card.loaded) = (None, None);
            card.waits.clear();
        });
    }

    /// It finishes what it has.
    pub(in crate::plugin) fn draining(&self) {
        self.change(|card| card.state = PluginState::Draining);
    }

    /// It is gone.
    pub(in crate::plugin) fn gone(&self) {
        self.shared.boards.plugins.change(|plugins| {
            plugins.remove(&self.name);
        });
    }

    fn change(&self, change: impl Fn(&mut PluginCard)) {
        self.shared.boards.plugins.change(|plugins| {
            let card = plugins.entry(Arc::clone(&self.name)).or_insert_with(|| Arc::new(self.blank()));
            change(Arc::make_mut(card));
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
            waits: Vec::new(),
            limits: None,
            state_quota_bytes: self.state_quota.0,
            work: Arc::clone(&self.work),
            lines: Arc::clone(&self.lines),
        }
    }
}

fn want(listen: &Listen) -> WantCard {
    WantCard { pattern: listen.pattern.clone(), answers: listen.answers }
}

/// Carries what the lanes count to the boards. The mutex is held for a walk through plugins, a few times a second.
#[derive(Default)]
pub struct Counts(Mutex<Vec<Followed>>);

struct Followed {
    lanes: Weak<Lanes>,
    work: Arc<Work>,
    /// Says how many lines were left out.
    allowance: Arc<Allowance>,
}

impl Counts {
    /// From now on `work` says what these lanes count, and the allowance's lines what became of their events and what of it
    /// was left out.
    pub fn follow(&self, lanes: &Arc<Lanes>, work: Arc<Work>, allowance: Arc<Allowance>) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.speak_to(allowance.lines());
        followed.retain(|each| !std::ptr::eq(each.lanes.as_ptr(), Arc::as_ptr(lanes)));
        followed.push(Followed { lanes: Arc::downgrade(lanes), work, allowance });
    }

    /// The lanes of a plugin, while it has any.
    #[must_use]
    pub fn lanes(&self, plugin: &str) -> Option<Arc<Lanes>> {
        let followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = followed.iter().filter_map(|each| each.lanes.upgrade());
        all.find(|lanes| lanes.name() == plugin)
    }

    /// Brings everything up to date.
    pub fn update(&self) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|Followed { lanes, work, allowance }| {
            allowance.tell_left_out();
            let Some(lanes) = lanes.upgrade() else { return false };
            lanes.tell_left_out();
            let tally = lanes.tally();
            work.handled.set(tally.handled);
            work.retried.set(tally.retried);
            work.dead.set(tally.dead);
            work.dropped.set(tally.missed.saturating_add(tally.skipped));
            let (breaker, pauses) = lanes.breaker();
            if (work.breaker.value(), work.pauses.value()) != (breaker.number(), pauses) {
                work.pause.set(lanes.pause());
            }
            work.breaker.set(breaker.number());
            work.pauses.set(pauses);
            work.queued.set(u64::try_from(lanes.waiting()).unwrap_or(u64::MAX));
            true
        });
    }
}
