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

    /// A delay between the two, in milliseconds, to the microsecond.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        let span = to.saturating_sub(from).saturating_mul(1000).saturating_add(1);
        Duration::from_micros(from.saturating_mul(1000).saturating_add(self.number() % span))
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
