//! What nodes want from each other: counted where it arises, announced with versions, made small.
//!
//! Sets and their changes only. Which link a change travels on, and who has confirmed it, is not known here.

mod announced;
mod cover;
mod local;
mod told;
mod wants;

pub use crate::pattern::{FilterBlock, InterestOp, Joined, Wanted};
pub use announced::{Announced, Revision};
pub use local::{LocalInterest, Refusal};
pub use wants::Wants;
