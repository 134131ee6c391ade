//! One board: a value that is replaced as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, futures::Notified};

/// One value that is replaced as a whole, and read without waiting.
#[derive(Debug, Default)]
pub struct Board<T> {
    now: ArcSwap<T>,
    /// Told when it was replaced.
    changed: Notify,
}

impl<T: Clone> Board<T> {
    /// What it says now.
    #[must_use]
    pub fn read(&self) -> Arc<T> {
        self.now.load_full()
    }

    /// Ends once it was replaced after this call. Who asks first and looks then misses nothing.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Replaces it.
    pub fn set(&self, value: T) {
        self.now.store(Arc::new(value));
        self.changed.notify_waiters();
    }

    /// Changes a copy and puts it up. `change` may run more than once when two writers meet, so it only edits.
    pub fn change(&self, mut change: impl FnMut(&mut T)) {
        self.now.rcu(|now| {
            let mut next = T::clone(now);
            change(&mut next);
            next
        });
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_change_is_lost_when_writers_meet() {
        let board = Board::<Vec<u32>>::default();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let board = &board;
                scope.spawn(move || (0..100).for_each(|_| board.change(|list| list.push(writer))));
            }
        });
        assert_eq!(board.read().len(), 400);
    }

    #[tokio::test]
    async fn who_asks_before_looking_misses_no_change() {
        let board = Board::<u32>::default();
        let changed = board.changed();
        board.set(1);
        changed.await;
        let changed = board.changed();
        board.change(|value| *value += 1);
        changed.await;
        assert_eq!(*board.read(), 2);
    }
}
