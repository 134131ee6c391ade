//! What goes wrong a thousand times a second and is always alike: some of it is said, the rest is counted.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// When as many were said as may be at once, one more may be in so long, in milliseconds.
const INTERVAL_MS: u64 = 1_000;
/// Causes that are told apart in that time: what is said of them is said though as many were as may be at once.
const CAUSES: usize = 8;
/// The bits of a moment beside its cause.
const MOMENT: u64 = u32::MAX as u64;

/// Complaints of one kind. Many may complain at once; none waits for another.
#[derive(Debug)]
pub struct Complaints {
    began: Instant,
    at_once: u64,
    /// When all that was said is made up for, in milliseconds since it began (a GCRA).
    even_at: AtomicU64,
    /// Those that were not said since the last one that was.
    left_out: AtomicU64,
    /// What was said last: the cause above, and below when it was, in milliseconds.
    causes: [AtomicU64; CAUSES],
}

impl Complaints {
    /// None was there yet. So many may be said at once.
    #[must_use]
    pub fn new(at_once: u64) -> Self {
        let (even_at, left_out, causes) = (AtomicU64::new(0), AtomicU64::new(0), Default::default());
        Self { began: Instant::now(), at_once: at_once.max(1), even_at, left_out, causes }
    }

    /// One more of some cause. Some: it is to be said, with how many before it were not. None: it was counted, as one of
    /// its cause was said just now, or too many others were.
    pub fn admit(&self, cause: impl Hash) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        cause.hash(&mut hasher);
        self.admit_at(self.now(), hasher.finish())
    }

    /// How many were not said, when no other one has come that would say so. To be asked now and then.
    pub fn overdue(&self) -> Option<u64> {
        self.overdue_at(self.now())
    }

    fn admit_at(&self, now_ms: u64, cause: u64) -> Option<u64> {
        let is_new = self.remember(now_ms, cause);
        if self.take(now_ms) {
            return Some(self.left_out.swap(0, Relaxed));
        }
        if is_new {
            // Those that were counted are of others.
            return Some(0);
        }
        self.left_out.fetch_add(1, Relaxed);
        None
    }

    /// Whether nothing of this cause was said lately, and there is a place to remember that something is now.
    fn remember(&self, now_ms: u64, cause: u64) -> bool {
        // So much later than it is, so that a place that was never taken is an old one.
        let now = now_ms.saturating_add(INTERVAL_MS) & MOMENT;
        // Another's clock may have been read a little later.
        let is_late =
            |said: u64| (INTERVAL_MS..MOMENT - INTERVAL_MS).contains(&(now.wrapping_sub(said) & MOMENT));
        let cause = cause & !MOMENT;
        let said = self.causes.each_ref().map(|said| said.load(Relaxed));
        if said.iter().any(|said| said & !MOMENT == cause && !is_late(*said)) {
            return false;
        }
        let take = |(place, said): (&AtomicU64, u64)| {
            is_late(said) && place.compare_exchange(said, cause | now, Relaxed, Relaxed).is_ok()
        };
        self.causes.iter().zip(said).any(take)
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

/// The line of a reason that says most, with `…` where others follow: those are a stack, which a dead letter has whole.
#[must_use]
pub fn first_line(reason: &str) -> Cow<'_, str> {
    let first = reason.lines().next().unwrap_or_default();
    if reason.trim_end().len() > first.len() { format!("{first} …").into() } else { first.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u64 = 7 << 40;

    #[test]
    fn one_a_second_is_said_with_the_number_of_those_before_it() {
        let complaints = Complaints::new(1);
        assert_eq!(complaints.admit_at(5, A), Some(0));
        assert_eq!((0..41).filter_map(|n| complaints.admit_at(6 + n, A)).count(), 0);
        assert_eq!(complaints.overdue_at(1_004), None, "another one may still say it");
        assert_eq!(complaints.admit_at(1_005, A), Some(41));
        assert_eq!(complaints.admit_at(1_006, A), None);
        assert_eq!(complaints.overdue_at(2_005), Some(1), "none has come");
        assert_eq!(complaints.overdue_at(9_000), None, "it was said");
        assert_eq!(complaints.admit_at(9_000, A), Some(0));
    }

    #[test]
    fn a_few_may_be_said_at_once_and_are_made_up_for() {
        let complaints = Complaints::new(3);
        assert_eq!((0..10).filter_map(|_| complaints.admit_at(7, A)).count(), 3);
        assert_eq!(complaints.admit_at(1_007, A), Some(7));
        assert_eq!(complaints.admit_at(1_008, A), None);
        assert_eq!((0..10).filter_map(|_| complaints.admit_at(60_000, A)).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!(and_more(0), "");
        assert_eq!(first_line("boom\n  at x\n"), "boom …");
        assert_eq!((first_line("boom\n"), first_line("")), ("boom".into(), "".into()));
        assert_eq!(and_more(7), "; 7 more since the one before");
    }

    #[test]
    fn each_cause_is_said_at_once_and_again_a_second_later_and_all_are_bounded() {
        let complaints = Complaints::new(1);
        let (b, c) = (A + (1 << 32), A + (2 << 32));
        for cause in [A, b, c] {
            assert_eq!(complaints.admit_at(3, cause), Some(0));
            assert_eq!(complaints.admit_at(4, cause), None, "it was said just now");
        }
        assert_eq!(complaints.admit_at(1_003, c), Some(3));
        assert_eq!(complaints.admit_at(1_004, b), Some(0));
        assert_eq!(complaints.admit_at(1_005, b), None);
        for second in 0..3 {
            let at = 5_000 + second * INTERVAL_MS;
            let said = (1..1_000).filter(|n| complaints.admit_at(at + n % 900, n << 32).is_some()).count();
            assert!((CAUSES..=CAUSES + 1).contains(&said), "{said}");
        }
        assert!(complaints.admit("one").is_some() && complaints.admit("two").is_some());
        assert!(complaints.admit("one").is_none());
    }
}
