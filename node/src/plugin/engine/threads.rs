//! The threads guests run on: a small executor with a fast lane and a slow one.
//!
//! Exists because a guest may run for as long as it likes in pieces of a tick. Whoever was just woken runs in the fast
//! lane; whoever used up a tick goes on in the slow lane, whose threads the system puts behind those of the fast one. So a
//! spinning guest takes what is left over, and its neighbours hardly notice. An executor with a queue a thread cannot do
//! that: there a short call may stand in line behind a long one. It must not know guests.

use std::{
    any::Any,
    cell::Cell,
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU8,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, sync::oneshot};

/// Added to the niceness of threads in the fast lane, so that the node's own work goes first.
const FAST_NICENESS: i32 = 5;

/// Added to the niceness of threads that compile: somebody waits for it, and nobody who handles events should.
const ASIDE_NICENESS: i32 = 10;

/// Added to the niceness of threads in the slow lane.
const SLOW_NICENESS: i32 = 15;

/// Threads of a lower priority than the node's.
pub struct Threads(Arc<Lines>);

/// The thread pool ended before the task did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the guest threads have ended")]
pub struct Ended;

/// A task on the threads; awaiting it gives its result. Dropping it changes nothing.
#[derive(Debug)]
pub struct Running<T>(oneshot::Receiver<T>);

impl<T> Future for Running<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|_| Ended)
    }
}

/// What the threads and the tasks share.
#[derive(Default)]
struct Lines {
    /// Held for one push or pop.
    queues: Mutex<Queues>,
    /// Told when a task was queued that a thread of the fast lane shall take, and at the end.
    fast: Condvar,
    /// The same for the slow lane.
    slow: Condvar,
}

#[derive(Default)]
struct Queues {
    /// Tasks that were woken and have not run since.
    woken: VecDeque<Arc<Task>>,
    /// Tasks that used up a turn and want another.
    passed: VecDeque<Arc<Task>>,
    /// Threads that wait for a task.
    idle_fast: usize,
    idle_slow: usize,
    ended: bool,
}

/// What a thread takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Tasks that were woken.
    Fast,
    /// Tasks that used up a turn; without any, those that were woken, as nobody shall be idle while others wait.
    Slow,
}

/// A future and where it stands.
struct Task {
    /// None: it is done. A mutex that is never contended: the state lets one thread run it.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    state: AtomicU8,
    lines: Arc<Lines>,
}

/// Waits to be woken.
const IDLE: u8 = 0;
/// Is in a line.
const QUEUED: u8 = 1;
/// Is run by a thread.
const RUNNING: u8 = 2;
/// Is run by a thread, and was woken meanwhile.
const AGAIN: u8 = 3;

impl Threads {
    /// Starts so many threads for each lane; they end when the value is dropped, each after the turn in hand.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let lines = Arc::new(Lines::default());
        let threads = Self(Arc::clone(&lines));
        let mut timers = Builder::new_multi_thread();
        // It also carries what guests ask over HTTP.
        timers.worker_threads(1).thread_name("guest-timers").enable_time().enable_io();
        // Held by the threads alone: it ends with the last of them, so that no task meets timers that have ended.
        let timers = Arc::new(timers.build()?);
        for lane in [Lane::Fast, Lane::Slow].into_iter().cycle().take(2 * count) {
            let (lines, timers) = (Arc::clone(&lines), Arc::clone(&timers));
            thread::Builder::new().name(lane.name().into()).spawn(move || {
                be_nice(lane.niceness());
                let entered = timers.enter();
                while let Some(task) = lines.next(lane) {
                    task.run(lane);
                }
                drop(entered);
            })?;
        }
        Ok(threads)
    }

    /// Runs a future on the threads. What is returned need not be awaited.
    pub fn spawn<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Running<T> {
        let (done, result) = oneshot::channel();
        let future = async move {
            // Whoever started it may not care.
            let _ = done.send(future.await);
        };
        let task = Task {
            future: Mutex::new(Some(Box::pin(future))),
            state: AtomicU8::new(QUEUED),
            lines: Arc::clone(&self.0),
        };
        self.0.push(Arc::new(task), None);
        Running(result)
    }

    /// Runs what keeps a processor busy for long on a thread of its own, of the same low priority. Threads it starts are
    /// of that priority too.
    ///
    /// # Errors
    /// When the system gives no thread, or the work panics.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (done, result) = oneshot::channel();
        let thread = thread::Builder::new().name("compile".into()).spawn(move || {
            be_nice(ASIDE_NICENESS);
            let _ = done.send(work());
        });
        if thread.is_err() {
            return Err(Ended);
        }
        result.await.map_err(|_| Ended)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut queues = self.0.lock();
        queues.ended = true;
        let left = (std::mem::take(&mut queues.woken), std::mem::take(&mut queues.passed));
        drop(queues);
        // Outside the lock: what is dropped may wake others.
        drop(left);
        self.0.fast.notify_all();
        self.0.slow.notify_all();
    }
}

thread_local! {
    /// When the task that runs on this thread began its turn.
    static TURN_BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long the task that asks has been running without letting others go first. The caller knows what time it is.
#[must_use]
pub fn turn(now: Instant) -> Duration {
    TURN_BEGAN.get().map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
}

/// Ends a task's turn: it goes on when those who were woken had theirs.
pub fn pass() -> impl Future<Output = ()> + Send {
    let mut passed = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut passed, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

impl Lane {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "guests",
            Self::Slow => "guests-slow",
        }
    }

    fn niceness(self) -> i32 {
        match self {
            Self::Fast => FAST_NICENESS,
            Self::Slow => SLOW_NICENESS,
        }
    }
}

impl Lines {
    /// Queues a task: one that was woken, or one that used up its turn on a thread of this lane.
    fn push(&self, task: Arc<Task>, passed: Option<Lane>) {
        let mut queues = self.lock();
        if queues.ended {
            // Outside the lock: what the task drops may wake others.
            drop(queues);
            return;
        }
        let line = if passed.is_some() { &mut queues.passed } else { &mut queues.woken };
        line.push_back(task);
        let told = match passed {
            // The thread that says so looks into the line next: nobody need be woken for what it would take itself.
            Some(Lane::Slow) => None,
            None if queues.idle_fast >= queues.woken.len() => Some(&self.fast),
            _ => (queues.idle_slow > 0).then_some(&self.slow),
        };
        drop(queues);
        if let Some(told) = told {
            told.notify_one();
        }
    }

    /// The next task for a thread, when there is one. None at the end.
    fn next(&self, lane: Lane) -> Option<Arc<Task>> {
        let mut queues = self.lock();
        loop {
            if queues.ended {
                return None;
            }
            if let Some(task) = queues.pop(lane) {
                return Some(task);
            }
            queues = self.wait(lane, queues);
        }
    }

    fn wait<'a>(&'a self, lane: Lane, mut queues: MutexGuard<'a, Queues>) -> MutexGuard<'a, Queues> {
        let told = match lane {
            Lane::Fast => &self.fast,
            Lane::Slow => &self.slow,
        };
        *queues.idle(lane) += 1;
        queues = told.wait(queues).unwrap_or_else(PoisonError::into_inner);
        *queues.idle(lane) -= 1;
        queues
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    fn pop(&mut self, lane: Lane) -> Option<Arc<Task>> {
        match lane {
            Lane::Fast => self.woken.pop_front(),
            Lane::Slow => self.passed.pop_front().or_else(|| self.woken.pop_front()),
        }
    }

    fn idle(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Fast => &mut self.idle_fast,
            Lane::Slow => &mut self.idle_slow,
        }
    }
}

impl Task {
    fn run(self: Arc<Self>, lane: Lane) {
        self.state.store(RUNNING, Release);
        let waker = Waker::from(Arc::clone(&self));
        let mut future = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = future.as_mut() else { return };
        TURN_BEGAN.set(Some(Instant::now()));
        let polled =
            catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut Context::from_waker(&waker))));
        TURN_BEGAN.set(None);
        match polled {
            Ok(Poll::Pending) => drop(future),
            Ok(Poll::Ready(())) => return drop(future.take()),
            Err(panic) => {
                tracing::error!("a task of the guest threads panicked: {}", message(panic.as_ref()));
                return drop(future.take());
            }
        }
        let slept = self.state.compare_exchange(RUNNING, IDLE, AcqRel, Acquire);
        if slept.is_err() {
            self.state.store(QUEUED, Release);
            let lines = Arc::clone(&self.lines);
            lines.push(self, Some(lane));
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let next = |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(AGAIN),
            _ => None,
        };
        if self.state.fetch_update(AcqRel, Acquire, next) == Ok(IDLE) {
            let lines = Arc::clone(&self.lines);
            lines.push(self, None);
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

fn be_nice(niceness: i32) {
    // Where the system does not let us, go on as is.
    let _ = rustix::process::nice(niceness);
}

#[cfg(test)]
mod tests;
