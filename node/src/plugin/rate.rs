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

    /// Takes so many that are used already, and says how long to wait before more are. However many there were, that is no
    /// longer than `most`.
    #[must_use]
    pub fn owe(&self, count: u64, most: Duration) -> Duration {
        self.owe_at(self.began.elapsed(), count, most)
    }

    /// When all that was used too early is earned; none: it is.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let earned = Duration::from_nanos(self.earned_at.load(Relaxed).saturating_sub(SECOND));
        self.began.checked_add(earned).filter(|due| *due > Instant::now())
    }

    /// Whether so many may be used at once; then they are taken.
    #[must_use]
    pub fn admits(&self, count: u64) -> bool {
        self.take(count, Duration::ZERO).is_ok()
    }

    fn take_at(&self, now: Duration, count: u64, most: Duration) -> Result<Duration, Duration> {
        let (now, cost) = (nanos(now), self.cost(count));
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

    fn owe_at(&self, now: Duration, count: u64, most: Duration) -> Duration {
        let (now, cost) = (nanos(now), self.cost(count));
        let free = now.saturating_add(SECOND);
        let after =
            |earned_at: u64| earned_at.max(now).saturating_add(cost).min(free.saturating_add(nanos(most)));
        let before = self.earned_at.fetch_update(Relaxed, Relaxed, |earned_at| Some(after(earned_at)));
        let (Ok(before) | Err(before)) = before;
        Duration::from_nanos(after(before).saturating_sub(free))
    }

    /// In nanoseconds. What is more than a second's worth would never be admitted; it costs a second.
    fn cost(&self, count: u64) -> u64 {
        count.checked_mul(SECOND).map_or(SECOND, |cost| cost / self.per_second).min(SECOND)
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
    fn what_was_used_too_early_is_waited_for_and_no_longer_than_is_said() {
        let rate = Rate::new(1_000);
        assert_eq!(rate.owe_at(MS, 1_000, 50 * MS), Duration::ZERO);
        assert_eq!(rate.owe_at(MS, 10, 50 * MS), 10 * MS);
        assert_eq!(rate.owe_at(6 * MS, 10, 50 * MS), 15 * MS);
        assert_eq!(rate.owe_at(6 * MS, 900, 50 * MS), 50 * MS);
        assert_eq!(rate.take_at(56 * MS, 1, Duration::ZERO), Err(MS), "then it is earned");
    }

    #[test]
    fn what_never_fits_costs_a_second() {
        let rate = Rate::new(10);
        assert_eq!(rate.take_at(MS, 1_000, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(rate.take_at(MS, 1, Duration::ZERO), Err(100 * MS));
    }
}
