//! Traces: those this node asked for and waits on, those it is about to send on, and how many a neighbour may send.
//!
//! Bookkeeping only, all of it bounded. Which way leads where, and who may say what, is decided in `core`.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    channel::NetworkIndex,
    frame::trace::{End, Hop, Trace},
    id::{Incarnation, NodeId},
    io::{Ending, Question, Step, Trail},
    time::Now,
};

/// Traces of this node that wait for an answer at a time; past it they are refused.
pub const ASKED_MAX: usize = 512;
/// Traces that wait for what the driver sees at a time; past it what comes is dropped. The driver answers at once.
const JOURNEYS_MAX: usize = 512;

/// A node's traces.
#[derive(Debug)]
pub struct Traces {
    /// Counts the traces of this life, from where no other life counts.
    last: u64,
    asked: BTreeMap<u64, Asked>,
    /// By the number of the look.
    journeys: BTreeMap<u64, Journey>,
    last_look: u64,
    counts: TraceCounts,
}

/// One that this node asked for.
#[derive(Debug)]
struct Asked {
    ask: u64,
    network: NetworkIndex,
    destination: NodeId,
    since: Now,
    steps: Vec<Step>,
}

/// A trace at this node.
#[derive(Debug)]
pub struct Journey {
    /// Its network.
    pub network: NetworkIndex,
    /// The neighbour it came from; none for this node's own.
    pub from: Option<NodeId>,
    /// Since when it is here.
    pub since: Now,
    /// What it is; this node is not among the hops yet.
    pub trace: Trace,
}

/// What became of traces, and of what is said of them, at this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceCounts {
    /// Traces this node asked for.
    pub asked: u64,
    /// Those of them that were refused, because too many waited for an answer.
    pub refused: u64,
    /// Those to which no answer came in time.
    pub silent: u64,
    /// Traces that went on from here, this node's own among them.
    pub passed: u64,
    /// Traces that ended here, whether or not this was their destination.
    pub ended: u64,
    /// Reports that were sent back, of this node and of others.
    pub reports: u64,
    /// Traces and reports that were dropped because a neighbour sent too many.
    pub over_rate: u64,
    /// Reports that nobody waits for, or that had no way back, and traces that found no room.
    pub stray: u64,
}

impl Traces {
    /// Those of this life of a node: none yet.
    #[must_use]
    pub fn new(life: Incarnation) -> Self {
        Self {
            // A life lasts longer than a millisecond for each million traces in it.
            last: life.0.wrapping_mul(1 << 20),
            asked: BTreeMap::new(),
            journeys: BTreeMap::new(),
            last_look: 0,
            counts: TraceCounts::default(),
        }
    }

    /// Begins a trace.
    ///
    /// # Errors
    /// When too many wait for an answer: gives the answer.
    pub fn ask(&mut self, now: Now, question: Question) -> Result<Journey, Trail> {
        let Question { ask, network, channel, destination, patience: _ } = question;
        self.counts.asked = self.counts.asked.saturating_add(1);
        if self.asked.len() >= ASKED_MAX {
            self.counts.refused = self.counts.refused.saturating_add(1);
            return Err(Trail { destination, steps: Vec::new(), end: Ending::Busy });
        }
        self.last = self.last.wrapping_add(1);
        let number = self.last;
        self.asked.insert(number, Asked { ask, network, destination, since: now, steps: Vec::new() });
        let trace = Trace { number, destination, channel, hops: Vec::new() };
        Ok(Journey { network, from: None, since: now, trace })
    }

    /// A trace waits for what the driver sees. Returns the number of the look; none when too many wait.
    pub fn look(&mut self, journey: Journey) -> Option<u64> {
        if self.journeys.len() >= JOURNEYS_MAX {
            self.stray();
            return None;
        }
        self.last_look = self.last_look.wrapping_add(1);
        self.journeys.insert(self.last_look, journey);
        Some(self.last_look)
    }

    /// The trace that waited for a look.
    pub fn seen(&mut self, look: u64) -> Option<Journey> {
        self.journeys.remove(&look)
    }

    /// Something was said of a trace of this node. Returns the answer when it is the last.
    pub fn heard(
        &mut self,
        now: Now,
        (network, number): (NetworkIndex, u64),
        hops: Vec<Hop>,
        end: End,
    ) -> Option<(u64, Trail)> {
        let Some(asked) = self.asked.get_mut(&number).filter(|asked| asked.network == network) else {
            self.stray();
            return None;
        };
        let is_last = end != End::Passed;
        if is_last || hops.len() > asked.steps.len() {
            asked.steps = asked.told(now, hops);
        }
        if !is_last {
            return None;
        }
        let asked = self.asked.remove(&number)?;
        Some((asked.ask, asked.trail(Ending::At(end))))
    }

    /// Nothing more is waited for. Returns the answer, unless it was given.
    pub fn overdue(&mut self, number: u64) -> Option<(u64, Trail)> {
        let asked = self.asked.remove(&number)?;
        self.counts.silent = self.counts.silent.saturating_add(1);
        Some((asked.ask, asked.trail(Ending::Silent)))
    }

    /// A trace goes on, or ends here.
    pub fn left(&mut self, end: &End) {
        let count = if *end == End::Passed { &mut self.counts.passed } else { &mut self.counts.ended };
        *count = count.saturating_add(1);
    }

    /// A report goes back from here.
    pub fn reported(&mut self) {
        self.counts.reports = self.counts.reports.saturating_add(1);
    }

    /// A neighbour sends too many.
    pub fn over_rate(&mut self) {
        self.counts.over_rate = self.counts.over_rate.saturating_add(1);
    }

    /// What came is of no use.
    pub fn stray(&mut self) {
        self.counts.stray = self.counts.stray.saturating_add(1);
    }

    /// What became of them so far.
    #[must_use]
    pub fn counts(&self) -> TraceCounts {
        self.counts
    }
}

impl Asked {
    /// What was heard before keeps its time.
    fn told(&self, now: Now, hops: Vec<Hop>) -> Vec<Step> {
        let elapsed = now.0.saturating_sub(self.since.0);
        let step = |(at, hop): (usize, Hop)| {
            let known = self.steps.get(at).filter(|known| known.hop.node == hop.node);
            Step { heard: known.map_or(elapsed, |known| known.heard), hop }
        };
        hops.into_iter().enumerate().map(step).collect()
    }

    fn trail(self, end: Ending) -> Trail {
        Trail { destination: self.destination, steps: self.steps, end }
    }
}

/// What one neighbour may send of something: so many at once, and so many a second.
#[derive(Debug)]
pub struct Allowance {
    most: u32,
    every: Duration,
    left: u32,
    /// Up to when what comes by and by was added.
    since: Now,
}

/// What a neighbour may send of traces. A person who traces a channel sends one for each of up to 64 destinations;
/// each node on the way reports once.
#[derive(Debug)]
pub struct Allowances {
    /// Of traces.
    pub traces: Allowance,
    /// Of reports.
    pub reports: Allowance,
}

impl Allowances {
    /// All of it.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self { traces: Allowance::new(now, 256, 64), reports: Allowance::new(now, 2304, 576) }
    }
}

impl Allowance {
    fn new(now: Now, most: u32, a_second: u32) -> Self {
        Self { most, every: Duration::from_secs(1) / a_second.max(1), left: most, since: now }
    }

    /// Takes one, if there is one.
    pub fn take(&mut self, now: Now) -> bool {
        let nanos = self.every.as_nanos().max(1);
        let came = now.0.saturating_sub(self.since.0).as_nanos() / nanos;
        let came = u32::try_from(came).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(came).min(self.most);
        self.since = self.since.after(self.every.saturating_mul(came));
        let is_there = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn at(ms: u64) -> Now {
        Now(Duration::from_millis(ms))
    }

    fn node(first: u8) -> NodeId {
        NodeId([first; 32])
    }

    fn hops(nodes: &[u8]) -> Vec<Hop> {
        let hop = |first: &u8| Hop { node: node(*first), name: String::new(), took_us: 0, onward: None };
        nodes.iter().map(hop).collect()
    }

    fn question(ask: u64) -> Question {
        let channel = Channel::parse("a/b").expect("a channel");
        Question { ask, network: HOME, channel, destination: node(9), patience: Duration::from_secs(2) }
    }

    fn story(trail: &Trail) -> Vec<(u8, u128)> {
        trail.steps.iter().map(|step| (step.hop.node.0[0], step.heard.as_millis())).collect()
    }

    #[test]
    fn the_answer_says_when_each_node_was_heard_of() {
        let mut traces = Traces::new(Incarnation(7));
        let number = traces.ask(at(100), question(4)).expect("there is room").trace.number;
        let mut hear = |ms, number, nodes: &[u8], end| traces.heard(at(ms), (HOME, number), hops(nodes), end);
        assert_eq!(hear(100, number, &[1], End::Passed), None);
        assert_eq!(hear(130, number, &[1, 2, 3], End::Passed), None);
        assert_eq!(hear(140, number, &[1, 2], End::Passed), None, "what comes late is known already");
        assert_eq!(hear(140, number.wrapping_add(1), &[1, 2], End::NoMatch), None, "nobody asked that");
        let (ask, trail) = hear(150, number, &[1, 2, 3, 9], End::NoMatch).expect("the answer");
        assert_eq!((ask, &trail.end), (4, &Ending::At(End::NoMatch)));
        assert_eq!(story(&trail), [(1, 0), (2, 30), (3, 30), (9, 50)]);
        assert_eq!(hear(160, number, &[1], End::NoRoute), None, "it is answered");
        assert_eq!(traces.overdue(number), None);
        assert_eq!(traces.counts(), TraceCounts { asked: 1, stray: 2, ..TraceCounts::default() });
    }

    #[test]
    fn who_hears_nothing_says_how_far_it_came() {
        let mut traces = Traces::new(Incarnation(7));
        let number = traces.ask(at(0), question(4)).expect("there is room").trace.number;
        traces.heard(at(5), (HOME, number), hops(&[1, 2]), End::Passed);
        let (ask, trail) = traces.overdue(number).expect("an answer");
        assert_eq!((ask, &trail.end, story(&trail)), (4, &Ending::Silent, vec![(1, 5), (2, 5)]));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut traces = Traces::new(Incarnation(7));
        let journeys: Vec<Journey> =
            (0..512).map(|ask| traces.ask(at(0), question(ask)).expect("there is room")).collect();
        assert_eq!(traces.ask(at(0), question(600)).map(drop).map_err(|trail| trail.end), Err(Ending::Busy));
        for journey in journeys {
            assert!(traces.look(journey).is_some());
        }
        let trace = Trace { number: 1, destination: node(9), channel: question(1).channel, hops: hops(&[2]) };
        let more = Journey { network: HOME, from: Some(node(2)), since: at(0), trace };
        assert_eq!(traces.look(more), None);
        assert_eq!((traces.counts().refused, traces.counts().stray), (1, 1));
    }

    #[test]
    fn an_allowance_comes_back_with_time() {
        let mut allowance = Allowance::new(at(0), 3, 10);
        let mut take = |ms, times| (0..times).filter(|_| allowance.take(at(ms))).count();
        assert_eq!(take(0, 5), 3);
        assert_eq!(take(99, 1), 0);
        assert_eq!(take(250, 5), 2);
        assert_eq!(take(300, 5), 1);
        assert_eq!(take(60_000, 9), 3);
    }
}
