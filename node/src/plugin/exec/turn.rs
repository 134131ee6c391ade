//! What happens next in the life of a plugin that is a process.

use std::time::Instant;

use super::{Live, coming::Coming};
use crate::dispatch::process::Knock;

/// What happens next.
pub(super) enum Turn {
    Wish,
    Gone,
    Knock(Knock),
    /// What was coming is ready, or will not be.
    Came(Result<(), String>),
    /// What was live is not any more.
    Over(String),
    /// It is time for the next process.
    Again,
}

/// Waits for what happens next with what is coming, what is live, and what is to be started.
pub(super) async fn next(
    coming: &mut Option<Coming>,
    live: &mut Option<Live>,
    again_at: Option<Instant>,
) -> Turn {
    let came = async {
        match coming {
            Some(coming) => coming.came().await,
            None => std::future::pending().await,
        }
    };
    let over = async {
        match live {
            Some(live) => live.over().await,
            None => std::future::pending().await,
        }
    };
    let again = async {
        match again_at {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        came = came => Turn::Came(came),
        why = over => Turn::Over(why),
        () = again => Turn::Again,
    }
}
