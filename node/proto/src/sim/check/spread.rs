//! How fast news spreads: who knows of a change of interest when.

use std::{collections::BTreeMap, time::Duration};

use super::truth::Truth;
use crate::{sim::report::Figures, time::Now};

/// All changes that are followed.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Those that somebody has yet to hear of, by the node that changed.
    open: BTreeMap<usize, Vec<Change>>,
    /// Those that everybody knows of.
    known: Vec<Change>,
    /// Those that somebody never came to know of.
    unknown: Vec<Change>,
}

/// A change of what a node wants.
#[derive(Debug)]
struct Change {
    phase: usize,
    pattern: u32,
    /// How the pattern is wanted since.
    state: Option<u32>,
    at: Now,
    /// Who has to come to know, by number.
    waiting: Vec<bool>,
    /// How many of them are left.
    left: usize,
    /// How long it took each of the others.
    took: Vec<Duration>,
}

impl Spread {
    /// A node changed what it wants of a pattern; the audience has to come to know.
    pub(super) fn begin(
        &mut self,
        now: Now,
        phase: usize,
        (node, pattern, state): (usize, u32, Option<u32>),
        audience: &[usize],
    ) {
        let mut waiting = vec![false; audience.last().map_or(0, |last| last + 1)];
        audience.iter().for_each(|other| waiting[*other] = true);
        let change =
            Change { phase, pattern, state, at: now, waiting, left: audience.len(), took: Vec::new() };
        let open = self.open.entry(node).or_default();
        // Who has not heard of an earlier change of the same pattern need not any more.
        open.retain(|earlier| earlier.pattern != pattern);
        open.push(change);
    }

    /// A node says what it knows of another: `state` of each pattern, of the life it lives.
    pub(super) fn heard(
        &mut self,
        now: Now,
        viewer: usize,
        (of, is_current): (usize, bool),
        state: impl Fn(u32) -> Option<u32>,
    ) {
        let Some(open) = self.open.get_mut(&of).filter(|_| is_current) else { return };
        for change in open.iter_mut().filter(|change| change.state == state(change.pattern)) {
            if change.drop(viewer) {
                change.took.push(now.0.saturating_sub(change.at.0));
            }
        }
        self.close(of);
    }

    /// A node is gone: nobody waits for it any more, and what it wanted is of no interest.
    pub(super) fn gone(&mut self, node: usize) {
        self.open.remove(&node);
        for of in self.open.keys().copied().collect::<Vec<_>>() {
            self.open.get_mut(&of).into_iter().flatten().for_each(|change| _ = change.drop(node));
            self.close(of);
        }
    }

    /// Who hears whom has changed: those who cannot hear of it any more are not waited for.
    pub(super) fn parted(&mut self, truth: &mut Truth) {
        for of in self.open.keys().copied().collect::<Vec<_>>() {
            for change in self.open.get_mut(&of).into_iter().flatten() {
                for viewer in 0..change.waiting.len() {
                    if !truth.expected(viewer, of) {
                        change.drop(viewer);
                    }
                }
            }
            self.close(of);
        }
    }

    /// Nothing more will be heard.
    pub(super) fn end(&mut self) {
        self.unknown.extend(std::mem::take(&mut self.open).into_values().flatten());
    }

    /// Writes down what came of the changes of some phases.
    pub(super) fn figures(&self, phase: impl Fn(usize) -> bool, figures: &mut Figures) {
        let known: Vec<&Change> = self.known.iter().filter(|change| phase(change.phase)).collect();
        let unknown = self.unknown.iter().filter(|change| phase(change.phase)).count();
        figures.changes = (known.len() + unknown) as u64;
        figures.changes_known = known.len() as u64;
        let slowest = |percent| known.iter().filter_map(|change| change.after(percent)).max();
        // What somebody never came to know has no time in which all did.
        let all = |figure: Option<Duration>| figure.filter(|_| unknown == 0);
        figures.known_50 = all(slowest(50));
        figures.known_99 = all(slowest(99));
        figures.known_all = all(slowest(100));
        let mut each: Vec<Duration> = known.iter().filter_map(|change| change.after(100)).collect();
        each.sort_unstable();
        figures.known_all_median = each.get(each.len() / 2).copied();
    }

    /// Files the changes of a node that everybody knows of.
    fn close(&mut self, of: usize) {
        let Some(open) = self.open.get_mut(&of) else { return };
        let done = open.extract_if(.., |change| change.left == 0);
        self.known.extend(done.map(|change| Change { waiting: Vec::new(), ..change }));
        if open.is_empty() {
            self.open.remove(&of);
        }
    }
}

impl Change {
    /// Somebody is not waited for any more; whether it was until now.
    fn drop(&mut self, viewer: usize) -> bool {
        let waited = self.waiting.get_mut(viewer).is_some_and(std::mem::take);
        self.left -= usize::from(waited);
        waited
    }

    /// How long until so many in a hundred knew.
    fn after(&self, percent: usize) -> Option<Duration> {
        let mut took = self.took.clone();
        took.sort_unstable();
        let place = (took.len() * percent).div_ceil(100).checked_sub(1)?;
        took.get(place).copied()
    }
}
