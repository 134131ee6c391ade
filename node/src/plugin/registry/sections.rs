//! Sections of the configuration whose plugin has not come: said once, and shown until it comes.
//!
//! Exists so that a section under a name that is mistyped, grants and all, is not silently without effect. It must not know
//! what a section says.

use std::collections::{BTreeMap, BTreeSet};

use super::Registry;
use crate::{plugin::settings::Config, units::nearest};

/// Sections for plugins that may never come. A process of the configuration is started, so it comes.
pub(super) fn all(config: &Config) -> BTreeSet<String> {
    let each = config.each.iter().filter(|(_, section)| section.exec.is_none());
    each.map(|(name, _)| name.clone()).collect()
}

impl Registry {
    /// Shows whose section has no plugin yet, each with the plugin that may be meant.
    pub(super) fn show_absent(&self) {
        // Who has a section of its own is not meant by another.
        let others: Vec<&str> = self
            .plugins
            .keys()
            .filter(|name| !self.config.each.contains_key(*name))
            .map(String::as_str)
            .collect();
        let meant = |name: &String| (name.clone(), nearest(name, others.iter().copied()).map(str::to_owned));
        let absent: BTreeMap<String, Option<String>> = self.absent.iter().map(meant).collect();
        let board = &self.shared.boards.absent;
        if *board.read() != absent {
            board.set(absent);
        }
    }

    /// Says so. Where handlers are still being written and built, whoever builds them does.
    pub(super) fn say_absent(&self) {
        if self.shared.starts_newest {
            return;
        }
        for line in self.shared.boards.absentees() {
            tracing::warn!("{line}");
        }
    }
}
