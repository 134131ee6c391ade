//! A handler that is paused: when that begins and ends, and what whoever looks or asks meanwhile is told.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant, SystemTime},
};

use super::Lanes;
use crate::{
    bus::{Delivery, Failure},
    dispatch::{Outcome, breaker::Turn},
    status::{LineLevel, PauseCard, first_line},
    units::{duration_rough, duration_text},
};

/// Bytes of a failure that are shown of a pause.
const WHY_BYTES_MAX: usize = 1 << 10;

impl Lanes {
    /// A call ended: a handler that fails too often is paused, one that was goes on. What it says to who asks is its answer,
    /// also when that is a failure: nobody shall have it paused by asking badly.
    pub(super) fn ended(&self, outcome: &Outcome, asked: bool, tried: bool) {
        let is_answer = asked && matches!(outcome, Outcome::Retry { .. });
        let is_well = is_answer || matches!(outcome, Outcome::Done(_));
        if is_well && !self.troubled.load(Relaxed) {
            return;
        }
        let outcome = if is_well { &Outcome::Done(None) } else { outcome };
        let mut state = self.lock();
        let turn = state.breaker.ended(outcome, tried, Instant::now());
        self.troubled.store(state.breaker.is_troubled(), Relaxed);
        drop(state);
        match turn {
            None => return,
            Some(Turn::Paused(pause, why)) => {
                let text = format!("{why}; one event is tried in {}", duration_text(pause));
                tracing::warn!(plugin = self.name, "{text}");
                self.news.push(LineLevel::Warn, &text);
            }
            Some(Turn::GoesOn) => self.say_it_goes_on("it goes on after its pause"),
        }
        self.wake_all();
    }

    /// The one event that was to be tried came to nothing.
    pub(super) fn tries_another(&self) {
        self.lock().breaker.tries_another(Instant::now());
        self.wake_all();
    }

    /// Why the handler is paused, if it is.
    #[must_use]
    pub fn pause(&self) -> Option<PauseCard> {
        let (now, clock) = (Instant::now(), SystemTime::now());
        let at = |moment: Instant| match moment.checked_duration_since(now) {
            Some(left) => clock.checked_add(left).unwrap_or(clock),
            None => clock.checked_sub(now.saturating_duration_since(moment)).unwrap_or(clock),
        };
        let state = self.lock();
        let paused = state.breaker.paused()?;
        let why = first_line(paused.why);
        let why = why[..why.floor_char_boundary(WHY_BYTES_MAX)].to_owned();
        Some(PauseCard { why, since: at(paused.since), until: paused.until.map(at) })
    }

    /// Another version handles what comes from here on: a pause that the one before earned is over.
    pub fn begin_anew(&self) {
        let mut state = self.lock();
        let was_paused = state.breaker.close();
        self.troubled.store(state.breaker.is_troubled(), Relaxed);
        drop(state);
        if was_paused {
            self.say_it_goes_on("it goes on before its pause is over, as another version is live");
            self.wake_all();
        }
    }

    fn say_it_goes_on(&self, text: &str) {
        tracing::info!(plugin = self.name, "{text}");
        self.news.push(LineLevel::Info, text);
    }
}

/// Nothing is asked of a handler that is paused: who asks is told when it goes on, if that is known.
pub(super) fn refuse(asked: impl Iterator<Item = Delivery>, why: &str, left: Option<Duration>) {
    let until = || match left {
        Some(left) => format!("goes on in {}", shown(left)),
        None => "one event is being tried now".to_owned(),
    };
    asked.for_each(|delivery| fail(delivery, &format!("{why}; {}", until())));
}

/// Who asked is told why there is no answer.
pub(super) fn fail(delivery: Delivery, why: &str) {
    if let Some(request) = delivery.request {
        request.answer(Err(Failure::Failed(why.to_owned())));
    }
}

/// A wait that nobody takes to the millisecond: never less than it is.
fn shown(left: Duration) -> String {
    let step = if left < Duration::from_secs(1) { 10 } else { 1_000 };
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    duration_rough(Duration::from_millis((millis / step).saturating_add(1).saturating_mul(step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_pause_is_shown_in_round_numbers() {
        for (left, want) in [(3_200, "4s"), (999, "1s"), (42, "50ms"), (0, "10ms"), (61_000, "62s")] {
            assert_eq!(shown(Duration::from_millis(left)), want, "{left}");
        }
    }
}
