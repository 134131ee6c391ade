//! The state machine's timers, and the moment the next one is due.

use std::{collections::BTreeMap, time::Duration};

use hive_proto::{io::Timer, time::Now};
use tokio::time::Instant;

/// Armed timers over the driver's clock.
#[derive(Debug)]
pub(super) struct Timers {
    /// Time zero of everything the state machine is told.
    started: Instant,
    armed: BTreeMap<Timer, Now>,
}

impl Timers {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), armed: BTreeMap::new() }
    }

    pub(super) fn now(&self) -> Now {
        Now(self.started.elapsed())
    }

    pub(super) fn arm(&mut self, timer: Timer, at: Now) {
        self.armed.insert(timer, at);
    }

    /// Waits for the next timer and takes it. Cancel-safe; never completes while none is armed.
    pub(super) async fn next(&mut self) -> Timer {
        let next = self.armed.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
        let Some((timer, at)) = next else { return std::future::pending().await };
        // The state machine must not see itself early by the clock's rounding.
        tokio::time::sleep_until(self.started + at.0 + Duration::from_micros(1)).await;
        self.armed.remove(&timer);
        timer
    }
}
