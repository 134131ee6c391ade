//! What plugins did: counts that their workers and their loader write and everybody reads.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};

use super::{Board, Count};

/// Components that were loaded.
#[derive(Debug, Default)]
pub struct Components {
    /// Those that had to be compiled.
    pub compiled: Count,
    /// Those whose code was in the cache.
    pub cached: Count,
}

/// What a plugin did with its events.
#[derive(Debug, Default)]
pub struct Work {
    /// Events that were handled.
    pub handled: Count,
    /// Requests that were answered, among them.
    pub answered: Count,
    /// Attempts that asked to be repeated.
    pub retried: Count,
    /// Events that were refused for good or ran out of attempts: dead letters.
    pub dead: Count,
    /// Calls cut at a limit.
    pub cut: Count,
    /// Of these, at the deadline.
    pub cut_deadline: Count,
    /// Of these, for processor time.
    pub cut_cpu: Count,
    /// Of these, for memory.
    pub cut_memory: Count,
    /// Calls that trapped.
    pub trapped: Count,
    /// Events dropped because the plugin lagged.
    pub dropped: Count,
    /// Events waiting (a gauge).
    pub queued: Count,
    /// Time spent in the guest, in microseconds.
    pub busy_us: Count,
    /// Bytes that it keeps on this node (a gauge).
    pub state_bytes: Count,
    /// Time on a processor, in microseconds. Exact for calls longer than a tick; a shorter one counts as it took.
    pub cpu_us: Count,
    /// The most bytes an instance had (a gauge).
    pub memory_peak: Count,
    /// How long calls took.
    pub latency: Latency,
    /// Calls of the node and publishes that had to wait, or were refused, for being too many.
    pub paced: Count,
    /// Messages out that were larger than they may be.
    pub too_large: Count,
    /// Lines that were not logged for being too many.
    pub lines_left_out: Count,
    /// Whether it is paused (a gauge: see [`Breaker`]).
    pub breaker: Count,
    /// How often it was paused.
    pub pauses: Count,
    /// Why it is paused, if it is.
    pub pause: Board<Option<PauseCard>>,
    /// How often its process was started again after its end.
    pub restarts: Count,
}

impl Work {
    /// Whether it is paused.
    #[must_use]
    pub fn breaker(&self) -> Breaker {
        Breaker::of(self.breaker.value())
    }
}

/// Whether a plugin that kept failing is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// It gets its events.
    Closed,
    /// It is paused.
    Open,
    /// One event is tried.
    HalfOpen,
}

impl Breaker {
    /// Its number on a gauge.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::HalfOpen => 2,
        }
    }

    fn of(number: u64) -> Self {
        match number {
            1 => Self::Open,
            2 => Self::HalfOpen,
            _ => Self::Closed,
        }
    }
}

/// Why a plugin that kept failing is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseCard {
    /// After how many failures, and the last of them, in one line.
    pub why: String,
    /// When the first pause began that no event has ended.
    pub since: SystemTime,
    /// From when on one event is tried; none: one is being tried.
    pub until: Option<SystemTime>,
}

/// The upper bounds of the buckets of [`Latency`], in microseconds; the last bucket has none.
pub const LATENCY_BOUNDS_US: [u64; 12] =
    [10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];

/// How long calls took: how many in each bucket.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    sum_us: Count,
}

impl Latency {
    /// One call took so long.
    pub fn add(&self, us: u64) {
        let at = LATENCY_BOUNDS_US.partition_point(|bound| *bound < us);
        self.buckets[at].fetch_add(1, Relaxed);
        self.sum_us.add(us);
    }

    /// Calls by bucket, each without those of the ones before; and the time of all of them, in microseconds.
    #[must_use]
    pub fn read(&self) -> ([u64; LATENCY_BOUNDS_US.len() + 1], u64) {
        (std::array::from_fn(|at| self.buckets[at].load(Relaxed)), self.sum_us.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_in_the_bucket_whose_bound_it_reaches() {
        let latency = Latency::default();
        [0, 10, 11, 5_000_000, 5_000_001].into_iter().for_each(|us| latency.add(us));
        let (buckets, sum) = latency.read();
        assert_eq!((buckets[0], buckets[1], buckets[11], buckets[12], sum), (2, 1, 1, 1, 10_000_022));
    }
}
