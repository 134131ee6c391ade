//! Whether a server still reads a connection. A spoke-server can lose the task that does: it goes on sending there, and
//! says nothing of it. So what was said is followed by a message that comes back, on a channel of the connection's own.
//!
//! What it owns: when to ask, and what an answer that does not come means. It must not know sockets.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::say;
use crate::trust::random_bytes;

/// How often it is looked whether there is something to ask, or to conclude.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// An answer that takes longer does not come any more: a server that is only slow is as good as gone by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What the channels of all connections begin with. Nothing on them crosses.
pub(super) const OWN: &str = "-hive/";

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Where its questions come back.
    pub(super) channel: String,
    /// Held for a look.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Something was said since it was asked last.
    is_due: bool,
    /// Events that were written.
    written: u64,
    /// Of these, so many are known to have arrived.
    arrived: u64,
    /// How many were written when it was asked, and since when an answer is missed.
    asked: Option<(u64, Instant)>,
    /// Some answer has come: a server that never gives one, as one that only shows what another has, is not asked.
    answers: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Wait,
    Ask,
    /// Nothing that is said arrives any more, and so many events did not.
    Over(u64),
}

impl Pulse {
    /// That of a new connection, which is asked at once.
    pub(super) fn new(now: Instant) -> Self {
        let id = u64::from_be_bytes(random_bytes());
        let state = State { asked: Some((0, now)), ..State::default() };
        Self { channel: format!("{OWN}ping/{id:016x}"), state: Mutex::new(state) }
    }

    /// Writes the question: a message that comes back to whoever said it.
    pub(super) fn put_question(&self, out: &mut Vec<u8>) {
        say::put_echoed(out, &self.channel);
    }

    /// Something is about to be written.
    pub(super) fn says(&self) {
        self.lock().is_due = true;
    }

    /// So many events were written.
    pub(super) fn said(&self, events: u64) {
        let mut state = self.lock();
        state.written = state.written.saturating_add(events);
    }

    /// The answer came.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        state.answers = true;
        if let Some((written, _)) = state.asked.take() {
            state.arrived = written;
        }
    }

    /// What to do now. An answer may be in what came and was not heard yet: as long as there is such, it does not count
    /// as late.
    pub(super) fn beat(&self, now: Instant, heard_all: bool) -> Beat {
        let mut state = self.lock();
        let state = &mut *state;
        match &mut state.asked {
            Some((_, since)) if !heard_all => {
                *since = now;
                Beat::Wait
            }
            Some((_, since)) if now.duration_since(*since) < ANSWER_WITHIN => Beat::Wait,
            Some(_) if state.answers => Beat::Over(state.written.saturating_sub(state.arrived)),
            Some(_) => Beat::Wait,
            None if !std::mem::take(&mut state.is_due) => Beat::Wait,
            None => {
                state.asked = Some((state.written, now));
                Beat::Ask
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_when_something_was_said_and_over_when_no_answer_comes() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let pulse = Pulse::new(began);
        assert_eq!(pulse.beat(at(1), true), Beat::Wait);
        pulse.answered();
        assert_eq!(pulse.beat(at(100), true), Beat::Wait, "nothing was said");
        pulse.says();
        pulse.said(3);
        assert_eq!(pulse.beat(at(101), true), Beat::Ask);
        pulse.answered();
        pulse.says();
        pulse.said(2);
        assert_eq!(pulse.beat(at(102), true), Beat::Ask);
        pulse.said(4);
        assert_eq!(pulse.beat(at(116), true), Beat::Wait);
        assert_eq!(pulse.beat(at(117), true), Beat::Over(6));
    }

    #[test]
    fn an_answer_is_not_late_while_it_may_have_come() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let pulse = Pulse::new(began);
        pulse.answered();
        pulse.says();
        pulse.said(1);
        assert_eq!(pulse.beat(at(5), true), Beat::Ask);
        for seconds in [20, 25, 300] {
            assert_eq!(pulse.beat(at(seconds), false), Beat::Wait, "after {seconds} s");
        }
        assert_eq!(pulse.beat(at(305), true), Beat::Wait);
        assert_eq!(pulse.beat(at(315), true), Beat::Over(1));
    }

    #[test]
    fn who_never_answers_is_left_alone() {
        let began = Instant::now();
        let pulse = Pulse::new(began);
        pulse.says();
        pulse.said(1);
        for seconds in [1, 20, 1_000] {
            assert_eq!(
                pulse.beat(began + Duration::from_secs(seconds), true),
                Beat::Wait,
                "after {seconds} s"
            );
        }
    }
}
