//! Plugins that are processes: those of the configuration are started, others come by themselves under a name that is free.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Entry, Registry, Source};
use crate::{
    control::Reloaded,
    dispatch::process::Knock,
    plugin::{
        exec::Life,
        folder::check_name,
        life::{Fulfilled, Wish},
        settings::{Exec, PluginConfig},
    },
};

/// Processes that want to be one plugin, and wait to be looked at.
const KNOCKS_MAX: usize = 4;
/// Plugins that came by themselves.
const GUESTS_MAX: usize = 256;

impl Registry {
    /// From here on processes may come, and those of the configuration are started.
    pub(super) fn open(
        &mut self,
        socket: Arc<Path>,
        knocks: mpsc::Receiver<Knock>,
        reply: oneshot::Sender<()>,
    ) {
        (self.socket, self.knocks) = (socket, Some(knocks));
        let coming = self.settle();
        self.lives.spawn(async move {
            join_all(coming).await;
            // Whoever asked may have gone.
            let _ = reply.send(());
        });
    }

    /// Starts the processes of the configuration that are not there, where they can find the node. Returns which.
    pub(super) fn begin_processes(&mut self) -> Vec<String> {
        if self.knocks.is_none() {
            return Vec::new();
        }
        let is_due = |name: &String| {
            let is_there = self.plugins.contains_key(name) || self.leaving.contains_key(name);
            !is_there && self.config.of(name).enabled != Some(false)
        };
        let each = self.config.each.iter();
        let started = each.filter_map(|(name, config)| Some((name.clone(), program(config.exec.as_ref()?))));
        let due: Vec<_> = started.filter(|(name, _)| is_due(name)).collect();
        for (name, program) in &due {
            self.begin_process(name, program.clone());
        }
        due.into_iter().map(|(name, _)| name).collect()
    }

    /// Sends a process to the plugin that it wants to be.
    pub(super) fn let_in(&mut self, knock: Knock) {
        if let Err((knock, why)) = self.send_on(knock) {
            tracing::warn!(
                "a process that wants to be the plugin `{}` is not let in: {why}",
                knock.claim.name
            );
            // It may have gone.
            let _ = knock.reply.send(Err(why));
        }
    }

    #[expect(clippy::result_large_err, reason = "the knock goes back as it came, without an allocation")]
    fn send_on(&mut self, knock: Knock) -> Result<(), (Knock, String)> {
        let name = knock.claim.name.clone();
        self.forget_gone();
        if let Err(why) = self.may_come(&name) {
            return Err((knock, why));
        }
        if !self.plugins.contains_key(&name) {
            self.begin_process(&name, PathBuf::new());
        }
        let Some(door) = self.plugins.get(&name).and_then(|entry| entry.door.as_ref()) else {
            return Err((knock, format!("the plugin `{name}` is a component")));
        };
        door.try_send(knock).map_err(|error| {
            (error.into_inner(), format!("others want to be the plugin `{name}` just now; try again"))
        })
    }

    fn may_come(&self, name: &str) -> Result<(), String> {
        if let Some(entry) = self.plugins.get(name) {
            return match &entry.source {
                Some(Source::File(path, _)) => {
                    Err(format!("the plugin `{name}` is the component {}", path.display()))
                }
                _ => Ok(()),
            };
        }
        check_name(name).map_err(|why| format!("it says that it is `{name}`: {why}"))?;
        if self.leaving.contains_key(name) {
            return Err(format!("what was the plugin `{name}` before finishes what it has; try again"));
        }
        if self.config.of(name).enabled == Some(false) {
            return Err(format!(
                "the configuration says `plugins: {{each: {{{name}: {{enabled: false}}}}}}`"
            ));
        }
        let guests = self.plugins.values().filter(|entry| entry.door.is_some()).count();
        if guests >= GUESTS_MAX {
            return Err(format!("{GUESTS_MAX} processes are plugins of this node, the most there may be"));
        }
        Ok(())
    }

    /// Processes whose place was given up are no plugins any more: their names are free.
    pub(super) fn forget_gone(&mut self) {
        self.plugins.retain(|_, entry| entry.door.as_ref().is_none_or(|door| !door.is_closed()));
        self.leaving.retain(|_, fulfilled| fulfilled.has_changed().is_ok());
    }

    /// Whether a name is that of a process, so that no file can be it.
    pub(super) fn is_process(&self, name: &str) -> bool {
        let is_there = |entry: &Entry| entry.door.as_ref().is_some_and(|door| !door.is_closed());
        let is_started = self.config.each.get(name).is_some_and(|config| config.exec.is_some());
        is_started || self.plugins.get(name).is_some_and(is_there)
    }

    /// Whether a plugin is a process that came by itself, which nobody but its user can start.
    pub(super) fn is_guest(&self, name: &str) -> bool {
        let is_started = self.config.each.get(name).is_some_and(|config| config.exec.is_some());
        !is_started && self.plugins.get(name).is_some_and(|entry| entry.door.is_some())
    }

    fn begin_process(&mut self, name: &str, program: PathBuf) {
        let (wishes, wished) = watch::channel(Wish::default());
        let nothing = Reloaded { plugin: name.to_owned(), generation: 0, problem: None };
        let (done, fulfilled) = watch::channel(Fulfilled { number: 0, result: nothing });
        let (door, knocks) = mpsc::channel(KNOCKS_MAX);
        let (shared, socket) = (Arc::clone(&self.shared), Arc::clone(&self.socket));
        let section = Arc::new(self.config.of(name));
        let life = Life::new(name, PluginConfig::clone(&section), shared, socket);
        self.lives.spawn(life.run(wished, done, knocks));
        let source = Some(Source::Process(program));
        self.plugins.insert(name.to_owned(), Entry { source, wishes, fulfilled, door: Some(door), section });
        self.absent.remove(name);
        self.show_absent();
    }
}

/// What is started.
pub(super) fn program(exec: &Exec) -> PathBuf {
    exec.command.first().map(PathBuf::from).unwrap_or_default()
}
