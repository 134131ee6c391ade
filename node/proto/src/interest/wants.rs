//! The set of what one node wants in one network, as its operations make it.
//!
//! Whose it is, and how the operations came, is not known here.

use std::collections::BTreeMap;

use super::{InterestOp, Joined, Wanted};
use crate::{
    group::GroupName,
    pattern::{Filter, Pattern},
};

/// Patterns with their properties, and the filter that stands for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// By pattern: whether it is answered, and whether it is approximate.
    patterns: BTreeMap<Pattern, (bool, bool)>,
    /// By group and pattern: whether it is answered.
    joined: BTreeMap<(GroupName, Pattern), bool>,
    filter: Filter,
}

impl Wants {
    /// Makes the change; false when nothing is different then.
    pub fn apply(&mut self, op: &InterestOp) -> bool {
        match op {
            InterestOp::Add(Wanted { pattern, answers, approximate }) => {
                self.patterns.insert(pattern.clone(), (*answers, *approximate))
                    != Some((*answers, *approximate))
            }
            InterestOp::Remove(pattern) => self.patterns.remove(pattern).is_some(),
            InterestOp::Join(Joined { group, pattern, answers }) => {
                self.joined.insert((group.clone(), pattern.clone()), *answers) != Some(*answers)
            }
            InterestOp::Leave(group, pattern) => {
                self.joined.remove(&(group.clone(), pattern.clone())).is_some()
            }
            InterestOp::Block(block) => self.filter.set(block),
        }
    }

    /// The operations that make this set out of nothing: patterns in order, then what is wanted as a
    /// member, then blocks in order.
    pub fn ops(&self) -> impl Iterator<Item = InterestOp> {
        let wanted = self.wanted().map(InterestOp::Add);
        wanted.chain(self.joined().map(InterestOp::Join)).chain(self.filter.blocks().map(InterestOp::Block))
    }

    /// The patterns, in order.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let of = |(pattern, (answers, approximate)): (&Pattern, &(bool, bool))| Wanted {
            pattern: pattern.clone(),
            answers: *answers,
            approximate: *approximate,
        };
        self.patterns.iter().map(of)
    }

    /// What is wanted as a member of groups, by group.
    pub fn joined(&self) -> impl Iterator<Item = Joined> {
        self.joined.iter().map(|((group, pattern), answers)| Joined {
            group: group.clone(),
            pattern: pattern.clone(),
            answers: *answers,
        })
    }

    /// What is said of this very pattern in this group.
    #[must_use]
    pub fn joined_in(&self, group: &GroupName, pattern: &Pattern) -> Option<Joined> {
        let (group, pattern) = (group.clone(), pattern.clone());
        let answers = *self.joined.get(&(group.clone(), pattern.clone()))?;
        Some(Joined { group, pattern, answers })
    }

    /// What is said of this very pattern.
    #[must_use]
    pub fn get(&self, pattern: &Pattern) -> Option<Wanted> {
        let (pattern, (answers, approximate)) = self.patterns.get_key_value(pattern)?;
        Some(Wanted { pattern: pattern.clone(), answers: *answers, approximate: *approximate })
    }

    /// What is wanted beside the patterns.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// How many patterns there are, each as often as it is wanted in another way; the filter is bounded by itself.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len().saturating_add(self.joined.len())
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.joined.is_empty() && self.filter.is_empty()
    }
}
