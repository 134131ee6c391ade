//! What is true: who lives and wants what, who could hear whom, and which links there are.
//!
//! Written by the world as it does things; never by what a node says.

use std::{collections::BTreeMap, time::Duration};

use super::words::{EMPTY, SetId};
use crate::{id::NodeId, sim::heard::Heard, time::Now};

/// A node that started, and a network that fell apart, is given this long before it is expected to have
/// kept up: newcomers learn by joining, which has its own figure.
const SETTLING: Duration = Duration::from_secs(5);

/// What is true.
#[derive(Debug)]
pub(super) struct Truth {
    nodes: Vec<Fact>,
    numbers: BTreeMap<NodeId, usize>,
    heard: Heard,
    /// The connections that are up for both ends and closed by neither, and whose they are.
    links: BTreeMap<u64, (usize, usize)>,
    /// Who could reach whom now; none until somebody asks.
    components: Option<Vec<usize>>,
    /// When the network fell apart or together last.
    regrouped: Now,
}

/// A node as it is.
#[derive(Debug)]
struct Fact {
    /// The life it lives; none when it is dead.
    life: Option<u64>,
    since: Now,
    leaving: bool,
    wants: SetId,
    /// Since when.
    wants_since: Now,
    /// Only those of one group hear each other.
    group: bool,
}

impl Truth {
    pub(super) fn new(ids: &[NodeId], heard: Heard) -> Self {
        let never = Now::default();
        let fact = |_| Fact {
            life: None,
            since: never,
            leaving: false,
            wants: EMPTY,
            wants_since: never,
            group: false,
        };
        Self {
            nodes: ids.iter().map(fact).collect(),
            numbers: ids.iter().enumerate().map(|(number, id)| (*id, number)).collect(),
            heard,
            links: BTreeMap::new(),
            components: None,
            regrouped: Now::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn number_of(&self, id: NodeId) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    pub(super) fn started(&mut self, now: Now, node: usize, life: u64) {
        let group = self.nodes[node].group;
        let (life, wants, leaving) = (Some(life), EMPTY, false);
        self.nodes[node] = Fact { life, since: now, leaving, wants, wants_since: now, group };
        self.components = None;
    }

    pub(super) fn leaves(&mut self, _now: Now, node: usize) {
        self.nodes[node].leaving = true;
        self.components = None;
    }

    pub(super) fn stopped(&mut self, _now: Now, node: usize) {
        self.nodes[node].life = None;
        self.components = None;
    }

    pub(super) fn regroup(&mut self, now: Now, groups: &[bool]) {
        for (fact, group) in self.nodes.iter_mut().zip(groups) {
            fact.group = *group;
        }
        self.regrouped = now;
        self.components = None;
    }

    pub(super) fn set_wants(&mut self, now: Now, node: usize, wants: SetId) {
        self.nodes[node].wants = wants;
        self.nodes[node].wants_since = now;
    }

    pub(super) fn wants(&self, node: usize) -> SetId {
        self.nodes[node].wants
    }

    /// Whether it has wanted that long enough for everybody to know.
    pub(super) fn wants_long(&self, now: Now, node: usize) -> bool {
        now >= self.nodes[node].wants_since.after(SETTLING)
    }

    /// The life of a node that lives and does not leave.
    pub(super) fn life(&self, node: usize) -> Option<u64> {
        self.nodes[node].life.filter(|_| !self.nodes[node].leaving)
    }

    /// Whether a node does not live.
    pub(super) fn is_dead(&self, node: usize) -> bool {
        self.nodes[node].life.is_none()
    }

    /// Whether a node has lived, and the network held, long enough to be expected to know the others.
    pub(super) fn is_settled(&self, now: Now, node: usize) -> bool {
        let fact = &self.nodes[node];
        self.life(node).is_some()
            && now >= fact.since.after(SETTLING)
            && now >= self.regrouped.after(SETTLING)
    }

    /// Who has to come to know what a node wants from now on.
    pub(super) fn audience(&mut self, now: Now, node: usize) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|other| *other != node && self.is_settled(now, *other) && self.expected(node, *other))
            .collect()
    }

    /// Whether a node has to know another: both live, none leaves, and one can hear the other over any number
    /// of others.
    pub(super) fn expected(&mut self, node: usize, of: usize) -> bool {
        let both = node != of && self.life(node).is_some() && self.life(of).is_some();
        both && self.components()[node] == self.components()[of]
    }

    /// A connection is up for both ends.
    pub(super) fn linked(&mut self, connection: u64, both: (usize, usize)) {
        self.links.insert(connection, both);
        self.components = None;
    }

    /// A connection is not up for both ends any more.
    pub(super) fn unlinked(&mut self, connection: u64) -> bool {
        let was = self.links.remove(&connection).is_some();
        if was {
            self.components = None;
        }
        was
    }

    pub(super) fn links(&self) -> &BTreeMap<u64, (usize, usize)> {
        &self.links
    }

    /// Whether two nodes are told of each other and hear each other.
    fn adjacent(&self, a: usize, b: usize) -> bool {
        let told = self.heard.tells(a, b) || self.heard.tells(b, a);
        told && self.nodes[a].group == self.nodes[b].group
    }

    /// For each node that lives and stays the least node it could reach over any number of others; for the
    /// others themselves.
    pub(super) fn components(&mut self) -> &[usize] {
        if self.components.is_none() {
            self.components = Some(self.find_components());
        }
        self.components.as_deref().unwrap_or_default()
    }

    /// Who is told of another or linked to it can reach it: nodes learn of more places than discovery says.
    fn find_components(&self) -> Vec<usize> {
        let mut linked = vec![Vec::new(); self.nodes.len()];
        for (a, b) in self.links.values() {
            linked[*a].push(*b);
            linked[*b].push(*a);
        }
        let mut found: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut next = vec![start];
            while let Some(node) = next.pop() {
                if found[node].is_some() {
                    continue;
                }
                found[node] = Some(start);
                if self.life(node).is_some() {
                    let around = self.heard.around(node);
                    let there = |other: &usize| self.life(*other).is_some() && found[*other].is_none();
                    next.extend(around.into_iter().filter(there).filter(|other| self.adjacent(node, *other)));
                    next.extend(linked[node].iter().filter(|other| there(other)));
                }
            }
        }
        found.into_iter().enumerate().map(|(node, least)| least.unwrap_or(node)).collect()
    }
}
