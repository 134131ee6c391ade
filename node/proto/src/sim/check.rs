//! The judge: what has to be true, and how long it took.
//!
//! It is told what the scenario does, what the network holds and what the nodes say, and compares. It knows
//! no rule by which the state machines decide, only what must come of it, and looks into none of them.

mod bill;
mod books;
mod confirm;
mod delivery;
mod frames;
mod graph;
mod meter;
mod rest;
mod spread;
mod truth;
mod view;
mod walk;
mod ways;
mod words;

use std::{collections::BTreeMap, time::Duration};

use super::{
    heard::Heard,
    liar::Lie,
    report::{Figures, PhaseReport},
    scenario::Phase,
};
use crate::{
    channel::Channel,
    id::NodeId,
    interest::InterestOp,
    io::{LinkId, Output},
    pattern::Pattern,
    plane::account::DropReason,
    time::Now,
};

use bill::Bill;
use books::Books;
use delivery::{Delivery, Fault};
use meter::Meter;
use spread::Spread;
use truth::Truth;
use view::View;
use ways::{Traced, Way};
use words::Words;

/// A node tells its clock in whole milliseconds, of two times that are each cut off.
const CLOCK_ROUNDING_MS: u64 = 2;

/// Problems that are written out; the others are counted.
const PROBLEMS_MAX: usize = 100;

/// Everything that is known of the run, apart from the nodes themselves.
#[derive(Debug)]
pub(super) struct Judge {
    phases: Vec<Phase>,
    /// The phase that runs, and when it began.
    phase: (usize, Now),
    truth: Truth,
    /// What each node believes, as its outputs said.
    views: Vec<View>,
    words: Words,
    spread: Spread,
    delivery: Delivery,
    /// Copies that had to arrive and did not.
    lost: u64,
    meter: Meter,
    bill: Bill,
    books: Books,
    /// Traces that are not answered, by their numbers, and what became of the others.
    asked: BTreeMap<u64, Way>,
    traced: Traced,
    /// Copies that relays lied about.
    lies: BTreeMap<Lie, u64>,
    /// Something changed since the views were compared last.
    changed: bool,
    /// A node and another of which it knew something wrong, at the last look.
    wrong_pair: Option<(usize, usize)>,
    /// The node from which the next such pair is looked for.
    looked_at: usize,
    /// The longest way that was walked.
    longest: u64,
    /// How long into the phase the views became right, if they are.
    settled: Option<Duration>,
    verdict: Verdict,
}

/// What it comes to.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) problems: Vec<String>,
    pub(super) problem_count: u64,
    pub(super) confirmed: u64,
    pub(super) phases: Vec<PhaseReport>,
    pub(super) whole: Figures,
    pub(super) drops: Vec<(&'static str, u64)>,
    pub(super) lies: Vec<(&'static str, u64)>,
}

impl Judge {
    pub(super) fn new(ids: &[NodeId], heard: Heard, phases: &[Phase]) -> Self {
        Self {
            phases: phases.to_vec(),
            phase: (0, Now::default()),
            truth: Truth::new(ids, heard),
            views: ids.iter().map(|_| View::default()).collect(),
            words: Words::new(),
            spread: Spread::default(),
            delivery: Delivery::default(),
            lost: 0,
            meter: Meter::new(ids.len()),
            bill: Bill::new(ids),
            books: Books::new(ids),
            asked: BTreeMap::new(),
            traced: Traced::default(),
            lies: BTreeMap::new(),
            changed: true,
            wrong_pair: None,
            looked_at: 0,
            longest: 0,
            settled: None,
            verdict: Verdict::default(),
        }
    }

    /// Something is wrong.
    pub(super) fn wrong(&mut self, now: Now, text: String) {
        self.verdict.problem_count += 1;
        if self.verdict.problems.len() < PROBLEMS_MAX {
            self.verdict.problems.push(format!("at {:?}: {text}", now.0));
        }
    }

    pub(super) fn started(&mut self, now: Now, node: usize, life: u64) {
        self.truth.started(now, node, life);
        self.views[node] = View::new(self.truth.len());
        self.meter.started();
        self.books.begin(node);
        self.changed = true;
    }

    pub(super) fn leaves(&mut self, now: Now, node: usize) {
        self.truth.leaves(now, node);
        self.spread.gone(node);
        self.delivery.gone(node);
        self.changed = true;
    }

    pub(super) fn stopped(&mut self, now: Now, node: usize) {
        self.truth.stopped(now, node);
        self.views[node] = View::default();
        self.spread.gone(node);
        self.delivery.gone(node);
        self.meter.stopped();
        self.changed = true;
    }

    /// From now on only those of the same group hear each other.
    pub(super) fn groups(&mut self, now: Now, groups: &[bool]) {
        self.truth.regroup(now, groups);
        self.spread.parted(&mut self.truth);
        self.delivery.parted(|origin, node| self.truth.expected(origin, node));
        self.changed = true;
    }

    /// A node is told to want something else.
    pub(super) fn wants(&mut self, now: Now, node: usize, ops: &[InterestOp], ticket: u64) {
        let wants = self.truth.wants(node);
        let leaves = |op: &&InterestOp| op.pattern().is_some_and(words::leaves_its_node);
        let announced: Vec<_> = ops.iter().filter(leaves).cloned().collect();
        self.truth.set_wants(now, node, self.words.changed(wants, &announced));
        self.delivery.changed(node);
        let patterns: Vec<u32> =
            announced.iter().filter_map(InterestOp::pattern).map(|p| self.words.pattern(p)).collect();
        self.views[node].asks(now, ticket, patterns);
        self.changed = true;
    }

    /// The next wish of this node is followed until everybody knows.
    pub(super) fn changes(&mut self, now: Now, node: usize, op: &InterestOp) {
        let wants = self.truth.wants(node);
        let Some(pattern) = op.pattern().map(|pattern| self.words.pattern(pattern)) else { return };
        let after = self.words.changed(wants, std::slice::from_ref(op));
        let (before, after) = (self.words.told(wants), self.words.told(after));
        let state = self.words.state(after, pattern);
        // What something else covers is no news to anybody.
        if state != self.words.state(before, pattern) && self.truth.is_settled(now, node) {
            let audience = self.truth.audience(now, node);
            self.spread.begin(now, self.phase.0, (node, pattern, state), &audience);
            self.bill.changes(node);
        }
    }

    /// A node publishes an event of this number. Those who have wanted it for a while have to get it.
    pub(super) fn published(&mut self, now: Now, node: usize, channel: &Channel, number: u64) {
        self.lost += self.delivery.close(now, false).len() as u64;
        let Ok(pattern) = Pattern::parse(channel.as_str()) else { return };
        let (pattern, life) = (self.words.pattern(&pattern), self.truth.life(node).unwrap_or(0));
        let mut audience = Vec::new();
        if self.truth.is_settled(now, node) {
            audience = self.truth.audience(now, node);
            audience.retain(|other| {
                self.truth.wants_long(now, *other) && self.words.matches(self.truth.wants(*other), pattern)
            });
        }
        let audience = audience.into_iter();
        self.delivery.published(now, number, (self.phase.0, (node, life), pattern), audience);
    }

    /// A node hands an event over.
    pub(super) fn delivered(&mut self, now: Now, node: usize, number: u64) {
        self.books.handed(node);
        let life = self.truth.life(node).unwrap_or(0);
        match self.delivery.arrived(now, (node, life), number) {
            Ok(()) => {}
            Err(Fault::Twice) => self.wrong(now, format!("node {node} got event {number} twice")),
            Err(Fault::Behind(last)) => {
                self.wrong(now, format!("node {node} got event {number} behind {last} of the same channel"));
            }
            Err(Fault::Unknown) => self.wrong(now, format!("node {node} got event {number} too late")),
        }
    }

    /// What a node dropped, when its life is over.
    pub(super) fn dropped(&mut self, counts: &[(DropReason, u64)]) {
        self.delivery.dropped(counts);
    }

    /// A relay lies about a frame of so many events.
    pub(super) fn lied(&mut self, lie: Lie, events: u64) {
        *self.lies.entry(lie).or_default() += events;
    }

    /// A node sends frames to another while its wall clock says this, in milliseconds since the Unix epoch.
    pub(super) fn sent_at(&mut self, now: Now, (from, to): (usize, usize), wall_ms: u64, frames: &[u8]) {
        if let Some(told) =
            frames::told_clock(frames).filter(|told| told.abs_diff(wall_ms) > CLOCK_ROUNDING_MS)
        {
            self.wrong(
                now,
                format!("node {from} tells node {to} that it is {told}, and its clock says {wall_ms}"),
            );
        }
        self.sent(now, (from, to), frames);
    }

    /// A node sends frames to another.
    fn sent(&mut self, now: Now, (from, to): (usize, usize), frames: &[u8]) {
        self.meter.sent(now, from, frames);
        self.bill.sent((from, to), frames);
    }

    /// A connection is up for one end, as the link of this number; for both when the pair is given.
    pub(super) fn link_up(
        &mut self,
        (node, link): (usize, LinkId),
        connection: u64,
        both: Option<(usize, usize)>,
    ) {
        self.views[node].links.insert(link, connection);
        if let Some(both) = both {
            self.truth.linked(connection, both);
            self.changed = true;
        }
    }

    pub(super) fn link_down(&mut self, node: usize, link: LinkId) {
        self.views[node].links.remove(&link);
    }

    /// A connection is not to be used any more: it is cut, or an end closes it.
    pub(super) fn parted(&mut self, connection: u64) {
        self.changed |= self.truth.unlinked(connection);
    }

    /// A node says something.
    pub(super) fn said(&mut self, now: Now, node: usize, output: &Output) {
        match output {
            Output::Confirmed { ticket } => self.confirmed(now, node, *ticket),
            Output::Ready { .. } => {
                if std::mem::replace(&mut self.views[node].ready, true) {
                    self.wrong(now, format!("node {node} is ready twice"));
                }
            }
            Output::Traced { ask, trail } => self.told_way(now, *ask, trail),
            Output::Look { .. }
            | Output::Dial { .. }
            | Output::Abandon { .. }
            | Output::Send { .. }
            | Output::Close { .. }
            | Output::Arm { .. }
            | Output::Note { .. } => {}
            news => self.learn(now, node, news),
        }
    }

    /// Compares every view with what is true, unless nothing happened since the last time.
    pub(super) fn look(&mut self, now: Now) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let before = self.settled.is_some();
        // What was wrong before is probably wrong still.
        let still = self.wrong_pair.filter(|(node, of)| !self.is_right(*node, *of));
        self.wrong_pair = still.or_else(|| self.find_wrong_pair());
        self.settled = match self.wrong_pair {
            Some(_) => None,
            None if before => self.settled,
            None => Some(now.0.saturating_sub(self.phase.1.0)),
        };
    }

    /// A phase begins, and the one before ends.
    pub(super) fn phase(&mut self, now: Now, number: usize) {
        if number > 0 {
            self.end_phase(now);
        }
        self.phase = (number, now);
        self.bill.begin(self.phases.get(number).is_some_and(|phase| phase.changes > 0));
        self.changed = true;
        self.look(now);
    }

    /// The run is over.
    pub(super) fn end(&mut self, now: Now) {
        self.changed = true;
        self.look(now);
        if self.phases.last().is_some_and(Phase::is_quiet) {
            self.judge_rest(now);
        }
        let settled = self.settled;
        self.end_phase(now);
        self.spread.end();
        self.end_events(now);
        for (number, phase) in self.verdict.phases.iter_mut().enumerate() {
            self.spread.figures(|phase| phase == number, &mut phase.figures);
            self.delivery.figures(|phase| phase == number, &mut phase.figures);
        }
        let mut whole = Figures { settled, longest_way: self.longest, ..Figures::default() };
        graph::figures(&self.truth, &self.views, &mut whole);
        self.meter.whole(now, &mut whole);
        self.spread.figures(|_| true, &mut whole);
        self.delivery.figures(|_| true, &mut whole);
        self.traced.figures(&mut whole);
        self.verdict.drops = self.delivery.drops();
        self.verdict.lies = self.lies.iter().map(|(lie, copies)| (lie.name(), *copies)).collect();
        self.verdict.whole = whole;
    }

    pub(super) fn verdict(self) -> Verdict {
        self.verdict
    }

    /// Counts all events. Whatever was lost has to be counted where it was, with its reason.
    fn end_events(&mut self, now: Now) {
        let lost = self.lost + self.delivery.close(now, true).len() as u64;
        // What a relay dropped or altered may have been for every node behind it.
        let lied = self.lies.values().sum::<u64>().saturating_mul(self.truth.len() as u64);
        let counted = self.delivery.counted().saturating_add(lied);
        if lost > counted {
            self.wrong(now, format!("{lost} copies of events were lost, and {counted} are counted"));
        }
    }

    fn end_phase(&mut self, now: Now) {
        let (number, begin) = self.phase;
        let Some(phase) = self.phases.get(number) else { return };
        let mut figures = Figures { settled: self.settled, ..Figures::default() };
        graph::figures(&self.truth, &self.views, &mut figures);
        self.meter.phase(begin, now, &mut figures);
        let length = now.0.saturating_sub(begin.0);
        let cost = self.bill.end(length.as_secs(), phase.is_quiet());
        figures.bytes_per_change = cost.and_then(|cost| cost.checked_div(figures.alive));
        self.verdict.phases.push(PhaseReport { name: phase.name.clone(), begin: begin.0, length, figures });
        // What was right stays right; it was so from the beginning of the next phase.
        self.settled = self.settled.map(|_| Duration::ZERO);
    }
}

#[cfg(test)]
mod tests;
