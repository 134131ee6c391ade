//! The wishes of the subscriptions of one node in one network, merged: what the node as a whole wants.
//!
//! Many holders of one pattern are one entry; only what changes for the others becomes an operation.

use std::collections::BTreeMap;

use super::{InterestOp, Wanted};
use crate::pattern::Pattern;

/// What this node's holders want of one network. Patterns that only match local channels are counted
/// nowhere: they are nobody else's business.
#[derive(Debug, Clone, Default)]
pub struct LocalInterest {
    holders: BTreeMap<Pattern, Holders>,
}

/// How many hold one pattern.
#[derive(Debug, Clone, Copy, Default)]
struct Holders {
    all: usize,
    answering: usize,
}

impl LocalInterest {
    /// One holder more wants a pattern. Returns what changes for the others, if anything.
    pub fn add(&mut self, pattern: &Pattern, answers: bool) -> Option<InterestOp> {
        if pattern.is_local() {
            return None;
        }
        let holders = self.holders.entry(pattern.clone()).or_default();
        let before = *holders;
        holders.all = holders.all.saturating_add(1);
        holders.answering = holders.answering.saturating_add(usize::from(answers));
        let answers = holders.answering > 0;
        let changed = before.all == 0 || answers != (before.answering > 0);
        changed.then(|| InterestOp::Add(Wanted::new(pattern.clone(), answers)))
    }

    /// One holder less wants a pattern; `answers` as it said when it was added. Returns what changes for
    /// the others, if anything.
    pub fn remove(&mut self, pattern: &Pattern, answers: bool) -> Option<InterestOp> {
        let holders = self.holders.get_mut(pattern)?;
        let answered = holders.answering > 0;
        holders.all = holders.all.saturating_sub(1);
        holders.answering = holders.answering.saturating_sub(usize::from(answers));
        if holders.all == 0 {
            self.holders.remove(pattern);
            return Some(InterestOp::Remove(pattern.clone()));
        }
        let answers = holders.answering > 0;
        (answers != answered).then(|| InterestOp::Add(Wanted::new(pattern.clone(), answers)))
    }

    /// How many patterns the others see.
    #[must_use]
    pub fn len(&self) -> usize {
        self.holders.len()
    }

    /// Whether the others see none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_for_others_is_said() {
        let pattern = Pattern::parse("a/*").expect("a pattern");
        let add = |answers| Some(InterestOp::Add(Wanted::new(pattern.clone(), answers)));
        let mut interest = LocalInterest::default();
        assert_eq!(interest.add(&pattern, false), add(false));
        assert_eq!(interest.add(&pattern, false), None);
        assert_eq!(interest.add(&pattern, true), add(true));
        assert_eq!(interest.remove(&pattern, false), None);
        assert_eq!(interest.remove(&pattern, true), add(false));
        assert_eq!(interest.remove(&pattern, false), Some(InterestOp::Remove(pattern.clone())));
        assert_eq!(interest.remove(&pattern, false), None);
        assert!(interest.is_empty());
    }

    #[test]
    fn local_patterns_are_nobody_elses_business() {
        let mut interest = LocalInterest::default();
        for local in ["bee", "*", "$dead/*"] {
            assert_eq!(interest.add(&Pattern::parse(local).expect("a pattern"), true), None, "{local}");
        }
        assert!(interest.add(&Pattern::parse("**").expect("a pattern"), false).is_some());
    }
}
