//! What will happen, in the order of time, and at one time in the order it was put in.
//!
//! A heap of small keys beside a store of the things themselves: a run moves millions of them.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::time::Now;

/// The queue. Unbounded: it holds what is on its way in a network of a fixed size.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// When, which of that time, and where the thing is.
    heap: BinaryHeap<Reverse<(Now, u64, usize)>>,
    things: Vec<Option<T>>,
    /// Places in `things` that are free.
    free: Vec<usize>,
    /// Counts what was put in.
    count: u64,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), things: Vec::new(), free: Vec::new(), count: 0 }
    }

    pub(super) fn push(&mut self, at: Now, thing: T) {
        let place = match self.free.pop() {
            Some(place) => {
                self.things[place] = Some(thing);
                place
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() - 1
            }
        };
        self.count += 1;
        self.heap.push(Reverse((at, self.count, place)));
    }

    pub(super) fn pop(&mut self) -> Option<(Now, T)> {
        let Reverse((at, _, place)) = self.heap.pop()?;
        self.free.push(place);
        Some((at, self.things[place].take()?))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_first_comes_first_and_places_are_used_again() {
        let at = |ms| Now(Duration::from_millis(ms));
        let mut queue = Queue::new();
        [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')]
            .into_iter()
            .for_each(|(ms, thing)| queue.push(at(ms), thing));
        let first: Vec<_> = (0..2).filter_map(|_| queue.pop()).collect();
        assert_eq!(first, [(at(1), 'a'), (at(2), 'b')]);
        queue.push(at(5), 'e');
        let rest: String = std::iter::from_fn(|| queue.pop()).map(|(_, thing)| thing).collect();
        assert_eq!(rest, "cde");
        assert_eq!(queue.things.len(), 4);
    }
}
