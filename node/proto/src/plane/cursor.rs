//! Cursors: how far a group, or one broadcast subscriber, has come in a journal.
//!
//! What it owns: the acknowledged floor and what was acknowledged out of order above it, and how changes of both are
//! written down. It exists so that the rule "never back, never further than was acknowledged" stands in one place and is
//! tested without a disk. It must not know what is at a position, or when a change is durable.

mod change;

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, sync::Arc};

pub use change::{CursorChange, decode_changes, encode_changes};

/// Stretches a cursor keeps above its floor. Whoever leaves more holes than this is refused until holes are filled: a
/// consumer that far out of order has forgotten an event rather than being slow with it.
pub const RANGES_MAX: usize = 1_024;
/// Bytes of a cursor's name: a group's name, `@` and a node's id fit.
pub const CURSOR_NAME_BYTES_MAX: usize = 255;

/// Whose cursor: a group's name, or `name@node` for one subscriber.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CursorName(Arc<str>);

/// Why a text names no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CursorNameError {
    /// Nothing at all.
    #[error("a cursor's name is empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a cursor's name is longer than {CURSOR_NAME_BYTES_MAX} bytes")]
    TooLong,
    /// It would break the line it is shown in.
    #[error("a cursor's name has the control character {0:?}")]
    Character(char),
}

impl CursorName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn parse(name: &str) -> Result<Self, CursorNameError> {
        if name.is_empty() {
            return Err(CursorNameError::Empty);
        }
        if name.len() > CURSOR_NAME_BYTES_MAX {
            return Err(CursorNameError::TooLong);
        }
        match name.chars().find(|c| c.is_control()) {
            Some(c) => Err(CursorNameError::Character(c)),
            None => Ok(Self(name.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CursorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CursorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CursorName({})", self.0)
    }
}

/// What was acknowledged: everything up to the floor, and stretches above it. Positions count from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    floor: u64,
    /// First and last position of each stretch: apart from one another and from the floor by at least one position.
    above: BTreeMap<u64, u64>,
}

/// An acknowledgement that would leave more holes than a cursor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{RANGES_MAX} stretches are acknowledged above position {floor}, which is not: it holds back the rest"
)]
pub struct Scattered {
    /// The floor that does not move.
    pub floor: u64,
}

impl Cursor {
    /// Everything up to `floor` is acknowledged; 0 is nothing.
    #[must_use]
    pub fn at(floor: u64) -> Self {
        Self { floor, above: BTreeMap::new() }
    }

    /// Every position up to this one is acknowledged, and the next one is not.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// What is acknowledged above the floor, from the lowest.
    pub fn above(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u64>> {
        self.above.iter().map(|(first, last)| *first..=*last)
    }

    /// Whether this position was acknowledged.
    #[must_use]
    pub fn has(&self, position: u64) -> bool {
        position <= self.floor
            || self.above.range(..=position).next_back().is_some_and(|(_, last)| *last >= position)
    }

    /// Acknowledges a stretch; what of it was acknowledged before stays so. Returns whether anything changed. An empty
    /// stretch changes nothing.
    ///
    /// # Errors
    /// When it would be one stretch too many above the floor. Nothing changed then.
    pub fn acknowledge(&mut self, positions: RangeInclusive<u64>) -> Result<bool, Scattered> {
        let (mut first, mut last) = (*positions.start(), *positions.end());
        if first > last || last <= self.floor {
            return Ok(false);
        }
        if first <= self.floor.saturating_add(1) {
            self.raise(last);
            return Ok(true);
        }
        // Whoever touches it becomes one with it: at most one begins before it, the others inside or right behind.
        let touching = self.above.range(..=last.saturating_add(1)).rev();
        let touching: Vec<(u64, u64)> = touching
            .take_while(|(_, end)| end.saturating_add(1) >= first)
            .map(|(begin, end)| (*begin, *end))
            .collect();
        if let [(begin, end)] = touching[..]
            && begin <= first
            && end >= last
        {
            return Ok(false);
        }
        if touching.is_empty() && self.above.len() >= RANGES_MAX {
            return Err(Scattered { floor: self.floor });
        }
        for (begin, end) in touching {
            self.above.remove(&begin);
            (first, last) = (first.min(begin), last.max(end));
        }
        self.above.insert(first, last);
        Ok(true)
    }

    /// Moves the floor up to where nothing is kept any more below. Returns how many positions that passes over were
    /// never acknowledged.
    pub fn pass_over(&mut self, floor: u64) -> u64 {
        let Some(distance) = floor.checked_sub(self.floor) else { return 0 };
        let known = self.above().take_while(|range| *range.start() <= floor).fold(0_u64, |sum, range| {
            let last = floor.min(*range.end());
            sum.saturating_add(last.saturating_sub(*range.start()).saturating_add(1))
        });
        self.raise(floor);
        distance.saturating_sub(known)
    }

    /// Positions up to `last` that were not acknowledged.
    #[must_use]
    pub fn lag(&self, last: u64) -> u64 {
        self.clone().pass_over(last)
    }

    /// The floor is at least this, and further when a stretch above goes on from there.
    fn raise(&mut self, floor: u64) {
        self.floor = self.floor.max(floor);
        while let Some(lowest) = self.above.first_entry()
            && *lowest.key() <= self.floor.saturating_add(1)
        {
            self.floor = self.floor.max(lowest.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const END: u64 = 60;

    /// What is said of a cursor must be what a plain set of positions says.
    fn check(cursor: &Cursor, acknowledged: &BTreeSet<u64>) -> Result<(), TestCaseError> {
        let floor = (1..).find(|position| !acknowledged.contains(position)).unwrap_or(1) - 1;
        prop_assert_eq!(cursor.floor(), floor);
        for position in 1..=END + 10 {
            prop_assert_eq!(cursor.has(position), acknowledged.contains(&position), "{}", position);
        }
        let lag = (1..=END).filter(|position| !acknowledged.contains(position)).count();
        prop_assert_eq!(cursor.lag(END), lag as u64);
        let ranges: Vec<_> = cursor.above().collect();
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end() + 1 < *pair[1].start()), "{:?}", ranges);
        prop_assert!(ranges.first().is_none_or(|range| *range.start() > floor + 1));
        Ok(())
    }

    proptest! {
        #[test]
        fn a_cursor_is_the_set_of_what_was_acknowledged(
            steps in prop::collection::vec((any::<bool>(), 1..END, 0_u64..8), 0..60),
        ) {
            let (mut cursor, mut set) = (Cursor::default(), BTreeSet::new());
            for (pass, first, more) in steps {
                if pass && more == 0 {
                    let unknown = (1..=first).filter(|position| set.insert(*position)).count();
                    prop_assert_eq!(cursor.pass_over(first), unknown as u64);
                } else {
                    let last = (first + more).min(END);
                    let new = (first..=last).filter(|position| set.insert(*position)).count();
                    prop_assert_eq!(cursor.acknowledge(first..=last), Ok(new > 0));
                }
                check(&cursor, &set)?;
            }
        }
    }

    #[test]
    fn holes_are_bounded_and_filling_one_helps() {
        let mut cursor = Cursor::at(0);
        for n in 1..=RANGES_MAX as u64 {
            assert_eq!(cursor.acknowledge(2 * n..=2 * n), Ok(true));
        }
        let far = 2 * RANGES_MAX as u64 + 2;
        assert_eq!(cursor.acknowledge(far..=far), Err(Scattered { floor: 0 }));
        assert!(!cursor.has(far));
        assert_eq!(cursor.acknowledge(far - 1..=far - 1), Ok(true), "it goes on from a stretch");
        assert_eq!(cursor.acknowledge(1..=1), Ok(true));
        assert_eq!(cursor.floor(), 2);
        assert_eq!(cursor.acknowledge(far + 8..=far + 8), Ok(true));
    }

    #[test]
    fn the_ends_of_the_numbers_are_no_trouble() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.acknowledge(u64::MAX..=u64::MAX), Ok(true));
        assert_eq!(cursor.acknowledge(0..=0), Ok(false));
        assert_eq!(cursor.pass_over(u64::MAX - 1), u64::MAX - 1);
        assert_eq!(cursor.floor(), u64::MAX);
    }

    #[test]
    fn names_are_one_line() {
        assert!(CursorName::parse("billing@7f").is_ok());
        assert_eq!(CursorName::parse(""), Err(CursorNameError::Empty));
        assert_eq!(CursorName::parse(&"x".repeat(256)), Err(CursorNameError::TooLong));
        assert_eq!(CursorName::parse("a\nb"), Err(CursorNameError::Character('\n')));
    }
}
