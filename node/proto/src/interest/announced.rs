//! What a node announces to its neighbours in one network, one version a change.

use std::collections::BTreeMap;

use super::{InterestOp, Wanted};
use crate::{limits::PATTERNS_MAX, pattern::Pattern};

/// The announced set. What is past [`PATTERNS_MAX`] waits until there is room: neighbours would refuse it.
#[derive(Debug, Default)]
pub struct Announced {
    /// What the neighbours are told; the value says whether it is answered.
    wanted: BTreeMap<Pattern, bool>,
    /// What is wanted and does not fit.
    surplus: BTreeMap<Pattern, bool>,
    /// Counts the changes of `wanted`, from 0.
    version: u64,
}

/// What an input changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Revision {
    /// What to tell the neighbours, in order; nothing when the version is still the same.
    pub ops: Vec<InterestOp>,
    /// How many patterns had to wait that did not before.
    pub refused: usize,
}

impl Announced {
    /// Nothing is wanted, at version 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the changes so far.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Makes the changes. Local patterns and operations that change nothing are left out.
    pub fn apply(&mut self, ops: Vec<InterestOp>) -> Revision {
        let mut revision = Revision { ops: Vec::new(), refused: 0 };
        for op in ops {
            match op {
                InterestOp::Add(wanted) => self.add(wanted, &mut revision),
                InterestOp::Remove(pattern) => self.remove(pattern, &mut revision),
                InterestOp::Block(_) => {}
            }
        }
        self.version += u64::from(!revision.ops.is_empty());
        revision
    }

    /// All that is announced.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.wanted.iter().map(|(pattern, answers)| Wanted::new(pattern.clone(), *answers))
    }

    fn add(&mut self, wanted: Wanted, revision: &mut Revision) {
        if wanted.pattern.is_local() {
            return;
        }
        if self.wanted.len() >= PATTERNS_MAX && !self.wanted.contains_key(&wanted.pattern) {
            let before = self.surplus.insert(wanted.pattern, wanted.answers);
            revision.refused += usize::from(before.is_none());
            return;
        }
        let before = self.wanted.insert(wanted.pattern.clone(), wanted.answers);
        if before != Some(wanted.answers) {
            revision.ops.push(InterestOp::Add(wanted));
        }
    }

    fn remove(&mut self, pattern: Pattern, revision: &mut Revision) {
        self.surplus.remove(&pattern);
        if self.wanted.remove(&pattern).is_none() {
            return;
        }
        revision.ops.push(InterestOp::Remove(pattern));
        if let Some((pattern, answers)) = self.surplus.pop_first() {
            self.add(Wanted::new(pattern, answers), revision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(text: &str) -> InterestOp {
        InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
    }

    fn remove(text: &str) -> InterestOp {
        InterestOp::Remove(Pattern::parse(text).expect("a pattern"))
    }

    #[test]
    fn a_version_is_a_change() {
        let mut announced = Announced::new();
        assert_eq!(announced.apply(vec![add("a/b"), add("local"), add("a/b")]).ops, [add("a/b")]);
        assert_eq!(announced.version(), 1);
        assert_eq!(announced.apply(vec![add("a/b"), remove("x/y")]).ops, []);
        assert_eq!(announced.version(), 1);
        assert_eq!(announced.apply(vec![remove("a/b"), add("a/b")]).ops, [remove("a/b"), add("a/b")]);
        assert_eq!(announced.version(), 2);
    }

    #[test]
    fn what_does_not_fit_waits_for_room() {
        let mut announced = Announced::new();
        let revision = announced.apply((0..PATTERNS_MAX + 2).map(|n| add(&format!("n/{n:06}"))).collect());
        assert_eq!((revision.ops.len(), revision.refused), (PATTERNS_MAX, 2));
        let waiting = format!("n/{PATTERNS_MAX:06}");
        let revision = announced.apply(vec![remove("n/000007"), remove(&waiting)]);
        let last = format!("n/{:06}", PATTERNS_MAX + 1);
        assert_eq!(revision.ops, [remove("n/000007"), add(&waiting), remove(&waiting), add(&last)]);
        assert_eq!(announced.wanted().count(), PATTERNS_MAX);
    }
}
