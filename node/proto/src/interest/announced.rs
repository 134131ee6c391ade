//! What a node announces in one network, one version a change.
//!
//! What is wanted is reduced to what nothing else covers, and said in coarser words past
//! [`PATTERNS_MAX`](crate::limits::PATTERNS_MAX) patterns. How it travels is not known here.

use super::{
    InterestOp, Wants,
    cover::Cover,
    told::{Level, Told},
};

/// The announced set.
pub struct Announced {
    /// What is wanted.
    cover: Cover,
    /// What the others are told of it.
    told: Told,
    /// Room for the changes of one operation.
    changes: Vec<super::cover::Change>,
    /// Counts the changes of what is told, from 0.
    version: u64,
}

/// What an input changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Revision {
    /// What to tell the others: each pattern and block once, and what is wanted more before what is wanted
    /// no longer. Nothing when the version is still the same.
    pub ops: Vec<InterestOp>,
    /// How many patterns had to wait that did not before: there were too many that answer or begin with a
    /// wildcard.
    pub refused: usize,
}

impl Announced {
    /// Nothing is wanted, at version 0.
    #[must_use]
    pub fn new() -> Self {
        Self { cover: Cover::new(), told: Told::new(), changes: Vec::new(), version: 0 }
    }

    /// Counts the changes so far.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Makes the changes to what is wanted. Local patterns and operations that change nothing are left out;
    /// blocks are made here and not taken.
    pub fn apply(&mut self, ops: Vec<InterestOp>) -> Revision {
        for op in ops {
            match op {
                InterestOp::Add(wanted) if !wanted.pattern.is_local() => {
                    self.cover.add(wanted, &mut self.changes);
                }
                InterestOp::Remove(pattern) => self.cover.remove(&pattern, &mut self.changes),
                InterestOp::Join(ref joined) if !joined.pattern.is_local() => self.told.join(op),
                InterestOp::Leave(..) => self.told.join(op),
                InterestOp::Add(_) | InterestOp::Join(_) | InterestOp::Block(_) => {}
            }
            self.changes.drain(..).for_each(|change| self.told.change(change));
        }
        let (ops, refused) = self.told.finish(&self.cover);
        self.version += u64::from(!ops.is_empty());
        Revision { ops, refused }
    }

    /// All that is announced.
    #[must_use]
    pub fn wants(&self) -> &Wants {
        self.told.wants()
    }

    /// How many patterns are wanted, announced or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cover.len()
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the others are told more than is wanted, because it is too much to list.
    #[must_use]
    pub fn is_approximate(&self) -> bool {
        self.told.level() != Level::Exact
    }
}

impl Default for Announced {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Announced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (wanted, told) = (self.len(), self.wants().len());
        write!(f, "Announced {{ version: {}, wanted: {wanted}, told: {told} }}", self.version)
    }
}

#[cfg(test)]
mod tests;
