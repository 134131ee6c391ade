//! Whether events reached those who wanted them: every copy, from what is true, not from what nodes count.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{plane::account::DropReason, sim::report::Figures, time::Now};

/// An event has this long to arrive; then it is lost.
pub(super) const WINDOW: Duration = Duration::from_secs(12);

/// Everything about events.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// Events that may still arrive, by number.
    open: BTreeMap<u64, Event>,
    /// The last event of each origin's life, channel and destination, for their order.
    last: BTreeMap<(usize, u64, u32, usize), u64>,
    tallies: BTreeMap<usize, Tally>,
    /// Copies that nodes say they dropped.
    dropped: BTreeMap<DropReason, u64>,
}

/// An event on its way.
#[derive(Debug)]
struct Event {
    phase: usize,
    at: Now,
    origin: (usize, u64),
    channel: u32,
    /// Who has to get it; those that had to and cannot any more are struck out.
    audience: BTreeSet<usize>,
    /// Who got it, and in which life: one that starts again may get what its earlier life did not confirm.
    got: BTreeSet<(usize, u64)>,
}

/// What came of the events of a phase.
#[derive(Debug, Default)]
struct Tally {
    published: u64,
    expected: u64,
    delivered: u64,
    took: Vec<Duration>,
}

/// A copy that must not have been handed over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Twice,
    Behind(u64),
    Unknown,
}

impl Delivery {
    /// An event is published; the audience has to get it.
    pub(super) fn published(
        &mut self,
        now: Now,
        number: u64,
        (phase, origin, channel): (usize, (usize, u64), u32),
        audience: impl Iterator<Item = usize>,
    ) {
        let (audience, got) = (audience.collect(), BTreeSet::new());
        self.open.insert(number, Event { phase, at: now, origin, channel, audience, got });
    }

    /// A node hands an event over.
    pub(super) fn arrived(&mut self, now: Now, (node, life): (usize, u64), number: u64) -> Result<(), Fault> {
        let event = self.open.get_mut(&number).ok_or(Fault::Unknown)?;
        if !event.got.insert((node, life)) {
            return Err(Fault::Twice);
        }
        if event.audience.contains(&node) {
            let took = now.0.saturating_sub(event.at.0);
            self.tallies.entry(event.phase).or_default().took.push(took);
        }
        let key = (event.origin.0, event.origin.1, event.channel, node);
        let last = self.last.entry(key).or_default();
        match *last > number {
            true => Err(Fault::Behind(*last)),
            false => {
                *last = number;
                Ok(())
            }
        }
    }

    /// A node is gone: nobody can expect anything of it, or of what it published.
    pub(super) fn gone(&mut self, node: usize) {
        for event in self.open.values_mut() {
            if event.origin.0 == node {
                let got = &event.got;
                event.audience.retain(|other| has(got, *other));
            } else if !has(&event.got, node) {
                event.audience.remove(&node);
            }
        }
        self.last.retain(|(_, _, _, to), _| *to != node);
    }

    /// Some do not hear others any more: what is on its way to them is not expected.
    pub(super) fn parted(&mut self, mut still: impl FnMut(usize, usize) -> bool) {
        for event in self.open.values_mut() {
            let origin = event.origin.0;
            let got = &event.got;
            event.audience.retain(|node| has(got, *node) || still(origin, *node));
        }
    }

    /// A node wants something else: what was published for its earlier wishes may or may not come.
    pub(super) fn changed(&mut self, node: usize) {
        for event in self.open.values_mut().filter(|event| !has(&event.got, node)) {
            event.audience.remove(&node);
        }
    }

    /// Counts what had its time; in the end `all`, where what is still on its way is not lost. Returns what was
    /// lost: the event, and who did not get it.
    pub(super) fn close(&mut self, now: Now, all: bool) -> Vec<(u64, usize)> {
        let mut lost = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            if !all && entry.get().at.after(WINDOW) > now {
                break;
            }
            let (number, mut event) = entry.remove_entry();
            if event.at.after(WINDOW) > now {
                event.audience.retain(|node| has(&event.got, *node));
            }
            let tally = self.tallies.entry(event.phase).or_default();
            tally.published += 1;
            tally.expected += event.audience.len() as u64;
            for node in &event.audience {
                if has(&event.got, *node) {
                    tally.delivered += 1;
                } else {
                    lost.push((number, *node));
                }
            }
        }
        lost
    }

    /// A node's life is over, and this is what it had dropped.
    pub(super) fn dropped(&mut self, counts: &[(DropReason, u64)]) {
        for (reason, copies) in counts {
            *self.dropped.entry(*reason).or_default() += copies;
        }
    }

    /// Copies that were counted as lost, whatever the reason; those that came a second time are not lost.
    pub(super) fn counted(&self) -> u64 {
        self.dropped
            .iter()
            .filter(|(reason, _)| **reason != DropReason::Duplicate)
            .map(|(_, copies)| copies)
            .sum()
    }

    /// Writes down what came of the events of some phases.
    pub(super) fn figures(&self, phase: impl Fn(usize) -> bool, figures: &mut Figures) {
        let tallies: Vec<&Tally> = self.tallies.iter().filter(|(p, _)| phase(**p)).map(|(_, t)| t).collect();
        figures.published = tallies.iter().map(|tally| tally.published).sum();
        figures.expected = tallies.iter().map(|tally| tally.expected).sum();
        figures.delivered = tallies.iter().map(|tally| tally.delivered).sum();
        let mut took: Vec<Duration> = tallies.iter().flat_map(|tally| tally.took.iter().copied()).collect();
        took.sort_unstable();
        let place = |percent: usize| (took.len() * percent).div_ceil(100).checked_sub(1);
        figures.arrived_50 = place(50).and_then(|place| took.get(place).copied());
        figures.arrived_99 = place(99).and_then(|place| took.get(place).copied());
    }

    /// What nodes dropped in the whole run, by reason.
    pub(super) fn drops(&self) -> Vec<(&'static str, u64)> {
        self.dropped.iter().map(|(reason, copies)| (reason.name(), *copies)).collect()
    }
}

/// Whether any life of a node got it.
fn has(got: &BTreeSet<(usize, u64)>, node: usize) -> bool {
    got.range((node, 0)..=(node, u64::MAX)).next().is_some()
}
