//! Why a node does not start, and what to do about it.

use hive_proto::channel::NetworkName;

use crate::{
    api::PlaceError,
    journal::OpenError,
    plugin,
    store::StoreError,
    transport::BindError,
    trust::{
        identity::{IdentityError, LockError},
        ring::RingError,
    },
};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is in use, or cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The key or the incarnation cannot be read or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The address for links cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Plugins cannot be run.
    #[error(transparent)]
    Plugins(#[from] plugin::StartError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// Channels are durable, and there is no place for a journal.
    #[error("durable channels need a data directory")]
    NoPlace,
    /// The secrets of a network do not belong together.
    #[error("the secrets of the network {network} cannot be used: {source}")]
    Secrets {
        /// Which.
        network: NetworkName,
        /// Why.
        source: RingError,
    },
    /// The API's socket cannot be had.
    #[error(transparent)]
    Api(#[from] PlaceError),
}

impl StartError {
    /// Whether what was chosen is the reason: a folder, a file or an address that a person can mend or choose otherwise.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Lock(_) | Self::Identity(_) | Self::Api(_) | Self::Journal(_) | Self::NoPlace => true,
            Self::Store(_) | Self::Secrets { .. } => true,
            // Nobody chose the default ports.
            Self::Bind(error) => matches!(error, BindError::Taken { .. } | BindError::Address { .. }),
            Self::Plugins(error) => {
                use plugin::StartError::{Folder, Store, Versions};
                matches!(error, Folder(_) | Versions(_) | Store(_))
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lock(error) => Some(error.hint().into()),
            Self::Identity(error) => Some(error.hint()),
            Self::Bind(error) => Some(error.hint().into()),
            Self::Plugins(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Journal(error) => Some(error.hint()),
            Self::NoPlace => Some("give one with --data-dir".into()),
            Self::Secrets { .. } => Some(
                "copy the secret file of another host of the network; see `hive-node network --help`".into(),
            ),
            Self::Api(error) => Some(error.hint().into()),
        }
    }
}
