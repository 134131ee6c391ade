//! What a node wants, as others are told: patterns with their properties, and changes of them.

use super::{FilterBlock, Pattern};
use crate::group::GroupName;

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

/// What somebody wants as a member of a group: of the events of a pattern, those that fall to this member.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Joined {
    /// The group.
    pub group: GroupName,
    /// The channels.
    pub pattern: Pattern,
    /// Whether requests are answered there, too.
    pub answers: bool,
}

/// One change of what a node wants in a network. The patterns, what is wanted as a member, and the blocks are three
/// sets with keys: the pattern, the group with the pattern, and the block's number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterestOp {
    /// Wanted from now on; replaces an earlier wish for the same pattern.
    Add(Wanted),
    /// Not wanted any more.
    Remove(Pattern),
    /// Wanted as a member of a group from now on; replaces an earlier wish for the same group and pattern.
    Join(Joined),
    /// Not wanted as a member of this group any more.
    Leave(GroupName, Pattern),
    /// Replaces the block of the filter with this number; an empty one takes it away.
    Block(FilterBlock),
}

impl InterestOp {
    /// The pattern it is about; none when it is about a block.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Add(wanted) => Some(&wanted.pattern),
            Self::Join(joined) => Some(&joined.pattern),
            Self::Remove(pattern) | Self::Leave(_, pattern) => Some(pattern),
            Self::Block(_) => None,
        }
    }
}
