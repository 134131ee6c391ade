//! What is left when a handler goes: what nobody else holds is a dead letter, so that it can be handled after all.
//!
//! It must not know why the handler goes, or how long it had.

use std::{cmp::Reverse, time::Instant};

use super::{Lanes, delayed::Delayed, pauses::fail};
use crate::bus::{Delivery, Event, Letter};

/// Why an event is a dead letter that nobody has looked at.
const UNHANDLED: &str = "its handler was unloaded before it came to it";
/// Why a request is not answered.
const GONE: &str = "the handler was unloaded before it came to this";

/// What became of the events that were left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Those that are dead letters now.
    pub letters: usize,
    /// Those that are nowhere.
    pub lost: usize,
}

impl Lanes {
    /// Whether something waits that the handler is given before this: it may be paused for longer, and a failed event may
    /// have its next try later.
    #[must_use]
    pub fn is_awaited_until(&self, end: Instant) -> bool {
        let state = self.lock();
        if state.breaker.paused().and_then(|paused| paused.until).is_some_and(|until| until > end) {
            return false;
        }
        let later = state.delayed.iter().filter(|Reverse(delayed)| delayed.at > end).count();
        drop(state);
        self.waiting() > later
    }

    /// Nobody handles anything here any more: each event that is left goes back to whoever holds it, or is a dead letter.
    /// What timers brought, and what is kept, comes again by itself. For a time without workers.
    pub fn leave_rest(&self) -> Left {
        let (mut rest, mut left) = (Vec::new(), Left::default());
        let (delayed, parked, ticking) = {
            let mut state = self.lock();
            rest.extend(state.requests.drain(..));
            rest.extend(state.lanes.iter_mut().flat_map(|lane| lane.drain(..)));
            state.held = 0;
            state.ready.clear();
            let delayed = std::mem::take(&mut state.delayed);
            (delayed, state.strict.release_all(), std::mem::take(&mut state.ticking))
        };
        let comes_again = |event: &Event| event.retained || ticking.contains(&event.channel);
        for Reverse(Delayed { mut delivery, why, .. }) in delayed {
            if comes_again(&delivery.event) {
                continue;
            }
            // The try that it was to have.
            delivery.event.attempt = delivery.event.attempt.saturating_sub(1);
            let times = match delivery.event.attempt {
                1 => "failed once".to_owned(),
                several => format!("failed {several} times"),
            };
            self.leave(
                delivery,
                &format!("{times}, and its handler was unloaded before the next try: {why}"),
                &mut left,
            );
        }
        rest.extend(parked);
        self.tally.missed(self.subscription.take(usize::MAX, &mut rest));
        for delivery in rest.into_iter().filter(|delivery| !comes_again(&delivery.event)) {
            self.leave(delivery, UNHANDLED, &mut left);
        }
        left
    }

    fn leave(&self, delivery: Delivery, why: &str, left: &mut Left) {
        if delivery.request.is_some() {
            return fail(delivery, GONE);
        }
        let Delivery { event, ticket: None, .. } = delivery else { return };
        self.tally.dead();
        let letter = Letter::now(event, None, why, "");
        match self.bus.bury_quietly(&self.name, &letter, None) {
            true => left.letters = left.letters.saturating_add(1),
            false => left.lost = left.lost.saturating_add(1),
        }
    }
}
