//! How an instance keeps within what its plugin may do in a second: each of its calls of the node is counted, WASI's among
//! them, and who makes too many waits.
//!
//! Exists because most of those calls are done at once and cannot wait, and should cost a subtraction: they leave a debt,
//! and the plugin's instances wait where they can, in a call that may take its time, at the next tick, or before the next
//! event. It must not know what is called.

use std::time::{Duration, Instant};

use super::{Guest, bindings::hive::node::types::Error};
use crate::plugin::limits::Limits;

/// Calls, or events, that are taken of the allowance at a time at most, so that most calls look at no clock.
const TAKEN_MAX: u64 = 32;

/// Of so many a second one is taken at a time: what an instance has taken and not used is then worth a tenth of a
/// millisecond at most.
const A_PIECE: u64 = 10_000;

/// What one instance has taken of its plugin's allowance.
#[derive(Debug)]
pub(super) struct Pace {
    calls: Taken,
    events: Taken,
}

/// What was taken and not used yet.
#[derive(Debug)]
struct Taken {
    left: u64,
    /// How many are taken next: twice as many each time, so that an instance of few calls takes few.
    next: u64,
    most: u64,
}

impl Pace {
    /// An instance that has made no call yet.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { calls: Taken::of(limits.host_calls), events: Taken::of(limits.publishes) }
    }
}

impl Taken {
    fn of(a_second: u64) -> Self {
        Self { left: 0, next: 1, most: (a_second / A_PIECE).clamp(1, TAKEN_MAX) }
    }

    /// How many to take before so many are used.
    fn missing(&self, count: u64) -> Option<u64> {
        (self.left < count).then(|| count.max(self.next))
    }

    fn add(&mut self, taken: u64) {
        self.left = self.left.saturating_add(taken);
        self.next = self.next.saturating_mul(2).min(self.most);
    }

    fn consume(&mut self, count: u64) {
        self.left = self.left.saturating_sub(count);
    }
}

impl Guest {
    /// A call of the node begins: everything that a guest imports comes by here.
    #[inline]
    pub(in crate::plugin) fn counted(&mut self) -> &mut Self {
        match self.pace.calls.left.checked_sub(1) {
            Some(left) => self.pace.calls.left = left,
            None => self.take_calls(),
        }
        self
    }

    #[cold]
    fn take_calls(&mut self) {
        let Some(place) = &self.place else { return };
        let calls = &mut self.pace.calls;
        let Some(more) = calls.missing(1) else { return };
        place.allowance.called(more);
        calls.add(more);
        calls.consume(1);
    }

    /// Until when it has to wait, as its plugin has called too often.
    pub(in crate::plugin) fn due(&self) -> Option<Instant> {
        self.place.as_ref()?.allowance.due()
    }

    /// A call that may take its time waits for its turn.
    ///
    /// # Errors
    /// When its turn comes after the deadline of what it is made for.
    pub(super) async fn pace(&mut self) -> Result<(), Error> {
        match self.due() {
            None => Ok(()),
            Some(due) if due > self.limits.until => {
                Err(overloaded(due.saturating_duration_since(Instant::now())))
            }
            Some(due) => {
                tokio::time::sleep_until(due.into()).await;
                Ok(())
            }
        }
    }

    /// The same for one that publishes or asks so many events of its plugin's.
    pub(super) async fn pace_events(&mut self, events: usize) -> Result<(), Error> {
        self.pace().await?;
        let Some(place) = &self.place else { return Ok(()) };
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        if let Some(more) = self.pace.events.missing(events) {
            let wait = place.allowance.publishes(more, self.time_left()).map_err(overloaded)?;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            self.pace.events.add(more);
        }
        self.pace.events.consume(events);
        Ok(())
    }
}

fn overloaded(wait: Duration) -> Error {
    Error::Overloaded(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_calls_seldom_takes_few_and_who_calls_often_takes_many_at_a_time() {
        let mut calls = Taken::of(1_000_000);
        let mut took = Vec::new();
        for _ in 0..100 {
            if let Some(more) = calls.missing(1) {
                took.push(more);
                calls.add(more);
            }
            calls.consume(1);
        }
        assert_eq!(took, [1, 2, 4, 8, 16, 32, 32, 32]);
        let few = Taken { left: 3, ..Taken::of(1_000) };
        assert_eq!((few.missing(3), few.missing(4), few.most), (None, Some(4), 1));
    }
}
