//! Responders in Rust: a function that answers requests, dispatched as a plugin is.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Node;
use crate::{
    bus::{Event, Failure, Holder, Message, SubscribeError, Wanted},
    dispatch::{Call, Invoke, Lanes, Outcome, Policy, run},
};

/// Requests one responder works on at a time.
const WORKERS: usize = 16;

/// A registered responder. Dropping it takes it back; requests in hand are finished first.
#[derive(Debug)]
pub struct Responder {
    stop: CancellationToken,
    workers: TaskTracker,
}

impl Responder {
    /// Takes it back and waits until the requests in hand are answered.
    pub async fn finish(self) {
        self.stop.cancel();
        self.workers.wait().await;
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Node {
    /// Answers requests on a pattern with a function, up to 16 at a time. Plain events that match are
    /// given to it too; what it returns for those goes nowhere, and a failure is tried again.
    ///
    /// # Errors
    /// When it is no pattern, or this node holds too many.
    pub async fn respond<F, R>(&self, pattern: &str, answer: F) -> Result<Responder, SubscribeError>
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Message, Failure>> + Send + 'static,
    {
        let wanted = Wanted { scope: self.bus.scope(pattern)?, answers: true, group: None };
        let subscription = self.bus.subscribe(Holder::Client("library".into()), [wanted]).await?;
        let lanes = Lanes::new(pattern, subscription, Policy::default(), self.bus.clone());
        let (stop, workers, answer) = (CancellationToken::new(), TaskTracker::new(), Arc::new(answer));
        for _ in 0..WORKERS {
            let (lanes, stop, answer) = (Arc::clone(&lanes), stop.clone(), Arc::clone(&answer));
            workers.spawn(async move { run(&lanes, &stop, &mut Function(answer)).await });
        }
        workers.close();
        Ok(Responder { stop, workers })
    }
}

struct Function<F>(Arc<F>);

impl<F, R> Invoke for Function<F>
where
    F: Fn(Event) -> R + Send + Sync,
    R: Future<Output = Result<Message, Failure>> + Send,
{
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        match tokio::time::timeout_at(call.deadline.into(), (self.0)(event.clone())).await {
            Err(_) => Outcome::Broken("it took longer than it may".into()),
            Ok(Ok(answer)) => Outcome::Done(Some(answer)),
            Ok(Err(Failure::Failed(reason))) => Outcome::Retry { reason, after: None },
            Ok(Err(Failure::Rejected(reason))) => Outcome::Reject(reason),
        }
    }
}
