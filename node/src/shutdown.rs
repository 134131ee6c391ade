//! Stopping in order: who is told first, who is waited for, and who is late.
//!
//! What it owns: a part's tasks with their token, the order in which parts stop, and the signals that ask for it.
//! Exists so that no task outlives its part unseen. It must not know what the parts do.

mod child;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

pub use self::child::end_with_this_process;

/// The tasks of one part of the node: told to stop together, waited for together. Clones are the same part.
#[derive(Debug, Clone)]
pub struct Part {
    name: &'static str,
    /// Cancelled when the part shall finish what it has in hand and end.
    stop: CancellationToken,
    /// Cancelled when its time is over; every task is dropped where it stands.
    cut: CancellationToken,
    tasks: TaskTracker,
    /// How many tasks of each name run now. A mutex: touched only when a task begins or ends.
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    /// The part that this one is of: its tasks are that one's too.
    above: Option<Arc<Part>>,
}

impl Part {
    /// A part without tasks.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
            running: Arc::default(),
            above: None,
        }
    }

    /// A part of this one: it can be finished alone, and is told to stop, waited for and cut off with this one.
    #[must_use]
    pub fn part(&self, name: &'static str) -> Self {
        Self {
            stop: self.stop.child_token(),
            cut: self.cut.child_token(),
            above: Some(Arc::new(self.clone())),
            ..Self::new(name)
        }
    }

    /// The token its tasks watch: cancelled means finish what is in hand, take nothing new, end.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task of the part. The task's name is what a warning says when it ends late.
    pub fn spawn<F>(&self, task: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let present = self.enter(task);
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            let _present = present;
            tokio::select! {
                () = cut.cancelled() => {}
                () = future => {}
            }
        });
    }

    /// What a task holds while it runs, of this part and of those above.
    fn enter(&self, task: &'static str) -> Vec<(Present, TaskTrackerToken)> {
        let parts = std::iter::successors(Some(self), |part| part.above.as_deref());
        parts.map(|part| (Present::new(task, &part.running), part.tasks.token())).collect()
    }

    /// Tells the part to stop and waits at most `grace` for its tasks; then cuts them off.
    ///
    /// # Errors
    /// Names the tasks that were cut off.
    pub async fn finish(&self, grace: Duration) -> Result<(), Late> {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_ok() {
            return Ok(());
        }
        let late = Late { part: self.name, grace, tasks: self.still_running() };
        self.cut.cancel();
        // A task that blocks its thread cannot be dropped; it is not waited for.
        let _ = tokio::time::timeout(CUT_GRACE, self.tasks.wait()).await;
        Err(late)
    }

    fn still_running(&self) -> String {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (task, count) in running.iter() {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{task}");
            if *count > 1 {
                let _ = write!(text, " ×{count}");
            }
        }
        text
    }
}

/// How long tasks that were cut off get to be dropped.
const CUT_GRACE: Duration = Duration::from_millis(200);

/// A part that did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} did not stop within {}; cut off: {tasks}", crate::units::duration_text(*.grace))]
pub struct Late {
    part: &'static str,
    grace: Duration,
    tasks: String,
}

/// The parts of a node in the order in which they stop.
#[derive(Default)]
pub struct Order {
    parts: Vec<(Part, Duration)>,
}

impl Order {
    /// The next part to stop, once all before it have, and how long it may take.
    #[must_use]
    pub fn then(mut self, part: &Part, grace: Duration) -> Self {
        self.parts.push((part.clone(), grace));
        self
    }

    /// Stops all parts one after the other. Warns of each that was late and returns them; none holds up the rest.
    pub async fn run(self) -> Vec<Late> {
        let mut late = Vec::new();
        for (part, grace) in self.parts {
            tracing::debug!(part = part.name, "stopping");
            if let Err(part) = part.finish(grace).await {
                tracing::warn!("{part}");
                late.push(part);
            }
        }
        late
    }
}

/// The SIGINTs and SIGTERMs that come from its making on, each of which would end the process otherwise.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes them.
    ///
    /// # Errors
    /// When the system refuses to hand them over.
    pub fn take() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one and says which. Cancel-safe.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Takes the SIGHUPs that come from here on, each of which would end the process otherwise.
///
/// # Errors
/// When the system refuses to hand them over.
pub fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Counts a task as running from its making to its drop, whichever way it ends.
struct Present {
    task: &'static str,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Present {
    fn new(task: &'static str, running: &Arc<Mutex<BTreeMap<&'static str, usize>>>) -> Self {
        *running.lock().unwrap_or_else(PoisonError::into_inner).entry(task).or_default() += 1;
        Self { task, running: Arc::clone(running) }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(self.task) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.task);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn parts_stop_one_after_the_other() {
        let (say, mut said) = mpsc::channel(8);
        let part = |name: &'static str| {
            let (part, say) = (Part::new(name), say.clone());
            let stop = part.stop().clone();
            part.spawn("task", async move {
                stop.cancelled().await;
                say.send(name).await.expect("a listener");
            });
            part
        };
        let (second, first) = (part("second"), part("first"));
        let order =
            Order::default().then(&first, Duration::from_secs(5)).then(&second, Duration::from_secs(5));
        assert_eq!(order.run().await, []);
        assert_eq!((said.recv().await, said.recv().await), (Some("first"), Some("second")));
    }

    #[tokio::test]
    async fn a_part_of_a_part_ends_alone_or_with_it() {
        let whole = Part::new("bridges");
        let (one, two) = (whole.part("bridge"), whole.part("bridge"));
        for part in [&one, &two] {
            let stop = part.stop().clone();
            part.spawn("task", async move { stop.cancelled().await });
        }
        assert_eq!(one.finish(SHORT * 100).await, Ok(()));
        assert!(!whole.stop().is_cancelled() && !two.stop().is_cancelled() && !whole.tasks.is_empty());
        two.spawn("late", pending());
        let late = whole.finish(SHORT).await.expect_err("late");
        assert_eq!(late.to_string(), "bridges did not stop within 20ms; cut off: late");
        assert!(two.tasks.is_empty() && two.stop().is_cancelled());
    }

    #[tokio::test]
    async fn who_is_late_is_named_and_cut_off() {
        let part = Part::new("mesh");
        part.spawn("link reader", pending());
        part.spawn("link reader", pending());
        part.spawn("actor", pending());
        part.spawn("quick", async {});
        let late = Order::default().then(&part, SHORT).run().await;
        let said: Vec<String> = late.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["mesh did not stop within 20ms; cut off: actor, link reader ×2"]);
        assert!(part.tasks.is_empty());
    }
}
