//! What a client wants: its patterns as it wrote them, and what they are here.

use std::collections::{BTreeMap, BTreeSet};

use hive_proto::{channel::Channel, pattern::Pattern};

use super::super::name::{Rpc, provided, rpc};
use crate::{bridge::Rules, bus::Wanted};

/// Patterns of one client.
const PATTERNS_MAX: usize = 10_000;
/// Results that one client may wait for.
const RESULTS_MAX: usize = 4_096;

/// A client's subscriptions.
#[derive(Debug, Default)]
pub(super) struct Wants {
    /// What it gets events of, by its names.
    plain: BTreeSet<Pattern>,
    /// What it answers on, by its names.
    provides: BTreeMap<String, Pattern>,
    /// The channels of the results that it waits for. Nobody else is told of these.
    results: BTreeSet<String>,
    /// Those of them that come as events, as nobody here answered.
    open_results: BTreeSet<Pattern>,
    /// Counts the changes.
    version: u64,
}

impl Wants {
    /// Counts the changes: what is remembered of names is of one version.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Takes a pattern. False when it cannot be wanted here.
    pub(super) fn add(&mut self, pattern: &str) -> bool {
        self.version += 1;
        if self.plain.len().saturating_add(self.provides.len()) >= PATTERNS_MAX {
            return false;
        }
        if matches!(rpc(pattern), Some(Rpc::Result)) && !pattern.contains('*') {
            let has_room = self.results.len() < RESULTS_MAX;
            self.results.extend(has_room.then(|| pattern.to_owned()));
            return has_room;
        }
        let provided = provided(pattern);
        let Ok(parsed) = Pattern::parse(provided.unwrap_or(pattern)) else { return false };
        if provided.is_some() {
            self.provides.insert(pattern.to_owned(), parsed);
        } else {
            self.plain.insert(parsed);
        }
        true
    }

    /// Whether a pattern changes what is wanted here: a result that is waited for does not.
    pub(super) fn is_result(&self, pattern: &str) -> bool {
        self.results.contains(pattern)
    }

    /// Gives a pattern up. True when what is wanted here changes.
    pub(super) fn remove(&mut self, pattern: &str) -> bool {
        self.version += 1;
        if self.results.remove(pattern) {
            return Pattern::parse(pattern).is_ok_and(|pattern| self.open_results.remove(&pattern));
        }
        if self.provides.remove(pattern).is_some() {
            return true;
        }
        Pattern::parse(pattern).is_ok_and(|pattern| self.plain.remove(&pattern))
    }

    /// A result comes as an event from now on.
    pub(super) fn open_result(&mut self, result: &str) {
        self.version += 1;
        if self.results.contains(result) {
            self.open_results.extend(Pattern::parse(result));
        }
    }

    /// Whether it waits for a result and does not hear it as an event. From now on it does not wait: pyspoke does not
    /// survive a second one.
    pub(super) fn take_result(&mut self, result: &str) -> bool {
        let is_silent = Channel::parse(result).is_ok_and(|channel| !self.hears(&channel));
        is_silent && self.results.remove(result)
    }

    /// Whether it is to hear a result that comes as an event: only the first, if it waits for it.
    pub(super) fn hears_result(&mut self, channel: &Channel) -> bool {
        self.open_results.remove(&Pattern::from(channel))
            || self.plain.iter().any(|pattern| pattern.matches(channel))
    }

    /// Whether it gets events of this name.
    pub(super) fn hears(&self, channel: &Channel) -> bool {
        self.plain.iter().chain(&self.open_results).any(|pattern| pattern.matches(channel))
    }

    /// All of it as it is wanted of the bus. What the rules do not let out is left out when it comes.
    pub(super) fn wanted(&self, rules: &Rules) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        for pattern in self.plain.iter().chain(&self.open_results) {
            wanted.extend(rules.here(pattern).map(|scope| Wanted { scope, answers: false, group: None }));
        }
        for base in self.provides.values() {
            wanted.extend(rules.here(base).map(|scope| Wanted { scope, answers: true, group: None }));
        }
        wanted
    }
}
