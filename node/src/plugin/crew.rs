//! Who is at a version's events beside its ordinary workers: one more for each guest that waits for somebody else, so that
//! plugins which ask each other, or themselves, do not stand still.
//!
//! It must not know what a worker does, or what a guest waits for.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// Workers that stand in for waiting ones, at most: each has an instance, and its memory.
const STANDINS_MAX: usize = 16;

/// Starts a worker that ends when its token is cancelled, after what it has in hand.
pub type Hire = Arc<dyn Fn(CancellationToken) + Send + Sync>;

/// The workers of one version.
#[derive(Default)]
pub struct Crew {
    /// Held for a push or a pop.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None: nobody stands in, as for a plugin that is one instance, and for one that is not live yet.
    hire: Option<(Hire, CancellationToken)>,
    /// Guests that wait.
    away: usize,
    /// The workers that stand in for them, newest last.
    standins: Vec<CancellationToken>,
}

/// A guest waits for somebody else, until this is dropped.
#[must_use]
pub struct Away<C: Deref<Target = Crew>>(C);

impl Crew {
    /// From now on somebody stands in for who waits, until `stop`. A version that is rolled back to is live again.
    pub fn stand_in(&self, hire: Hire, stop: CancellationToken) {
        self.lock().hire = Some((hire, stop));
    }

    /// A guest begins to wait.
    pub fn away(&self) -> Away<&Self> {
        self.leave();
        Away(self)
    }

    /// A guest begins to wait for what may outlast its borrow of the crew.
    pub fn away_for_long(self: Arc<Self>) -> Away<Arc<Self>> {
        self.leave();
        Away(self)
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.away = state.away.saturating_add(1);
        if let Some((hire, stop)) = state.hire.clone()
            && state.standins.len() < state.away.min(STANDINS_MAX)
        {
            let end = stop.child_token();
            state.standins.push(end.clone());
            drop(state);
            hire(end);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Deref<Target = Crew>> Drop for Away<C> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.away = state.away.saturating_sub(1);
        if state.standins.len() > state.away
            && let Some(end) = state.standins.pop()
        {
            drop(state);
            end.cancel();
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Crew")
            .field("away", &state.away)
            .field("standins", &state.standins.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stands_in_for_each_who_waits_up_to_a_limit() {
        let hired = Arc::new(Mutex::new(Vec::new()));
        let (crew, list) = (Crew::default(), Arc::clone(&hired));
        drop(crew.away());
        let hire = move |end: CancellationToken| list.lock().expect("a list").push(end);
        crew.stand_in(Arc::new(hire), CancellationToken::new());
        let at_work = || hired.lock().expect("a list").iter().filter(|end| !end.is_cancelled()).count();
        let mut away: Vec<_> = (0..STANDINS_MAX).map(|_| crew.away()).collect();
        assert_eq!(at_work(), STANDINS_MAX);
        let more = [crew.away(), crew.away()];
        assert_eq!(at_work(), STANDINS_MAX);
        drop(more);
        assert_eq!(at_work(), STANDINS_MAX);
        away.pop();
        assert_eq!(at_work(), STANDINS_MAX - 1);
        drop(away);
        assert_eq!(at_work(), 0);
    }
}
