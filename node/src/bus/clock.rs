//! The hybrid logical clock of one node, read once a publish without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use hive_proto::time::{Hlc, Now};

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

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
