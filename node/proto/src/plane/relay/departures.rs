//! What this node seals: the numbers of its frames, and after which other frame each is to be handed over.
//!
//! Frames of one set follow one another. When channels move to other sets, the first frame of each set also follows
//! what was sent to its nodes in other sets.

use std::collections::BTreeMap;

use super::paths::Set;
use crate::{
    frame::relay::{EXCEPTIONS_MAX, Envelope},
    id::{Incarnation, NodeId},
};

/// Sets and nodes whose last frame is remembered; past it all are forgotten, and nobody waits for a frame before
/// the next.
const REMEMBERED_MAX: usize = 8192;

/// The numbers of one life's frames.
#[derive(Debug)]
pub(super) struct Departures {
    me: NodeId,
    incarnation: Incarnation,
    sequence: u64,
    /// The last frame of each set since channels last moved, by the set's number.
    sets: BTreeMap<u64, u64>,
    /// The last frame to each node.
    nodes: BTreeMap<NodeId, u64>,
}

impl Departures {
    pub(super) fn new(me: NodeId, incarnation: Incarnation) -> Self {
        Self { me, incarnation, sequence: 0, sets: BTreeMap::new(), nodes: BTreeMap::new() }
    }

    pub(super) fn regroup(&mut self) {
        self.sets.clear();
    }

    /// A node remembers nothing of what was sent to it before.
    pub(super) fn begins_anew(&mut self, node: &NodeId) {
        self.nodes.remove(node);
        self.regroup();
    }

    /// The last frame to a node in its present life.
    pub(super) fn last_sealed_for(&self, node: &NodeId) -> Option<u64> {
        self.nodes.get(node).copied()
    }

    /// The envelope of the next frame to a set.
    pub(super) fn envelope(&mut self, set: &Set, events: u64) -> Envelope {
        self.sequence = self.sequence.saturating_add(1);
        let (after, except) = match self.sets.get(&set.number()) {
            Some(after) => (*after, Vec::new()),
            None => self.last_to(set),
        };
        self.remember(set);
        let to = match set.nodes().nodes() {
            [only] => Some(*only),
            _ => None,
        };
        let (origin, incarnation, sequence) = (self.me, self.incarnation, self.sequence);
        Envelope { origin, incarnation, sequence, after, except, events, to }
    }

    /// The frame that most of a set's nodes got last, and the nodes that got another. Nothing when too many did.
    fn last_to(&self, set: &Set) -> (u64, Vec<(NodeId, u64)>) {
        let nodes = set.nodes().nodes().iter();
        let lasts: Vec<_> = nodes.map(|node| (*node, self.nodes.get(node).copied().unwrap_or(0))).collect();
        let mut counts = BTreeMap::<u64, usize>::new();
        for (_, last) in &lasts {
            *counts.entry(*last).or_default() += 1;
        }
        let Some((&most, _)) = counts.iter().max_by_key(|(_, count)| **count) else { return (0, Vec::new()) };
        let except: Vec<_> = lasts.into_iter().filter(|(_, last)| *last != most).collect();
        if except.len() > EXCEPTIONS_MAX { (0, Vec::new()) } else { (most, except) }
    }

    fn remember(&mut self, set: &Set) {
        if self.sets.len() >= REMEMBERED_MAX {
            self.sets.clear();
        }
        if self.nodes.len() >= REMEMBERED_MAX {
            self.nodes.clear();
        }
        self.sets.insert(set.number(), self.sequence);
        self.nodes.extend(set.nodes().nodes().iter().map(|node| (*node, self.sequence)));
    }
}
