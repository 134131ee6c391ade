//! The plugins of a node by name: which file each has, and who is told when files come, change and go.
//!
//! What it owns: one task that looks at the folders, and the lives. Exists so that one slow or broken plugin never holds up
//! another. It must not know how a plugin is loaded or run.

mod configure;
mod processes;
mod sections;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Folders,
    folder::{self, Look, Stamp},
    life::{Fulfilled, Life, Shared, Wish},
    settings::{Config, PluginConfig},
};
use crate::{
    control::{ControlError, PluginVerb, Reloaded},
    dispatch::process::Knock,
    watch::Watch,
};

/// How often the boards are brought up to date with what the plugins' lanes count.
const COUNT_INTERVAL: Duration = Duration::from_millis(250);

/// Where what came of an ask goes.
pub(super) type Reply = oneshot::Sender<Result<Vec<Reloaded>, ControlError>>;

/// Somebody asks for something.
pub(super) enum Ask {
    /// To load a file again.
    Reload {
        /// Which; none: look at every folder again and load everything again.
        plugin: Option<String>,
        /// What came of it.
        reply: Reply,
    },
    /// For something else of one plugin.
    Change {
        /// What.
        verb: PluginVerb,
        /// Of which.
        plugin: String,
        /// What came of it.
        reply: Reply,
    },
    /// To be as a configuration says.
    Configure {
        /// What it says.
        config: Box<Config>,
        /// Its folders, where they are others than before.
        folders: Option<Folders>,
        /// The rules are others than before.
        ruled: bool,
        /// What came of it.
        reply: Reply,
    },
    /// To have come what the configuration wants and what is there, where something else was in the way before.
    Settle {
        /// What came of it.
        reply: Reply,
    },
    /// To let processes in, and to start those of the configuration.
    Open {
        /// Where they find the node.
        socket: Arc<Path>,
        /// Those that come.
        knocks: mpsc::Receiver<Knock>,
        /// Told when each that is started is ready or was given up for now.
        reply: oneshot::Sender<()>,
    },
}

/// The task's state.
pub(super) struct Registry {
    config: Config,
    shared: Arc<Shared>,
    /// None: there are no folders.
    watch: Option<Watch>,
    /// Where processes come in; none: they do not, or not yet.
    knocks: Option<mpsc::Receiver<Knock>>,
    /// Where they find the node.
    socket: Arc<Path>,
    plugins: BTreeMap<String, Entry>,
    /// Plugins that are to be something else: their names are taken until what they were is gone.
    leaving: BTreeMap<String, watch::Receiver<Fulfilled>>,
    /// Files that are no plugins, as they were last said, so that they are said once.
    refused: BTreeMap<PathBuf, String>,
    /// Plugins that have a section in the configuration and never came.
    absent: BTreeSet<String>,
    lives: TaskTracker,
}

struct Entry {
    /// None: the file is gone.
    source: Option<Source>,
    wishes: watch::Sender<Wish>,
    fulfilled: watch::Receiver<Fulfilled>,
    /// Where a process is sent that wants to be it; none: it is a component.
    door: Option<mpsc::Sender<Knock>>,
    /// What the configuration says of it.
    section: Arc<PluginConfig>,
}

/// What a plugin comes from.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf, Stamp),
    /// A process, with the program that is started, if one is.
    Process(PathBuf),
}

impl Source {
    fn path(&self) -> &Path {
        match self {
            Self::File(path, _) | Self::Process(path) => path,
        }
    }
}

impl Registry {
    /// Without plugins.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            config: Config::default(),
            shared,
            watch: None,
            knocks: None,
            socket: Path::new("").into(),
            plugins: BTreeMap::new(),
            leaving: BTreeMap::new(),
            refused: BTreeMap::new(),
            absent: BTreeSet::new(),
            lives: TaskTracker::new(),
        }
    }

    /// Follows the folders and carries out what is asked, until `stop`; then works off what was accepted.
    pub(super) async fn run(mut self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        let mut count = tokio::time::interval(COUNT_INTERVAL);
        count.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = changed(&mut self.watch) => self.follow(),
                Some(knock) = knocked(&mut self.knocks) => self.let_in(knock),
                Some(ask) = asks.recv() => self.answer(ask),
                _ = count.tick() => self.count(),
            }
        }
        self.end().await;
    }

    fn count(&self) {
        self.shared.counts.update();
        self.shared.doubts.judge(Instant::now());
    }

    fn follow(&mut self) {
        for name in self.look() {
            // Nobody waits for what comes of it: the log and the board say it.
            drop(self.wish(&name, Asks::Look));
        }
    }

    /// Looks at the folders. Returns the plugins whose file is new or changed; tells those whose file is gone.
    fn look(&mut self) -> Vec<String> {
        self.forget_gone();
        let Look { plugins: mut found, mut refused } = folder::look(&self.config.folders);
        let leaving = &self.leaving;
        found.retain(|name, _| !leaving.contains_key(name));
        found.retain(|name, (file, _)| {
            let is_process = self.is_process(name);
            if is_process {
                refused.insert(file.clone(), format!("the plugin `{name}` is a process"));
            }
            !is_process
        });
        for (file, why) in &refused {
            if self.refused.get(file) != Some(why) {
                tracing::error!("{} is not loaded: {why}", file.display());
            }
        }
        self.refused = refused;
        self.absent.retain(|name| !found.contains_key(name));
        for (name, entry) in &mut self.plugins {
            if matches!(entry.source, Some(Source::File(..))) && !found.contains_key(name) {
                entry.source = None;
                entry.wish(Asks::Look);
            }
        }
        let mut changed = Vec::new();
        for (name, (path, stamp)) in found {
            let file = Some(Source::File(path, stamp));
            if self.config.of(&name).enabled == Some(false) {
                continue;
            }
            let entry = self
                .plugins
                .entry(name.clone())
                .or_insert_with(|| Entry::begin(&name, &self.config, &self.shared, &self.lives));
            if entry.source != file {
                entry.source = file;
                changed.push(name);
            }
        }
        self.show_absent();
        changed
    }

    /// Has a plugin look at its file, or more. What is returned waits for what comes of it; it need not be awaited.
    fn wish(&self, name: &str, asks: Asks) -> Option<impl Future<Output = Option<Reloaded>> + Send + use<>> {
        let entry = self.plugins.get(name)?;
        entry.source.as_ref()?;
        Some(entry.fulfil(asks))
    }

    fn answer(&mut self, ask: Ask) {
        self.follow();
        match ask {
            Ask::Reload { plugin, reply } => self.reload(plugin, reply),
            Ask::Change { verb, plugin, reply } => self.change(verb, plugin, reply),
            Ask::Configure { config, folders, ruled, reply } => {
                let waiting = self.configure(*config, folders, ruled);
                self.answer_when_done(waiting, reply);
            }
            Ask::Settle { reply } => {
                let waiting = self.settle();
                self.answer_when_done(waiting, reply);
            }
            Ask::Open { socket, knocks, reply } => self.open(socket, knocks, reply),
        }
    }

    fn reload(&self, plugin: Option<String>, reply: Reply) {
        let names: Vec<String> = match &plugin {
            None => {
                let is_on = |name: &&String| !self.shared.records.of(name).disabled && !self.is_guest(name);
                self.plugins.keys().filter(is_on).cloned().collect()
            }
            Some(name) => vec![name.clone()],
        };
        let waiting: Vec<_> = names.iter().filter_map(|name| self.wish(name, Asks::Again)).collect();
        if let (Some(name), true) = (plugin, waiting.is_empty()) {
            // Whoever asked may have gone; so also below.
            let _ = reply.send(Err(ControlError::UnknownPlugin(name)));
            return;
        }
        self.answer_when_done(waiting, reply);
    }

    /// Says what came of some wishes when all are seen to.
    fn answer_when_done<F>(&self, waiting: Vec<F>, reply: Reply)
    where
        F: Future<Output = Option<Reloaded>> + Send + 'static,
    {
        self.lives.spawn(async move {
            let done = join_all(waiting).await;
            let _ = reply.send(Ok(done.into_iter().flatten().collect()));
        });
    }

    fn change(&self, verb: PluginVerb, plugin: String, reply: Reply) {
        if self.plugins.get(&plugin).is_none_or(|entry| entry.source.is_none()) {
            let error = match self.config.of(&plugin).enabled {
                Some(false) if verb == PluginVerb::Enable => ControlError::Unavailable(format!(
                    "its configuration says `plugins: {{each: {{{plugin}: {{enabled: false}}}}}}`"
                )),
                _ => ControlError::UnknownPlugin(plugin),
            };
            let _ = reply.send(Err(error));
            return;
        }
        let (kept, asks) = match verb {
            PluginVerb::Rollback => (None, Asks::Back),
            PluginVerb::Approve => (None, Asks::Approved),
            PluginVerb::Enable | PluginVerb::Disable => {
                let disabled = verb == PluginVerb::Disable;
                (Some(self.shared.records.put(&plugin, |record| record.disabled = disabled)), Asks::Look)
            }
        };
        let waiting = self.wish(&plugin, asks);
        self.lives.spawn(async move {
            let kept = match kept {
                Some(Ok(Some(writing))) => tokio::task::spawn_blocking(move || writing.wait()).await,
                Some(Err(error)) => Ok(Err(error)),
                Some(Ok(None)) | None => Ok(Ok(())),
            };
            let done = match waiting {
                Some(waiting) => waiting.await,
                None => None,
            };
            let _ = reply.send(match kept {
                Ok(Err(error)) => Err(ControlError::Unavailable(format!(
                    "it holds until the node ends, and is not remembered: {error}"
                ))),
                _ => Ok(done.into_iter().collect()),
            });
        });
    }

    async fn end(mut self) {
        // A life that nobody has wishes for unloads.
        self.plugins.clear();
        self.lives.close();
        self.lives.wait().await;
        self.shared.counts.update();
    }
}

impl Entry {
    fn begin(name: &str, config: &Config, shared: &Arc<Shared>, lives: &TaskTracker) -> Self {
        let (wishes, wished) = watch::channel(Wish::default());
        let nothing = Reloaded { plugin: name.to_owned(), generation: 0, problem: None };
        let (done, fulfilled) = watch::channel(Fulfilled { number: 0, result: nothing });
        let section = Arc::new(config.of(name));
        let life = Life::new(name, PluginConfig::clone(&section), Arc::clone(shared));
        lives.spawn(life.run(wished, done));
        Self { source: None, wishes, fulfilled, door: None, section }
    }

    /// Wishes something; what is returned waits for what comes of it.
    fn fulfil(&self, asks: Asks) -> impl Future<Output = Option<Reloaded>> + Send + use<> {
        let (number, mut fulfilled) = (self.wish(asks), self.fulfilled.clone());
        async move {
            let done = fulfilled.wait_for(|fulfilled| fulfilled.number >= number).await;
            done.ok().map(|fulfilled| fulfilled.result.clone())
        }
    }

    /// Wishes what the entry's file says to be live. Returns the wish's number.
    fn wish(&self, asks: Asks) -> u64 {
        let mut number = 0;
        self.wishes.send_modify(|wish| {
            wish.number = wish.number.saturating_add(1);
            wish.section = Arc::clone(&self.section);
            wish.file = self.source.as_ref().map(|source| source.path().to_path_buf());
            match asks {
                Asks::Look => {}
                Asks::Again => wish.again = wish.number,
                Asks::Back => wish.back = wish.number,
                Asks::Approved => wish.approved = wish.number,
                Asks::Ruled => wish.ruled = wish.number,
            }
            number = wish.number;
        });
        number
    }
}

/// Waits for something to change in the folders; for ever without any.
async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => drop(watch.changed().await),
        None => std::future::pending().await,
    }
}

/// Waits for a process that wants to be let in; for ever where none can come. None: nobody is left to come.
async fn knocked(knocks: &mut Option<mpsc::Receiver<Knock>>) -> Option<Knock> {
    match knocks {
        Some(knocks) => knocks.recv().await,
        None => std::future::pending().await,
    }
}

/// What is asked of a plugin beside looking at its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Nothing.
    Look,
    /// To load it also when it is what is live.
    Again,
    /// The version before.
    Back,
    /// To go on with what waits to be approved.
    Approved,
    /// What the rules left out.
    Ruled,
}
