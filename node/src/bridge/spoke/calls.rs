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

/// Asks whoever answers here, as long as somebody waits. None when nobody does any more.
pub(super) async fn ask(
    desk: Desk,
    to: Address,
    message: Message,
    waiting: CancellationToken,
) -> Option<Result<Message, CallError>> {
    let actor = desk.actor();
    // Spoke's callers do not say how long they wait.
    let deadline = Instant::now() + Duration::from_millis(CALL_TIMEOUT_MS_MAX);
    let cause = CallCause { deadline, depth: 0, who: actor.principal(), chain: None };
    waiting.run_until_cancelled(desk.bus().call_from(&to, message, cause)).await
}
