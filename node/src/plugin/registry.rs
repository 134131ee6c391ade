//! The plugins of a node by name: which file each has, and who is told when files come, change and go.
//!
//! What it owns: one task that looks at the folders, and the lives. Exists so that one slow or broken plugin never holds up
//! another. It must not know how a plugin is loaded or run.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    folder::{self, Look, Stamp},
    life::{Fulfilled, Life, Shared, Wish},
    settings::Config,
};
use crate::{
    control::{ControlError, Reloaded},
    watch::Watch,
};

/// How often the boards are brought up to date with what the plugins' lanes count.
const COUNT_INTERVAL: Duration = Duration::from_millis(250);

/// Somebody asks for a reload.
pub(super) struct Ask {
    /// Which; none: look at every folder again and load everything again.
    pub(super) plugin: Option<String>,
    /// What came of it.
    pub(super) reply: oneshot::Sender<Result<Vec<Reloaded>, ControlError>>,
}

/// The task's state.
pub(super) struct Registry {
    config: Config,
    shared: Arc<Shared>,
    watch: Watch,
    plugins: BTreeMap<String, Entry>,
    /// Files that are no plugins, as they were last said, so that they are said once.
    refused: BTreeMap<PathBuf, String>,
    lives: TaskTracker,
}

struct Entry {
    /// None: the file is gone.
    file: Option<(PathBuf, Stamp)>,
    wishes: watch::Sender<Wish>,
    fulfilled: watch::Receiver<Fulfilled>,
}

impl Registry {
    pub(super) fn new(config: Config, shared: Arc<Shared>, watch: Watch) -> Self {
        Self {
            config,
            shared,
            watch,
            plugins: BTreeMap::new(),
            refused: BTreeMap::new(),
            lives: TaskTracker::new(),
        }
    }

    /// Loads everything that is there; returns when each plugin runs or was refused.
    pub(super) async fn begin(&mut self) {
        let names = self.look();
        let loading: Vec<_> = names.iter().filter_map(|name| self.load(name, false)).collect();
        for one in loading {
            one.await;
        }
    }

    /// Follows the folders and carries out what is asked, until `stop`; then works off what was accepted.
    pub(super) async fn run(mut self, mut asks: mpsc::Receiver<Ask>, stop: CancellationToken) {
        let mut count = tokio::time::interval(COUNT_INTERVAL);
        count.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = self.watch.changed() => self.follow(),
                Some(ask) = asks.recv() => self.answer(ask),
                _ = count.tick() => self.shared.counts.update(),
            }
        }
        self.end().await;
    }

    fn follow(&mut self) {
        for name in self.look() {
            // Nobody waits for what comes of it: the log and the board say it.
            drop(self.load(&name, false));
        }
    }

    /// Looks at the folders. Returns the plugins whose file is new or changed; tells those whose file is gone.
    fn look(&mut self) -> Vec<String> {
        let Look { plugins: found, refused } = folder::look(&self.config.folders);
        for (file, why) in &refused {
            if self.refused.get(file) != Some(why) {
                tracing::error!("{} is not loaded: {why}", file.display());
            }
        }
        self.refused = refused;
        for (name, entry) in &mut self.plugins {
            if entry.file.is_some() && !found.contains_key(name) {
                entry.file = None;
                entry.wish(false);
            }
        }
        let mut changed = Vec::new();
        for (name, file) in found {
            if self.config.of(&name).enabled == Some(false) {
                continue;
            }
            let entry = self
                .plugins
                .entry(name.clone())
                .or_insert_with(|| Entry::begin(&name, &self.config, &self.shared, &self.lives));
            if entry.file.as_ref() != Some(&file) {
                entry.file = Some(file);
                changed.push(name);
            }
        }
        changed
    }

    /// Has a plugin look at its file. What is returned waits for what comes of it; it need not be awaited.
    fn load(&self, name: &str, again: bool) -> Option<impl Future<Output = Option<Reloaded>> + Send + use<>> {
        let entry = self.plugins.get(name)?;
        entry.file.as_ref()?;
        let number = entry.wish(again);
        let mut fulfilled = entry.fulfilled.clone();
        Some(async move {
            let done = fulfilled.wait_for(|fulfilled| fulfilled.number >= number).await;
            done.ok().map(|fulfilled| fulfilled.result.clone())
        })
    }

    fn answer(&mut self, ask: Ask) {
        for name in self.look() {
            drop(self.load(&name, false));
        }
        let names: Vec<String> = match &ask.plugin {
            None => self.plugins.keys().cloned().collect(),
            Some(name) => vec![name.clone()],
        };
        let waiting: Vec<_> = names.iter().filter_map(|name| self.load(name, true)).collect();
        if let (Some(name), true) = (ask.plugin, waiting.is_empty()) {
            // Whoever asked may have gone; so also below.
            let _ = ask.reply.send(Err(ControlError::UnknownPlugin(name)));
            return;
        }
        self.lives.spawn(async move {
            let mut done = Vec::new();
            for one in waiting {
                done.extend(one.await);
            }
            let _ = ask.reply.send(Ok(done));
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
        let life = Life::new(name, config.of(name), Arc::clone(shared));
        lives.spawn(life.run(wished, done));
        Self { file: None, wishes, fulfilled }
    }

    /// Wishes what the entry's file says to be live. Returns the wish's number.
    fn wish(&self, again: bool) -> u64 {
        let mut number = 0;
        self.wishes.send_modify(|wish| {
            wish.number = wish.number.saturating_add(1);
            wish.file = self.file.as_ref().map(|(file, _)| file.clone());
            if again {
                wish.again = wish.number;
            }
            number = wish.number;
        });
        number
    }
}
