//! Who has waited too long, and is told; and what the servers' trouble is, for those who ask.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Writer;
use crate::journal::{AppendError, Promise, jetstream::state::Trouble};

/// A moment that never comes.
const NEVER: Duration = Duration::from_secs(86_400);

impl Writer {
    /// Notes why nothing is taken, and says it once.
    pub(super) fn trouble(&self, why: String, lasts: bool) {
        let mut state = self.shared.lock();
        let (since, said) = match &state.trouble {
            Some(trouble) => (trouble.since, trouble.why == why),
            None => (Instant::now(), false),
        };
        if !said {
            tracing::warn!("the journal's servers at {}: {why}", self.shared.config.named());
        }
        state.last_failure = Some(why.clone());
        state.trouble = Some(Trouble { since, why, lasts });
        drop(state);
        if lasts {
            self.fail_all();
        }
    }

    /// Does something that takes its time while events that have waited too long are told. None when the journal is to
    /// be closed and nothing waits any more.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            if self.is_done() {
                return None;
            }
            let deadline = self.deadline();
            tokio::select! {
                done = &mut work => return Some(done),
                () = tokio::time::sleep_until(deadline) => self.fail_overdue(),
                () = self.shared.work.notified() => {}
            }
        }
    }

    /// The journal is to be closed, and nothing waits any more.
    pub(super) fn is_done(&self) -> bool {
        let state = self.shared.lock();
        state.closing && state.queued().0 == 0 && state.saves.is_empty() && self.saves.is_empty()
    }

    /// When something will have waited too long.
    pub(super) fn deadline(&self) -> Instant {
        let patience = self.shared.config.patience;
        let state = self.shared.lock();
        let waiting = state.waiting.front().map(|one| one.since);
        let saves = state.saves.first().map(|save| save.since);
        drop(state);
        let late = [waiting, saves, self.flights.oldest(), self.saves.oldest()];
        let late = late.into_iter().flatten().map(|since| since + patience);
        let silent = [self.flights.silent_at(), self.saves.silent_at()];
        late.chain(silent.into_iter().flatten()).min().unwrap_or_else(|| Instant::now() + NEVER)
    }

    /// Tells those who have waited too long. What may be stored although they are told is not sent again.
    pub(super) fn fail_overdue(&mut self) {
        let patience = self.shared.config.patience;
        let is_late = |since: Instant| since.elapsed() >= patience;
        let mut state = self.shared.lock();
        let why = self.shared.too_late(&state);
        let mut told = self.flights.give_up(is_late);
        told.extend(state.give_up(is_late));
        told.extend(self.saves.give_up(is_late));
        drop(state);
        resolve(told, &why);
    }

    /// Tells everybody that it does not pass.
    fn fail_all(&self) {
        let mut state = self.shared.lock();
        let why = state.trouble.as_ref().map(|trouble| trouble.why.clone()).unwrap_or_default();
        let told = state.give_up(|_| true);
        drop(state);
        resolve(told, &AppendError::Refused { servers: self.shared.config.named(), why });
    }
}

fn resolve(told: Vec<Arc<Promise>>, why: &AppendError) {
    told.into_iter().for_each(|promise| promise.resolve(Err(why.clone())));
}
