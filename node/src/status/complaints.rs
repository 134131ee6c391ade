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
    /// Those that were not said, of causes that are not among the last.
    left_out: AtomicU64,
    /// What was said last: the cause above, and below when it was, in milliseconds.
    causes: [AtomicU64; CAUSES],
    /// Those of each that were not said since.
    alike: [AtomicU64; CAUSES],
}

/// Complaints that were not said before one that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Of its cause.
    alike: u64,
    /// Of others.
    others: u64,
}

impl Complaints {
    /// None was there yet. So many may be said at once.
    #[must_use]
    pub fn new(at_once: u64) -> Self {
        let (even_at, left_out) = (AtomicU64::new(0), AtomicU64::new(0));
        let (causes, alike) = Default::default();
        Self { began: Instant::now(), at_once: at_once.max(1), even_at, left_out, causes, alike }
    }

    /// One more of some cause. Some: it is to be said, with how many were not before it. None: it was counted, as one of
    /// its cause was said just now, or too many others were.
    pub fn admit(&self, cause: impl Hash) -> Option<LeftOut> {
        let mut hasher = DefaultHasher::new();
        cause.hash(&mut hasher);
        self.admit_at(self.now(), hasher.finish())
    }

    /// How many were not said, when no other one has come that would say so. To be asked now and then.
    pub fn overdue(&self) -> Option<u64> {
        self.overdue_at(self.now())
    }

    fn admit_at(&self, now_ms: u64, cause: u64) -> Option<LeftOut> {
        let (is_new, place) = self.remember(now_ms, cause);
        let is_due = self.take(now_ms);
        if !is_due && !is_new {
            place.unwrap_or(&self.left_out).fetch_add(1, Relaxed);
            return None;
        }
        let alike = place.map_or(0, |alike| alike.swap(0, Relaxed));
        // Those of others are told with the next one that may be said whatever it is.
        let others = if is_due { self.untold() } else { 0 };
        Some(LeftOut { alike, others })
    }

    /// Whether nothing of this cause was said lately, and there is a place to remember that something is now; and where
    /// those of it are counted, if it has a place.
    fn remember(&self, now_ms: u64, cause: u64) -> (bool, Option<&AtomicU64>) {
        // So much later than it is, so that a place that was never taken is an old one.
        let now = now_ms.saturating_add(INTERVAL_MS) & MOMENT;
        // Another's clock may have been read a little later.
        let is_late =
            |said: u64| (INTERVAL_MS..MOMENT - INTERVAL_MS).contains(&(now.wrapping_sub(said) & MOMENT));
        let cause = cause & !MOMENT;
        let said = self.causes.each_ref().map(|said| said.load(Relaxed));
        let mut places = self.causes.iter().zip(said).zip(&self.alike);
        let take = |place: &AtomicU64, said: u64| {
            is_late(said) && place.compare_exchange(said, cause | now, Relaxed, Relaxed).is_ok()
        };
        if let Some(((place, said), alike)) = places.clone().find(|((_, said), _)| said & !MOMENT == cause) {
            return (take(place, said), Some(alike));
        }
        let Some((_, alike)) = places.find(|((place, said), _)| take(place, *said)) else {
            return (false, None);
        };
        // Those that were counted there are of another cause.
        self.left_out.fetch_add(alike.swap(0, Relaxed), Relaxed);
        (true, Some(alike))
    }

    fn overdue_at(&self, now_ms: u64) -> Option<u64> {
        if self.counts().all(|count| count.load(Relaxed) == 0) || !self.take(now_ms) {
            return None;
        }
        Some(self.untold()).filter(|count| *count > 0)
    }

    fn counts(&self) -> impl Iterator<Item = &AtomicU64> {
        self.alike.iter().chain([&self.left_out])
    }

    /// All that were not said, which are told now.
    fn untold(&self) -> u64 {
        self.counts().map(|count| count.swap(0, Relaxed)).sum()
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
pub fn and_more(left_out: LeftOut) -> String {
    let LeftOut { alike, others } = left_out;
    let others_text =
        if others == 1 { "1 other was not said".into() } else { format!("{others} others were not said") };
    match (alike, others) {
        (0, 0) => String::new(),
        (_, 0) => format!("; {alike} more like it since the one before"),
        (0, _) => format!("; {others_text}"),
        _ => format!("; {alike} more like it since the one before, and {others_text}"),
    }
}

/// What is said of those that were not where nothing else is.
#[must_use]
pub fn beside_those_said(count: u64, (one, many): (&str, &str)) -> String {
    match count {
        1 => format!("1 more {one} than were said"),
        _ => format!("{count} more {many} than were said"),
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
    const NONE: Option<LeftOut> = said(0, 0);

    const fn said(alike: u64, others: u64) -> Option<LeftOut> {
        Some(LeftOut { alike, others })
    }

    #[test]
    fn one_a_second_is_said_with_the_number_of_those_before_it() {
        let complaints = Complaints::new(1);
        assert_eq!(complaints.admit_at(5, A), NONE);
        assert_eq!((0..41).filter_map(|n| complaints.admit_at(6 + n, A)).count(), 0);
        assert_eq!(complaints.overdue_at(1_004), None, "another one may still say it");
        assert_eq!(complaints.admit_at(1_005, A), said(41, 0));
        assert_eq!(complaints.admit_at(1_006, A), None);
        assert_eq!(complaints.overdue_at(2_005), Some(1), "none has come");
        assert_eq!(complaints.overdue_at(9_000), None, "it was said");
        assert_eq!(complaints.admit_at(9_000, A), NONE);
    }

    #[test]
    fn a_few_may_be_said_at_once_and_are_made_up_for() {
        let complaints = Complaints::new(3);
        assert_eq!((0..10).filter_map(|_| complaints.admit_at(7, A)).count(), 3);
        assert_eq!(complaints.admit_at(1_007, A), said(7, 0));
        assert_eq!(complaints.admit_at(1_008, A), None);
        let again: Vec<_> = (0..10).map(|_| complaints.admit_at(60_000, A)).take(4).collect();
        assert_eq!(again, [said(1, 0), NONE, NONE, None]);
        let text = |alike, others| and_more(LeftOut { alike, others });
        assert_eq!(text(0, 0), "");
        assert_eq!(first_line("boom\n  at x\n"), "boom …");
        assert_eq!((first_line("boom\n"), first_line("")), ("boom".into(), "".into()));
        assert_eq!(text(7, 0), "; 7 more like it since the one before");
        assert_eq!(text(0, 1), "; 1 other was not said");
        assert_eq!(text(7, 2), "; 7 more like it since the one before, and 2 others were not said");
    }

    #[test]
    fn each_cause_is_said_at_once_and_again_a_second_later_and_all_are_bounded() {
        let complaints = Complaints::new(1);
        let (b, c) = (A + (1 << 32), A + (2 << 32));
        for cause in [A, b, c] {
            assert_eq!(complaints.admit_at(3, cause), NONE);
            assert_eq!(complaints.admit_at(4, cause), None, "it was said just now");
        }
        assert_eq!(complaints.admit_at(1_003, c), said(1, 2), "those of others are not like it");
        assert_eq!(complaints.admit_at(1_004, b), NONE);
        assert_eq!(complaints.admit_at(1_005, b), None);
        assert_eq!(complaints.overdue_at(2_100), Some(1));
        let mut told = 0;
        for second in 0..3 {
            let at = 5_000 + second * INTERVAL_MS;
            let said: Vec<LeftOut> =
                (1..1_000).filter_map(|n| complaints.admit_at(at + n % 900, n << 32)).collect();
            assert!((CAUSES..=CAUSES + 1).contains(&said.len()), "{said:?}");
            told += said.iter().map(|LeftOut { alike, others }| 1 + alike + others).sum::<u64>();
        }
        told += complaints.overdue_at(60_000).unwrap_or(0);
        assert_eq!(told, 3 * 999, "each is said or counted once");
        assert!(complaints.admit("one").is_some() && complaints.admit("two").is_some());
        assert!(complaints.admit("one").is_none());
    }
}
