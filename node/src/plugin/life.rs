//! The life of one plugin: which version is live, how the next one takes over, and how it ends.
//!
//! What it owns: the plugin's subscription, which outlives its versions, its workers, and its card on the board. Exists so
//! that nothing accepted is lost or handled twice when a file changes. It must not know how files are found.

mod card;
mod rules;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use hive_proto::channel::Names;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    allowance::Allowance,
    crew::Hire,
    folder::{self, ReadError},
    host::Place,
    instances::{Fault, Instance, Mode},
    loader::{LoadError, Loaded, Loader},
    settings::PluginConfig,
    timer::once::OneShots,
    worker::{Version, Worker},
};
use crate::{
    bus::{Actor, Bus, Holder, SubscribeError, Wanted},
    control::Reloaded,
    dispatch::{self, Lanes},
    status::Boards,
    store::Store,
};
use card::Card;
pub use card::Counts;

/// How long a plugin whose file is gone may work off what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// How often it is looked whether all is worked off.
const DRAIN_CHECK: Duration = Duration::from_millis(10);

/// What every plugin of a node shares.
pub struct Shared {
    /// Loads components.
    pub loader: Arc<Loader>,
    /// Carries events.
    pub bus: Bus,
    /// Keeps what plugins set for later; none: the node keeps nothing.
    pub store: Option<Store>,
    /// What is said to whoever looks.
    pub boards: Arc<Boards>,
    /// What the boards say of events, brought up to date from time to time.
    pub counts: Counts,
}

/// What shall be live. Only the newest wish counts; each has a number, from 1.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Which wish it is.
    pub number: u64,
    /// The component; none: the file is gone, what was accepted is worked off.
    pub file: Option<PathBuf>,
    /// The number of the last wish that asked to load the file also when its content is the live one's.
    pub again: u64,
}

/// What came of the wishes up to a number.
#[derive(Debug, Clone)]
pub struct Fulfilled {
    /// The last wish that was seen to.
    pub number: u64,
    /// What the plugin is then.
    pub result: Reloaded,
}

/// One plugin.
pub struct Life {
    name: Arc<str>,
    config: PluginConfig,
    shared: Arc<Shared>,
    card: Card,
    /// What it may do to the node in a second, over all its versions.
    allowance: Arc<Allowance>,
    /// What its versions have set for later.
    shots: Arc<OneShots>,
    live: Option<Live>,
    /// The number of the last version that went live.
    generation: u64,
}

/// What is there while a version is live.
struct Live {
    lanes: Arc<Lanes>,
    version: Arc<Version>,
    hash: String,
    /// Cancelled when this version takes no more events; its workers finish what they have.
    stop: CancellationToken,
    workers: TaskTracker,
}

impl Live {
    /// Starts a worker of a version beside the others.
    fn hire(&self, version: &Arc<Version>) -> Hire {
        let (version, lanes) = (Arc::downgrade(version), Arc::clone(&self.lanes));
        let workers = self.workers.clone();
        Box::new(move |end| {
            let Some(version) = version.upgrade() else { return };
            let (mut worker, lanes) = (Worker::new(Arc::clone(&version), None), Arc::clone(&lanes));
            let work = async move { dispatch::run(&lanes, &end, &mut worker).await };
            drop(version.engine.threads().spawn(workers.track_future(work)));
        })
    }
}

/// Why a file did not become the live version.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}

impl Life {
    /// A plugin that was not loaded yet.
    #[must_use]
    pub fn new(name: &str, config: PluginConfig, shared: Arc<Shared>) -> Self {
        let card = Card::new(name, Arc::clone(&shared));
        let shots = Arc::new(OneShots::load(name.into(), shared.store.clone()));
        let allowance = card.allowance(&config.limits());
        Self { name: name.into(), config, shared, card, allowance, shots, live: None, generation: 0 }
    }

    /// Sees to wishes until nobody can have any, then unloads.
    pub async fn run(mut self, mut wishes: watch::Receiver<Wish>, fulfilled: watch::Sender<Fulfilled>) {
        let mut seen = 0;
        while wishes.changed().await.is_ok() {
            let wish = wishes.borrow_and_update().clone();
            match &wish.file {
                Some(file) => self.load(file, wish.again > seen).await,
                None => self.unload(&wishes).await,
            }
            seen = wish.number;
            let result = self.card.reloaded(self.generation);
            fulfilled.send_replace(Fulfilled { number: seen, result });
        }
        self.unload(&wishes).await;
    }

    async fn load(&mut self, file: &Path, again: bool) {
        self.card.looking_at(file, self.live.is_some());
        match self.replace(file, again).await {
            Ok(()) => self.card.fine(),
            // It changed again while we looked: that order is on its way, and this one's news is old.
            Err(Refusal::Read(ReadError::Unsettled)) if !again => {}
            Err(Refusal::Read(ReadError::Io(_))) if !file.exists() => {}
            Err(refusal) => self.refuse(file, &refusal),
        }
    }

    fn refuse(&mut self, file: &Path, refusal: &Refusal) {
        let plugin = &*self.name;
        let still = match &self.live {
            Some(_) => format!("; version {} goes on", self.generation),
            None => String::new(),
        };
        tracing::error!(plugin, "{} is not loaded: {refusal}{still}", file.display());
        let hint = match refusal {
            Refusal::Load(error) => error.hint(),
            _ => None,
        };
        if let Some(hint) = hint {
            tracing::info!(plugin, "hint: {hint}");
        }
        self.card.refused(&refusal.to_string(), self.live.is_some());
    }

    async fn replace(&mut self, file: &Path, again: bool) -> Result<(), Refusal> {
        let path = file.to_path_buf();
        let reading = tokio::task::spawn_blocking(move || folder::read(&path));
        let (bytes, _) = reading.await.map_err(|_| LoadError::Stopping)??;
        if !again && let Some(live) = &self.live {
            let hash = blake3::hash(&bytes).to_hex();
            if live.hash == *hash {
                return Ok(());
            }
        }
        let begun = Instant::now();
        let names = self.names().clone();
        let loaded = self.shared.loader.load(&self.name, bytes, &self.config, &names).await?;
        let generation = self.generation.saturating_add(1);
        let (version, hash, size) = self.version(loaded, generation);
        let first = self.first_instance(&version).await.map_err(LoadError::Start)?;
        self.subscribe_both(&version).await?;
        self.swap(Arc::clone(&version), hash.clone(), first).await;
        self.generation = generation;
        self.card.live(&version, generation, &hash, size);
        self.subscribe_new(&version).await;
        self.say_loaded(&version, begun);
        Ok(())
    }

    fn version(&self, loaded: Loaded, generation: u64) -> (Arc<Version>, String, u64) {
        let Loaded { blueprint, mut wishes, hash, size_bytes, .. } = loaded;
        let actor = Actor::Plugin(Arc::clone(&self.name));
        wishes.read_on(&self.name, self.shared.bus.node());
        rules::obey(&mut wishes, &actor, &self.shared.bus);
        let place = Place {
            plugin: Arc::clone(&self.name),
            generation,
            node_id: self.shared.bus.node().to_string(),
            boards: Arc::clone(&self.shared.boards),
            config: self.config.config.clone(),
            actor,
            allowance: Arc::clone(&self.allowance),
            takes_one: wishes.mode == Mode::Single,
            crew: Arc::default(),
            shots: Arc::clone(&self.shots),
            declared: wishes.timers.iter().map(|timer| timer.channel.clone()).collect(),
            hears: wishes.own_timers(),
            grants: wishes.grants.clone(),
            bus: self.shared.bus.clone(),
        };
        let engine = Arc::clone(self.shared.loader.engine());
        let (place, limits, work) = (Arc::new(place), self.config.limits(), self.card.work());
        (Arc::new(Version::new(engine, blueprint, wishes, place, limits, work)), hash, size_bytes)
    }

    /// A component with a `start` must pass it before it goes live; that instance then takes the first event.
    async fn first_instance(&self, version: &Arc<Version>) -> Result<Option<Instance>, Fault> {
        if !version.blueprint.has_start() {
            return Ok(None);
        }
        let keeps = version.wishes.mode != Mode::Fresh;
        let starting = Arc::clone(version);
        match version.engine.threads().spawn(async move { starting.instance().await }).await {
            Ok(made) => made.map(|instance| keeps.then_some(instance)),
            Err(_) => Err(Fault::NoRoom("the node is stopping".into())),
        }
    }

    /// From here on events come for the old version and for the new one.
    async fn subscribe_both(&mut self, version: &Arc<Version>) -> Result<(), Refusal> {
        let new = wanted(version);
        if let Some(live) = &self.live {
            live.lanes.subscription().set(wanted(&live.version).chain(new)).await?;
            return Ok(());
        }
        let holder = Holder::Plugin(self.name.to_string());
        let subscription = self.shared.bus.subscribe(holder, new).await?;
        let lanes = Lanes::new(&*self.name, subscription, self.config.policy(), self.shared.bus.clone());
        self.shared.counts.follow(&lanes, self.card.work(), Arc::clone(&self.allowance));
        self.shots.begin_anew();
        // No worker takes an event before the swap.
        let (version, hash) = (Arc::clone(version), String::new());
        let (stop, workers) = (CancellationToken::new(), TaskTracker::new());
        self.live = Some(Live { lanes, version, hash, stop, workers });
        Ok(())
    }

    /// The old version takes no more events, the new one does. What the old one has begun it finishes.
    async fn swap(&mut self, version: Arc<Version>, hash: String, first: Option<Instance>) {
        let Some(live) = &mut self.live else { return };
        live.stop.cancel();
        live.workers.close();
        if version.wishes.mode == Mode::Single || live.version.wishes.mode == Mode::Single {
            // Two must never handle events side by side.
            live.workers.wait().await;
        }
        live.stop = CancellationToken::new();
        live.workers = TaskTracker::new();
        let mut first = first;
        for _ in 0..version.wishes.mode.width(self.config.pool_size) {
            let mut worker = Worker::new(Arc::clone(&version), first.take());
            let (lanes, stop) = (Arc::clone(&live.lanes), live.stop.clone());
            let work = async move { dispatch::run(&lanes, &stop, &mut worker).await };
            drop(version.engine.threads().spawn(live.workers.track_future(work)));
        }
        if version.wishes.mode != Mode::Single {
            version.place.crew.stand_in(live.hire(&version), live.stop.clone());
        }
        for timer in &version.wishes.timers {
            let (lanes, bus, stop) = (Arc::clone(&live.lanes), self.shared.bus.clone(), live.stop.clone());
            live.workers.spawn(timer.clone().run(lanes, bus, stop));
        }
        let (lanes, bus, stop) = (Arc::clone(&live.lanes), self.shared.bus.clone(), live.stop.clone());
        live.workers.spawn(Arc::clone(&self.shots).run(lanes, bus, stop));
        live.version = version;
        live.hash = hash;
    }

    /// Only the new version's patterns from here on. It wants no more than before, so this is never refused.
    async fn subscribe_new(&self, version: &Arc<Version>) {
        let Some(live) = &self.live else { return };
        if let Err(error) = live.lanes.subscription().set(wanted(version)).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
    }

    async fn unload(&mut self, wishes: &watch::Receiver<Wish>) {
        let Some(live) = &mut self.live else {
            self.card.gone();
            return;
        };
        // Should the file come back meanwhile, the same content is news.
        live.hash.clear();
        self.card.draining();
        if let Err(error) = live.lanes.subscription().set(std::iter::empty()).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
        let end = Instant::now() + DRAIN_LIMIT;
        let mut check = tokio::time::interval(DRAIN_CHECK);
        while live.lanes.waiting() > 0 && Instant::now() < end {
            if wishes.has_changed().unwrap_or(false) {
                // The file is back: what waits is its business.
                return;
            }
            check.tick().await;
        }
        let lost = live.lanes.waiting();
        if lost > 0 {
            tracing::warn!(plugin = &*self.name, "unloaded with {lost} events that it had no time to handle");
        }
        live.stop.cancel();
        live.workers.close();
        live.workers.wait().await;
        self.live = None;
        self.card.gone();
        tracing::info!(plugin = &*self.name, "unloaded");
    }

    fn names(&self) -> &Names {
        self.shared.bus.names()
    }

    fn say_loaded(&self, version: &Version, begun: Instant) {
        let plugin = &*self.name;
        for warning in &version.wishes.warnings {
            tracing::warn!(plugin, "{warning}");
        }
        let patterns: Vec<&str> =
            version.wishes.listens.iter().map(|listen| listen.pattern.as_str()).collect();
        let heard = if patterns.is_empty() { "nothing".to_owned() } else { patterns.join(", ") };
        let (number, took) = (self.generation, begun.elapsed().as_millis());
        tracing::info!(plugin, "version {number} is live after {took} ms; it listens to {heard}");
    }
}

fn wanted(version: &Version) -> impl Iterator<Item = Wanted> {
    version.wishes.wanted()
}

#[cfg(test)]
mod tests;
