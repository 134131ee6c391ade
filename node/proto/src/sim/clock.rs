//! A node's own time: how fast it runs, and what its wall clock says.

use std::time::Duration;

use super::{chance::Chance, scenario::Oddities};
use crate::time::Now;

/// The wall clock at the beginning of a run where it is right, in milliseconds since the Unix epoch.
pub(super) const EPOCH_MS: u64 = 1_800_000_000_000;

const MILLION: i128 = 1_000_000;

/// One node's clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// The wall clock at the node's time zero.
    pub(super) unix_ms: u64,
    /// How much too fast it runs, in millionths.
    rate_ppm: i64,
}

impl Clock {
    pub(super) fn new(oddities: &Oddities, chance: &mut Chance) -> Self {
        let skew = chance.between(Duration::ZERO, oddities.clock_skew.saturating_mul(2));
        let skew = u64::try_from(skew.as_millis()).unwrap_or(u64::MAX);
        let most = u64::try_from(oddities.clock_skew.as_millis()).unwrap_or(u64::MAX);
        let drift = i64::from(oddities.clock_drift_ppm);
        let rate_ppm = match usize::try_from(2 * drift + 1) {
            Ok(rates) if drift > 0 => i64::try_from(chance.below(rates)).unwrap_or(0) - drift,
            _ => 0,
        };
        Self { unix_ms: EPOCH_MS.saturating_add(skew).saturating_sub(most), rate_ppm }
    }

    /// What the node calls this moment.
    pub(super) fn here(&self, now: Now) -> Now {
        self.scale(now, MILLION + i128::from(self.rate_ppm), MILLION, 0)
    }

    /// When the node will call it this moment, or a little later.
    pub(super) fn when(&self, here: Now) -> Now {
        let rate = MILLION + i128::from(self.rate_ppm);
        self.scale(here, MILLION, rate, rate - 1)
    }

    /// What its wall clock says, in milliseconds since the Unix epoch.
    pub(super) fn wall_ms(&self, now: Now) -> u64 {
        self.unix_ms.saturating_add(u64::try_from(self.here(now).0.as_millis()).unwrap_or(u64::MAX))
    }

    /// Somebody sets the wall clock.
    pub(super) fn jump(&mut self, by_ms: i64) {
        self.unix_ms = self.unix_ms.saturating_add_signed(by_ms);
    }

    fn scale(&self, at: Now, by: i128, of: i128, round: i128) -> Now {
        if self.rate_ppm == 0 {
            return at;
        }
        let nanos = i128::try_from(at.0.as_nanos()).unwrap_or(i128::MAX / MILLION / 2);
        Now(Duration::from_nanos(u64::try_from((nanos * by + round) / of).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_rings_when_the_node_thinks_it_is_due() {
        let oddities = Oddities { clock_drift_ppm: 200, ..Oddities::default() };
        let mut chance = Chance::new(1);
        let mut rates = std::collections::BTreeSet::new();
        for n in 0..500_u64 {
            let mut clock = Clock::new(&oddities, &mut chance);
            rates.insert(clock.rate_ppm);
            let at = Now(Duration::from_nanos(n * 7_777_777_777 + n));
            let here = clock.here(clock.when(at));
            assert!(here >= at && here.0 - at.0 < Duration::from_nanos(3), "{clock:?} {at:?} {here:?}");
            let before = clock.wall_ms(at);
            clock.jump(-3_000);
            assert_eq!(clock.wall_ms(at), before - 3_000);
        }
        assert!(rates.iter().all(|rate| rate.abs() <= 200) && rates.len() > 100);
        let day = Now(Duration::from_secs(86_400));
        let fast = Clock { unix_ms: 0, rate_ppm: 200 };
        assert_eq!(fast.here(day).0 - day.0, Duration::from_millis(17_280));
    }
}
