//! Traces: what is told of a way has to be the way that the nodes themselves say, as far as that stayed the same.

use super::{Judge, words::SetId};
use crate::{
    channel::Channel,
    frame::trace::End,
    io::{Ending, Trail},
    pattern::Pattern,
    sim::report::Figures,
    time::Now,
};

/// Nodes on a way at most: nothing crosses more than 8 links.
const NODES: usize = 9;

/// A trace that is asked for.
#[derive(Debug)]
pub(super) struct Way {
    from: usize,
    to: usize,
    /// The channel, as a pattern.
    channel: u32,
    /// What was true when it was asked for.
    then: State,
}

/// What is true of a way at one time.
#[derive(Debug, PartialEq, Eq)]
struct State {
    /// The nodes on it, by what each says of its next neighbour; up to where one says nothing.
    nodes: Vec<usize>,
    /// The life of each.
    lives: Vec<Option<u64>>,
    /// The connection between each and the one behind it.
    links: Vec<Option<u64>>,
    /// What the last one wants.
    wants: SetId,
}

/// What became of all traces.
#[derive(Debug, Default)]
pub(super) struct Traced {
    all: u64,
    delivered: u64,
    silent: u64,
}

impl Traced {
    pub(super) fn figures(&self, figures: &mut Figures) {
        figures.traces = self.all;
        figures.traces_delivered = self.delivered;
        figures.traces_silent = self.silent;
    }
}

impl State {
    /// Every link is one that both ends have, and nobody leaves.
    fn is_whole(&self) -> bool {
        self.lives.iter().all(Option::is_some) && self.links.iter().all(Option::is_some)
    }
}

impl Judge {
    /// A node is asked for the way to another.
    pub(in crate::sim) fn asks_way(&mut self, ask: u64, (from, to): (usize, usize), channel: &Channel) {
        let Ok(channel) = Pattern::parse(channel.as_str()) else { return };
        let channel = self.words.pattern(&channel);
        let then = self.state(from, to);
        self.asked.insert(ask, Way { from, to, channel, then });
    }

    /// And answers.
    pub(super) fn told_way(&mut self, now: Now, ask: u64, trail: &Trail) {
        let Some(way) = self.asked.remove(&ask) else {
            return self.wrong(now, format!("trace {ask} is answered, which nobody waits for"));
        };
        self.traced.all += 1;
        self.traced.delivered += u64::from(matches!(trail.end, Ending::At(End::Delivered(_))));
        self.traced.silent += u64::from(trail.end == Ending::Silent);
        let told: Vec<Option<usize>> =
            trail.steps.iter().map(|step| self.truth.number_of(step.hop.node)).collect();
        let right = told.first() == Some(&Some(way.from))
            && self.truth.number_of(trail.destination) == Some(way.to)
            && self.fits(&way, &told.iter().flatten().copied().collect::<Vec<_>>(), &trail.end);
        if !right {
            let Way { from, to, then, .. } = way;
            self.wrong(
                now,
                format!(
                    "node {from} traces the way to node {to} as {told:?}, {:?}; it was {then:?}",
                    trail.end
                ),
            );
        }
    }

    /// Whether that is the way, unless it was another one by then.
    fn fits(&mut self, way: &Way, told: &[usize], end: &Ending) -> bool {
        let now = self.state(way.from, way.to);
        if now.nodes != way.then.nodes {
            // It changed on the way: only that nobody is named twice is sure.
            let mut once = told.to_vec();
            once.sort_unstable();
            once.dedup();
            return once.len() == told.len();
        }
        let State { nodes, lives, .. } = &way.then;
        let dead = lives.iter().zip(nodes).position(|(_, node)| self.truth.is_dead(*node));
        if let Some(dead) = dead.filter(|_| way.then.lives == now.lives) {
            // Nobody behind the last who lived can have said anything.
            return *end == Ending::Silent && nodes.get(..dead) == Some(told);
        }
        if !way.then.is_whole() || way.then != now {
            return nodes.starts_with(told);
        }
        let wanted = self.words.matches(now.wants, way.channel);
        let (all, there) = (told == nodes, nodes.last() == Some(&way.to));
        let want = |end: &End| match end {
            End::Delivered(_) => all && there && wanted,
            End::NoMatch => all && there && !wanted,
            End::NoRoute => all && !there,
            // Who does not know yet that others have changed their ways may lead back.
            End::Back | End::Circle | End::HopLimit => nodes.len() > NODES && nodes.starts_with(told),
            End::Passed | End::OldNode(_) | End::Other(_) => false,
        };
        matches!(end, Ending::At(end) if want(end))
    }

    /// The way as it is now.
    fn state(&self, from: usize, to: usize) -> State {
        let mut nodes = vec![from];
        while let Some(last) = nodes.last().filter(|last| **last != to && nodes.len() <= NODES) {
            match self.views[*last].next.get(to).copied().flatten() {
                Some(next) => nodes.push(next),
                None => break,
            }
        }
        let between = |pair: &[usize]| {
            let mut links = self.truth.links().iter();
            let joins =
                |(a, b): &(usize, usize)| [*a, *b] == [pair[0], pair[1]] || [*b, *a] == [pair[0], pair[1]];
            links.find(|(_, both)| joins(both)).map(|(number, _)| *number)
        };
        State {
            lives: nodes.iter().map(|node| self.truth.life(*node)).collect(),
            links: nodes.windows(2).map(between).collect(),
            wants: nodes.last().map_or(super::words::EMPTY, |last| self.truth.wants(*last)),
            nodes,
        }
    }
}
