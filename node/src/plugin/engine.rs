//! The machinery guests run on: one wasmtime engine, the threads that run guests, and the pulse that interrupts them.
//!
//! Exists so that every plugin of a node shares compiled-code settings, memory slots and threads, and so that no guest
//! can hold a thread for longer than a tick. It must not know plugins, events or the bus.

pub mod threads;

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use threads::Threads;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::units::ByteSize;

/// How long a guest runs before it lets others run, is checked against its limits, and goes on.
pub const TICK: Duration = Duration::from_millis(1);

/// The stack of one instance: some thousands of calls deep, as much as threads of other systems have for the same.
pub const STACK_BYTES: ByteSize = ByteSize::kib(512);

/// The stack that a guest's calls of the node share with it; what is beyond the guest's own is the node's.
const FIBER_BYTES: usize = 2 << 20;

/// Ticks without a guest before the pulse rests; waking it costs a system call, which bursts should not pay each time.
const TICKS_BEFORE_REST: u32 = 50;

/// Wasmtime, the threads guests run on, and their pulse. Dropping it ends the threads without waiting for guests.
pub struct Engine {
    wasm: wasmtime::Engine,
    pulse: Arc<Pulse>,
    threads: Threads,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refuses this machine.
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Wasmtime(String),
    /// The system gives no threads.
    #[error("cannot start the threads that run handlers")]
    Threads(#[from] io::Error),
}

impl Engine {
    /// An engine with as many guest threads as there are cores, at least two: one spinning guest never takes all.
    ///
    /// # Errors
    /// When wasmtime refuses the machine, or the system gives no threads.
    pub fn start() -> Result<Self, EngineError> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_threads(cores.max(2))
    }

    /// An engine with so many guest threads, for measurements that shall mean the same on every machine.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn with_threads(threads: usize) -> Result<Self, EngineError> {
        Self::with(threads, Slots::default())
    }

    fn with(threads: usize, slots: Slots) -> Result<Self, EngineError> {
        let wasm = wasmtime::Engine::new(&pooled(slots)).or_else(|refusal| {
            tracing::warn!(
                "memory for handlers cannot be reserved in advance, new instances start more slowly: {refusal:#}"
            );
            wasmtime::Engine::new(&settings()).map_err(|error| EngineError::Wasmtime(format!("{error:#}")))
        })?;
        let threads = Threads::start(threads)?;
        let pulse = Arc::new(Pulse::default());
        pulse.start(wasm.clone())?;
        Ok(Self { wasm, pulse, threads })
    }

    /// Wasmtime's part.
    #[must_use]
    pub fn wasm(&self) -> &wasmtime::Engine {
        &self.wasm
    }

    /// Ticks while guests run.
    #[must_use]
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.pulse
    }

    /// Where guests run and are compiled; its threads have a lower priority than the node's.
    #[must_use]
    pub fn threads(&self) -> &Threads {
        &self.threads
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.pulse.ended.store(true, SeqCst);
        self.pulse.wake();
    }
}

/// How many of each thing all guests together may have at one time.
#[derive(Clone, Copy)]
struct Slots {
    /// Component instances, and their stacks and memories.
    instances: u32,
    /// Core instances, memories and tables a component has on average: the real module and its adapters.
    parts_each: u32,
}

impl Default for Slots {
    /// Room for 1,000 plugins of four instances. Only addresses are reserved: 4 GiB for each memory.
    fn default() -> Self {
        Self { instances: 4_096, parts_each: 4 }
    }
}

/// Elements of one table. Interpreters compiled to WebAssembly have big ones; only addresses are reserved.
const TABLE_ELEMENTS: usize = 100_000;

/// What an instance's memory keeps when its slot is used again, so that `fresh` instances fault no pages in. Where the
/// kernel tells which pages were touched (Linux 6.7), these alone are set back.
const KEPT_BYTES: usize = 256 << 10;

/// The same of each of its tables, where functions are entered when they are first called.
const TABLE_KEPT_BYTES: usize = 16 << 10;

fn pooled(slots: Slots) -> Config {
    let parts = slots.instances.saturating_mul(slots.parts_each);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots.instances)
        .total_core_instances(parts)
        .total_memories(slots.instances)
        .total_tables(parts)
        .total_stacks(slots.instances)
        .total_gc_heaps(0)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(TABLE_KEPT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let mut config = settings();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What guests may be, apart from how their memory is found. The proposals that widen what a guest can do to the
/// host are off; they come back one by one when a handler needs them.
fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_threads(false)
        .gc_support(false)
        .max_wasm_stack(STACK_BYTES.as_usize())
        .async_stack_size(FIBER_BYTES)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

/// Moves wasmtime's epoch on each tick while at least one guest runs.
#[derive(Default)]
pub struct Pulse {
    /// Guests running on a thread at this moment; one that waits in a host call does not count.
    running: AtomicUsize,
    resting: AtomicBool,
    ended: AtomicBool,
    thread: std::sync::OnceLock<thread::Thread>,
}

impl Pulse {
    /// A guest runs until the result is dropped.
    pub fn beat(&self) -> Beat<'_> {
        self.running.fetch_add(1, SeqCst);
        if self.resting.load(SeqCst) {
            self.wake();
        }
        Beat(self)
    }

    fn start(self: &Arc<Self>, wasm: wasmtime::Engine) -> io::Result<()> {
        let pulse = Arc::clone(self);
        let ticker = thread::Builder::new().name("guest-pulse".into()).spawn(move || pulse.run(&wasm))?;
        let _ = self.thread.set(ticker.thread().clone());
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the thread is the pulse's own and does nothing else")]
    fn run(&self, wasm: &wasmtime::Engine) {
        let mut idle = 0;
        while !self.ended.load(SeqCst) {
            thread::sleep(TICK);
            wasm.increment_epoch();
            idle = if self.running.load(SeqCst) == 0 { idle + 1 } else { 0 };
            if idle < TICKS_BEFORE_REST {
                continue;
            }
            idle = 0;
            // Whoever starts to run after this line sees that we rest and wakes us; who started before is seen here.
            self.resting.store(true, SeqCst);
            while self.running.load(SeqCst) == 0 && !self.ended.load(SeqCst) {
                thread::park();
            }
            self.resting.store(false, SeqCst);
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// One guest running on one thread.
pub struct Beat<'a>(&'a Pulse);

impl Drop for Beat<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulse_beats_while_a_guest_runs_and_wakes_from_its_rest() {
        let engine = Engine::start().expect("an engine");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !engine.pulse.resting.load(SeqCst) {
            assert!(std::time::Instant::now() < deadline, "the pulse never rests");
            thread::yield_now();
        }
        let _beat = engine.pulse.beat();
        while engine.pulse.resting.load(SeqCst) {
            assert!(std::time::Instant::now() < deadline, "the pulse does not wake");
            thread::yield_now();
        }
    }

    #[test]
    fn an_engine_starts_where_memory_cannot_be_reserved() {
        let engine = Engine::with(2, Slots { instances: u32::MAX, parts_each: 1 });
        assert!(engine.is_ok());
    }
}
