//! What can be wrong with a neighbour's relayed frames.

use super::ConfirmError;
use crate::frame::wire::WireError;

/// Why a neighbour's relayed frames cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// A malformed frame.
    #[error("a malformed relayed frame: {0}")]
    Wire(#[from] WireError),
    /// A set under a number that is not its turn, or more nodes than all sets may have.
    #[error("the destination set {0} is declared out of turn, or one too many")]
    Set(u32),
    /// A frame for a set that was never declared.
    #[error("the destination set {0} was never declared")]
    Unknown(u32),
    /// A stream that says its number twice, or 0.
    #[error("a data stream numbers itself {0} out of turn")]
    Stream(u64),
    /// More is confirmed than was sent.
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
}
