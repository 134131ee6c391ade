//! The set of nodes that what was read of a channel leads to: how matching avoids walking twice.
//!
//! A node of `**` stays in the set once it is in it; every other one is left with the next segment.

use std::{collections::BTreeSet, ptr};

use super::Node;

/// Nodes reached so far, each in one of the lists and there once.
pub(super) struct States<'a, H> {
    /// Reached by the last segment without a `**`: each has one depth, so nothing comes here twice.
    plain: List<'a, H>,
    /// Reached by the last segment, somewhere below a `**`.
    loose: List<'a, H>,
    /// Nodes of `**`.
    deep: List<'a, H>,
    /// Addresses of those of `deep` that lie below another `**`: these may be reached again and again.
    nested: BTreeSet<usize>,
}

impl<'a, H: Clone + Ord> States<'a, H> {
    /// Before the first segment of an ordinary channel.
    pub(super) fn start(root: &'a Node<H>) -> Self {
        let mut states =
            Self { plain: List::new(), loose: List::new(), deep: List::new(), nested: BTreeSet::new() };
        states.plain.push(root);
        states.enter_runs();
        states
    }

    /// Behind the first segment of a reserved channel, which no wildcard stands for.
    pub(super) fn start_reserved(root: &'a Node<H>, first: &str) -> Self {
        let mut states =
            Self { plain: List::new(), loose: List::new(), deep: List::new(), nested: BTreeSet::new() };
        states.plain.extend(root.literals.get(first).map(AsRef::as_ref));
        states.enter_runs();
        states
    }

    /// Reads one segment.
    pub(super) fn step(&mut self, name: &str) {
        let (mut plain, mut loose) = (List::new(), List::new());
        for node in self.plain.iter() {
            plain.extend(node.literals.get(name).map(AsRef::as_ref));
            plain.extend(node.one.as_deref());
        }
        for node in self.loose.iter() {
            loose.extend(node.literals.get(name).map(AsRef::as_ref));
            loose.extend(node.one.as_deref());
        }
        for node in self.deep.iter() {
            loose.extend(node.literals.get(name).map(AsRef::as_ref));
        }
        (self.plain, self.loose) = (plain, loose);
        self.enter_runs();
    }

    /// Whether nothing can match any more.
    pub(super) fn is_dead(&self) -> bool {
        self.nodes().next().is_none()
    }

    /// All nodes whose patterns match what was read, each once.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &'a Node<H>> {
        self.plain.iter().chain(self.loose.iter()).chain(self.deep.iter())
    }

    /// `**` may stand for nothing: who stands before it is in it already.
    fn enter_runs(&mut self) {
        for node in self.plain.iter() {
            self.deep.extend(node.many.as_deref());
        }
        for run in self.loose.iter().filter_map(|node| node.many.as_deref()) {
            if self.nested.insert(ptr::from_ref(run).addr()) {
                self.deep.push(run);
            }
        }
    }
}

/// Nodes a list holds without an allocation: enough for a few wildcards on the way.
const FEW: usize = 6;

/// A list of nodes.
struct List<'a, H> {
    /// The first ones, from the front.
    few: [Option<&'a Node<H>>; FEW],
    /// How many of them there are.
    filled: usize,
    /// The ones after those.
    more: Vec<&'a Node<H>>,
}

impl<'a, H> List<'a, H> {
    fn new() -> Self {
        Self { few: [None; FEW], filled: 0, more: Vec::new() }
    }

    fn push(&mut self, node: &'a Node<H>) {
        match self.few.get_mut(self.filled) {
            Some(place) => {
                *place = Some(node);
                self.filled += 1;
            }
            None => self.more.push(node),
        }
    }

    fn extend(&mut self, node: Option<&'a Node<H>>) {
        if let Some(node) = node {
            self.push(node);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'a Node<H>> {
        self.few[..self.filled].iter().flatten().chain(&self.more).copied()
    }
}
