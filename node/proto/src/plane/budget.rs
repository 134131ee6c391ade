//! One bound over all queues of a node together.
//!
//! Each queue has a little of its own, so that those that are full never starve the others; what it holds beyond that
//! comes out of the common budget, in pieces, so that an event costs no shared counter.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Bytes that each queue has for itself, and that it takes and gives back at a time.
const PIECE: usize = 64 << 10;

/// Bytes that all queues may hold together, beside what each has of its own.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

/// One queue's part of it.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    /// Taken from the budget.
    taken: usize,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0) })
    }

    /// A queue's part of it.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), taken: 0 }
    }

    /// Bytes that queues have taken, in pieces.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Bytes there are.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn take(&self, bytes: usize) -> bool {
        let within = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }
}

impl Share {
    /// Makes sure that the queue may hold so many bytes. False when the budget is spent.
    #[inline]
    pub fn hold(&mut self, bytes: usize) -> bool {
        bytes <= self.taken.saturating_add(PIECE) || self.take(bytes)
    }

    /// Bytes for which there is room beside those that the queue holds. Others may take it first.
    #[must_use]
    pub fn room(&self, held: usize) -> usize {
        let left = self.budget.limit.saturating_sub(self.budget.taken());
        self.taken.saturating_add(PIECE).saturating_add(left).saturating_sub(held)
    }

    /// The queue holds so many bytes; what it has taken beyond that goes back.
    #[inline]
    pub fn keep(&mut self, bytes: usize) {
        // Two pieces more than it needs: one that goes up and down by a few bytes takes and gives nothing.
        if bytes.saturating_add(2 * PIECE) < self.taken || (bytes == 0 && self.taken > 0) {
            self.give_back(bytes);
        }
    }

    #[cold]
    fn take(&mut self, bytes: usize) -> bool {
        let missing = bytes.saturating_sub(self.taken.saturating_add(PIECE)).next_multiple_of(PIECE);
        let taken = self.budget.take(missing);
        self.taken = self.taken.saturating_add(if taken { missing } else { 0 });
        taken
    }

    #[cold]
    fn give_back(&mut self, bytes: usize) {
        let needed = bytes.next_multiple_of(PIECE);
        self.budget.taken.fetch_sub(self.taken.saturating_sub(needed), Ordering::Relaxed);
        self.taken = needed;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_holds_much_leaves_the_others_a_piece() {
        let budget = Budget::new(4 * PIECE);
        let (mut greedy, mut modest) = (budget.share(), budget.share());
        assert!(greedy.hold(5 * PIECE));
        assert!(!greedy.hold(5 * PIECE + 1));
        assert!(modest.hold(PIECE));
        assert!(!modest.hold(PIECE + 1));
        greedy.keep(PIECE);
        assert!(modest.hold(PIECE + 1));
        drop((greedy, modest));
        assert_eq!(budget.taken(), 0);
    }

    proptest! {
        /// Whatever queues do, what they hold is within the budget and their own pieces.
        #[test]
        fn no_more_is_held_than_there_is(
            steps in prop::collection::vec((0_usize..4, 0_usize..6 * PIECE), 0..200),
        ) {
            let budget = Budget::new(9 * PIECE);
            let mut queues: Vec<_> = (0..4).map(|_| (budget.share(), 0)).collect();
            for (at, bytes) in steps {
                let (share, held) = &mut queues[at];
                if bytes <= *held {
                    *held = bytes;
                    share.keep(bytes);
                } else if share.hold(bytes) {
                    *held = bytes;
                }
                let held: usize = queues.iter().map(|(_, held)| held.saturating_sub(PIECE)).sum();
                prop_assert!(held <= budget.taken() && budget.taken() <= budget.limit());
            }
            drop(queues);
            prop_assert_eq!(budget.taken(), 0);
        }
    }
}
