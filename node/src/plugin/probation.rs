//! The probation of a version: it is live, and the one before stays warm until the new one has proved itself.
//!
//! What it owns: the judgement, and the worker that takes an event to the new version and, where that breaks, to the old
//! one. A call counts against a version when it traps, runs into a limit or finds no instance that starts, and the version
//! before does not break on the same event. What a handler says itself (retry, reject) is no failure of its version. It
//! must not know how versions are swapped.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{
            AtomicU8, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::worker::{Came, Version, Worker};
use crate::{
    bus::Event,
    dispatch::{Call, Invoke, Outcome},
};

/// How long a version is on probation unless the configuration says otherwise.
pub const PROBATION: Duration = Duration::from_secs(30);
/// Broken calls of one subscription, one after the other, that are too many.
const IN_A_ROW_MAX: u64 = 3;
/// Calls from which on the share of broken ones counts: more than half of them are too many.
const SHARE_OF: u64 = 10;
/// Calls without trouble that end a probation early.
const ENOUGH: u64 = 1_000;
/// How soon an event is tried again that came while the version before was about to take over.
const TAKES_OVER: Duration = Duration::from_millis(10);

/// One version's probation.
pub struct Probation {
    /// The version before; gone when the probation was passed. The mutex is held for a look.
    old: Mutex<Option<Arc<Version>>>,
    /// The version before handles one event at a time, and never beside another.
    old_takes_one: bool,
    /// When it has lasted long enough.
    until: Instant,
    verdict: AtomicU8,
    judge: Judge,
    /// Why it failed. Set before the verdict is told.
    why: OnceLock<String>,
    /// Told with the verdict. One task waits for it.
    told: Notify,
}

/// What came of a probation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The version stays.
    Passed,
    /// The version before is to take over again, and why.
    Failed(String),
}

const OPEN: u8 = 0;
const PASSED: u8 = 1;
const FAILED: u8 = 2;

impl Probation {
    /// A version's probation begins; `old` is the one before.
    #[must_use]
    pub fn begin(old: Arc<Version>, lasts: Duration) -> Arc<Self> {
        Arc::new(Self {
            old_takes_one: old.place.takes_one,
            old: Mutex::new(Some(old)),
            until: Instant::now() + lasts,
            verdict: AtomicU8::new(OPEN),
            judge: Judge::default(),
            why: OnceLock::new(),
            told: Notify::new(),
        })
    }

    /// Waits for the end of it. Nothing is lost when the wait is given up.
    pub async fn judged(&self) -> Verdict {
        let told = async {
            loop {
                let told = self.told.notified();
                if self.verdict.load(Acquire) != OPEN {
                    return;
                }
                told.await;
            }
        };
        if tokio::time::timeout_at(self.until.into(), told).await.is_err() {
            self.end(PASSED);
        }
        match self.verdict.load(Acquire) {
            FAILED => Verdict::Failed(self.why.get().cloned().unwrap_or_default()),
            _ => Verdict::Passed,
        }
    }

    /// Takes the old version away: nobody goes back to it from here any more.
    pub fn close(&self) -> Option<Arc<Version>> {
        self.end(PASSED);
        self.old.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The version before, until the probation is closed.
    #[must_use]
    pub fn old(&self) -> Option<Arc<Version>> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls broke, and of how many.
    #[must_use]
    pub fn breaks(&self) -> (u64, u64) {
        (self.judge.broken.load(Relaxed), self.judge.calls.load(Relaxed))
    }

    /// A call of a subscription came to an end that says nothing against the version.
    fn well(&self, of: Option<u32>) {
        if self.judge.well(of) {
            self.end(PASSED);
        }
    }

    /// A call of a subscription broke.
    fn broke(&self, of: Option<u32>, why: &str) {
        if let Some(much) = self.judge.broke(of) {
            self.fail(format!("{much} broke, the last one: {why}"));
        }
    }

    fn fail(&self, why: String) {
        // The first reason stays.
        let _ = self.why.set(why);
        self.end(FAILED);
    }

    fn end(&self, verdict: u8) {
        if self.verdict.compare_exchange(OPEN, verdict, AcqRel, Acquire).is_ok() {
            self.told.notify_one();
        }
    }
}

/// What a version's calls came to. Relaxed: each count is exact, and a verdict a call earlier or later is as good.
#[derive(Debug, Default)]
struct Judge {
    /// Calls that came to an end, whatever it was.
    calls: AtomicU64,
    broken: AtomicU64,
    /// Broken ones since one that was not, of each subscription that has any: a clock that ticks well says nothing of the
    /// orders that break. The mutex is held for a look; where nothing broke it is not taken.
    in_a_row: Mutex<BTreeMap<Option<u32>, u64>>,
}

impl Judge {
    /// A call that was not broken. Whether they are enough.
    fn well(&self, of: Option<u32>) -> bool {
        if self.broken.load(Relaxed) > 0 {
            self.in_a_row.lock().unwrap_or_else(PoisonError::into_inner).remove(&of);
        }
        self.calls.fetch_add(1, Relaxed) + 1 >= ENOUGH
    }

    /// A broken call. If that is too much: how much.
    fn broke(&self, of: Option<u32>) -> Option<String> {
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        let broken = self.broken.fetch_add(1, Relaxed) + 1;
        let mut rows = self.in_a_row.lock().unwrap_or_else(PoisonError::into_inner);
        let in_a_row = rows.entry(of).or_default();
        *in_a_row += 1;
        if *in_a_row >= IN_A_ROW_MAX {
            return Some(format!("{in_a_row} calls in a row"));
        }
        (calls >= SHARE_OF && broken.saturating_mul(2) > calls).then(|| format!("{broken} of {calls} calls"))
    }
}

/// A worker of a version on probation, and of the one before where the new one breaks.
pub struct OnTrial {
    new: Worker,
    /// Made for the first event that breaks the new version; it is one whole instance.
    old: Option<Worker>,
    probation: Arc<Probation>,
}

impl OnTrial {
    /// A worker of a version on probation.
    #[must_use]
    pub fn new(new: Worker, probation: Arc<Probation>) -> Self {
        Self { new, old: None, probation }
    }

    /// The old version's worker; none when the probation was closed.
    fn old(&mut self) -> Option<&mut Worker> {
        if self.old.is_none() {
            self.old = self.probation.old().map(|old| Worker::new(old, None));
        }
        self.old.as_mut()
    }

    /// The event broke the new version: it is the old one's. None: the old one does not want it.
    async fn fall_back(&mut self, event: &Event, mut call: Call) -> Option<(Outcome, Came)> {
        let old = self.old()?;
        if !old.hears(event, &call) {
            return None;
        }
        let mut again = event.clone();
        again.attempt = again.attempt.saturating_add(1);
        call.deadline = Instant::now() + old.version().limits.deadline;
        Some(old.call(&again, &call).await)
    }
}

impl Invoke for OnTrial {
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        match self.probation.verdict.load(Acquire) {
            OPEN => {}
            // The old version takes over; until it has, nothing more breaks on the new one.
            FAILED if self.probation.old_takes_one && !self.new.version().place.takes_one => {
                let reason = "the version before is about to take over".to_owned();
                return Outcome::Retry { reason, after: Some(TAKES_OVER) };
            }
            FAILED => {
                return match self.old() {
                    Some(old) => old.invoke(event, call).await,
                    None => self.new.invoke(event, call).await,
                };
            }
            _ => {
                self.old = None;
                return self.new.invoke(event, call).await;
            }
        }
        let of = self.new.subscription(event, &call);
        let (outcome, came) = self.new.call(event, &call).await;
        let why = match came {
            Came::Unheard | Came::Unable => return outcome,
            Came::Back => {
                self.probation.well(of);
                return outcome;
            }
            Came::Broken(why) => why,
        };
        if self.new.version().place.takes_one {
            // With the call it lost its memory, and two must not be at events side by side: there is no second chance.
            self.probation.fail(why);
            if call.wants_reply {
                return outcome;
            }
            return self.fall_back(event, call).await.map_or(outcome, |(outcome, _)| outcome);
        }
        // Whoever asks is told, and asks again if he likes.
        let again = match call.wants_reply || self.probation.old_takes_one {
            true => None,
            false => self.fall_back(event, call).await,
        };
        match again {
            // It is the event.
            Some((outcome, Came::Broken(_))) => {
                self.probation.well(of);
                outcome
            }
            Some((outcome, _)) => {
                self.probation.broke(of, &why);
                outcome
            }
            None => {
                self.probation.broke(of, &why);
                outcome
            }
        }
    }

    async fn idle(&mut self) {
        if self.probation.verdict.load(Acquire) == PASSED {
            self.old = None;
        }
        match &mut self.old {
            Some(old) => tokio::join!(self.new.idle(), old.idle()).0,
            None => self.new.idle().await,
        }
    }

    fn last_words(&mut self) -> String {
        // The old version had it last, if it had it.
        let words = self.old.as_mut().map(Invoke::last_words).filter(|words| !words.is_empty());
        words.unwrap_or_else(|| self.new.last_words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_row_or_more_than_half_are_too_much() {
        /// `x` is a broken call, `X` one of another subscription, `:` one of that which is well; the last one decides.
        fn check(calls: &str, want: Option<&str>) {
            let judge = Judge::default();
            let mut said = None;
            for call in calls.chars() {
                assert_eq!(said, None, "{calls}: decided too early");
                said = match call {
                    'x' => judge.broke(Some(0)),
                    'X' => judge.broke(Some(1)),
                    ':' => judge.well(Some(1)).then(|| "enough".to_owned()),
                    _ => judge.well(Some(0)).then(|| "enough".to_owned()),
                };
            }
            assert_eq!(said.as_deref(), want, "{calls}");
        }
        check("xx.xx.", None);
        check("..xxx", Some("3 calls in a row"));
        check("x:x:x", Some("3 calls in a row"));
        check("xX.XxX", Some("3 calls in a row"));
        check("xXxX", None);
        check("xx.xx.xx", None);
        check("xx.xx.xx.x", Some("7 of 10 calls"));
        check(".x.x.x.x.x.x.x", None);
        check(".x.x.x.x.x.xx", Some("7 of 13 calls"));
        check(&".".repeat(1_000), Some("enough"));
    }
}
