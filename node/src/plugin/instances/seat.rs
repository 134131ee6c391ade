//! Where a worker's instance waits for its next event, and when it waits no longer.
//!
//! What it owns: one instance, and the three reasons to let it go although nothing is wrong with it: it handled many events,
//! it holds much memory, or nobody needed it for long. It must not know what an instance does.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::time::Sleep;

use super::{Instance, Mode};
use crate::plugin::{limits::Limits, worker::Version};

/// The seat.
pub struct Seat {
    instance: Option<Instance>,
    mode: Mode,
    limits: Limits,
    /// Kept over waits, as setting one anew with each event would cost more than the waiting.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Seat {
    /// A seat of a version's worker, with an instance or empty.
    #[must_use]
    pub fn new(instance: Option<Instance>, version: &Version) -> Self {
        Self { instance, mode: version.wishes.mode, limits: version.limits, alarm: None }
    }

    /// The instance, if there is one.
    pub fn take(&mut self) -> Option<Instance> {
        self.instance.take()
    }

    /// An instance has come back from a call; it stays, unless it is better to begin anew.
    pub fn put(&mut self, mut instance: Instance) {
        let stays = match self.mode {
            Mode::Pool => !instance.is_worn(&self.limits),
            Mode::Fresh => false,
            // Its memory is what it is for.
            Mode::Single => true,
        };
        self.instance = stays.then_some(instance);
    }

    /// Lets the instance go when it was not needed for long. Runs while there is no event; never ends by itself.
    pub async fn idle(&mut self) {
        if self.mode != Mode::Pool || self.instance.is_none() {
            return std::future::pending().await;
        }
        let end = Instant::now() + self.limits.retire_idle;
        // One that was set in an earlier wait comes too early, and is set anew then.
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end.into())));
        loop {
            alarm.as_mut().await;
            if Instant::now() >= end {
                break;
            }
            alarm.as_mut().reset(end.into());
        }
        (self.instance, self.alarm) = (None, None);
        std::future::pending::<()>().await;
    }
}

/// How long an instance may be idle unless the configuration says otherwise.
pub const RETIRE_IDLE: Duration = Duration::from_secs(60);
