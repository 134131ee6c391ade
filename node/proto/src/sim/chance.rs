//! The weather's dice. Everything that happens by chance in a run comes from one seed through here.

use std::time::Duration;

/// A xorshift* generator (Vigna 2016), enough for dice.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        // The state must not be zero, and close seeds must not give close runs.
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = chance.number());
        chance
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below the bound, which is at least 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound.max(1) as u64).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < usize::from(percent)
    }

    /// True so many times in a million; what never happens costs no dice.
    pub(super) fn ppm(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.number() % 1_000_000 < u64::from(ppm)
    }

    /// A time between the two, to the microsecond.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX);
        if span == 0 {
            return from;
        }
        from.saturating_add(Duration::from_micros(self.number() % span.saturating_add(1)))
    }

    /// A time between the two, which are in milliseconds.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        self.between(Duration::from_millis(from), Duration::from_millis(to))
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Puts them into another order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last + 1);
            all.swap(last, other);
        }
    }
}

/// A number that looks like chance and is always the same for the same three: for what must not depend on
/// how many dice were thrown before.
pub(super) fn settled(seed: u64, a: usize, b: usize) -> u64 {
    Chance::new(seed ^ (a as u64).rotate_left(32) ^ (b as u64).wrapping_mul(0x2545_f491_4f6c_dd1d)).number()
}
