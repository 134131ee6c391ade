//! Why a file did not become the live version.

use super::handover::HandoverError;
use crate::{
    bus::SubscribeError,
    plugin::{folder::ReadError, loader::LoadError},
};

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    #[error(transparent)]
    HandOver(#[from] HandoverError),
    /// It wants more than what was approved.
    #[error("it waits to be approved: it wants to {}", .0.join(", to "))]
    Waits(Vec<String>),
    /// It was live, failed, and is what it was.
    #[error("{0}")]
    PassedOver(String),
    /// A version that was live.
    #[error("it is not kept any more")]
    Forgotten,
}
