//! What an append returns: a future that one promise, kept for many, resolves.
//!
//! It exists so that group commit costs one shared outcome a batch and not a channel an event. It must not know what
//! is waited for.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::AppendError;

/// The outcome of one batch, for everybody who has something in it. The mutex is held for a look or a push; no code of
/// others runs under it.
#[derive(Debug, Default)]
pub(crate) struct Promise {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The first position of the batch, once it is durable, or why it is not.
    outcome: Option<Result<u64, AppendError>>,
    /// Who is to be told. Each waits in its own place, however often it is polled.
    waiting: Vec<Waker>,
}

impl Promise {
    /// Tells everybody. A second outcome is ignored.
    pub(crate) fn resolve(&self, outcome: Result<u64, AppendError>) {
        let mut state = self.lock();
        if state.outcome.is_some() {
            return;
        }
        state.outcome = Some(outcome);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The future of the event that is the batch's `index`th, from 0.
    pub(crate) fn appending(self: &Arc<Self>, index: u64) -> Appending {
        Appending { promise: Arc::clone(self), index, place: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event on its way to the disk: resolves to its position. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "the event is durable only when this has resolved"]
pub struct Appending {
    promise: Arc<Promise>,
    index: u64,
    /// Where this future's waker is.
    place: Option<usize>,
}

impl Future for Appending {
    type Output = Result<u64, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let promise = Arc::clone(&self.promise);
        let mut state = promise.lock();
        if let Some(outcome) = &state.outcome {
            let index = self.index;
            return Poll::Ready(outcome.clone().map(|first| first.saturating_add(index)));
        }
        match self.place.and_then(|place| state.waiting.get_mut(place)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                self.place = Some(state.waiting.len());
                state.waiting.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}

/// A cursor's change on its way to the disk. Dropping it changes nothing.
#[derive(Debug)]
#[must_use = "the change is durable only when this has resolved"]
pub struct Saving(pub(super) Appending);

impl Future for Saving {
    type Output = Result<(), AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_ok(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_in_a_batch_is_told() {
        let promise = Arc::new(Promise::default());
        let waiting: Vec<_> = (0..3).map(|index| tokio::spawn(promise.appending(index))).collect();
        tokio::task::yield_now().await;
        let (late, saving) = (promise.appending(9), Saving(promise.appending(0)));
        promise.resolve(Ok(7));
        promise.resolve(Err(AppendError::Closed));
        for (position, waiting) in (7..).zip(waiting) {
            assert_eq!(waiting.await.expect("it runs").expect("durable"), position);
        }
        assert_eq!(late.await.expect("durable"), 16);
        saving.await.expect("durable");
    }
}
