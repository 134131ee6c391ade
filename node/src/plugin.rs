//! Plugins: components in folders, their life in this node, and the machinery they run on.
//!
//! What it owns: everything from a file to a guest's answer. Exists so that a handler is a file that is dropped into a
//! folder. It must not know where events come from, who reads the boards, or what people type.

pub mod allowance;
pub mod alone;
pub mod asked;
pub mod asks;
pub mod cache;
pub mod crew;
pub mod description;
pub mod diff;
mod drain;
pub mod engine;
mod exec;
pub mod folder;
pub mod grants;
pub mod host;
pub mod instances;
pub mod life;
pub mod limits;
pub mod loader;
mod modules;
pub mod openings;
pub mod probation;
mod rate;
mod records;
mod registry;
mod rules;
pub mod settings;
pub mod sketch;
pub mod state;
pub mod timer;
mod trap;
mod versions;
mod wants;
pub mod wasmcloud;
pub mod worker;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};

use self::{
    cache::Cache,
    engine::{Engine, EngineError},
    life::{Counts, Shared},
    loader::Loader,
    records::Records,
    registry::{Ask, Registry},
    state::States,
    versions::Versions,
};
pub use self::{
    instances::Mode,
    settings::{Config, Exec, PluginConfig},
};
pub use crate::dispatch::Patience;
use crate::{
    bus::Bus,
    control::{ControlError, PluginVerb, Reloaded, StateLook, StatePage},
    dispatch::{Lanes, process::Knock},
    shutdown::Part,
    status::Boards,
    store::{Store, StoreError},
    watch::{Depth, Watch, WatchError},
};

/// Reloads that wait to be carried out.
const ASKS_MAX: usize = 16;

/// The plugins of a running node.
#[derive(Clone)]
pub struct Plugins {
    /// None: the node has no plugin folders, and takes no processes.
    asks: Option<mpsc::Sender<Ask>>,
    /// Where the plugins' events are; none as above.
    shared: Option<Arc<Shared>>,
    /// The data directory with the compiled cache, if there is one.
    compiled: Option<PathBuf>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins").field("asks", &self.asks).finish_non_exhaustive()
    }
}

/// Folders of components that can be followed.
pub struct Folders(Option<Watch>);

impl Folders {
    /// Watches folders; with any, what loads components is made if it was not.
    fn follow(folders: &[PathBuf], shared: &Shared, compiled: Option<&Path>) -> Result<Self, StartError> {
        if folders.is_empty() {
            return Ok(Self(None));
        }
        let watch = Watch::start(folders, Depth::Files)?;
        if shared.loader.get().is_none() {
            // Only who configures sets it, one after the other.
            let _ = shared.loader.set(Arc::new(loader(compiled, &shared.boards)?));
        }
        Ok(Self(Some(watch)))
    }
}

/// Why plugins cannot be run at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder is missing or cannot be watched.
    #[error("cannot use the plugin folder: {0}")]
    Folder(#[from] WatchError),
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What is kept of plugins cannot be.
    #[error("cannot keep versions of plugins in the data directory: {0}")]
    Versions(io::Error),
    /// What is remembered of plugins cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program does not fit its own WIT.
    #[error("this build of the program is broken: {0}")]
    Broken(String),
}

impl StartError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Folder(_) => Some("make the folder, or name the one that holds the `.wasm` files".into()),
            Self::Versions(_) => Some("choose a directory this user may write, with --data-dir".into()),
            Self::Store(error) => error.hint(),
            Self::Engine(_) | Self::Broken(_) => None,
        }
    }
}

impl Plugins {
    /// Loads every component of the folders and follows them until the part stops. Returns when each runs or was
    /// refused; a refused one is said in the log and on the board. What they set for later, and what is remembered of them,
    /// is kept in the store, compiled code and versions that were live in the data directory, if there is one. Processes
    /// come when it is [opened](Self::open); where none can, and without folders, nothing is started.
    ///
    /// # Errors
    /// When a folder cannot be watched, or this machine runs no guests.
    pub async fn start(
        config: Config,
        bus: Bus,
        boards: Arc<Boards>,
        store: Option<Store>,
        part: &Part,
    ) -> Result<Self, StartError> {
        if config.folders.is_empty() && !config.processes {
            return Ok(Self { asks: None, shared: None, compiled: None });
        }
        let data_dir = boards.node.read().data_dir.clone();
        let compiled = config.cache.clone().or_else(|| data_dir.clone());
        let records = Records::load(store.clone())?;
        let versions = Versions::open(data_dir.as_deref()).map_err(StartError::Versions)?;
        versions.retain(&records.contents());
        let states = States::new(store.clone());
        part.spawn("state", Arc::clone(&states).run(part.stop().clone()));
        let Config { approve_all, starts_newest, .. } = config;
        let shared = Arc::new(Shared {
            loader: OnceLock::new(),
            bus,
            store,
            records,
            versions,
            approve_all,
            starts_newest,
            states,
            boards,
            counts: Counts::default(),
            doubts: Arc::default(),
        });
        let folders = Folders::follow(&config.folders, &shared, compiled.as_deref())?;
        let mut registry = Registry::new(Arc::clone(&shared));
        join_all(registry.configure(config, Some(folders), false)).await;
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        part.spawn("plugins", registry.run(asked, part.stop().clone()));
        Ok(Self { asks: Some(asks), shared: Some(shared), compiled })
    }

    /// Gets ready to follow folders, and changes nothing yet.
    ///
    /// # Errors
    /// When one cannot be watched, or this machine runs no guests.
    pub async fn ready_to_follow(&self, folders: Vec<PathBuf>) -> Result<Folders, StartError> {
        let Some(shared) = self.shared.clone() else { return Ok(Folders(None)) };
        let compiled = self.compiled.clone();
        let ready =
            tokio::task::spawn_blocking(move || Folders::follow(&folders, &shared, compiled.as_deref()));
        ready.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Has the plugins be as a configuration says: those whose section is another take over from themselves, others come and
    /// go, the rest is not touched. `folders` are the configuration's, where they are others than before. With `ruled` what
    /// the rules left out is looked at again. Returns those that were touched.
    ///
    /// # Errors
    /// When the node runs none, or is leaving.
    pub async fn configure(
        &self,
        config: Config,
        folders: Option<Folders>,
        ruled: bool,
    ) -> Result<Vec<Reloaded>, ControlError> {
        let config = Box::new(config);
        let mut done = self.ask(|reply| Ask::Configure { config, folders, ruled, reply }).await?;
        // A component that has become a process, or the other way around, comes when it is gone.
        done.extend(self.ask(|reply| Ask::Settle { reply }).await?);
        Ok(done)
    }

    /// From here on processes may come, which find the node at this socket: those of the configuration are started. Returns
    /// when each is ready or was given up for now; that is said in the log and on the board.
    pub async fn open(&self, socket: &Path, knocks: mpsc::Receiver<Knock>) {
        let Some(asks) = &self.asks else { return };
        let (reply, done) = oneshot::channel();
        let ask = Ask::Open { socket: socket.into(), knocks, reply };
        if asks.send(ask).await.is_ok() {
            // Nobody is left to answer only when the node is leaving.
            let _ = done.await;
        }
    }

    /// Where a plugin's events are, while it runs.
    #[must_use]
    pub fn lanes(&self, plugin: &str) -> Option<Arc<Lanes>> {
        self.shared.as_ref()?.counts.lanes(plugin)
    }

    /// Loads a plugin's file again, even if it did not change; none: every plugin's.
    ///
    /// # Errors
    /// When no plugin has that name, or the node has none or is leaving.
    pub async fn reload(&self, plugin: Option<String>) -> Result<Vec<Reloaded>, ControlError> {
        self.ask(|reply| Ask::Reload { plugin, reply }).await
    }

    /// Does one thing with one plugin.
    ///
    /// # Errors
    /// When no plugin has that name, it cannot be remembered, or the node has none or is leaving.
    pub async fn change(&self, verb: PluginVerb, plugin: String) -> Result<Vec<Reloaded>, ControlError> {
        self.ask(|reply| Ask::Change { verb, plugin, reply }).await
    }

    /// What a plugin keeps, as it is seen at this moment; also of one that is not here any more.
    ///
    /// # Errors
    /// When no plugin has that name, it keeps nothing there, or that cannot be read.
    pub async fn look(&self, look: StateLook) -> Result<StatePage, ControlError> {
        let unknown = ControlError::UnknownPlugin(look.plugin.clone());
        let Some(shared) = self.shared.clone() else { return Err(unknown) };
        let looking = tokio::task::spawn_blocking(move || {
            let page = shared.states.look(&look)?;
            let is_here = || shared.boards.plugins.read().contains_key(&*look.plugin);
            page.ok_or_else(|| if is_here() { ControlError::NoState(look.plugin.clone()) } else { unknown })
        });
        looking.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    async fn ask(&self, ask: impl FnOnce(registry::Reply) -> Ask) -> Result<Vec<Reloaded>, ControlError> {
        let unavailable = |why: &str| ControlError::Unavailable(why.to_owned());
        let asks = self.asks.as_ref().ok_or_else(|| unavailable("it has no plugin folder"))?;
        let (reply, done) = oneshot::channel();
        asks.send(ask(reply)).await.map_err(|_| unavailable("it is leaving"))?;
        done.await.unwrap_or_else(|_| Err(unavailable("it is leaving")))
    }
}

/// What loads components, on an engine of its own.
fn loader(data_dir: Option<&Path>, boards: &Boards) -> Result<Loader, StartError> {
    let engine = Arc::new(Engine::start()?);
    let cache = data_dir.and_then(|data_dir| cache(data_dir, &engine));
    let loader = Loader::new(engine).map_err(StartError::Broken)?;
    Ok(loader.caching(cache, Arc::clone(&boards.components)))
}

/// The compiled cache of a data directory; a node without it compiles more, and nothing else.
pub fn cache(data_dir: &Path, engine: &Engine) -> Option<Cache> {
    Cache::open(data_dir, engine.wasm())
        .map_err(|error| {
            tracing::warn!("components are compiled at each start, as there is no cache: {error}");
        })
        .ok()
}
