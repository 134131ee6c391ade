//! The replay window: what came in live from outside the mesh, so that nothing captured there is taken a second time.
//!
//! An event is remembered as long as its copy could pass for a fresh one, which is two minutes. What is forgotten sooner,
//! for lack of room, takes everything older of its origin with it: nothing is ever taken twice, however little room
//! there is. Times are the origins' and were authenticated; the caller brings its own. Which media are guarded is not
//! known here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{Incarnation, NodeId},
    time::Hlc,
};

/// An event of live traffic that is older, or further ahead, is not taken.
pub const AGE_MS_MAX: u64 = 120_000;
/// Events remembered of one origin. Of one that sends more in two minutes, what comes that far out of order is too old.
pub const EVENTS_MAX: usize = 4_096;
/// Origins remembered; the one that was silent longest gives way. With all events about 60 MiB.
pub const ORIGINS_MAX: usize = 256;

/// Whether an event is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is new, and remembered from now on.
    Fresh,
    /// It came before.
    Duplicate,
    /// It is older than two minutes, or than what was forgotten.
    TooOld,
    /// It is more than two minutes ahead: a clock is wrong.
    Ahead,
}

/// What came lately, of all origins.
#[derive(Debug, Clone)]
pub struct Window {
    origins: BTreeMap<NodeId, Seen>,
    /// Of origins that are forgotten, nothing up to here is taken any more.
    forgotten: Hlc,
    events_max: usize,
    origins_max: usize,
}

/// What came lately of one origin.
#[derive(Debug, Clone)]
struct Seen {
    events: BTreeSet<(Incarnation, u64)>,
    /// The same by time.
    times: BTreeSet<(Hlc, Incarnation, u64)>,
    /// Nothing up to here is taken any more: it was forgotten.
    forgotten: Hlc,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(ORIGINS_MAX, EVENTS_MAX)
    }
}

impl Window {
    /// A window that remembers so many origins, and so many events of each.
    #[must_use]
    pub fn new(origins_max: usize, events_max: usize) -> Self {
        let (origins_max, events_max) = (origins_max.max(1), events_max.max(1));
        Self { origins: BTreeMap::new(), forgotten: Hlc::default(), events_max, origins_max }
    }

    /// Whether this event of an origin is taken now, `unix_ms` by the caller's clock; remembers it if it is.
    pub fn judge(&mut self, origin: NodeId, event: (Incarnation, u64), time: Hlc, unix_ms: u64) -> Verdict {
        if time.unix_ms() > unix_ms.saturating_add(AGE_MS_MAX) {
            return Verdict::Ahead;
        }
        if time.unix_ms().saturating_add(AGE_MS_MAX) < unix_ms {
            return Verdict::TooOld;
        }
        let forgotten = self.forgotten;
        let known = self.origins.get_mut(&origin);
        let verdict = known.map_or(Verdict::Fresh, |seen| {
            seen.age(unix_ms);
            seen.judge(event, time)
        });
        if verdict != Verdict::Fresh {
            return verdict;
        }
        if !self.origins.contains_key(&origin) {
            if time <= forgotten {
                return Verdict::TooOld;
            }
            self.make_room();
        }
        let seen = self.origins.entry(origin).or_insert_with(|| Seen::new(self.forgotten));
        seen.remember(event, time, self.events_max);
        Verdict::Fresh
    }

    /// An event that was taken came to nothing after all: it is new when it comes again.
    pub fn give_back(&mut self, origin: NodeId, event: (Incarnation, u64), time: Hlc) {
        if let Some(seen) = self.origins.get_mut(&origin)
            && seen.events.remove(&event)
        {
            seen.times.remove(&(time, event.0, event.1));
        }
    }

    /// How many events it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.origins.values().map(|seen| seen.events.len()).sum()
    }

    /// Whether it remembers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the origin whose last event is the oldest, when there is no room for another.
    fn make_room(&mut self) {
        if self.origins.len() < self.origins_max {
            return;
        }
        let oldest = self.origins.iter().min_by_key(|(_, seen)| seen.last()).map(|(origin, _)| *origin);
        if let Some(seen) = oldest.and_then(|oldest| self.origins.remove(&oldest)) {
            self.forgotten = self.forgotten.max(seen.last());
        }
    }
}

impl Seen {
    fn new(forgotten: Hlc) -> Self {
        Self { events: BTreeSet::new(), times: BTreeSet::new(), forgotten }
    }

    fn judge(&self, event: (Incarnation, u64), time: Hlc) -> Verdict {
        if self.events.contains(&event) {
            return Verdict::Duplicate;
        }
        if time <= self.forgotten { Verdict::TooOld } else { Verdict::Fresh }
    }

    fn remember(&mut self, event: (Incarnation, u64), time: Hlc, events_max: usize) {
        self.events.insert(event);
        self.times.insert((time, event.0, event.1));
        if self.events.len() > events_max {
            self.forget_first();
        }
    }

    /// Forgets what is refused for its age anyway.
    fn age(&mut self, unix_ms: u64) {
        let is_old = |time: Hlc| time.unix_ms().saturating_add(AGE_MS_MAX) < unix_ms;
        while self.times.first().is_some_and(|(time, ..)| is_old(*time)) {
            self.forget_first();
        }
    }

    /// What is forgotten is a time that an event really had, so that a clock that was wrong for a moment refuses nothing
    /// that comes later.
    fn forget_first(&mut self) {
        if let Some((time, life, sequence)) = self.times.pop_first() {
            self.events.remove(&(life, sequence));
            self.forgotten = self.forgotten.max(time);
        }
    }

    /// The newest time of it.
    fn last(&self) -> Hlc {
        self.times.last().map_or(self.forgotten, |(time, ..)| (*time).max(self.forgotten))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn node(number: u8) -> NodeId {
        NodeId([number; 32])
    }

    fn event(sequence: u64) -> (Incarnation, u64) {
        (Incarnation(1), sequence)
    }

    #[test]
    fn what_came_is_not_taken_again_and_what_is_old_or_ahead_not_at_all() {
        let mut window = Window::default();
        let mut judge =
            |sequence, ms: u64, now| window.judge(node(1), event(sequence), Hlc::from_unix_ms(ms), now);
        assert_eq!(judge(1, NOW, NOW), Verdict::Fresh);
        assert_eq!(judge(1, NOW, NOW), Verdict::Duplicate);
        assert_eq!(judge(3, NOW + 3, NOW), Verdict::Fresh);
        assert_eq!(judge(2, NOW + 2, NOW), Verdict::Fresh, "out of order is fine");
        assert_eq!(judge(4, NOW - AGE_MS_MAX, NOW), Verdict::Fresh);
        assert_eq!(judge(5, NOW - AGE_MS_MAX - 1, NOW), Verdict::TooOld);
        assert_eq!(judge(5, NOW + AGE_MS_MAX + 1, NOW), Verdict::Ahead);
        assert_eq!(judge(1, NOW, NOW + AGE_MS_MAX), Verdict::Duplicate);
        assert_eq!(judge(1, NOW, NOW + AGE_MS_MAX + 1), Verdict::TooOld);
    }

    #[test]
    fn what_came_to_nothing_is_new_again() {
        let mut window = Window::new(2, 2);
        let time = |ms| Hlc::from_unix_ms(NOW + ms);
        for sequence in [1, 2] {
            assert_eq!(window.judge(node(1), event(sequence), time(sequence), NOW), Verdict::Fresh);
        }
        window.give_back(node(1), event(1), time(1));
        assert_eq!(window.len(), 1);
        assert_eq!(window.judge(node(1), event(1), time(1), NOW), Verdict::Fresh);
        assert_eq!(window.judge(node(1), event(1), time(1), NOW), Verdict::Duplicate);
        // What is unknown, or forgotten, is not made new by it.
        assert_eq!(window.judge(node(1), event(3), time(3), NOW), Verdict::Fresh);
        window.give_back(node(1), event(1), time(1));
        window.give_back(node(2), event(1), time(1));
        assert_eq!(window.judge(node(1), event(1), time(1), NOW), Verdict::TooOld);
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_moment_lets_nothing_in_twice_and_refuses_nothing_new() {
        let mut window = Window::default();
        let mut judge =
            |sequence, ms: u64, now| window.judge(node(1), event(sequence), Hlc::from_unix_ms(ms), now);
        assert_eq!(judge(1, NOW, NOW), Verdict::Fresh);
        let year = 365 * 86_400_000;
        assert_eq!(judge(2, NOW + 1, NOW + year), Verdict::TooOld);
        assert_eq!(judge(3, NOW + year, NOW + year), Verdict::Fresh);
        assert_eq!(judge(1, NOW, NOW), Verdict::TooOld, "it was forgotten");
        assert_eq!(judge(2, NOW + 1, NOW), Verdict::Fresh);
    }

    #[test]
    fn the_room_is_bounded_and_a_flood_of_origins_opens_no_way_back() {
        let mut window = Window::new(2, 3);
        let time = |ms| Hlc::from_unix_ms(NOW + ms);
        for sequence in 0..100 {
            assert_eq!(window.judge(node(1), event(sequence), time(sequence), NOW), Verdict::Fresh);
        }
        assert_eq!(window.len(), 3);
        assert_eq!(window.judge(node(1), event(96), time(96), NOW), Verdict::TooOld);
        assert_eq!(window.judge(node(1), event(99), time(99), NOW), Verdict::Duplicate);
        for origin in 2..100 {
            window.judge(node(origin), event(1), time(100 + u64::from(origin)), NOW);
        }
        assert_eq!((window.origins.len(), window.len()), (2, 2));
        assert_eq!(window.judge(node(1), event(99), time(99), NOW), Verdict::TooOld);
        assert_eq!(window.judge(node(1), event(100), time(300), NOW), Verdict::Fresh);
    }

    proptest! {
        /// Beside a list of everything that was ever taken.
        #[test]
        fn nothing_is_taken_twice_and_nothing_more_than_the_room_is_kept(
            steps in prop::collection::vec((0_u8..5, 0_u64..40, 0_u64..300_000), 1..300),
            (origins, events) in (1_usize..4, 1_usize..8),
        ) {
            let mut window = Window::new(origins, events);
            let mut taken = BTreeSet::new();
            for (origin, sequence, now) in steps {
                // An event has one time, whenever it comes.
                let time = Hlc::from_unix_ms(NOW + sequence * 5_000);
                let verdict = window.judge(node(origin), event(sequence), time, NOW + now);
                let is_new = taken.insert((origin, sequence));
                if verdict == Verdict::Fresh {
                    prop_assert!(is_new, "{origin} {sequence} was taken twice");
                } else if is_new {
                    taken.remove(&(origin, sequence));
                }
                prop_assert!(window.len() <= origins * events);
            }
        }

        #[test]
        fn what_comes_in_order_is_taken(lengths in prop::collection::vec(0_u64..30_000, 1..200)) {
            let mut window = Window::new(1, 4);
            let mut now = NOW;
            for (sequence, later) in (0..).zip(lengths) {
                now += later + 1;
                let verdict = window.judge(node(1), event(sequence), Hlc::from_unix_ms(now), now);
                prop_assert_eq!(verdict, Verdict::Fresh);
            }
        }
    }
}
