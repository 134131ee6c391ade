//! Which letters there are: their numbers and sizes by handler, and how many each may have.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::LetterError;

/// Letters of one handler; past it the oldest goes. More than anybody looks through.
const LETTERS_MAX: usize = 1_000;
/// Bytes of them: twice the largest event.
const BYTES_MAX: usize = 32 << 20;
/// Handlers that have letters. Groups of other nodes are among them, whose number is not this node's to say.
const NAMES_MAX: usize = 4_096;
/// Letters of one handler in a second: so many as it may have at all, so that one that can handle nothing leaves room on
/// the disk to others.
const PER_SECOND_MAX: usize = LETTERS_MAX;

/// How many letters a handler has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LetterCounts {
    /// Those that are kept.
    pub letters: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Those that found no room since the node started, or gave way to newer ones.
    pub let_go: u64,
    /// The number of the last that was kept; 0: the node knows of none.
    pub last: u64,
}

/// The letters of all handlers.
#[derive(Debug, Default)]
pub(super) struct Rows(BTreeMap<String, Row>);

/// The letters of one handler.
#[derive(Debug, Default)]
struct Row {
    letters: BTreeMap<u64, Place>,
    bytes: usize,
    /// The last number that was given.
    last: u64,
    let_go: u64,
    /// It was asked whether one of this life is the first.
    is_known: bool,
    /// When the present second began, and letters since.
    second: Option<(Instant, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    bytes: usize,
    /// It is being handled again.
    in_hand: bool,
}

impl Rows {
    /// One that is there from before.
    pub(super) fn found(&mut self, name: &str, number: u64, bytes: usize) {
        let row = self.0.entry(name.to_owned()).or_default();
        row.last = row.last.max(number);
        row.put(number, Place { bytes, in_hand: false });
    }

    /// The number of a new letter: the one it had, when it was given again. None: this one is not kept.
    pub(super) fn number(&mut self, name: &str, again: Option<u64>, now: Instant) -> Option<u64> {
        if !self.0.contains_key(name) && self.0.len() >= NAMES_MAX {
            return None;
        }
        let row = self.0.entry(name.to_owned()).or_default();
        if again.is_some() {
            return again;
        }
        let (began, count) = row
            .second
            .filter(|(began, _)| now.duration_since(*began) < Duration::from_secs(1))
            .unwrap_or((now, 0));
        row.second = Some((began, count.saturating_add(1)));
        if count >= PER_SECOND_MAX {
            row.let_go = row.let_go.saturating_add(1);
            return None;
        }
        row.last = row.last.saturating_add(1);
        Some(row.last)
    }

    /// Whether a letter that was kept is the handler's first since the node started: once.
    pub(super) fn is_first(&mut self, name: &str) -> bool {
        self.0.get_mut(name).is_some_and(|row| !std::mem::replace(&mut row.is_known, true))
    }

    /// A letter was not taken.
    pub(super) fn left_out(&mut self, name: &str) {
        if let Some(row) = self.0.get_mut(name) {
            row.let_go = row.let_go.saturating_add(1);
        }
    }

    /// A letter is kept. Returns the numbers of those that give way to it.
    pub(super) fn add(&mut self, name: &str, number: u64, bytes: usize) -> Vec<u64> {
        let Some(row) = self.0.get_mut(name) else { return Vec::new() };
        let in_hand = row.letters.get(&number).is_some_and(|place| place.in_hand);
        row.put(number, Place { bytes, in_hand });
        let mut gone = Vec::new();
        while (row.letters.len() > LETTERS_MAX || row.bytes > BYTES_MAX) && row.letters.len() > 1 {
            let Some((oldest, place)) = row.letters.pop_first() else { break };
            row.bytes = row.bytes.saturating_sub(place.bytes);
            row.let_go = row.let_go.saturating_add(1);
            gone.push(oldest);
        }
        gone
    }

    pub(super) fn counts(&self, name: &str) -> LetterCounts {
        let count = |row: &Row| LetterCounts {
            letters: row.letters.len(),
            bytes: row.bytes,
            let_go: row.let_go,
            last: row.last,
        };
        self.0.get(name).map(count).unwrap_or_default()
    }

    pub(super) fn numbers(&self, name: &str) -> Vec<u64> {
        self.0.get(name).map(|row| row.letters.keys().copied().collect()).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str, number: u64) -> bool {
        self.0.get(name).is_some_and(|row| row.letters.contains_key(&number))
    }

    /// Takes one in hand.
    pub(super) fn take(&mut self, name: &str, number: u64) -> Result<(), LetterError> {
        let place = self.place(name, number);
        let place = place.ok_or_else(|| LetterError::Unknown { name: name.to_owned(), number })?;
        if std::mem::replace(&mut place.in_hand, true) { Err(LetterError::InHand(number)) } else { Ok(()) }
    }

    /// It is in hand no more.
    pub(super) fn put_back(&mut self, name: &str, number: u64) {
        if let Some(place) = self.place(name, number) {
            place.in_hand = false;
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, name: &str, number: u64) -> bool {
        let Some(row) = self.0.get_mut(name) else { return false };
        let Some(place) = row.letters.remove(&number) else { return false };
        row.bytes = row.bytes.saturating_sub(place.bytes);
        true
    }

    fn place(&mut self, name: &str, number: u64) -> Option<&mut Place> {
        self.0.get_mut(name)?.letters.get_mut(&number)
    }
}

impl Row {
    fn put(&mut self, number: u64, place: Place) {
        let before = self.letters.insert(number, place);
        self.bytes =
            self.bytes.saturating_sub(before.map_or(0, |before| before.bytes)).saturating_add(place.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_by_number_and_by_bytes() {
        let (mut rows, mut now) = (Rows::default(), Instant::now());
        let mut keep = |rows: &mut Rows, bytes: usize| {
            now += Duration::from_millis(2);
            let number = rows.number("x", None, now).expect("a number");
            (number, rows.add("x", number, bytes))
        };
        for n in 1..=LETTERS_MAX as u64 {
            assert_eq!(keep(&mut rows, 10), (n, vec![]));
        }
        assert_eq!(keep(&mut rows, 10), (LETTERS_MAX as u64 + 1, vec![1]));
        let (_, gone) = keep(&mut rows, BYTES_MAX);
        assert_eq!((gone.len(), rows.counts("x").letters), (LETTERS_MAX, 1));
        assert_eq!(rows.counts("x").let_go, LETTERS_MAX as u64 + 1);
    }

    #[test]
    fn a_flood_is_kept_up_to_its_rate_and_the_rest_counted() {
        let (mut rows, now) = (Rows::default(), Instant::now());
        let kept = (0..PER_SECOND_MAX + 500).filter_map(|_| rows.number("x", None, now)).count();
        assert_eq!((kept, rows.counts("x").let_go), (PER_SECOND_MAX, 500));
        assert!(rows.number("x", None, now + Duration::from_secs(1)).is_some());
    }

    #[test]
    fn one_in_hand_is_taken_once_and_keeps_its_number_when_it_dies_again() {
        let (mut rows, now) = (Rows::default(), Instant::now());
        rows.found("x", 7, 10);
        assert_eq!(rows.take("x", 7), Ok(()));
        assert_eq!(rows.take("x", 7), Err(LetterError::InHand(7)));
        assert_eq!(rows.number("x", Some(7), now), Some(7));
        assert!(rows.add("x", 7, 12).is_empty());
        rows.put_back("x", 7);
        assert_eq!((rows.counts("x").letters, rows.counts("x").bytes), (1, 12));
        assert_eq!(rows.number("x", None, now), Some(8));
        assert!(rows.remove("x", 7) && !rows.remove("x", 7));
    }
}
