//! A scenario made definite: who does what when, drawn from the dice before the first node starts.

use std::time::Duration;

use super::{
    chance::Chance,
    scenario::{Phase, Scenario},
};
use crate::{
    channel::Channel,
    interest::{InterestOp, Wanted},
    pattern::Pattern,
    time::Now,
};

/// One thing that is done. Nodes go by their numbers.
#[derive(Debug, Clone, Hash)]
pub(super) enum Action {
    /// The phase of this number begins.
    Phase(usize),
    Start(usize),
    Want(usize, Vec<InterestOp>),
    /// The same, and it is measured who knows of it when.
    Change(usize, InterestOp),
    /// A node publishes on a channel.
    Publish(usize, Channel),
    /// A node traces the way of a channel to another.
    Trace(usize, usize, Channel),
    Crash(usize),
    Leave(usize),
    Stop(usize),
    /// One of the links of that time, chosen by this number.
    Break(u64),
    /// These are cut off from the others.
    Part(Vec<usize>),
    Heal,
    /// Somebody sets a node's wall clock forward by so many milliseconds, or back.
    Jump(usize, i64),
}

/// Everything that will be done.
#[derive(Debug)]
pub(super) struct Plan {
    /// In no order; of two things of one time, the first.
    pub(super) actions: Vec<(Now, Action)>,
    /// What each node wants from its start on.
    pub(super) wants: Vec<Vec<InterestOp>>,
    /// When the run is over.
    pub(super) end: Now,
}

/// How long a node that crashed by churn stays away.
const AWAY_MS: (u64, u64) = (500, 1500);
/// Nothing is measured that begins later than this before a phase's end.
const MARGIN: Duration = Duration::from_secs(5);

impl Plan {
    pub(super) fn draw(scenario: &Scenario, chance: &mut Chance) -> Self {
        let nodes = scenario.nodes;
        let pool = channels(nodes.saturating_mul(scenario.patterns).div_ceil(2));
        let wants = (0..nodes).map(|_| first_wants(scenario.patterns, &pool, chance)).collect();
        let mut plan = Self { actions: Vec::new(), wants, end: Now::default() };
        for (number, phase) in scenario.phases.iter().enumerate() {
            let begin = plan.end;
            plan.end = begin.after(phase.length);
            plan.actions.push((begin, Action::Phase(number)));
            if number == 0 {
                for node in 0..nodes {
                    // Half of them start in the same instant, so that they dial each other.
                    let delay = chance.between(Duration::ZERO, scenario.start_within);
                    let delay = if node % 2 == 0 { Duration::ZERO } else { delay };
                    plan.actions.push((begin.after(delay), Action::Start(node)));
                }
            }
            plan.stretch(number, nodes, (begin, phase), chance);
            plan.publishes(nodes, &pool, (begin, phase), chance);
            plan.traces(nodes, &pool, (begin, phase), chance);
            plan.jumps(scenario, (begin, phase), chance);
        }
        plan
    }

    fn stretch(&mut self, number: usize, nodes: usize, (begin, phase): (Now, &Phase), chance: &mut Chance) {
        let end = begin.after(phase.length);
        let moment = |chance: &mut Chance| Now(chance.between(begin.0, end.0));
        for at in 0..phase.changes {
            let latest = phase.length.saturating_sub(MARGIN).max(phase.length / 2);
            let when = begin.after(chance.between(Duration::ZERO, latest));
            self.change(when, (chance.below(nodes), &format!("changes/{number}/{at}")), chance);
        }
        for _ in 0..phase.wishes {
            self.actions.push((moment(chance), Action::Want(chance.below(nodes), wishes(chance))));
        }
        for at in 0..phase.crashes + phase.leaves {
            let when = moment(chance);
            self.absence(when, (at < phase.crashes, nodes), chance);
        }
        for _ in 0..phase.breaks {
            self.actions.push((moment(chance), Action::Break(chance.number())));
        }
        for _ in 0..churned(nodes, phase) {
            let (node, when) = (chance.below(nodes), moment(chance));
            let back = when.after(chance.millis(AWAY_MS.0, AWAY_MS.1));
            self.actions.extend([(when, Action::Crash(node)), (back, Action::Start(node))]);
        }
        self.partings(nodes, (begin, phase), chance);
    }

    fn publishes(
        &mut self,
        nodes: usize,
        pool: &[String],
        (begin, phase): (Now, &Phase),
        chance: &mut Chance,
    ) {
        for _ in 0..phase.publishes {
            let at = begin.after(chance.between(Duration::ZERO, phase.length));
            let channel = chance.pick(pool).map_or("a/b", String::as_str);
            if let Ok(channel) = Channel::parse(channel) {
                self.actions.push((at, Action::Publish(chance.below(nodes), channel)));
            }
        }
    }

    /// Every other time the channel is one that the other node wants.
    fn traces(&mut self, nodes: usize, pool: &[String], (begin, phase): (Now, &Phase), chance: &mut Chance) {
        for _ in 0..phase.traces {
            let at = begin.after(chance.between(Duration::ZERO, phase.length));
            let (node, to) = (chance.below(nodes), chance.below(nodes));
            let wanted = self.wants[to].iter().filter_map(InterestOp::pattern);
            let wanted: Vec<String> = wanted.filter(|p| p.is_literal()).map(ToString::to_string).collect();
            let pool = if chance.percent(50) { &wanted } else { pool };
            let channel = chance.pick(pool).map_or("a/b", String::as_str);
            if let Ok(channel) = Channel::parse(channel) {
                self.actions.push((at, Action::Trace(node, to, channel)));
            }
        }
    }

    fn jumps(&mut self, scenario: &Scenario, (begin, phase): (Now, &Phase), chance: &mut Chance) {
        let most = u64::try_from(scenario.oddities.clock_jump.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..phase.jumps {
            let at = begin.after(chance.between(Duration::ZERO, phase.length));
            let by = i64::try_from(chance.millis(0, most.saturating_mul(2)).as_millis()).unwrap_or(i64::MAX);
            let by = by.saturating_sub_unsigned(most);
            self.actions.push((at, Action::Jump(chance.below(scenario.nodes), by)));
        }
    }

    /// A change that is measured, and every other time its opposite later on.
    fn change(&mut self, when: Now, (node, text): (usize, &str), chance: &mut Chance) {
        let Ok(pattern) = Pattern::parse(text) else { return };
        let add = InterestOp::Add(Wanted::new(pattern.clone(), false));
        self.actions.push((when, Action::Change(node, add)));
        if chance.percent(50) {
            let later = when.after(Duration::from_secs(5));
            self.actions.push((later, Action::Change(node, InterestOp::Remove(pattern))));
        }
    }

    fn absence(&mut self, begin: Now, (crash, nodes): (bool, usize), chance: &mut Chance) {
        let node = chance.below(nodes);
        let gone = if crash {
            self.actions.push((begin, Action::Crash(node)));
            begin
        } else {
            let gone = begin.after(chance.millis(1, 2000));
            self.actions.extend([(begin, Action::Leave(node)), (gone, Action::Stop(node))]);
            gone
        };
        // One in eight stays away: at rest nobody may still believe in it.
        if !chance.percent(12) {
            self.actions.push((gone.after(chance.millis(1, 8000)), Action::Start(node)));
        }
    }

    fn partings(&mut self, nodes: usize, (begin, phase): (Now, &Phase), chance: &mut Chance) {
        let end = begin.after(phase.length);
        if phase.halved {
            let mut half: Vec<usize> = (0..nodes).collect();
            chance.shuffle(&mut half);
            half.truncate(nodes / 2);
            half.sort_unstable();
            self.actions.extend([(begin, Action::Part(half)), (end, Action::Heal)]);
            return;
        }
        for _ in 0..phase.partitions {
            let begin = Now(chance.between(begin.0, end.0));
            let apart = (0..nodes).filter(|_| chance.percent(50)).collect();
            self.actions.push((begin, Action::Part(apart)));
            self.actions.push((begin.after(chance.millis(500, 20_000)).min(end), Action::Heal));
        }
        if phase.partitions > 0 {
            self.actions.push((end, Action::Heal));
        }
    }
}

/// How many crash in a phase by churn.
fn churned(nodes: usize, phase: &Phase) -> usize {
    let millis = phase.length.as_millis().saturating_mul(u128::from(phase.churn_percent));
    let crashes = millis.saturating_mul(nodes as u128) / 100 / 60_000;
    usize::try_from(crashes).unwrap_or(usize::MAX)
}

/// Channels that nodes want by chance: as if named after places and things.
fn channels(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("site-{}/room-{}/sensor-{at}", at % 7, at % 61)).collect()
}

fn first_wants(count: usize, pool: &[String], chance: &mut Chance) -> Vec<InterestOp> {
    let want = |at| {
        let text = chance.pick(pool)?;
        // Some want all of a place.
        let site = text.split_once('/').map_or("", |(site, _)| site);
        let text = if at == 0 && chance.percent(10) { &format!("{site}/**") } else { text };
        let pattern = Pattern::parse(text).ok()?;
        Some(InterestOp::Add(Wanted::new(pattern, chance.percent(20))))
    };
    (0..count).filter_map(want).collect()
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
