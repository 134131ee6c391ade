//! The hybrid logical clock of one node, read once a publish without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use hive_proto::time::{Hlc, Now};
use rustix::time::{ClockId, clock_gettime};

/// A neighbour's clock is followed this far ahead of our own; past it, the neighbour is wrong.
const FOLLOWED_AHEAD_MS: u64 = 500;

/// Wall time that never goes back, and time since the start for the pure parts.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    last: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }

    /// A reading for the next event: never before one that was given or seen.
    pub(super) fn stamp(&self) -> Hlc {
        let wall = Hlc::from_unix_ms(unix_ms());
        let last = self.last.load(Ordering::Relaxed);
        // Within one tick of the clock there is nothing to write, and other publishers read the same line.
        if last >= wall.0 {
            return Hlc(last);
        }
        Hlc(self.last.fetch_max(wall.0, Ordering::Relaxed).max(wall.0))
    }

    /// An event of another node said this time.
    pub(super) fn saw(&self, time: Hlc) {
        if time.unix_ms() <= unix_ms().saturating_add(FOLLOWED_AHEAD_MS) {
            self.last.fetch_max(time.0, Ordering::Relaxed);
        }
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Now {
        Now(self.started.elapsed())
    }
}

/// The kernel's coarse clock: a few milliseconds behind at most, at a tenth of the cost.
pub(super) fn unix_ms() -> u64 {
    let time = clock_gettime(ClockId::RealtimeCoarse);
    let ms = time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000);
    u64::try_from(ms).unwrap_or(0)
}
