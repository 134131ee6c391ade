//! Failed events in the order of their next try.

use std::{
    cmp::{Ordering, Reverse},
    time::{Duration, Instant},
};

use super::Lanes;
use crate::bus::Delivery;

/// Events that wait for another try. Past it a failing event becomes a dead letter at once.
const DELAYED_MAX: usize = 4_096;

/// A failed event that waits for another try, ordered by when.
#[derive(Debug)]
pub(super) struct Delayed {
    pub(super) at: Instant,
    pub(super) delivery: Delivery,
    /// Why it failed.
    pub(super) why: Box<str>,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

impl Lanes {
    /// Keeps an event that failed for this reason for another try. Returns when that is; gives it back with why it has none
    /// left.
    #[expect(clippy::result_large_err, reason = "the event goes back as it came, without an allocation")]
    pub(super) fn retry(
        &self,
        mut delivery: Delivery,
        after: Option<Duration>,
        reason: &str,
    ) -> Result<Duration, (Delivery, String)> {
        // Somebody waits to see what comes of a letter, and has it still.
        let is_letter = delivery.ticket.as_ref().is_some_and(|ticket| ticket.letter().is_some());
        let event = &mut delivery.event;
        let mut state = self.lock();
        let policy = state.policy;
        if event.attempt >= policy.attempts || is_letter {
            let attempts = event.attempt;
            drop(state);
            let failed = match attempts {
                1 => "failed once: ".to_owned(),
                several => format!("failed {several} times, last: "),
            };
            return Err((delivery, failed));
        }
        let wait = after.unwrap_or_else(|| {
            policy.wait(event.attempt, event.id.sequence.wrapping_add(event.attempt.into()))
        });
        let wait = wait.min(policy.backoff_max.max(policy.backoff));
        event.attempt = event.attempt.saturating_add(1);
        if state.delayed.len() >= DELAYED_MAX {
            drop(state);
            return Err((delivery, format!("{DELAYED_MAX} events already wait for another try; last: ")));
        }
        let last = (event.attempt >= policy.attempts).then(|| (event.channel.clone(), event.id));
        if policy.strict {
            state.strict.hold(&delivery.event);
        }
        state.delayed.push(Reverse(Delayed { at: Instant::now() + wait, delivery, why: reason.into() }));
        drop(state);
        self.wake.notify_one();
        if let Some((channel, id)) = last {
            self.news.last_try((&channel, id), reason);
        }
        Ok(wait)
    }
}
