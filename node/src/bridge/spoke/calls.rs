//! Calls of spoke peers that are answered here. What such a caller waits for is a message on a channel of its own.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hive_proto::{channel::Address, limits::CALL_TIMEOUT_MS_MAX};
use tokio_util::sync::CancellationToken;

use crate::{
    bridge::Desk,
    bus::{CallCause, CallError, Message},
};

/// Calls of one peer that are not answered yet; further ones are answered with an error.
pub(super) const CALLS_MAX: usize = 1_024;

/// The calls of one peer, by the channels of their results.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Held for a lookup.
    waiting: Mutex<HashMap<String, CancellationToken>>,
}

impl Calls {
    /// One more. None when there are too many.
    pub(super) fn begin(&self, result: &str) -> Option<CancellationToken> {
        let mut waiting = self.lock();
        if waiting.len() >= CALLS_MAX {
            return None;
        }
        let token = CancellationToken::new();
        waiting.insert(result.to_owned(), token.clone());
        Some(token)
    }

    /// Nobody waits for a result any more.
    pub(super) fn end(&self, result: &str) {
        if let Some(token) = self.lock().remove(result) {
            token.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who else is there where a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// The clients of this node's listener: they are asked as all others are.
    Clients,
    /// Those of a server, which has asked them itself.
    Asked,
}

/// Asks whoever answers here, as long as somebody waits. None when nobody does any more.
pub(super) async fn ask(
    desk: Desk,
    to: Address,
    message: Message,
    (waiting, others): (CancellationToken, Others),
) -> Option<Result<Message, CallError>> {
    let actor = desk.actor();
    // Spoke's callers do not say how long they wait.
    let deadline = Instant::now() + Duration::from_millis(CALL_TIMEOUT_MS_MAX);
    let mut cause = CallCause::over(&actor, deadline, 0);
    if others == Others::Clients {
        cause.except = None;
    }
    waiting.run_until_cancelled(desk.bus().call_from(&to, message, cause)).await
}
