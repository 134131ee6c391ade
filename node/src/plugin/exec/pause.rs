//! How long is waited before a process that ended is started again. Pure: the caller brings the chance.

use std::time::Duration;

/// The first pause; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// After so long a life the pauses begin anew.
const HELD: Duration = Duration::from_secs(10);

/// The next pause.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(PAUSE_MIN)
    }
}

impl Pause {
    /// The pause after a process that was ready for so long: half to all of it by the draw, so that what failed together
    /// does not come back together.
    pub(super) fn take(&mut self, lived: Duration, draw: u16) -> Duration {
        if lived >= HELD {
            self.0 = PAUSE_MIN;
        }
        let pause = self.0;
        self.0 = pause.saturating_mul(2).min(PAUSE_MAX);
        pause / 2 + pause / 2 * u32::from(draw) / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_vary_and_begin_anew() {
        let mut pause = Pause::default();
        let millis = Duration::from_millis;
        for want in [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000] {
            assert_eq!(pause.take(millis(1), u16::MAX), millis(want));
        }
        assert_eq!(pause.take(millis(1), 0), millis(15_000));
        assert_eq!(pause.take(HELD, u16::MAX), millis(100));
    }
}
