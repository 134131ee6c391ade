//! One consumer's bounded queue: what fits, what is dropped when it lags, and what it missed. No lock
//! and no waking here; whoever shares one between threads brings both.

use std::collections::VecDeque;

use super::{account::ConsumerCounts, budget::Share};

/// How much a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Events at most.
    pub events: usize,
    /// Bytes at most, by what the loads weigh; one event always fits an empty queue.
    pub bytes: usize,
}

/// What a queue holds in one place: one event, or several that came together and stay together until
/// somebody needs fewer of them.
pub trait Load: Sized {
    /// How many events; at least one.
    fn events(&self) -> usize;

    /// What they weigh together, in bytes: the sum of what each weighs alone.
    fn weight(&self) -> usize;

    /// Splits off the oldest events, as many as are at most `events` and weigh at most `bytes`. None when
    /// that is none of them; the youngest always stays.
    fn split_front(&mut self, events: usize, bytes: usize) -> Option<Self>;
}

/// A first-in first-out queue that never grows past its limits, whatever shape its events come in.
///
/// It *lags* from the moment something had to be dropped until it was empty once; while it lags nobody
/// waits for it.
#[derive(Debug)]
pub struct BoundedQueue<T> {
    loads: VecDeque<T>,
    events: usize,
    bytes: usize,
    limits: QueueLimits,
    /// Of what all queues may hold.
    share: Share,
    lagging: bool,
    /// Everything that was ever queued.
    matched: u64,
    dropped: u64,
    /// Of those that were dropped the consumer knows so many.
    told: u64,
}

impl<T: Load> BoundedQueue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: QueueLimits, share: Share) -> Self {
        Self {
            loads: VecDeque::new(),
            events: 0,
            bytes: 0,
            limits,
            share,
            lagging: false,
            matched: 0,
            dropped: 0,
            told: 0,
        }
    }

    /// Takes the oldest events of a load, as many as fit; gives the rest back.
    ///
    /// # Errors
    /// What did not fit.
    pub fn offer(&mut self, mut load: T) -> Result<(), T> {
        if self.fits(&load) {
            self.push(load);
            return Ok(());
        }
        let events = self.limits.events.saturating_sub(self.events);
        let bytes = self.share.room(self.bytes).min(self.limits.bytes.saturating_sub(self.bytes));
        let mut fitting = load.split_front(events, bytes);
        if fitting.is_none() && self.is_empty() {
            fitting = load.split_front(1, usize::MAX);
        }
        if let Some(fitting) = fitting {
            self.push(fitting);
        }
        Err(load)
    }

    /// Takes a load whatever it costs: drops the oldest events until it fits. Returns how many were
    /// dropped; from then on the queue lags.
    pub fn force(&mut self, mut load: T) -> u64 {
        let mut dropped = 0_u64;
        // One by one, so that no more are dropped than must be, and none of a load is safe from the rest of it.
        while let Some(first) = load.split_front(1, usize::MAX) {
            dropped = dropped.saturating_add(self.force_one(first));
        }
        dropped.saturating_add(self.force_one(load))
    }

    /// The oldest load, cut after `events` events. An emptied queue no longer lags.
    pub fn pop(&mut self, events: usize) -> Option<T> {
        let first = self.loads.front_mut()?;
        let taken = match first.events() <= events {
            true => self.loads.pop_front()?,
            false => first.split_front(events, usize::MAX)?,
        };
        self.events = self.events.saturating_sub(taken.events());
        self.bytes = self.bytes.saturating_sub(taken.weight());
        self.share.keep(self.bytes);
        self.lagging &= !self.is_empty();
        Some(taken)
    }

    /// Moves all loads behind those that are there. Where none are, the two change places, whatever is queued.
    pub fn pop_all(&mut self, into: &mut VecDeque<T>) {
        // One that has never held anything would leave this queue without its room.
        if into.is_empty() && into.capacity() > 0 {
            std::mem::swap(&mut self.loads, into);
        } else {
            into.append(&mut self.loads);
        }
        (self.events, self.bytes, self.lagging) = (0, 0, false);
        self.share.keep(0);
    }

    /// Whether something was dropped and the queue was not empty since.
    #[must_use]
    pub fn is_lagging(&self) -> bool {
        self.lagging
    }

    /// Events queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loads.is_empty()
    }

    /// Bytes queued.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were dropped since this was last asked.
    pub fn take_missed(&mut self) -> u64 {
        self.dropped.saturating_sub(std::mem::replace(&mut self.told, self.dropped))
    }

    /// What became of everything that was ever queued.
    #[must_use]
    pub fn counts(&self) -> ConsumerCounts {
        let queued = self.events as u64;
        let handed_over = self.matched.saturating_sub(queued).saturating_sub(self.dropped);
        ConsumerCounts { matched: self.matched, handed_over, queued, dropped: self.dropped }
    }

    /// The oldest load, which the consumer does not get: `lost`, or as if it had never been queued.
    pub fn withdraw(&mut self, lost: impl FnOnce(&T) -> bool) -> Option<T> {
        let load = self.pop(usize::MAX)?;
        let events = load.events() as u64;
        if lost(&load) {
            self.dropped = self.dropped.saturating_add(events);
        } else {
            self.matched = self.matched.saturating_sub(events);
        }
        Some(load)
    }

    fn force_one(&mut self, load: T) -> u64 {
        let mut dropped = 0_u64;
        while !self.fits(&load) && self.pop(1).is_some() {
            dropped = dropped.saturating_add(1);
        }
        if dropped > 0 {
            self.lagging = true;
            self.dropped = self.dropped.saturating_add(dropped);
        }
        self.push(load);
        dropped
    }

    fn push(&mut self, load: T) {
        self.events = self.events.saturating_add(load.events());
        self.matched = self.matched.saturating_add(load.events() as u64);
        self.bytes = self.bytes.saturating_add(load.weight());
        self.loads.push_back(load);
    }

    /// Whether so many events of this weight together have room now; one alone always has it in an empty queue.
    #[must_use]
    pub fn has_room(&self, events: usize, weight: usize) -> bool {
        (self.is_empty() && events == 1)
            || (self.events.saturating_add(events) <= self.limits.events
                && self.bytes.saturating_add(weight) <= self.limits.bytes)
    }

    fn fits(&mut self, load: &T) -> bool {
        let bytes = self.bytes.saturating_add(load.weight());
        self.has_room(load.events(), load.weight()) && (self.is_empty() || self.share.hold(bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plane::budget::Budget;

    /// Events as their numbers and weights.
    #[derive(Debug, Clone, PartialEq)]
    struct Numbered(Vec<(u64, usize)>);

    impl Load for Numbered {
        fn events(&self) -> usize {
            self.0.len()
        }

        fn weight(&self) -> usize {
            self.0.iter().map(|(_, weight)| weight).sum()
        }

        fn split_front(&mut self, events: usize, bytes: usize) -> Option<Self> {
            let mut left = bytes;
            let fits = |(_, weight): &&(u64, usize)| match left.checked_sub(*weight) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            };
            let most = events.min(self.0.len() - 1);
            let count = self.0.iter().take(most).take_while(fits).count();
            (count > 0).then(|| Self(self.0.drain(..count).collect()))
        }
    }

    /// A share of a budget that nobody else has a part of.
    fn alone() -> Share {
        Budget::new(1 << 30).share()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Offer(Vec<usize>),
        Force(Vec<usize>),
        Pop(usize),
        PopAll,
    }

    fn step() -> impl Strategy<Value = Step> {
        let weights = || prop::collection::vec(0_usize..40, 1..5);
        prop_oneof![
            weights().prop_map(Step::Offer),
            weights().prop_map(Step::Force),
            (1_usize..8).prop_map(Step::Pop),
            Just(Step::PopAll),
        ]
    }

    proptest! {
        /// Every event is refused, handed over, dropped or still queued, in order, within the limits,
        /// however many came together.
        #[test]
        fn every_event_is_accounted_for(steps in prop::collection::vec(step(), 0..200)) {
            let limits = QueueLimits { events: 5, bytes: 60 };
            let mut queue = BoundedQueue::new(limits, alone());
            let (mut accepted, mut handed, mut dropped, mut last, mut number) = (0_u64, 0_u64, 0_u64, 0, 0);
            let mut all = VecDeque::new();
            let mut load = |weights: Vec<usize>| Numbered(weights.into_iter().map(|weight| {
                number += 1;
                (number, weight)
            }).collect());
            for step in steps {
                match step {
                    Step::Offer(weights) => {
                        let load = load(weights);
                        let (offered, before) = (load.clone(), queue.len());
                        let refused = queue.offer(load).err().map_or(Vec::new(), |rest| rest.0);
                        let taken = offered.0.len() - refused.len();
                        prop_assert_eq!(&offered.0[taken..], &refused[..]);
                        prop_assert_eq!(queue.len(), before + taken);
                        // Nothing is refused that would have fitted.
                        if let Some((_, weight)) = refused.first() {
                            let room = queue.len() < limits.events && queue.bytes() + weight <= limits.bytes;
                            prop_assert!(!room && !queue.is_empty());
                        }
                        accepted += taken as u64;
                    }
                    Step::Force(weights) => {
                        accepted += weights.len() as u64;
                        dropped += queue.force(load(weights));
                    }
                    Step::Pop(most) => if let Some(popped) = queue.pop(most) {
                        prop_assert!(popped.events() <= most);
                        for (number, _) in popped.0 {
                            prop_assert!(last < number);
                            last = number;
                            handed += 1;
                        }
                    },
                    Step::PopAll => {
                        queue.pop_all(&mut all);
                        for (number, _) in all.drain(..).flat_map(|load| load.0) {
                            prop_assert!(last < number);
                            last = number;
                            handed += 1;
                        }
                        prop_assert!(queue.is_empty());
                    }
                }
                prop_assert!(queue.len() <= limits.events);
                prop_assert!(queue.bytes() <= limits.bytes);
                prop_assert!(!(queue.is_empty() && queue.is_lagging()));
                prop_assert_eq!(queue.is_empty(), accepted == handed + dropped);
                let queued = queue.len() as u64;
                prop_assert_eq!(
                    queue.counts(),
                    ConsumerCounts { matched: accepted, handed_over: handed, queued, dropped }
                );
                prop_assert_eq!(accepted, handed + dropped + queued);
            }
            prop_assert_eq!(queue.take_missed(), dropped);
            prop_assert_eq!(queue.take_missed(), 0);
            let counts = queue.counts();
            while queue.withdraw(|load| load.0[0].0 % 2 == 0).is_some() {}
            let ConsumerCounts { matched, handed_over, queued, dropped } = queue.counts();
            prop_assert_eq!((handed_over, queued), (counts.handed_over, 0));
            prop_assert_eq!(matched, handed_over + dropped);
        }
    }

    fn one(number: u64, weight: usize) -> Numbered {
        Numbered(vec![(number, weight)])
    }

    #[test]
    fn where_the_budget_is_spent_a_queue_is_full_with_what_it_has_of_its_own() {
        const MANY: QueueLimits = QueueLimits { events: 1000, bytes: 1 << 30 };
        const LARGE: usize = 40 << 10;
        let budget = Budget::new(3 * (64 << 10));
        let (mut greedy, mut late) =
            (BoundedQueue::new(MANY, budget.share()), BoundedQueue::new(MANY, budget.share()));
        let taken = (1..100).take_while(|number| greedy.offer(one(*number, LARGE)).is_ok()).count();
        assert_eq!(taken, 6, "four pieces of 64 KiB");
        assert_eq!(late.offer(one(1, LARGE)), Ok(()));
        assert_eq!(late.offer(one(2, LARGE)), Err(one(2, LARGE)));
        // What comes at its own cost gets in, and so does the next when the other has made room.
        assert_eq!(late.force(one(2, LARGE)), 1);
        while greedy.pop(1).is_some() {}
        assert_eq!(late.offer(one(3, LARGE)), Ok(()));
        assert_eq!(late.len(), 2);
    }

    #[test]
    fn an_event_over_the_byte_limit_still_passes_alone() {
        let mut queue = BoundedQueue::new(QueueLimits { events: 5, bytes: 10 }, alone());
        assert_eq!(queue.offer(Numbered(vec![(1, 100), (2, 1)])), Err(one(2, 1)));
        assert_eq!(queue.force(one(2, 1)), 1);
        assert!(queue.is_lagging());
        assert_eq!(queue.pop(1), Some(one(2, 1)));
        assert!(!queue.is_lagging());
    }

    #[test]
    fn what_is_dropped_is_split_off_what_came_together() {
        let mut queue = BoundedQueue::new(QueueLimits { events: 3, bytes: 100 }, alone());
        assert_eq!(queue.offer(Numbered(vec![(1, 1), (2, 1), (3, 1)])), Ok(()));
        assert_eq!(queue.force(one(4, 1)), 1);
        assert_eq!(queue.pop(1), Some(one(2, 1)));
        assert!(queue.is_lagging());
        assert_eq!(queue.pop(9), Some(one(3, 1)));
        assert_eq!(queue.pop(9), Some(one(4, 1)));
        assert_eq!((queue.take_missed(), queue.is_lagging()), (1, false));
    }
}
