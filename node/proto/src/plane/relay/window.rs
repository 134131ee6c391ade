//! Which numbers of a growing sequence were seen: exact for the newer ones, and everything older counts as seen.

use std::collections::BTreeMap;

/// Runs of consecutive numbers that are remembered. A destination sees gaps where frames were for others.
const RUNS_MAX: usize = 1024;

/// A bounded memory of numbers from 1.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Everything up to here counts as seen.
    floor: u64,
    /// First and last of each run above the floor; runs neither touch nor overlap.
    runs: BTreeMap<u64, u64>,
}

impl Window {
    /// Whether a number was seen, or is too old to tell.
    pub(super) fn contains(&self, number: u64) -> bool {
        let run = self.runs.range(..=number).next_back();
        number <= self.floor || run.is_some_and(|(_, last)| number <= *last)
    }

    /// Remembers a number.
    pub(super) fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let (mut first, mut last) = (number, number);
        if let Some((&before, &end)) = self.runs.range(..number).next_back()
            && end.saturating_add(1) == number
        {
            first = before;
        }
        if let Some(end) = number.checked_add(1).and_then(|next| self.runs.remove(&next)) {
            last = end;
        }
        self.runs.insert(first, last);
        if self.runs.len() > RUNS_MAX
            && let Some((_, last)) = self.runs.pop_first()
        {
            self.floor = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_remembers_what_a_set_would(numbers in prop::collection::vec(1_u64..200, 0..300)) {
            let (mut window, mut set) = (Window::default(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(window.contains(number), set.contains(&number));
                window.insert(number);
                set.insert(number);
            }
            prop_assert!((1..200).all(|number| window.contains(number) == set.contains(&number)));
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest_as_seen() {
        let mut window = Window::default();
        for number in (2..10_000).step_by(2) {
            window.insert(number);
        }
        assert_eq!(window.runs.len(), RUNS_MAX);
        assert!(window.contains(3));
        assert!(!window.contains(9_999));
        window.insert(u64::MAX);
        assert!(window.contains(u64::MAX));
    }
}
