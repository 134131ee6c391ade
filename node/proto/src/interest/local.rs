//! The wishes of the subscriptions of one node in one network, merged: what the node as a whole wants.

use std::collections::BTreeMap;

use super::{InterestOp, Wanted};
use crate::pattern::Pattern;

/// Counts the holders of each pattern. Local patterns are not counted: nobody else hears of them.
#[derive(Debug, Default)]
pub struct LocalInterest {
    counts: BTreeMap<Pattern, Count>,
}

/// How many hold a pattern.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    /// All of them.
    holders: usize,
    /// Those who answer.
    answering: usize,
}

impl LocalInterest {
    /// Nothing is wanted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more holder; what the node as a whole wants differently, if anything.
    pub fn add(&mut self, wanted: &Wanted) -> Option<InterestOp> {
        if wanted.pattern.is_local() {
            return None;
        }
        let count = self.counts.entry(wanted.pattern.clone()).or_default();
        let before = count.answers();
        count.holders += 1;
        count.answering += usize::from(wanted.answers);
        let after = count.answers();
        (before != after).then(|| op(&wanted.pattern, after))
    }

    /// One holder less, as it was added; what the node as a whole wants differently, if anything.
    pub fn remove(&mut self, wanted: &Wanted) -> Option<InterestOp> {
        let count = self.counts.get_mut(&wanted.pattern)?;
        let before = count.answers();
        count.holders = count.holders.saturating_sub(1);
        count.answering = count.answering.saturating_sub(usize::from(wanted.answers)).min(count.holders);
        let after = count.answers();
        if after.is_none() {
            self.counts.remove(&wanted.pattern);
        }
        (before != after).then(|| op(&wanted.pattern, after))
    }

    /// All the node wants.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let merged = |(pattern, count): (&Pattern, &Count)| {
            Some(Wanted { pattern: pattern.clone(), answers: count.answers()? })
        };
        self.counts.iter().filter_map(merged)
    }
}

impl Count {
    /// Whether anybody answers; none when nobody holds the pattern.
    fn answers(self) -> Option<bool> {
        (self.holders > 0).then_some(self.answering > 0)
    }
}

fn op(pattern: &Pattern, answers: Option<bool>) -> InterestOp {
    let pattern = pattern.clone();
    match answers {
        Some(answers) => InterestOp::Add(Wanted { pattern, answers }),
        None => InterestOp::Remove(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str, answers: bool) -> Wanted {
        Wanted { pattern: Pattern::parse(text).expect("a pattern"), answers }
    }

    #[test]
    fn only_what_changes_for_the_whole_node_is_said() {
        let mut local = LocalInterest::new();
        let (plain, answering) = (wanted("a/*", false), wanted("a/*", true));
        assert_eq!(local.add(&plain), Some(InterestOp::Add(plain.clone())));
        assert_eq!(local.add(&plain), None);
        assert_eq!(local.add(&answering), Some(InterestOp::Add(answering.clone())));
        assert_eq!(local.remove(&plain), None);
        assert!(local.wanted().eq([answering.clone()]));
        assert_eq!(local.remove(&answering), Some(InterestOp::Add(plain.clone())));
        assert_eq!(local.remove(&plain), Some(InterestOp::Remove(plain.pattern.clone())));
        assert_eq!(local.remove(&plain), None);
    }

    #[test]
    fn local_patterns_are_nobody_elses_business() {
        let mut local = LocalInterest::new();
        for text in ["bee_stuff", "$timer/*", "*"] {
            assert_eq!(local.add(&wanted(text, true)), None);
            assert_eq!(local.remove(&wanted(text, true)), None);
        }
        assert!(local.add(&wanted("**", false)).is_some(), "`**` matches what others publish too");
    }
}
