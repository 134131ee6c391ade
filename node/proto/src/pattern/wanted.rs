//! What a node wants, as others are told: patterns with their properties, and changes of them.

use super::{FilterBlock, Pattern};

/// What somebody wants: events of a pattern, and whether calls there may be given to them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// The channels.
    pub pattern: Pattern,
    /// Whether requests are answered there; a logger on `**` answers none.
    pub answers: bool,
    /// It stands for several patterns, and matches more than they do; what comes and matches none of them
    /// is dropped and counted there. Never together with `answers`.
    pub approximate: bool,
}

impl Wanted {
    /// Exactly this pattern.
    #[must_use]
    pub fn new(pattern: Pattern, answers: bool) -> Self {
        Self { pattern, answers, approximate: false }
    }
}

/// One change of what a node wants in a network. The patterns and the blocks are two sets with keys: the
/// pattern, and the block's number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterestOp {
    /// Wanted from now on; replaces an earlier wish for the same pattern.
    Add(Wanted),
    /// Not wanted any more.
    Remove(Pattern),
    /// Replaces the block of the filter with this number; an empty one takes it away.
    Block(FilterBlock),
}

impl InterestOp {
    /// The pattern it is about; none when it is about a block.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Add(wanted) => Some(&wanted.pattern),
            Self::Remove(pattern) => Some(pattern),
            Self::Block(_) => None,
        }
    }
}
