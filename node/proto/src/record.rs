//! What a node says of itself to its whole network: one versioned stream of signed statements.
//!
//! A statement changes a set of facts: how the node is described, whom it is linked to, what it wants. The set
//! has a Merkle root, which every statement signs, so that anybody may hand the whole set to a latecomer. How
//! statements travel, and what follows from them, is not known here.

mod archive;
mod fact;
mod links;
mod merkle;
mod own;
mod stated;
mod statement;

pub use crate::keys::{Keys, Signature};
pub use archive::Archive;
pub use fact::{Change, Description, Fact, FactError, Facts, LINKS_MAX};
pub use merkle::{Merkle, Root};
pub use own::Own;
pub use stated::Stated;
pub use statement::{STATEMENT_BYTES_MAX, Statement, StatementError};

use crate::id::Incarnation;

/// How far a node's statements go: the later life, then the later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Head {
    /// The life that says it.
    pub incarnation: Incarnation,
    /// Counts that life's statements from 1.
    pub version: u64,
}

impl Head {
    /// Whether this follows the other without a gap.
    #[must_use]
    pub fn follows(self, other: Self) -> bool {
        match self.incarnation == other.incarnation {
            true => other.version.checked_add(1) == Some(self.version),
            false => self > other && self.version == 1,
        }
    }
}
