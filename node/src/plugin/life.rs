//! The life of one plugin: which version is live, how the next one takes over, and how it ends.
//!
//! What it owns: the plugin's subscription, which outlives its versions, its workers, and its card on the board. Exists so
//! that nothing accepted is lost or handled twice when a file changes. It must not know how files are found.

mod approve;
mod card;
mod configure;
mod drain;
mod handover;
mod refusal;
mod rollback;
mod swap;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use hive_proto::channel::Names;
use tokio::sync::watch;

use super::{
    allowance::Allowance,
    asked::{Asked, Doubts},
    folder::{self, ReadError},
    host::{Place, Web},
    instances::Mode,
    loader::{LoadError, Loaded, Loader},
    records::{Record, Records},
    rules,
    settings::PluginConfig,
    state::{self, State, States},
    timer::once::OneShots,
    versions::Versions,
    wants::Wants,
    worker::Version,
};
use crate::{
    bus::{Actor, Bus},
    control::Reloaded,
    status::{Boards, LineLevel},
    store::Store,
};
pub(in crate::plugin) use card::Card;
pub use card::Counts;
use refusal::Refusal;
use swap::{Content, Live};

/// What every plugin of a node shares.
pub struct Shared {
    /// Loads components; not set before there are folders that they can come from.
    pub loader: OnceLock<Arc<Loader>>,
    /// Carries events.
    pub bus: Bus,
    /// Keeps what plugins set for later; none: the node keeps nothing.
    pub store: Option<Store>,
    /// What is remembered of them.
    pub records: Records,
    /// Components that were live.
    pub versions: Versions,
    /// Whatever a new version wants is approved.
    pub approve_all: bool,
    /// Before any version of a plugin is live, its file is not passed over.
    pub starts_newest: bool,
    /// Where what plugins keep is opened.
    pub states: Arc<States>,
    /// What is said to whoever looks.
    pub boards: Arc<Boards>,
    /// What the boards say of events, brought up to date from time to time.
    pub counts: Counts,
    /// Keys of the configuration that are likely misspelt.
    pub doubts: Arc<Doubts>,
}

/// What shall be live. Only the newest wish counts; each has a number, from 1.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Which wish it is.
    pub number: u64,
    /// The component; none: the file is gone, what was accepted is worked off.
    pub file: Option<PathBuf>,
    /// What holds for the plugin, as the configuration says now.
    pub section: Arc<PluginConfig>,
    /// The number of the last wish since which the rules are others.
    pub ruled: u64,
    /// The number of the last wish that asked to load the file also when its content is the live one's.
    pub again: u64,
    /// The number of the last wish that asked for the version before.
    pub back: u64,
    /// The number of the last wish that approved what waits for it.
    pub approved: u64,
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
    /// What its versions keep.
    state: Arc<State>,
    live: Option<Live>,
    /// What the newest file wants and nobody has approved.
    waiting: Wants,
}

/// Where a component comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// From its folder: it has to be approved, and to prove itself.
    Folder,
    /// It was live before.
    Kept,
}

impl Shared {
    /// What loads components.
    fn loader(&self) -> &Arc<Loader> {
        self.loader.get().expect("a component comes from a folder, and with folders there is a loader")
    }
}

impl Life {
    /// A plugin that was not loaded yet.
    #[must_use]
    pub fn new(name: &str, config: PluginConfig, shared: Arc<Shared>) -> Self {
        let (name, quota): (Arc<str>, _) = (name.into(), config.state.unwrap_or(state::QUOTA));
        let card = Card::new(&name, Arc::clone(&shared), quota);
        let shots = Arc::new(OneShots::load(Arc::clone(&name), shared.store.clone()));
        let state = shared.states.open(&name, quota, card.work());
        let allowance = card.allowance(&config.limits());
        let waiting = Wants::default();
        Self { name, config, shared, card, allowance, shots, state, live: None, waiting }
    }

    /// Sees to wishes until nobody can have any, then unloads.
    pub async fn run(mut self, mut wishes: watch::Receiver<Wish>, fulfilled: watch::Sender<Fulfilled>) {
        let mut seen = 0;
        loop {
            tokio::select! {
                changed = wishes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let wish = wishes.borrow_and_update().clone();
                    let problem = self.fulfil(&wish, seen, &wishes).await;
                    seen = wish.number;
                    let (plugin, generation) = (self.name.to_string(), self.number());
                    let result = Reloaded { plugin, generation, problem };
                    fulfilled.send_replace(Fulfilled { number: seen, result });
                }
                verdict = self.judged() => self.judge(verdict).await,
            }
        }
        self.unload(&wishes).await;
        self.card.gone();
    }

    /// Sees to one wish. Returns what is in its way.
    async fn fulfil(&mut self, wish: &Wish, seen: u64, wishes: &watch::Receiver<Wish>) -> Option<String> {
        let is_other = self.configure(&wish.section);
        let Some(file) = &wish.file else {
            if self.unload(wishes).await {
                self.card.gone();
            }
            return None;
        };
        if self.record().disabled {
            if self.unload(wishes).await {
                self.card.disabled(file);
            }
            let asked = wish.again.max(wish.back).max(wish.approved) > seen;
            return asked.then(|| format!("it is disabled; `plugins enable {}` lets it run", self.name));
        }
        if wish.back > seen {
            let problem = self.roll_back().await;
            // The file may be another by now.
            self.load(file, false).await;
            return problem;
        }
        if wish.approved > seen {
            return self.approve(file).await;
        }
        if is_other || (wish.ruled > seen && self.is_let_more()) {
            return self.renew(file).await;
        }
        self.load(file, wish.again > seen).await
    }

    /// Makes a file the live version, if it is to be. Returns what is in the way.
    async fn load(&mut self, file: &Path, again: bool) -> Option<String> {
        self.card.looking_at(file, self.live.is_some());
        let refusal = match self.replace(file, again).await {
            Ok(()) => {
                self.waiting = Wants::default();
                self.card.fine();
                return None;
            }
            // It changed again while we looked: that order is on its way, and this one's news is old.
            Err(Refusal::Read(ReadError::Unsettled)) if !again => return None,
            Err(Refusal::Read(ReadError::Io(_))) if !file.exists() => return None,
            Err(refusal) => refusal,
        };
        if self.live.is_none()
            && let Some(kept) = self.record().live
        {
            // The node was away when the file changed. As if it had not been, the version of before goes on.
            self.go_on_with(&kept, &refusal).await;
        }
        let why = self.refuse(file, &refusal);
        // Somebody wanted it so: it is said, and in nobody's way.
        let as_wanted = matches!(refusal, Refusal::PassedOver(_)) && self.live.is_some();
        (!as_wanted).then_some(why)
    }

    async fn replace(&mut self, file: &Path, again: bool) -> Result<(), Refusal> {
        let path = file.to_path_buf();
        let reading = tokio::task::spawn_blocking(move || {
            let (bytes, _) = folder::read(&path)?;
            let hash = blake3::hash(&bytes).to_hex();
            Ok::<_, ReadError>((bytes, hash))
        });
        let (bytes, hash) = reading.await.map_err(|_| LoadError::Stopping)??;
        if !again {
            if let Some(why) = self.passed_over(&hash) {
                return Err(Refusal::PassedOver(why));
            }
            if self.live.as_ref().is_some_and(|live| live.content.hash == *hash && !live.leaving) {
                self.shared.records.change(&self.name, |record| record.passed_over = None);
                return Ok(());
            }
        }
        self.bring(bytes, Origin::Folder).await?;
        self.shared.records.change(&self.name, |record| record.passed_over = None);
        Ok(())
    }

    /// Makes a component the live version.
    async fn bring(&mut self, bytes: Bytes, from: Origin) -> Result<(), Refusal> {
        let begun = Instant::now();
        let names = self.names().clone();
        let loaded = self.shared.loader().load(&self.name, bytes.clone(), &self.config, &names).await?;
        let wants = Wants::of(&loaded.wishes, &names);
        if from == Origin::Folder {
            self.check_approved(&wants)?;
        }
        let generation = self.number_of(&loaded.hash, from);
        if loaded.face.0.iter().any(|import| import.starts_with("hive:node/state@")) {
            self.shared.states.is_used();
        }
        let (version, content) = self.version(loaded, generation);
        let first = self.first_instance(&version).await.map_err(LoadError::Start)?;
        self.subscribe_both(&version).await?;
        self.stand_down(&version).await;
        let first = match self.hand_over(&version, first).await {
            Ok(first) => first,
            Err(error) => {
                self.resume().await;
                return Err(error.into());
            }
        };
        let trial = if from == Origin::Folder { self.trial(&content) } else { None };
        self.end_trial();
        self.take_over(Arc::clone(&version), content.clone(), first, trial);
        self.card.live(&version, &content);
        self.subscribe_new(&version).await;
        self.remember(bytes, content.hash, (wants, from)).await;
        self.say_loaded(&version, begun);
        Ok(())
    }

    /// The number of a version that is to be live. A content that comes back after the node was away, or that is gone back
    /// to, is the version that it was.
    fn number_of(&self, hash: &str, from: Origin) -> u64 {
        let record = self.record();
        let is_live = |live: &Live| live.content.hash == hash;
        let comes_back = self.live.as_ref().is_none_or(|live| from == Origin::Kept && !is_live(live));
        let known = record.numbers.get(hash).copied().filter(|_| comes_back);
        known.unwrap_or_else(|| record.generation.saturating_add(1))
    }

    fn version(&self, loaded: Loaded, generation: u64) -> (Arc<Version>, Content) {
        let Loaded { blueprint, mut wishes, hash, size_bytes, .. } = loaded;
        let actor = Actor::Plugin(Arc::clone(&self.name));
        wishes.read_on(&self.name, self.shared.bus.node());
        rules::obey(&mut wishes, &actor, &self.shared.bus);
        rules::doubt(&mut wishes, &self.shared.bus);
        let place = Place {
            plugin: Arc::clone(&self.name),
            generation,
            node_id: self.shared.bus.node().to_string(),
            boards: Arc::clone(&self.shared.boards),
            config: Asked::of(&self.config.config, &wishes.reads),
            doubts: Arc::clone(&self.shared.doubts),
            secrets: self.config.secrets.clone(),
            state: Arc::clone(&self.state),
            actor,
            allowance: Arc::clone(&self.allowance),
            takes_one: wishes.mode == Mode::Single,
            crew: Arc::default(),
            shots: Arc::clone(&self.shots),
            declared: wishes.timers.iter().map(|timer| timer.channel.clone()).collect(),
            hears: wishes.own_timers(),
            grants: wishes.grants.clone(),
            openings: self.config.openings.clone(),
            web: Web::default(),
            bus: self.shared.bus.clone(),
        };
        let engine = Arc::clone(self.shared.loader().engine());
        let (place, limits, work) = (Arc::new(place), self.config.limits(), self.card.work());
        let version = Version::new(engine, blueprint, wishes, place, limits, work);
        (Arc::new(version), Content { hash, size_bytes })
    }

    fn record(&self) -> Record {
        self.shared.records.of(&self.name)
    }

    /// The number of the live version; 0 without one.
    fn number(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.version.place.generation)
    }

    fn names(&self) -> &Names {
        self.shared.bus.names()
    }

    /// Says something of the plugin in the log, and among its last lines.
    fn say(&self, level: LineLevel, text: &str) {
        let plugin = &*self.name;
        match level {
            LineLevel::Error => tracing::error!(plugin, "{text}"),
            LineLevel::Warn => tracing::warn!(plugin, "{text}"),
            _ => tracing::info!(plugin, "{text}"),
        }
        self.allowance.note(level, text);
    }

    fn say_loaded(&self, version: &Version, begun: Instant) {
        let plugin = &*self.name;
        for warning in &version.wishes.warnings {
            tracing::warn!(plugin, "{warning}");
        }
        let patterns: Vec<&str> =
            version.wishes.listens.iter().map(|listen| listen.pattern.as_str()).collect();
        let heard = if patterns.is_empty() { "nothing".to_owned() } else { patterns.join(", ") };
        let (number, took) = (version.place.generation, begun.elapsed().as_millis());
        let said = format!("generation {number} is live after {took} ms; it listens to {heard}");
        self.say(LineLevel::Info, &said);
        if patterns.is_empty() && version.wishes.timers.is_empty() {
            tracing::warn!(plugin, "it is never called: it declares no subscription and no timer");
        }
    }
}

#[cfg(test)]
mod tests;
