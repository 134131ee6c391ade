//! Which neighbour is the next on the way to whom, and how a set of nodes parts among the neighbours.
//!
//! Where the ways come from is the state machine's business; a table here only says what it was told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{frame::relay::Destinations, id::NodeId};

/// Sets that are known by a number of their own. Past it the older ones are forgotten and numbered anew when they
/// occur again, which costs one declaration a link.
const SETS_KNOWN_MAX: usize = 8192;
/// Splits that are remembered under one table.
const SPLITS_MAX: usize = 65_536;

/// A set of nodes that this relay has numbered: equal numbers mean equal sets. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Set {
    pub(super) number: u64,
    nodes: Destinations,
}

impl Set {
    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &Destinations {
        &self.nodes
    }

    /// Its number, which no other set of this relay has.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// How a set parts under one table. The parts are disjoint, and together with this node they are the set.
#[derive(Debug, Clone, Default)]
pub(super) struct Split {
    /// What goes to which neighbour.
    pub(super) onward: Vec<(NodeId, Set)>,
    /// To whom no way leads, or only the one it came.
    pub(super) stuck: Option<Set>,
}

/// The ways under the current table.
#[derive(Debug)]
pub(super) struct Paths {
    me: NodeId,
    next: BTreeMap<NodeId, NodeId>,
    neighbours: BTreeSet<NodeId>,
    numbers: BTreeMap<Destinations, u64>,
    last_number: u64,
    /// By the set's number and where it came from; empty after every change.
    splits: BTreeMap<(u64, Option<NodeId>), Arc<Split>>,
}

impl Paths {
    pub(super) fn new(me: NodeId) -> Self {
        Self {
            me,
            next: BTreeMap::new(),
            neighbours: BTreeSet::new(),
            numbers: BTreeMap::new(),
            last_number: 0,
            splits: BTreeMap::new(),
        }
    }

    /// The neighbour on the way to a node changes; none when no way leads there any more.
    pub(super) fn change(&mut self, node: NodeId, next: Option<NodeId>) {
        match next {
            Some(next) => drop(self.next.insert(node, next)),
            None => drop(self.next.remove(&node)),
        }
        self.splits.clear();
    }

    /// Whether something can be given to a neighbour changes.
    pub(super) fn neighbour(&mut self, node: NodeId, up: bool) {
        match up {
            true => self.neighbours.insert(node),
            false => self.neighbours.remove(&node),
        };
        self.splits.clear();
    }

    /// The neighbour that takes what is for a node.
    pub(super) fn next(&self, node: &NodeId) -> Option<NodeId> {
        self.next.get(node).copied().filter(|next| self.neighbours.contains(next))
    }

    /// A set with its number.
    pub(super) fn number(&mut self, nodes: Destinations) -> Set {
        if let Some(&number) = self.numbers.get(&nodes) {
            return Set { number, nodes };
        }
        if self.numbers.len() >= SETS_KNOWN_MAX {
            self.numbers.clear();
        }
        self.last_number = self.last_number.saturating_add(1);
        self.numbers.insert(nodes.clone(), self.last_number);
        Set { number: self.last_number, nodes }
    }

    /// How a set parts that came from a neighbour, or from this node.
    pub(super) fn split(&mut self, set: &Set, from: Option<NodeId>) -> Arc<Split> {
        if let Some(split) = self.splits.get(&(set.number, from)) {
            return Arc::clone(split);
        }
        let split = Arc::new(self.part(set, from));
        if self.splits.len() >= SPLITS_MAX {
            self.splits.clear();
        }
        self.splits.insert((set.number, from), Arc::clone(&split));
        split
    }

    fn part(&mut self, set: &Set, from: Option<NodeId>) -> Split {
        let (mut onward, mut stuck) = (BTreeMap::<NodeId, Vec<NodeId>>::new(), Vec::new());
        let others = set.nodes.nodes().iter().filter(|node| **node != self.me);
        for node in others {
            match self.next(node).filter(|next| Some(*next) != from) {
                Some(next) => onward.entry(next).or_default().push(*node),
                None => stuck.push(*node),
            }
        }
        let mut numbered = |nodes| Destinations::new(nodes).map(|nodes| self.number(nodes));
        let onward = onward.into_iter().filter_map(|(next, nodes)| Some((next, numbered(nodes)?))).collect();
        Split { onward, stuck: numbered(stuck) }
    }
}
