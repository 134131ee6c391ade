//! Dispatch: from a subscription's queue to the calls of whoever handles it, in order where order is
//! promised, with retries and dead letters. Plugins, API clients and responders in Rust are handled alike.
//!
//! It must not know what a handler is made of; it only invokes.

mod breaker;
mod lanes;
mod matcher;
pub mod nobody;
mod outcome;
pub mod process;
mod tally;
#[cfg(test)]
mod tests;

use std::{future::Future, sync::Arc, time::Instant};

pub use breaker::Patience;
use hive_proto::group::GroupName;
pub use lanes::{Job, Lanes, Left};
pub use matcher::Matcher;
pub use outcome::{Outcome, Policy};
pub use tally::Tallied;
use tokio_util::sync::CancellationToken;

use crate::bus::{Chain, Event};

/// What a handler is told beside the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When the call is cut.
    pub deadline: Instant,
    /// Somebody waits for the answer.
    pub wants_reply: bool,
    /// The group as whose member the handler has the event; none: everybody who wants it has it.
    pub group: Option<GroupName>,
    /// Who of this node waits for the answer, where that is a plugin.
    pub chain: Option<Arc<Chain>>,
}

/// Something that handles one event at a time.
pub trait Invoke: Send {
    /// Handles one event and says what became of it. Never longer than until `call.deadline`.
    fn invoke(&mut self, event: &Event, call: Call) -> impl Future<Output = Outcome> + Send;

    /// What was said during the last call that failed, for whoever reads the dead letter.
    fn last_words(&mut self) -> String {
        String::new()
    }

    /// Waits until it can take an event; none is taken from the queue before. False: `stop` came first. By default it
    /// always can.
    fn ready(&mut self, _stop: &CancellationToken) -> impl Future<Output = bool> + Send {
        std::future::ready(true)
    }

    /// Runs while there is nothing to handle; the next event ends it wherever it is. Never ends by itself.
    fn idle(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Takes jobs and has them handled until `stop` or the end of the subscription. The job in hand when
/// `stop` comes is finished first; a request whose caller has gone is cut.
pub async fn run(lanes: &Arc<Lanes>, stop: &CancellationToken, handler: &mut impl Invoke) {
    loop {
        if !handler.ready(stop).await {
            return;
        }
        let next = tokio::select! {
            biased;
            job = lanes.next(stop) => job,
            () = handler.idle() => None,
        };
        let Some(mut job) = next else { return };
        let call = job.call();
        let (event, request) = job.parts();
        let outcome = match request {
            None => Some(handler.invoke(event, call).await),
            // A handler that is done at once never looks whether it is still wanted.
            Some(request) => tokio::select! {
                biased;
                outcome = handler.invoke(event, call) => Some(outcome),
                () = request.withdrawn() => None,
            },
        };
        match outcome {
            Some(outcome @ Outcome::Done(_)) => job.finish(outcome, "").await,
            Some(outcome) => job.finish(outcome, &handler.last_words()).await,
            None => job.forget(),
        }
    }
}
