//! How often something may be done: so many times a second, and a second's worth at once.
//!
//! Exists because a plugin has several instances, which share what it may do. It must not know what is done.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// A rate that many share, without a lock: the moment at which all that was taken has been earned (a GCRA).
#[derive(Debug)]
pub struct Rate {
    began: Instant,
    per_second: u64,
    /// In nanoseconds since it began.
    earned_at: AtomicU64,
}

impl Rate {
    /// So many a second, at least one.
    #[must_use]
    pub fn new(per_second: u64) -> Self {
        Self { began: Instant::now(), per_second: per_second.max(1), earned_at: AtomicU64::new(0) }
    }

    /// Takes so many, and says how long to wait before they are used. Nothing is taken when that is longer than `most`.
    ///
    /// # Errors
    /// How long that would be.
    pub fn take(&self, count: u64, most: Duration) -> Result<Duration, Duration> {
        self.take_at(self.began.elapsed(), count, most)
    }

    /// Whether so many may be used at once; then they are taken.
    #[must_use]
    pub fn admits(&self, count: u64) -> bool {
        self.take(count, Duration::ZERO).is_ok()
    }

    fn take_at(&self, now: Duration, count: u64, most: Duration) -> Result<Duration, Duration> {
        let now = nanos(now);
        // What is more than a second's worth would never be admitted; it costs a second.
        let cost = count.checked_mul(SECOND).map_or(SECOND, |cost| cost / self.per_second).min(SECOND);
        let wait = |earned_at: u64| {
            earned_at.max(now).saturating_add(cost).saturating_sub(now.saturating_add(SECOND))
        };
        let taken = self.earned_at.fetch_update(Relaxed, Relaxed, |earned_at| {
            (wait(earned_at) <= nanos(most)).then(|| earned_at.max(now).saturating_add(cost))
        });
        match taken {
            Ok(before) => Ok(Duration::from_nanos(wait(before))),
            Err(now) => Err(Duration::from_nanos(wait(now))),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_seconds_worth_is_free_and_the_rest_comes_at_the_rate() {
        let rate = Rate::new(1_000);
        let take = |now: Duration, count, most| rate.take_at(now, count, most);
        assert_eq!(take(MS, 1_000, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(take(MS, 1, Duration::ZERO), Err(MS));
        assert_eq!(take(MS, 5, 10 * MS), Ok(5 * MS));
        assert_eq!(take(MS, 6, 10 * MS), Err(11 * MS), "nothing was taken");
        assert_eq!(take(6 * MS, 1, Duration::ZERO), Err(MS));
        assert_eq!(take(2_000 * MS, 1_000, Duration::ZERO), Ok(Duration::ZERO), "it is earned again");
    }

    #[test]
    fn what_never_fits_costs_a_second() {
        let rate = Rate::new(10);
        assert_eq!(rate.take_at(MS, 1_000, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(rate.take_at(MS, 1, Duration::ZERO), Err(100 * MS));
    }
}
