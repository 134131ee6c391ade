//! Counts of what became of one handler's events. Relaxed: each is exact, two read together are no snapshot.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Outcome;

/// Counts of what became of a handler's events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    handled: AtomicU64,
    failed: AtomicU64,
    retried: AtomicU64,
    rejected: AtomicU64,
    broken: AtomicU64,
    dead: AtomicU64,
    missed: AtomicU64,
    skipped: AtomicU64,
}

/// A handler's counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tallied {
    /// Handled well.
    pub handled: u64,
    /// Failed in passing: the handler asked for another try, or a request failed.
    pub failed: u64,
    /// Tried again.
    pub retried: u64,
    /// Rejected by the handler.
    pub rejected: u64,
    /// Calls that trapped or were cut.
    pub broken: u64,
    /// Given up as dead letters.
    pub dead: u64,
    /// Dropped before the handler saw them, because its queue was full.
    pub missed: u64,
    /// Ticks left out, because the handler was not done with the one before.
    pub skipped: u64,
}

impl Tally {
    /// A call ended so.
    pub(super) fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Done(_) => &self.handled,
            Outcome::Retry { .. } => &self.failed,
            Outcome::Reject(_) => &self.rejected,
            Outcome::Broken(_) => &self.broken,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// An event is kept for another try.
    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// An event was given up.
    pub(super) fn dead(&self) {
        self.dead.fetch_add(1, Ordering::Relaxed);
    }

    /// So many events were dropped from the queue.
    pub(super) fn missed(&self, events: u64) {
        self.missed.fetch_add(events, Ordering::Relaxed);
    }

    /// A tick was left out.
    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    pub(super) fn read(&self) -> Tallied {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tallied {
            handled: read(&self.handled),
            failed: read(&self.failed),
            retried: read(&self.retried),
            rejected: read(&self.rejected),
            broken: read(&self.broken),
            dead: read(&self.dead),
            missed: read(&self.missed),
            skipped: read(&self.skipped),
        }
    }
}
