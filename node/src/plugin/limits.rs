//! What one call into a guest may cost, and the watch over it: wall time, CPU time, memory.
//!
//! Exists so that one plugin's loop or hunger never disturbs another. It must not know what is called or why.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};

use hive_proto::limits::PAYLOAD_BYTES_MAX;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::sleep_until;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use super::{
    description::SUBSCRIPTIONS_MAX,
    engine::{Pulse, STACK_BYTES, TICK, threads::pass},
    instances::seat::RETIRE_IDLE,
    timer::TIMERS_MAX,
};
use crate::{
    status::LimitsCard,
    units::{ByteSize, duration_rough},
};

/// What a plugin's calls may cost, and how long its instances serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of one call from its dispatch, waits included. A request has what its caller has left, if that is less.
    pub deadline: Duration,
    /// Time on a processor of one call.
    pub cpu: Duration,
    /// Bytes of all memories and tables of one instance together.
    pub memory: ByteSize,
    /// Bytes of one payload that it publishes or answers.
    pub payload: ByteSize,
    /// Bytes it may make the node allocate with one call, either way.
    pub call_bytes: ByteSize,
    /// Calls of the node a second, WASI's among them, by all instances together.
    pub host_calls: u64,
    /// Events a second that it publishes and asks, by all instances together.
    pub publishes: u64,
    /// Lines a second in the log, and among its last lines.
    pub log_lines: u64,
    /// Bytes of them a second.
    pub log_bytes: ByteSize,
    /// A warm instance is replaced after so many calls; none: however many.
    pub retire_after: Option<u32>,
    /// A warm instance that was not needed for so long gives its memory back.
    pub retire_idle: Duration,
}

/// Wall time of one event: longer than nearly everything that is asked over a network takes.
const DEADLINE: Duration = Duration::from_secs(5);
/// Processor time of one event: a thousand times what a usual one needs, and short enough for the others in the queue.
const CPU: Duration = Duration::from_secs(1);
/// Memory of one instance: an interpreter and what it works on.
const MEMORY: ByteSize = ByteSize::mib(64);
/// Calls of the node a second: ten for each event out of those that it may have. A loop of the cheapest makes more.
const HOST_CALLS: u64 = 5_000_000;
/// Events out a second: what the node itself carries on one core with ease; a loop makes more.
const PUBLISHES: u64 = 500_000;
/// Lines a second: as many as somebody can skim through, over all instances.
const LOG_LINES: u64 = 200;
/// Bytes of lines a second: a gigabyte takes hours then.
const LOG_BYTES: ByteSize = ByteSize::kib(64);

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: DEADLINE,
            cpu: CPU,
            memory: MEMORY,
            payload: ByteSize::mib((PAYLOAD_BYTES_MAX >> 20) as u64),
            // The largest message, and room for its headers.
            call_bytes: ByteSize::mib((PAYLOAD_BYTES_MAX >> 19) as u64),
            host_calls: HOST_CALLS,
            publishes: PUBLISHES,
            log_lines: LOG_LINES,
            log_bytes: LOG_BYTES,
            retire_after: None,
            retire_idle: RETIRE_IDLE,
        }
    }
}

impl Limits {
    /// The same for whoever looks at the plugin.
    #[must_use]
    pub fn card(&self) -> LimitsCard {
        LimitsCard {
            deadline: self.deadline,
            cpu: self.cpu,
            memory: self.memory,
            stack: STACK_BYTES,
            payload: self.payload,
            call_bytes: self.call_bytes,
            host_calls: self.host_calls,
            publishes: self.publishes,
            log_lines: self.log_lines,
            log_bytes: self.log_bytes,
            subscriptions: SUBSCRIPTIONS_MAX as u64,
            timers: TIMERS_MAX as u64,
        }
    }
}

/// Which limit a call ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// Wall time.
    #[error("was cut at its deadline after {}", duration_rough(*.0))]
    Deadline(Duration),
    /// Time on a processor.
    #[error("was cut after {} of CPU time", duration_rough(*.0))]
    Cpu(Duration),
    /// It asked for more memory than it may have.
    #[error("was stopped for memory: it asked for more than {0}")]
    Memory(ByteSize),
}

/// Counts the memory of one instance. A refusal is remembered: most guests answer it with a trap of their own.
#[derive(Debug)]
pub struct MemoryCap {
    limit: ByteSize,
    used: u64,
    /// What the last growth added, to be given back when the system refuses it.
    last: u64,
    refused: bool,
}

/// What wasmtime keeps for one table element.
const TABLE_ELEMENT_BYTES: u64 = 8;

impl MemoryCap {
    /// Nothing used yet.
    #[must_use]
    pub fn new(limit: ByteSize) -> Self {
        Self { limit, used: 0, last: 0, refused: false }
    }

    /// A call begins: what an older one was refused explains nothing.
    pub fn begin(&mut self) {
        self.refused = false;
    }

    /// Bytes that are in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// The cut it means when growth was refused.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        self.refused.then_some(Cut::Memory(self.limit))
    }

    fn grow(&mut self, current: usize, desired: usize, unit: u64) -> bool {
        let more = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX).saturating_mul(unit);
        let total = self.used.saturating_add(more);
        if total > self.limit.0 {
            self.refused = true;
            return false;
        }
        self.used = total;
        self.last = more;
        true
    }

    fn give_back(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
    }
}

impl ResourceLimiter for MemoryCap {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, 1))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, TABLE_ELEMENT_BYTES))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.give_back();
        Ok(())
    }
}

/// Measures the calls of one instance, one after the other. Shared between the store, whose ticks check it, and the
/// future that polls the call; both run on one thread at a time, so relaxed atomics are enough.
#[derive(Debug, Default)]
pub struct Meter {
    /// Processor time of the call so far, in nanoseconds.
    used: AtomicU64,
    /// The thread's processor clock when it was last read.
    mark: AtomicU64,
    /// Whether the call outlived a tick. Before that nothing is measured: most calls are far shorter.
    long: AtomicBool,
}

impl Meter {
    /// Makes the store check the call's limits on each tick, and let other guests run. `limits_of` finds the call's
    /// deadline and processor time, `due_of` until when it has to wait.
    pub fn attach<T: Send>(
        self: &Arc<Self>,
        store: &mut Store<T>,
        limits_of: impl Fn(&T) -> CallLimits + Send + Sync + 'static,
        due_of: impl Fn(&T) -> Option<Instant> + Send + Sync + 'static,
    ) {
        let meter = Arc::clone(self);
        store.epoch_deadline_callback(move |context| {
            let limits = limits_of(context.data());
            match (meter.tick(&limits), due_of(context.data())) {
                (Some(cut), _) => Err(wasmtime::Error::new(cut)),
                (None, Some(due)) => Ok(UpdateDeadline::YieldCustom(1, Box::pin(sleep_until(due.into())))),
                (None, None) => Ok(UpdateDeadline::YieldCustom(1, Box::pin(pass()))),
            }
        });
    }

    fn tick(&self, limits: &CallLimits) -> Option<Cut> {
        if self.long.swap(true, Relaxed) {
            self.end_slice();
        } else {
            self.used.store(nanos(TICK), Relaxed);
        }
        self.begin_slice();
        if Instant::now() >= limits.until {
            return Some(Cut::Deadline(limits.deadline));
        }
        (self.used.load(Relaxed) >= nanos(limits.cpu)).then_some(Cut::Cpu(limits.cpu))
    }

    /// Processor time of the last call, when it outlived a tick.
    #[must_use]
    pub fn spent(&self) -> Option<Duration> {
        self.long.load(Relaxed).then(|| Duration::from_nanos(self.used.load(Relaxed)))
    }

    fn begin_call(&self) {
        self.long.store(false, Relaxed);
        self.used.store(0, Relaxed);
    }

    fn begin_slice(&self) {
        if self.long.load(Relaxed) {
            self.mark.store(thread_cpu_nanos(), Relaxed);
        }
    }

    fn end_slice(&self) {
        if self.long.load(Relaxed) {
            let slice = thread_cpu_nanos().saturating_sub(self.mark.load(Relaxed));
            self.used.fetch_add(slice, Relaxed);
        }
    }
}

/// The limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// When it is cut.
    pub until: Instant,
    /// How long that was when it began, for the message.
    pub deadline: Duration,
    /// Its processor time.
    pub cpu: Duration,
}

impl CallLimits {
    /// A call that begins now.
    #[must_use]
    pub fn starting_now(deadline: Duration, cpu: Duration) -> Self {
        Self { until: Instant::now() + deadline, deadline, cpu }
    }
}

/// Runs a call to its end or its deadline, whichever comes first, also while it waits in a host call. The caller
/// throws the store away when the result is an error.
///
/// # Errors
/// What the call ends with, or [`Cut::Deadline`].
pub async fn watched<T>(
    pulse: &Pulse,
    meter: &Meter,
    limits: CallLimits,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    let mut call = pin!(call);
    // Made when the call has to wait for the first time: most calls never do.
    let mut alarm = pin!(None);
    meter.begin_call();
    std::future::poll_fn(|context| {
        meter.begin_slice();
        let beat = pulse.beat();
        let polled = call.as_mut().poll(context);
        drop(beat);
        meter.end_slice();
        if polled.is_ready() {
            return polled;
        }
        if alarm.is_none() {
            alarm.set(Some(sleep_until(limits.until.into())));
        }
        match alarm.as_mut().as_pin_mut().map(|alarm| alarm.poll(context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(Cut::Deadline(limits.deadline).into())),
            _ => Poll::Pending,
        }
    })
    .await
}

fn thread_cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_count_together() {
        let mut cap = MemoryCap::new(ByteSize::kib(128));
        assert!(cap.memory_growing(0, 64 << 10, None).expect("an answer"));
        assert!(cap.table_growing(0, 8 << 10, None).expect("an answer"));
        assert_eq!(cap.cut(), None);
        assert!(!cap.table_growing(8 << 10, (8 << 10) + 1, None).expect("an answer"));
        assert_eq!(cap.cut(), Some(Cut::Memory(ByteSize::kib(128))));
    }

    #[test]
    fn what_the_system_refused_is_not_counted() {
        let mut cap = MemoryCap::new(ByteSize::kib(64));
        assert!(cap.memory_growing(0, 64 << 10, None).expect("an answer"));
        cap.memory_grow_failed(wasmtime::Error::msg("no memory")).expect("noted");
        assert!(cap.memory_growing(0, 64 << 10, None).expect("an answer"));
    }
}
