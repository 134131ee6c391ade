//! Chance that comes from a seed: so that nodes do not all do the same thing at the same time.

use std::time::Duration;

use crate::mix;

/// The state of a small generator, good enough to spread delays.
#[derive(Debug, Clone)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Between half and one and a half of the delay.
    pub(super) fn around(&mut self, delay: Duration) -> Duration {
        let permille = 500 + mix::next(&mut self.0) % 1001;
        // At most 1500, so it fits.
        delay.saturating_mul(permille as u32) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_spread_around_what_was_asked() {
        let delay = Duration::from_millis(1000);
        let mut jitter = Jitter::new(7);
        let delays: Vec<_> = (0..1000).map(|_| jitter.around(delay)).collect();
        assert!(delays.iter().all(|d| *d >= delay / 2 && *d <= delay * 3 / 2));
        assert!(delays.iter().any(|d| *d < delay * 6 / 10) && delays.iter().any(|d| *d > delay * 14 / 10));
    }
}
