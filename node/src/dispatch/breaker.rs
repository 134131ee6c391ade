//! A breaker: a handler that keeps failing is paused, so that it does not use up its events' attempts and everybody's time.
//!
//! What it owns: when it is paused, and what ends that. Pure: the caller brings the time. It must not know what waits.

use std::time::{Duration, Instant};

use super::Outcome;
use crate::status;

/// When a handler is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Failures in a row after which it is.
    pub failures: u32,
    /// For how long; then one event is tried.
    pub pause: Duration,
}

impl Default for Patience {
    /// More failures in a row than one poisoned event has by itself, and a pause that whoever watches notices.
    fn default() -> Self {
        Self { failures: 20, pause: Duration::from_secs(5) }
    }
}

/// How a handler stands.
#[derive(Debug)]
pub(super) struct Breaker {
    /// None: it is never paused.
    patience: Option<Patience>,
    stand: Stand,
    /// How often it was paused.
    pauses: u64,
}

#[derive(Debug)]
enum Stand {
    /// So many failures in a row, and whether a call broke among them.
    Closed { failures: u32, broke: bool },
    /// It is paused, over all tries since the first pause.
    Open { since: Instant, until: Instant, why: String, broke: bool },
    /// One event is tried.
    HalfOpen { since: Instant, why: String, broke: bool },
}

impl Default for Stand {
    fn default() -> Self {
        Self::Closed { failures: 0, broke: false }
    }
}

/// A handler that is paused, or tried.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Paused<'b> {
    pub why: &'b str,
    /// When the first pause began that no event has ended.
    pub since: Instant,
    /// From when on one event may be tried; none: it is.
    pub until: Option<Instant>,
}

/// What a handler may take now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<'b> {
    /// Whatever comes.
    All,
    /// One event; no other until that is done with.
    One,
    /// Nothing: why, and from when on one event may be; none: when the one in hand is done with.
    Nothing(&'b str, Option<Instant>),
}

/// What the end of a call changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is paused.
    Paused(Duration, String),
    /// It goes on.
    GoesOn,
}

impl Breaker {
    pub(super) fn new(patience: Option<Patience>) -> Self {
        Self { patience, stand: Stand::default(), pauses: 0 }
    }

    /// Another patience; a handler that is paused goes on, and failures are counted anew.
    pub(super) fn change(&mut self, patience: Option<Patience>) {
        (self.patience, self.stand) = (patience, Stand::default());
    }

    /// Another version handles what comes: what the one before did says nothing of it. Whether it was paused.
    pub(super) fn close(&mut self) -> bool {
        let was_paused = !self.is_closed();
        self.stand = Stand::default();
        was_paused
    }

    /// How it stands, and how often it was paused.
    pub(super) fn look(&self) -> (status::Breaker, u64) {
        let stand = match &self.stand {
            Stand::Closed { .. } => status::Breaker::Closed,
            Stand::Open { .. } => status::Breaker::Open,
            Stand::HalfOpen { .. } => status::Breaker::HalfOpen,
        };
        (stand, self.pauses)
    }

    /// Why it is paused, if it is.
    pub(super) fn paused(&self) -> Option<Paused<'_>> {
        match &self.stand {
            Stand::Closed { .. } => None,
            Stand::Open { since, until, why, .. } => Some(Paused { why, since: *since, until: Some(*until) }),
            Stand::HalfOpen { since, why, .. } => Some(Paused { why, since: *since, until: None }),
        }
    }

    /// Whether whatever comes may be taken.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.stand, Stand::Closed { .. })
    }

    /// Whether it has to hear of what is handled well.
    pub(super) fn is_troubled(&self) -> bool {
        !matches!(self.stand, Stand::Closed { failures: 0, .. })
    }

    /// What may be taken now.
    pub(super) fn admits(&self, now: Instant) -> Admission<'_> {
        match &self.stand {
            Stand::Closed { .. } => Admission::All,
            Stand::Open { until, .. } if *until <= now => Admission::One,
            Stand::Open { until, why, .. } => Admission::Nothing(why, Some(*until)),
            Stand::HalfOpen { why, .. } => Admission::Nothing(why, None),
        }
    }

    /// Whether who asks is answered whatever events there are: it is not paused, or its handler only asked for its events to be
    /// tried again, as what it needs is away, and never broke.
    pub(super) fn lets_ask(&self) -> bool {
        match &self.stand {
            Stand::Closed { .. } => true,
            Stand::Open { broke, .. } | Stand::HalfOpen { broke, .. } => !broke,
        }
    }

    /// The one event that is tried was taken.
    pub(super) fn tries(&mut self) {
        if let Stand::Open { since, why, broke, .. } = &mut self.stand {
            self.stand = Stand::HalfOpen { since: *since, why: std::mem::take(why), broke: *broke };
        }
    }

    /// The one event came to nothing that says anything: another may be tried.
    pub(super) fn tries_another(&mut self, now: Instant) {
        if let Stand::HalfOpen { since, why, broke } = &mut self.stand {
            self.stand = Stand::Open { since: *since, until: now, why: std::mem::take(why), broke: *broke };
        }
    }

    /// A call ended; `tried`: it was the one event.
    pub(super) fn ended(&mut self, outcome: &Outcome, tried: bool, now: Instant) -> Option<Turn> {
        let patience = self.patience?;
        let failure = match outcome {
            Outcome::Done(_) | Outcome::Reject(_) => None,
            Outcome::Retry { reason, .. } | Outcome::Broken(reason) => Some(reason),
        };
        let breaks = matches!(outcome, Outcome::Broken(_));
        let (failures, broke) = match (&mut self.stand, failure) {
            (Stand::HalfOpen { .. }, None) if tried => {
                self.stand = Stand::default();
                return Some(Turn::GoesOn);
            }
            (Stand::HalfOpen { .. }, Some(_)) if tried => (patience.failures, breaks),
            // What began before the pause says nothing about what comes after it.
            (Stand::Open { .. } | Stand::HalfOpen { .. }, _) => return None,
            (Stand::Closed { .. }, None) => {
                self.stand = Stand::default();
                return None;
            }
            (Stand::Closed { failures, broke }, Some(_)) => {
                *failures = failures.saturating_add(1);
                *broke |= breaks;
                (*failures, *broke)
            }
        };
        let reason = failure.filter(|_| failures >= patience.failures)?;
        let failures = match patience.failures {
            1 => "a failure".to_owned(),
            several => format!("{several} failures in a row, the last"),
        };
        let why = format!("it is paused after {failures}: {reason}");
        let since = self.paused().map_or(now, |paused| paused.since);
        self.stand = Stand::Open { since, until: now + patience.pause, why: why.clone(), broke };
        self.pauses = self.pauses.saturating_add(1);
        Some(Turn::Paused(patience.pause, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> Outcome {
        Outcome::Broken("trapped".into())
    }

    #[test]
    fn it_opens_after_failures_in_a_row_tries_one_and_closes() {
        let patience = Patience { failures: 3, pause: Duration::from_secs(5) };
        let (mut breaker, now) = (Breaker::new(Some(patience)), Instant::now());
        let done = Outcome::Done(None);
        for outcome in
            [&broken(), &broken(), &done, &broken(), &Outcome::Reject("no".into()), &broken(), &broken()]
        {
            assert_eq!(breaker.ended(outcome, false, now), None);
        }
        assert_eq!(breaker.admits(now), Admission::All);
        assert!(
            matches!(breaker.ended(&broken(), false, now), Some(Turn::Paused(_, why)) if why.ends_with("trapped"))
        );
        assert!(matches!(breaker.admits(now), Admission::Nothing(_, Some(_))));
        assert_eq!(breaker.ended(&done, false, now), None, "it began before the pause");

        let later = now + patience.pause;
        assert_eq!(breaker.admits(later), Admission::One);
        breaker.tries();
        assert!(matches!(breaker.admits(later), Admission::Nothing(_, None)));
        breaker.tries_another(later);
        assert_eq!(breaker.admits(later), Admission::One);
        breaker.tries();
        assert_eq!(breaker.paused().map(|paused| (paused.since, paused.until)), Some((now, None)));
        assert!(matches!(breaker.ended(&broken(), true, later), Some(Turn::Paused(..))));
        let paused = breaker.paused().expect("it is paused");
        assert_eq!((paused.since, paused.until), (now, Some(later + patience.pause)), "it was all the time");
        assert!(paused.why.ends_with("trapped"));
        breaker.tries();
        assert_eq!(breaker.ended(&done, true, later), Some(Turn::GoesOn));
        assert_eq!(breaker.paused(), None);
        assert_eq!((breaker.admits(later), breaker.look().1), (Admission::All, 2));
        assert!(!breaker.close(), "it is not paused");
        (0..3).for_each(|_| drop(breaker.ended(&broken(), false, later)));
        assert!(breaker.close());
        assert_eq!((breaker.admits(later), breaker.is_troubled()), (Admission::All, false));
    }

    #[test]
    fn who_asks_is_let_through_while_nothing_broke() {
        let patience = Patience { failures: 2, pause: Duration::from_secs(5) };
        let now = Instant::now();
        let away = || Outcome::Retry { reason: "away".into(), after: None };
        for (outcomes, lets) in
            [([away(), away()], true), ([broken(), away()], false), ([away(), broken()], false)]
        {
            let mut breaker = Breaker::new(Some(patience));
            outcomes.iter().for_each(|outcome| drop(breaker.ended(outcome, false, now)));
            assert_eq!((breaker.is_closed(), breaker.lets_ask()), (false, lets), "{outcomes:?}");
            breaker.tries();
            assert_eq!(breaker.lets_ask(), lets);
            // What it was tried with says more than what was before.
            drop(breaker.ended(&away(), true, now));
            assert!(!breaker.is_closed() && breaker.lets_ask());
        }
    }

    #[test]
    fn without_patience_it_never_opens() {
        let mut breaker = Breaker::new(None);
        assert!((0..1_000).all(|_| breaker.ended(&broken(), false, Instant::now()).is_none()));
    }
}
