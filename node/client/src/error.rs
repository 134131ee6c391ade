//! Why a node could not be asked, or said no.

use std::{io, path::PathBuf, time::Duration};

use crate::{locate::LocateError, types::ApiError};

/// Why asking a node failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no place to look for a node at.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// Nothing listens there.
    #[error("no node answers at {}", socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The node is there and does not answer.
    #[error("the node did not answer within {} s", .0.as_secs())]
    Unresponsive(Duration),
    /// The node answered that it will not, or could not.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The connection ended before the answer.
    #[error("the connection to the node was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came is no answer of version 1.
    #[error("the node said something that this client cannot read: {0}")]
    Unreadable(String),
}

impl Error {
    /// Whether no node was there to answer, so that starting one may help.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Locate(_) | Self::Unreachable { .. } | Self::Unresponsive(_))
    }

    /// The node's code for the failure, when the node answered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => Some(&error.code),
            _ => None,
        }
    }

    pub(crate) fn lost(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Lost(Box::new(source))
    }
}
