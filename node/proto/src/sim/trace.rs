//! What happened, as a fingerprint of all of it; and, for people who ask, as lines.
//!
//! A run is told by its seed, so lines are only made when somebody wants to read them: the run is then done
//! once more. The fingerprint is of the values themselves, frames byte by byte, not of how they are written.

use std::{
    collections::VecDeque,
    fmt::Debug,
    hash::{Hash, Hasher},
};

use crate::{
    mix::{STEP, scatter},
    time::Now,
};

/// The fingerprint so far, and the last lines.
#[derive(Debug)]
pub(super) struct Trace {
    print: Fingerprint,
    lines: VecDeque<String>,
    /// How many lines are kept.
    keep: usize,
}

impl Trace {
    pub(super) fn new(keep: usize) -> Self {
        Self { print: Fingerprint::default(), lines: VecDeque::new(), keep }
    }

    /// Something happened: `way` says whether it went into a node (`<`), came out (`>`) or was done (`!`).
    pub(super) fn note(&mut self, now: Now, node: usize, way: char, what: &(impl Hash + Debug)) {
        (now, node, way).hash(&mut self.print);
        what.hash(&mut self.print);
        if self.keep > 0 {
            if self.lines.len() >= self.keep {
                self.lines.pop_front();
            }
            self.lines.push_back(format!("{:?} {node} {way} {what:?}", now.0));
        }
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.print.finish()
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

/// A hasher of 64 bits that is the same everywhere and always. Each step is a bijection of the state for a
/// given word, so that a single difference is never lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of one value.
    pub(super) fn of(what: &impl Hash) -> u64 {
        let mut print = Self::default();
        what.hash(&mut print);
        print.finish()
    }

    fn word(&mut self, word: u64) {
        self.0 = step(self.0, word);
    }

    /// Long texts go four words at a time, which do not wait for each other. Returns what is left of them.
    fn long<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (blocks, rest) = bytes.as_chunks::<32>();
        if blocks.is_empty() {
            return bytes;
        }
        let mut lanes = [1, 2, 3, 4];
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            lanes
                .iter_mut()
                .zip(words)
                .for_each(|(lane, word)| *lane = step(*lane, u64::from_le_bytes(*word)));
        }
        lanes.into_iter().for_each(|lane| self.word(lane));
        rest
    }
}

/// A bijection of either for a given other.
fn step(state: u64, word: u64) -> u64 {
    (state.rotate_left(23) ^ word).wrapping_mul(STEP).wrapping_add(1)
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = self.long(bytes).as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length keeps apart texts that differ by zeroes at their end.
        self.word(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(56));
    }

    fn write_u8(&mut self, number: u8) {
        self.word(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.word(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    /// The state is scattered once more, so that its high bits show the last words.
    fn finish(&self) -> u64 {
        scatter(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn every_byte_and_its_place_count() {
        let mut seen = BTreeSet::new();
        for length in 0..140_usize {
            let zeroes = vec![0_u8; length];
            assert!(seen.insert(Fingerprint::of(&Bytes::from(zeroes.clone()))), "{length} zeroes");
            for at in 0..length {
                let mut one = zeroes.clone();
                one[at] = 1;
                assert!(seen.insert(Fingerprint::of(&Bytes::from(one))), "a one at {at} of {length}");
            }
        }
    }
}
