//! What became of a call, and what follows from it.

use std::time::Duration;

use super::Patience;
use crate::bus::Message;

/// What a handler made of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Handled, with the answer if there is one.
    Done(Option<Message>),
    /// Passing trouble: deliver it again.
    Retry {
        /// Why, for people.
        reason: String,
        /// When; none leaves it to the node's back-off.
        after: Option<Duration>,
    },
    /// Hopeless: a dead letter.
    Reject(String),
    /// The handler trapped or was cut. Delivered again as after [`Outcome::Retry`].
    Broken(String),
}

impl Outcome {
    /// Why it was not handled.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done(_) => None,
            Self::Retry { reason, .. } | Self::Reject(reason) | Self::Broken(reason) => Some(reason),
        }
    }

    /// The same, with more to be said of why it is none.
    #[must_use]
    pub fn noting(mut self, more: &str) -> Self {
        if let Self::Retry { reason, .. } | Self::Reject(reason) | Self::Broken(reason) = &mut self {
            // What follows the first line is a stack.
            let at = reason.find('\n').unwrap_or(reason.len());
            reason.insert_str(at, &format!(" ({more})"));
        }
        self
    }
}

/// How often and how fast an event is tried again, and how long one try may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Wall time of one call, waits included.
    pub deadline: Duration,
    /// Tries in all; the last failure makes a dead letter.
    pub attempts: u32,
    /// The wait after the first failure; it doubles each time.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// A failed event holds back what comes behind it on its channel with its key.
    pub strict: bool,
    /// When the handler is paused; none: never.
    pub breaker: Option<Patience>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            // 26 to 51 s: a server that is started again has its time, and so has whoever mends the handler.
            attempts: 10,
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            strict: false,
            breaker: None,
        }
    }
}

impl Policy {
    /// The wait after the `attempt`th failure: doubled each time, capped, then between half and all of
    /// it by the draw, so that what failed together does not come back together.
    #[must_use]
    pub fn wait(&self, attempt: u32, draw: u64) -> Duration {
        let doubled =
            self.backoff.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        let whole = doubled.min(self.backoff_max);
        let spread = u32::try_from(scramble(draw) % 1024).unwrap_or(0);
        whole / 2 + whole / 2 * spread / 1024
    }
}

/// Spreads neighbouring numbers far apart (Fibonacci hashing).
fn scramble(draw: u64) -> u64 {
    draw.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_cap_and_varies() {
        let policy = Policy::default();
        for (attempt, whole) in [(1, 100), (2, 200), (5, 1600), (9, 25_600), (20, 30_000), (99, 30_000)] {
            let whole = Duration::from_millis(whole);
            for draw in 0..50 {
                let wait = policy.wait(attempt, draw);
                assert!(wait >= whole / 2 && wait <= whole, "{attempt} {draw} {wait:?}");
            }
        }
        assert_ne!(policy.wait(1, 1), policy.wait(1, 2));
    }
}
