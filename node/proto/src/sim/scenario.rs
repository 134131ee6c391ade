//! What a run does to its nodes: a plan made from the seed before the first of them starts.

use std::time::Duration;

use super::chance::Chance;
use crate::{
    interest::{InterestOp, Wanted},
    pattern::Pattern,
    time::Now,
};

/// How many nodes there are and what they go through. Counts are for the whole run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// How many nodes.
    pub nodes: usize,
    /// Who hears of whom.
    pub discovery: Discovery,
    /// The time the things below are spread over.
    pub active: Duration,
    /// The time after it, in which everything has to come to rest.
    pub rest: Duration,
    /// One way, in milliseconds: at least and at most.
    pub latency_ms: (u64, u64),
    /// Dials that lead nowhere, in percent.
    pub dial_loss: u8,
    /// Changes of what a node wants.
    pub wishes: usize,
    /// Nodes that die without a word; most start again with a new life.
    pub crashes: usize,
    /// Nodes that leave properly; most start again.
    pub leaves: usize,
    /// Links that break while both ends live.
    pub breaks: usize,
    /// Times the nodes fall into two halves that do not hear each other for a while.
    pub partitions: usize,
}

/// Who hears of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// As by mDNS on one segment: everyone of everyone, with node ids.
    Everyone,
    /// As by `--peer`: each of the one before and the one after, with addresses only.
    Line,
}

/// One thing that is done. Nodes go by their numbers.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Start(usize),
    Want(usize, Vec<InterestOp>),
    Crash(usize),
    Leave(usize),
    Stop(usize),
    /// One of the links of that time, chosen by this number.
    Break(u64),
    /// These are cut off from the others.
    Part(Vec<usize>),
    Heal,
}

impl Default for Scenario {
    /// Twenty nodes that all hear of each other, and some of everything.
    fn default() -> Self {
        Self {
            nodes: 20,
            discovery: Discovery::Everyone,
            active: Duration::from_secs(60),
            rest: Duration::from_secs(60),
            latency_ms: (1, 40),
            dial_loss: 10,
            wishes: 150,
            crashes: 6,
            leaves: 3,
            breaks: 20,
            partitions: 2,
        }
    }
}

impl Scenario {
    /// Everything that will be done, in no order.
    pub(super) fn plan(&self, chance: &mut Chance) -> Vec<(Now, Action)> {
        let mut plan = Vec::new();
        for node in 0..self.nodes {
            // Half of them start in the same instant, so that they dial each other.
            let delay = if node % 2 == 0 { Duration::ZERO } else { chance.millis(0, 1500) };
            plan.push((Now(delay), Action::Start(node)));
        }
        for _ in 0..self.wishes {
            plan.push((self.moment(chance), Action::Want(chance.below(self.nodes), wishes(chance))));
        }
        for at in 0..self.crashes + self.leaves {
            self.plan_absence(at < self.crashes, chance, &mut plan);
        }
        for _ in 0..self.breaks {
            plan.push((self.moment(chance), Action::Break(chance.number())));
        }
        for _ in 0..self.partitions {
            let begin = self.moment(chance);
            let apart = (0..self.nodes).filter(|_| chance.percent(50)).collect();
            plan.push((begin, Action::Part(apart)));
            plan.push((begin.after(chance.millis(500, 20_000)), Action::Heal));
        }
        plan.push((Now(self.active), Action::Heal));
        plan
    }

    fn plan_absence(&self, crash: bool, chance: &mut Chance, plan: &mut Vec<(Now, Action)>) {
        let (node, begin) = (chance.below(self.nodes), self.moment(chance));
        let gone = if crash {
            plan.push((begin, Action::Crash(node)));
            begin
        } else {
            let gone = begin.after(chance.millis(1, 2000));
            plan.extend([(begin, Action::Leave(node)), (gone, Action::Stop(node))]);
            gone
        };
        // One in eight stays away: at rest nobody may still believe in it.
        if !chance.percent(12) {
            plan.push((gone.after(chance.millis(1, 8000)), Action::Start(node)));
        }
    }

    fn moment(&self, chance: &mut Chance) -> Now {
        let most = u64::try_from(self.active.as_millis()).unwrap_or(u64::MAX);
        Now(chance.millis(0, most))
    }
}

/// Few patterns, so that they are added twice, removed when absent and change whether they are answered.
const PATTERNS: [&str; 8] = ["a/b", "a/*", "a/**", "**", "*/b/**", "only-here", "$node/*", "x/y/z"];

fn wishes(chance: &mut Chance) -> Vec<InterestOp> {
    let count = 1 + chance.below(3);
    let wish = |_| {
        let pattern = chance.pick(&PATTERNS).and_then(|text| Pattern::parse(text).ok())?;
        Some(match chance.percent(60) {
            true => InterestOp::Add(Wanted::new(pattern, chance.percent(30))),
            false => InterestOp::Remove(pattern),
        })
    };
    (0..count).filter_map(wish).collect()
}
