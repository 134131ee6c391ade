//! What will happen, in the order of time, and at one time in the order it was put in.
//!
//! Most of it happens soon: that goes into slots of time, each of which is put in order when it is its turn. What
//! happens later waits in a heap. Both hold small keys beside a store of the things themselves: a run moves millions of
//! them.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use crate::time::Now;

/// A slot's length is so many bits of nanoseconds, 66 µs: as much as has some things in it in a large mesh.
const SLOT_BITS: u32 = 16;
/// Slots ahead, 134 ms in all: longer than most packets travel.
const SLOTS: u64 = 2048;

/// The queue. Unbounded: it holds what is on its way in a network of a fixed size.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// The number of the slot whose turn it is, and what is in it, the next last.
    turn: u64,
    present: Vec<Key>,
    /// The slots after it, each at its number's remainder; and how much is in all of them.
    slots: Vec<Vec<Key>>,
    soon: usize,
    /// What is in none of them.
    later: BinaryHeap<Reverse<Key>>,
    things: Vec<Option<T>>,
    /// Places in `things` that are free.
    free: Vec<usize>,
    /// Counts what was put in.
    count: u64,
}

/// When, which of that time, and where the thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    nanos: u64,
    count: u64,
    place: usize,
}

impl Key {
    fn slot(&self) -> u64 {
        self.nanos >> SLOT_BITS
    }
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            turn: 0,
            present: Vec::new(),
            slots: vec![Vec::new(); SLOTS as usize],
            soon: 0,
            later: BinaryHeap::new(),
            things: Vec::new(),
            free: Vec::new(),
            count: 0,
        }
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
        let key = Key { nanos: nanos(at), count: self.count, place };
        if key.slot() <= self.turn {
            let before = self.present.partition_point(|other| *other > key);
            self.present.insert(before, key);
        } else if key.slot() - self.turn < SLOTS {
            self.slots[(key.slot() % SLOTS) as usize].push(key);
            self.soon += 1;
        } else {
            self.later.push(Reverse(key));
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Now, T)> {
        while self.present.is_empty() {
            self.go_on()?;
        }
        let Key { nanos, place, .. } = self.present.pop()?;
        self.free.push(place);
        Some((Now(Duration::from_nanos(nanos)), self.things[place].take()?))
    }

    /// It is the next slot's turn; none when nothing is left.
    fn go_on(&mut self) -> Option<()> {
        self.turn = match self.soon {
            0 => self.later.peek()?.0.slot(),
            _ => self.turn + 1,
        };
        let slot = &mut self.slots[(self.turn % SLOTS) as usize];
        self.soon -= slot.len();
        self.present.append(slot);
        while let Some(Reverse(key)) = self.later.peek().filter(|Reverse(key)| key.slot() <= self.turn) {
            self.present.push(*key);
            self.later.pop();
        }
        self.present.sort_unstable_by(|a, b| b.cmp(a));
        Some(())
    }
}

fn nanos(at: Now) -> u64 {
    u64::try_from(at.0.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sim::chance::Chance;

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

    /// Whatever is put in while others come out, within the slot whose turn it is and far ahead.
    #[test]
    fn it_is_in_order_however_far_ahead_things_are() {
        let (mut queue, mut chance) = (Queue::new(), Chance::new(7));
        let (mut waiting, mut now) = (BTreeSet::new(), Now::default());
        for number in 0..20_000 {
            let most = [20, 5_000, 200_000, 60_000_000][chance.below(4)];
            let at = now.after(chance.between(Duration::ZERO, Duration::from_micros(most)));
            waiting.insert((at, number));
            queue.push(at, number);
            if chance.percent(45) {
                let first = waiting.pop_first();
                assert_eq!(queue.pop(), first);
                now = first.map_or(now, |(at, _)| at);
            }
        }
        assert!(std::iter::from_fn(|| queue.pop()).eq(waiting));
    }
}
