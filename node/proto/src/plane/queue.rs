//! One consumer's bounded queue: what fits, what is dropped when it lags, and what it missed. No lock
//! and no waking here; whoever shares one between threads brings both.

use std::collections::VecDeque;

/// How much a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Items at most.
    pub items: usize,
    /// Bytes at most, by the weights that were said; one item always fits an empty queue.
    pub bytes: usize,
}

/// A first-in first-out queue that never grows past its limits.
///
/// It *lags* from the moment something had to be dropped until it was empty once; while it lags nobody
/// waits for it.
#[derive(Debug)]
pub struct BoundedQueue<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    limits: QueueLimits,
    lagging: bool,
    /// Dropped since the consumer last asked.
    missed: u64,
}

impl<T> BoundedQueue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: QueueLimits) -> Self {
        Self { items: VecDeque::new(), bytes: 0, limits, lagging: false, missed: 0 }
    }

    /// Takes an item if it fits; gives it back if not.
    ///
    /// # Errors
    /// The item, when the queue is full.
    pub fn offer(&mut self, item: T, weight: usize) -> Result<(), T> {
        if !self.fits(weight) {
            return Err(item);
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.items.push_back((item, weight));
        Ok(())
    }

    /// Takes an item whatever it costs: drops the oldest until it fits. Returns how many were dropped;
    /// from then on the queue lags.
    pub fn force(&mut self, item: T, weight: usize) -> u64 {
        let mut dropped = 0_u64;
        while !self.fits(weight) && self.pop().is_some() {
            dropped = dropped.saturating_add(1);
        }
        if dropped > 0 {
            self.lagging = true;
            self.missed = self.missed.saturating_add(dropped);
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.items.push_back((item, weight));
        dropped
    }

    /// The oldest item. An emptied queue no longer lags.
    pub fn pop(&mut self) -> Option<T> {
        let (item, weight) = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight);
        if self.items.is_empty() {
            self.lagging = false;
        }
        Some(item)
    }

    /// Whether something was dropped and the queue was not empty since.
    #[must_use]
    pub fn is_lagging(&self) -> bool {
        self.lagging
    }

    /// Items queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes queued.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were dropped since this was last asked.
    pub fn take_missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn fits(&self, weight: usize) -> bool {
        self.items.is_empty()
            || (self.items.len() < self.limits.items
                && self.bytes.saturating_add(weight) <= self.limits.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Offer(usize),
        Force(usize),
        Pop,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![(0_usize..40).prop_map(Step::Offer), (0_usize..40).prop_map(Step::Force), Just(Step::Pop),]
    }

    proptest! {
        /// Every item is refused, handed over, dropped or still queued, in order, within the limits.
        #[test]
        fn every_item_is_accounted_for(steps in prop::collection::vec(step(), 0..200)) {
            let limits = QueueLimits { items: 5, bytes: 60 };
            let mut queue = BoundedQueue::new(limits);
            let (mut accepted, mut handed, mut dropped, mut last) = (0_u64, 0_u64, 0_u64, None);
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Offer(weight) => accepted += u64::from(queue.offer(number, weight).is_ok()),
                    Step::Force(weight) => {
                        dropped += queue.force(number, weight);
                        accepted += 1;
                    }
                    Step::Pop => if let Some(item) = queue.pop() {
                        prop_assert!(last.is_none_or(|last| last < item));
                        last = Some(item);
                        handed += 1;
                    },
                }
                prop_assert!(queue.len() <= limits.items.max(1));
                prop_assert!(queue.bytes() <= limits.bytes);
                prop_assert!(!(queue.is_empty() && queue.is_lagging()));
                prop_assert_eq!(accepted, handed + dropped + queue.len() as u64);
            }
            prop_assert_eq!(queue.take_missed(), dropped);
        }
    }

    #[test]
    fn an_item_over_the_byte_limit_still_passes_alone() {
        let mut queue = BoundedQueue::new(QueueLimits { items: 5, bytes: 10 });
        assert_eq!(queue.offer("big", 100), Ok(()));
        assert_eq!(queue.offer("next", 1), Err("next"));
        assert_eq!(queue.force("next", 1), 1);
        assert!(queue.is_lagging());
        assert_eq!(queue.pop(), Some("next"));
        assert!(!queue.is_lagging());
    }
}
