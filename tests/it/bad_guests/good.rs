//! A good handler that is called without a pause, and how long its answers take.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use hive_client::Message;
use hive_tests::{nodes::Node, wait::until};
use tokio::task::JoinHandle;

/// How long an answer may take while others misbehave, on a machine that builds and tests beside it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers that are seen before anything is said of them.
const ENOUGH: usize = 20;

/// The calls of the good handler.
pub(super) struct Good {
    times: Arc<Mutex<Vec<Duration>>>,
    calling: JoinHandle<Result<()>>,
}

impl Good {
    /// Calls it until the end.
    pub(super) fn begin(node: &Node) -> Self {
        let times = Arc::<Mutex<Vec<Duration>>>::default();
        let (client, seen) = (node.client().clone(), Arc::clone(&times));
        let calling = tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                let answer = client.call("greet/me", &Message::from("hello"), PATIENCE).await;
                let answer = answer.context("the good handler")?;
                ensure!(answer.text() == Some("hello"), "the good handler answers {answer:?}");
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
            }
        });
        Self { times, calling }
    }

    /// Says how long its answers took since the last time, and fails where it has not answered.
    pub(super) async fn report(&self, what: &str) -> Result<()> {
        let count = || self.times.lock().unwrap_or_else(PoisonError::into_inner).len();
        let answered = until("the good handler to answer", PATIENCE * 10, async || {
            (count() >= ENOUGH || self.calling.is_finished()).then_some(())
        });
        answered.await.with_context(|| format!("during {what}"))?;
        ensure!(!self.calling.is_finished(), "the good handler failed during {what}");
        let mut times = std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        times.sort_unstable();
        let part = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        println!("{what}: {} calls, p50 {:?}, p99 {:?}", times.len(), part(50), part(99));
        Ok(())
    }

    /// No more calls.
    pub(super) async fn end(self) -> Result<()> {
        if self.calling.is_finished() {
            return self.calling.await?;
        }
        self.calling.abort();
        Ok(())
    }
}
