//! What goes wrong a thousand times a second and is always alike: some of it is said, the rest is counted.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// When as many were said as may be at once, one more may be in so long, in milliseconds.
const INTERVAL_MS: u64 = 1_000;

/// Complaints of one kind. Many may complain at once; none waits for another.
#[derive(Debug)]
pub struct Complaints {
    began: Instant,
    at_once: u64,
    /// When all that was said is made up for, in milliseconds since it began (a GCRA).
    even_at: AtomicU64,
    /// Those that were not said since the last one that was.
    left_out: AtomicU64,
}

impl Complaints {
    /// None was there yet. So many may be said at once.
    #[must_use]
    pub fn new(at_once: u64) -> Self {
        let (even_at, left_out) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { began: Instant::now(), at_once: at_once.max(1), even_at, left_out }
    }

    /// One more. Some: it is to be said, with how many before it were not. None: it was counted.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(self.now())
    }

    /// How many were not said, when no other one has come that would say so. To be asked now and then.
    pub fn overdue(&self) -> Option<u64> {
        self.overdue_at(self.now())
    }

    fn admit_at(&self, now_ms: u64) -> Option<u64> {
        if !self.take(now_ms) {
            self.left_out.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Relaxed))
    }

    fn overdue_at(&self, now_ms: u64) -> Option<u64> {
        if self.left_out.load(Relaxed) == 0 || !self.take(now_ms) {
            return None;
        }
        Some(self.left_out.swap(0, Relaxed)).filter(|count| *count > 0)
    }

    fn take(&self, now_ms: u64) -> bool {
        let most = now_ms.saturating_add(self.at_once.saturating_mul(INTERVAL_MS));
        let taken =
            |even_at: u64| Some(even_at.max(now_ms).saturating_add(INTERVAL_MS)).filter(|at| *at <= most);
        self.even_at.fetch_update(Relaxed, Relaxed, taken).is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What is said of those that were not, behind the next one that is; nothing of none.
#[must_use]
pub fn and_more(left_out: u64) -> String {
    match left_out {
        0 => String::new(),
        more => format!("; {more} more since the one before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_said_with_the_number_of_those_before_it() {
        let complaints = Complaints::new(1);
        assert_eq!(complaints.admit_at(5), Some(0));
        assert_eq!((0..41).filter_map(|n| complaints.admit_at(6 + n)).count(), 0);
        assert_eq!(complaints.overdue_at(1_004), None, "another one may still say it");
        assert_eq!(complaints.admit_at(1_005), Some(41));
        assert_eq!(complaints.admit_at(1_006), None);
        assert_eq!(complaints.overdue_at(2_005), Some(1), "none has come");
        assert_eq!(complaints.overdue_at(9_000), None, "it was said");
        assert_eq!(complaints.admit_at(9_000), Some(0));
    }

    #[test]
    fn a_few_may_be_said_at_once_and_are_made_up_for() {
        let complaints = Complaints::new(3);
        assert_eq!((0..10).filter_map(|_| complaints.admit_at(7)).count(), 3);
        assert_eq!(complaints.admit_at(1_007), Some(7));
        assert_eq!(complaints.admit_at(1_008), None);
        assert_eq!((0..10).filter_map(|_| complaints.admit_at(60_000)).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(and_more(0), "");
        assert_eq!(and_more(7), "; 7 more since the one before");
    }
}
