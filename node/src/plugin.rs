//! Plugins: components in folders, their life in this node, and the machinery they run on.
//!
//! What it owns: everything from a file to a guest's answer. Exists so that a handler is a file that is dropped into a
//! folder. It must not know where events come from, who reads the boards, or what people type.

pub mod allowance;
pub mod crew;
pub mod description;
pub mod diff;
pub mod engine;
pub mod folder;
pub mod grants;
pub mod host;
pub mod instances;
pub mod life;
pub mod limits;
pub mod loader;
mod rate;
mod registry;
pub mod settings;
pub mod sketch;
pub mod timer;
mod trap;
pub mod worker;

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use self::{
    engine::{Engine, EngineError},
    life::{Counts, Shared},
    loader::Loader,
    registry::{Ask, Registry},
};
pub use self::{
    instances::Mode,
    settings::{Config, PluginConfig},
};
pub use crate::dispatch::Patience;
use crate::{
    bus::Bus,
    control::{ControlError, Reloaded},
    dispatch::Lanes,
    shutdown::Part,
    status::Boards,
    store::Store,
    watch::{Depth, Watch, WatchError},
};

/// Reloads that wait to be carried out.
const ASKS_MAX: usize = 16;

/// The plugins of a running node.
#[derive(Clone)]
pub struct Plugins {
    /// None: the node has no plugin folders.
    asks: Option<mpsc::Sender<Ask>>,
    /// Where the plugins' events are; none as above.
    shared: Option<Arc<Shared>>,
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins").field("asks", &self.asks).finish_non_exhaustive()
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
    /// The program does not fit its own WIT.
    #[error("this build of the program is broken: {0}")]
    Broken(String),
}

impl StartError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Folder(_) => Some("make the folder, or name the one that holds the `.wasm` files"),
            Self::Engine(_) | Self::Broken(_) => None,
        }
    }
}

impl Plugins {
    /// Loads every component of the folders and follows them until the part stops. Returns when each runs or was
    /// refused; a refused one is said in the log and on the board. What they set for later is kept in the store, if there
    /// is one. Without folders nothing is started.
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
        if config.folders.is_empty() {
            return Ok(Self { asks: None, shared: None });
        }
        let watch = Watch::start(&config.folders, Depth::Files)?;
        let engine = Arc::new(Engine::start()?);
        let loader = Arc::new(Loader::new(engine).map_err(StartError::Broken)?);
        let shared = Arc::new(Shared { loader, bus, store, boards, counts: Counts::default() });
        let mut registry = Registry::new(config, Arc::clone(&shared), watch);
        registry.begin().await;
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        part.spawn("plugins", registry.run(asked, part.stop().clone()));
        Ok(Self { asks: Some(asks), shared: Some(shared) })
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
        let unavailable = |why: &str| ControlError::Unavailable(why.to_owned());
        let asks = self.asks.as_ref().ok_or_else(|| unavailable("it has no plugin folder"))?;
        let (reply, done) = oneshot::channel();
        asks.send(Ask { plugin, reply }).await.map_err(|_| unavailable("it is leaving"))?;
        done.await.unwrap_or_else(|_| Err(unavailable("it is leaving")))
    }
}
