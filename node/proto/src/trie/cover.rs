//! Which patterns of a tree cover a given one or match a word, and which it covers.
//!
//! Both walk only where an answer may be: with a word that the covered pattern matches and that has in the
//! place of each wildcard a name nobody has written down. Where that is not proof enough, because of `**`,
//! the two patterns are asked themselves.

use std::{cell::RefCell, ptr};

use super::{
    tree::{Child, Node, Tree, enter},
    walk::Word,
};
use crate::pattern::{Pattern, Segment, States};

/// In the place of a wildcard: a name that is not one, so that no literal is it.
const FRESH: &str = "*";

impl<V: Clone> Tree<V> {
    /// Whether another pattern covers this one, and its value is accepted.
    pub(crate) fn is_covered_by_other(&self, pattern: &Pattern, accepts: impl Fn(&V) -> bool) -> bool {
        let own = self.get(pattern).map(ptr::from_ref);
        self.is_covered(pattern, |value| own != Some(ptr::from_ref(value)) && accepts(value))
    }

    /// Whether a pattern covers this one, which may be itself, and its value is accepted.
    pub(crate) fn is_covered(&self, pattern: &Pattern, accepts: impl Fn(&V) -> bool) -> bool {
        let has_runs = pattern.segments().any(|segment| segment == Segment::Many);
        let names = pattern.segments().flat_map(|segment| match segment {
            Segment::Literal(name) => [Some(name), None],
            Segment::One => [Some(FRESH), None],
            Segment::Many => [Some(FRESH), Some(FRESH)],
        });
        let word = Word::new(names.flatten());
        if !has_runs {
            let mut covered = false;
            self.find(&word, &mut |value| covered |= accepts(value));
            return covered;
        }
        let search = Search {
            word,
            accepts: |path: &str, value: &V| accepts(value) && Pattern::from_normal(path).covers(pattern),
        };
        search.look(&self.root, search.word.start(), &mut String::new())
    }

    /// All patterns that match the word, with their values: what [`Tree::find`] finds, by name and slower.
    pub(super) fn matching(&self, word: Word<'_>) -> Vec<(Pattern, V)> {
        let found = RefCell::new(Vec::new());
        let take = |path: &str, value: &V| {
            found.borrow_mut().push((Pattern::from_normal(path), value.clone()));
            false
        };
        let search = Search { word, accepts: take };
        search.look(&self.root, search.word.start(), &mut String::new());
        found.into_inner()
    }

    /// All other patterns that this one covers, and whose values are accepted.
    pub(crate) fn covered_by(&self, pattern: &Pattern, accepts: impl Fn(&V) -> bool) -> Vec<Pattern> {
        if pattern.is_literal() {
            return Vec::new();
        }
        let states = States::new(pattern);
        let start = states.start();
        let mut below = Below { pattern, states, accepts, path: String::new(), found: Vec::new() };
        below.look(&self.root, start, false);
        below.found
    }
}

/// The walk for a pattern that covers what the word is made of. It ends with the first one that is accepted.
struct Search<'a, A> {
    word: Word<'a>,
    accepts: A,
}

impl<A> Search<'_, A> {
    fn look<V: Clone>(&self, node: &Node<V>, places: u64, path: &mut String) -> bool
    where
        A: Fn(&str, &V) -> bool,
    {
        if let Some(value) = &node.here
            && self.word.is_end(places)
            && (self.accepts)(path, value)
        {
            return true;
        }
        let literal = |(name, places)| Some((name, node.literals.get(name)?, places));
        let wild = node.wild.as_deref().filter(|_| !path.is_empty() || !self.word.is_reserved());
        let one = wild.and_then(|wild| Some(("*", wild.one.as_ref()?, self.word.behind_one(places))));
        let many = wild.and_then(|wild| Some(("**", wild.many.as_ref()?, self.word.behind_many(places))));
        let literals = self.word.next(places).filter_map(literal);
        literals.chain(one).chain(many).any(|(name, child, places)| {
            let length = path.len();
            enter(path, name);
            let found = match child {
                Child::Leaf(value) => self.word.is_end(places) && (self.accepts)(path, value),
                Child::Tail(tail) => {
                    enter(path, tail.rest.as_str());
                    self.word.is_end(self.word.behind(places, tail.rest.as_str()))
                        && (self.accepts)(path, &tail.value)
                }
                Child::Inner(node) => places != 0 && self.look(node, places, path),
            };
            path.truncate(length);
            found
        })
    }
}

/// The walk for what a pattern covers.
struct Below<'a, A> {
    pattern: &'a Pattern,
    states: States<'a>,
    accepts: A,
    path: String,
    found: Vec<Pattern>,
}

impl<A> Below<'_, A> {
    /// `runs` says that there was a `**` on the way.
    fn look<V: Clone>(&mut self, node: &Node<V>, states: u64, runs: bool)
    where
        A: Fn(&V) -> bool,
    {
        if let Some(value) = &node.here {
            self.take(value, states, runs);
        }
        if self.states.is_open(states) {
            for (name, child) in node.children() {
                self.enter(name, child, states, runs);
            }
            return;
        }
        let names: Vec<&str> = self.states.next(states).collect();
        for name in names {
            if let Some(child) = node.literals.get(name) {
                self.enter(name, child, states, runs);
            }
        }
    }

    fn enter<V: Clone>(&mut self, name: &str, child: &Child<V>, states: u64, runs: bool)
    where
        A: Fn(&V) -> bool,
    {
        // No wildcard stands for the first segment of a reserved pattern.
        if self.path.is_empty() && name.starts_with('$') && !self.pattern.as_str().starts_with('$') {
            return;
        }
        let mut states = self.behind(states, name);
        if states == 0 {
            return;
        }
        let length = self.path.len();
        enter(&mut self.path, name);
        let mut runs = runs || name == "**";
        match child {
            Child::Leaf(value) => self.take(value, states, runs),
            Child::Tail(tail) => {
                enter(&mut self.path, tail.rest.as_str());
                for name in tail.rest.as_str().split('/') {
                    states = self.behind(states, name);
                    runs |= name == "**";
                }
                self.take(&tail.value, states, runs);
            }
            Child::Inner(node) => self.look(node, states, runs),
        }
        self.path.truncate(length);
    }

    fn behind(&self, states: u64, name: &str) -> u64 {
        match name {
            "*" => self.states.step(states, None),
            "**" => self.states.step_far(states),
            literal => self.states.step(states, Some(literal)),
        }
    }

    fn take<V>(&mut self, value: &V, states: u64, runs: bool)
    where
        A: Fn(&V) -> bool,
    {
        if !self.states.is_end(states) || self.path == self.pattern.as_str() || !(self.accepts)(value) {
            return;
        }
        let found = Pattern::from_normal(&self.path);
        if !runs || self.pattern.covers(&found) {
            self.found.push(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 3 => Just("*"), 3 => Just("**")];
        let segments = (prop::bool::weighted(0.1), prop::collection::vec(segment, 1..6));
        segments.prop_filter_map("too many runs", |(reserved, segments)| {
            let text = segments.join("/");
            Pattern::parse(&if reserved { format!("$x/{text}") } else { text }).ok()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// The walks find what asking every pattern finds.
        #[test]
        fn covers_are_found(
            held in prop::collection::btree_map(any_pattern(), any::<bool>(), 0..40),
            asked in prop::collection::vec(any_pattern(), 1..8),
        ) {
            let mut tree = Tree::new();
            for (pattern, value) in &held {
                tree.upsert(pattern, *value, |_, _| ());
            }
            for asked in asked.iter().chain(held.keys()) {
                let others = || held.iter().filter(|(pattern, value)| **value && *pattern != asked);
                let covered = others().any(|(pattern, _)| pattern.covers(asked));
                prop_assert_eq!(tree.is_covered_by_other(asked, |value| *value), covered, "{}", asked);
                let below = others().filter(|(pattern, _)| asked.covers(pattern));
                let below: BTreeSet<_> = below.map(|(pattern, _)| pattern.clone()).collect();
                let found: BTreeSet<_> = tree.covered_by(asked, |value| *value).into_iter().collect();
                prop_assert_eq!(found, below, "{}", asked);
            }
        }
    }
}
