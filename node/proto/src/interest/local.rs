//! The wishes of the subscriptions of one node in one network, merged: what the node as a whole wants.
//!
//! Many holders of one pattern are one entry; only what changes for the others becomes an operation.

use std::collections::BTreeMap;

use super::{InterestOp, Joined, Wanted, told::is_fixed};
use crate::{
    group::GroupName,
    limits::{PATTERNS_MAX, SUBSCRIBED_MAX},
    pattern::Pattern,
};

/// What this node's holders want of one network. Patterns that only match local channels are counted
/// nowhere: they are nobody else's business.
#[derive(Debug, Clone, Default)]
pub struct LocalInterest {
    holders: BTreeMap<Pattern, Holders>,
    /// What is wanted as a member of a group.
    members: BTreeMap<(GroupName, Pattern), Holders>,
    /// How many of the patterns cannot be announced more coarsely.
    fixed: usize,
}

/// Why no more can be wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Others can be said more coarsely when they are many; these cannot.
    #[error(
        "this node has {0} patterns that answer, begin with a wildcard or are in a group, and {PATTERNS_MAX} is the most"
    )]
    Fixed(usize),
    /// Too many of any kind.
    #[error("this node has {0} patterns, and {SUBSCRIBED_MAX} is the most")]
    All(usize),
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
        let after = *holders;
        self.count(pattern, before, after)
    }

    /// One holder less wants a pattern; `answers` as it said when it was added. Returns what changes for
    /// the others, if anything.
    pub fn remove(&mut self, pattern: &Pattern, answers: bool) -> Option<InterestOp> {
        let holders = self.holders.get_mut(pattern)?;
        let before = *holders;
        holders.all = holders.all.saturating_sub(1);
        holders.answering = holders.answering.saturating_sub(usize::from(answers));
        let after = *holders;
        if after.all == 0 {
            self.holders.remove(pattern);
        }
        self.count(pattern, before, after)
    }

    /// One holder more wants a pattern as a member of a group. Returns what changes for the others, if anything.
    pub fn join(&mut self, group: &GroupName, pattern: &Pattern, answers: bool) -> Option<InterestOp> {
        if pattern.is_local() {
            return None;
        }
        let key = (group.clone(), pattern.clone());
        let members = self.members.entry(key).or_default();
        let before = *members;
        members.all = members.all.saturating_add(1);
        members.answering = members.answering.saturating_add(usize::from(answers));
        joined(group, pattern, before, *members)
    }

    /// One member less wants a pattern; `answers` as it said when it joined. Returns what changes for the others, if
    /// anything.
    pub fn leave(&mut self, group: &GroupName, pattern: &Pattern, answers: bool) -> Option<InterestOp> {
        let key = (group.clone(), pattern.clone());
        let members = self.members.get_mut(&key)?;
        let before = *members;
        members.all = members.all.saturating_sub(1);
        members.answering = members.answering.saturating_sub(usize::from(answers));
        let after = *members;
        if after.all == 0 {
            self.members.remove(&key);
        }
        joined(group, pattern, before, after)
    }

    /// What is wanted as members of groups.
    pub fn members(&self) -> impl Iterator<Item = (&GroupName, &Pattern)> {
        self.members.keys().map(|(group, pattern)| (group, pattern))
    }

    /// Whether there is room for these patterns more, with the group it is wanted in and whether each answers. One that is held already
    /// is counted as if it were not.
    ///
    /// # Errors
    /// Says of what there would be too many.
    pub fn admit<'a>(
        &self,
        more: impl Iterator<Item = (&'a Pattern, Option<&'a GroupName>, bool)>,
    ) -> Result<(), Refusal> {
        let (mut all, mut fixed) = (self.len(), self.fixed.saturating_add(self.members.len()));
        for (pattern, group, answers) in more.filter(|(pattern, ..)| !pattern.is_local()) {
            all = all.saturating_add(1);
            fixed = fixed.saturating_add(usize::from(group.is_some() || is_fixed(pattern, answers)));
        }
        if fixed > PATTERNS_MAX {
            return Err(Refusal::Fixed(self.fixed.saturating_add(self.members.len())));
        }
        if all > SUBSCRIBED_MAX { Err(Refusal::All(self.len())) } else { Ok(()) }
    }

    /// How many patterns the others are to know of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.holders.len().saturating_add(self.members.len())
    }

    fn count(&mut self, pattern: &Pattern, before: Holders, after: Holders) -> Option<InterestOp> {
        let fixed = |holders: Holders| holders.all > 0 && is_fixed(pattern, holders.answering > 0);
        self.fixed = self.fixed.saturating_add(usize::from(fixed(after)));
        self.fixed = self.fixed.saturating_sub(usize::from(fixed(before)));
        if after.all == 0 {
            return Some(InterestOp::Remove(pattern.clone()));
        }
        let answers = after.answering > 0;
        let changed = before.all == 0 || answers != (before.answering > 0);
        changed.then(|| InterestOp::Add(Wanted::new(pattern.clone(), answers)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.members.is_empty()
    }
}

fn joined(group: &GroupName, pattern: &Pattern, before: Holders, after: Holders) -> Option<InterestOp> {
    let (group, pattern) = (group.clone(), pattern.clone());
    if after.all == 0 {
        return Some(InterestOp::Leave(group, pattern));
    }
    let answers = after.answering > 0;
    let changed = before.all == 0 || answers != (before.answering > 0);
    changed.then_some(InterestOp::Join(Joined { group, pattern, answers }))
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
    fn members_of_a_group_are_one_to_the_others_and_apart_from_the_rest() {
        let (pattern, group) = (Pattern::parse("a/*").expect("a pattern"), GroupName::parse("g").expect("g"));
        let join = |answers| {
            Some(InterestOp::Join(Joined { group: group.clone(), pattern: pattern.clone(), answers }))
        };
        let mut interest = LocalInterest::default();
        assert_eq!(interest.join(&group, &pattern, false), join(false));
        assert_eq!(interest.join(&group, &pattern, true), join(true));
        assert!(interest.add(&pattern, false).is_some());
        assert_eq!(interest.leave(&group, &pattern, true), join(false));
        assert!(interest.remove(&pattern, false).is_some());
        assert_eq!(interest.len(), 1);
        assert_eq!(
            interest.leave(&group, &pattern, false),
            Some(InterestOp::Leave(group.clone(), pattern.clone()))
        );
        assert_eq!(interest.leave(&group, &pattern, false), None);
        assert_eq!(interest.join(&group, &Pattern::parse("bee").expect("a pattern"), false), None);
        assert!(interest.is_empty());
    }

    #[test]
    fn what_cannot_be_said_coarsely_is_bounded() {
        let pattern = |text: &str| Pattern::parse(text).expect("a pattern");
        let mut interest = LocalInterest::default();
        let more: Vec<Pattern> = (0..PATTERNS_MAX).map(|n| pattern(&format!("n/{n}"))).collect();
        for pattern in &more {
            interest.add(pattern, false);
        }
        let one = pattern("one/more");
        assert_eq!(interest.admit([(&one, None, false), (&one, None, true)].into_iter()), Ok(()));
        for pattern in &more {
            interest.add(pattern, true);
        }
        assert_eq!(interest.admit([(&one, None, false)].into_iter()), Ok(()));
        assert_eq!(interest.admit([(&one, None, true)].into_iter()), Err(Refusal::Fixed(PATTERNS_MAX)));
        let wild = pattern("*/more");
        assert_eq!(interest.admit([(&wild, None, false)].into_iter()), Err(Refusal::Fixed(PATTERNS_MAX)));
        interest.remove(&more[0], true);
        assert_eq!(interest.admit([(&wild, None, false)].into_iter()), Ok(()));
        let all = more.iter().cycle().take(SUBSCRIBED_MAX).map(|pattern| (pattern, None, false));
        assert_eq!(interest.admit(all), Err(Refusal::All(PATTERNS_MAX)));
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
