//! Plugins as a configuration says: at the start, when there are none, and whenever it is another.
//!
//! What it owns: who takes over from itself under another section, who leaves, and who comes. It must not know how.

use std::{pin::Pin, sync::Arc};

use super::{Asks, Entry, Registry, Source, processes::program, sections};
use crate::{
    control::Reloaded,
    plugin::{
        Folders,
        settings::{Config, PluginConfig},
    },
};

/// What another section makes of a plugin.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing: it is the same section.
    Stays,
    /// It takes over from itself.
    Renewed,
    /// It finishes what it has; it may come again as something else.
    Leaves,
}

impl Registry {
    /// Has everything be as a configuration says. What is returned waits for each plugin that is touched.
    pub(in crate::plugin) fn configure(
        &mut self,
        config: Config,
        folders: Option<Folders>,
        ruled: bool,
    ) -> Vec<Waiting> {
        if let Some(Folders(watch)) = folders {
            self.watch = watch;
        }
        self.config = config;
        let names: Vec<String> = self.plugins.keys().cloned().collect();
        let mut waiting = Vec::new();
        for name in names {
            let section = self.config.of(&name);
            let Some(entry) = self.plugins.get_mut(&name) else { continue };
            match entry.turn(&section) {
                Turn::Stays if ruled && entry.source.is_some() => {
                    // What the rules leave as it was is not touched.
                    let before = entry.fulfilled.borrow().result.clone();
                    let looked = entry.fulfil(Asks::Ruled);
                    waiting.push(told(async move { looked.await.filter(|done| *done != before) }));
                }
                Turn::Stays => {}
                Turn::Renewed => {
                    if let (Some(Source::Process(of)), Some(exec)) = (&mut entry.source, &section.exec) {
                        *of = program(exec);
                    }
                    entry.section = Arc::new(section);
                    // Without a file it only has the section when the file comes.
                    let renewed = entry.fulfil(Asks::Look);
                    waiting.extend(entry.source.is_some().then(|| told(renewed)));
                }
                Turn::Leaves => waiting.extend(self.leave(&name)),
            }
        }
        self.absent = sections::all(&self.config);
        self.absent.retain(|name| !self.plugins.contains_key(name));
        waiting.extend(self.settle());
        self.say_absent();
        waiting
    }

    /// Loads what is there and starts what is to be there, as far as nothing is in the way. What is returned waits for each.
    pub(super) fn settle(&mut self) -> Vec<Waiting> {
        let mut names = self.look();
        names.extend(self.begin_processes());
        names.iter().filter_map(|name| self.wish(name, Asks::Look)).map(told).collect()
    }

    /// A plugin finishes what it has. Nothing has its name until it is gone, which is waited for.
    fn leave(&mut self, name: &str) -> Option<Waiting> {
        let Entry { fulfilled, .. } = self.plugins.remove(name)?;
        let mut gone = fulfilled.clone();
        self.leaving.insert(name.to_owned(), fulfilled);
        Some(told(async move {
            // It says nothing more: its life has ended then, as nobody can have a wish of it.
            while gone.changed().await.is_ok() {}
            None
        }))
    }
}

/// Something that is waited for, whatever it is.
pub(in crate::plugin) type Waiting = Pin<Box<dyn Future<Output = Option<Reloaded>> + Send>>;

fn told(waiting: impl Future<Output = Option<Reloaded>> + Send + 'static) -> Waiting {
    Box::pin(waiting)
}

impl Entry {
    fn turn(&self, section: &PluginConfig) -> Turn {
        if *self.section == *section {
            return Turn::Stays;
        }
        let is_started = |section: &PluginConfig| section.exec.is_some();
        let is_off = section.enabled == Some(false);
        match is_started(&self.section) == is_started(section) && !is_off {
            true => Turn::Renewed,
            false => Turn::Leaves,
        }
    }
}
