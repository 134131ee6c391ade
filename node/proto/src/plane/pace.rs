//! How long slow consumers may hold up one publisher or one link's reader: 50 ms in any second, all of
//! them together. Past that the consumer lags alone. A publisher may have more patience than that.

use std::time::Duration;

use crate::time::Now;

/// What may be spent in one window.
const BUDGET: Duration = Duration::from_millis(50);
/// The window.
const WINDOW: Duration = Duration::from_secs(1);

/// The waiting one publisher has done in the current window.
#[derive(Debug, Default)]
pub struct Pace {
    /// Set for a publisher that would rather wait this long at each stall than lose an event.
    patience: Option<Duration>,
    window_started: Option<Now>,
    spent: Duration,
}

impl Pace {
    /// Waits up to `patience` at every stall, whatever was waited before.
    #[must_use]
    pub fn patient(patience: Duration) -> Self {
        Self { patience: Some(patience), ..Self::default() }
    }

    /// How long it may still wait now.
    pub fn allowance(&mut self, now: Now) -> Duration {
        if let Some(patience) = self.patience {
            return patience;
        }
        let fresh = self.window_started.is_none_or(|started| now.0.saturating_sub(started.0) >= WINDOW);
        if fresh {
            self.window_started = Some(now);
            self.spent = Duration::ZERO;
        }
        BUDGET.saturating_sub(self.spent)
    }

    /// It waited so long.
    pub fn spend(&mut self, waited: Duration) {
        self.spent = self.spent.saturating_add(waited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gives_fifty_milliseconds() {
        let at = |ms| Now(Duration::from_millis(ms));
        let mut pace = Pace::default();
        assert_eq!(pace.allowance(at(0)), BUDGET);
        pace.spend(Duration::from_millis(30));
        assert_eq!(pace.allowance(at(400)), Duration::from_millis(20));
        pace.spend(Duration::from_millis(30));
        assert_eq!(pace.allowance(at(999)), Duration::ZERO);
        assert_eq!(pace.allowance(at(1000)), BUDGET);
        let mut patient = Pace::patient(WINDOW);
        patient.spend(WINDOW);
        assert_eq!(patient.allowance(at(0)), WINDOW);
    }
}
