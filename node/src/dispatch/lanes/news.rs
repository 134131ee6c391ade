//! Why events are gone, as lines for whoever looks what their handler said last.
//!
//! Exists so that a person who misses an event looks in one place. It must not know what a handler is, or who looks.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use hive_proto::{channel::Channel, id::EventId};

use super::Lanes;
use crate::{
    bus::Event,
    dispatch::Outcome,
    status::{Complaints, LineLevel, Lines, and_more, beside_those_said, first_line},
    units::duration_rough,
};

/// Dead letters, and events that are tried for the last time, that are said at once; then it is one of each cause a second.
const AT_ONCE: u64 = 8;

/// What is said of one handler's events, and how much of it is.
#[derive(Debug)]
pub(super) struct News {
    /// Where it is said; not set for who has no such place.
    lines: OnceLock<Arc<Lines>>,
    dead: Complaints,
    last_tries: Complaints,
    /// Events that failed and are tried again, as their handler asked for.
    first_failures: Complaints,
    /// Calls that a handler did not come back from, where nobody else says them.
    broken: Complaints,
    /// Calls that a handler answered with an error.
    declined: Complaints,
}

impl Default for News {
    fn default() -> Self {
        let at_once = || Complaints::new(AT_ONCE);
        let one_by_one = || Complaints::new(1);
        let (lines, broken, declined) = (OnceLock::new(), one_by_one(), one_by_one());
        Self { lines, dead: at_once(), last_tries: at_once(), first_failures: one_by_one(), broken, declined }
    }
}

impl News {
    /// An event is a dead letter.
    pub(super) fn dead(&self, event: (&Channel, EventId), reason: &str) {
        self.say(&self.dead, event, ("dead letter", reason));
    }

    /// An event failed, and the next try is its last one.
    pub(super) fn last_try(&self, event: (&Channel, EventId), reason: &str) {
        self.say(&self.last_tries, event, ("failed, and is tried for the last time", reason));
    }

    fn say(&self, kind: &Complaints, (channel, id): (&Channel, EventId), (what, reason): (&str, &str)) {
        if self.lines.get().is_some()
            && let Some(left_out) = kind.admit((channel.as_str(), reason))
        {
            // The stack was a line of its own, of whoever has one.
            let (reason, more) = (first_line(reason), and_more(left_out));
            self.push(LineLevel::Warn, &format!("{what}: {reason} (channel={channel} event={id}){more}"));
        }
    }

    /// One line for whoever looks.
    pub(super) fn push(&self, level: LineLevel, text: &str) {
        if let Some(lines) = self.lines.get() {
            lines.push(level, text);
        }
    }
}

impl Lanes {
    /// What becomes of events that are not handled is said there from now on.
    pub fn speak_to(&self, lines: Arc<Lines>) {
        // Whoever gave the first place keeps it: it is one for all lanes of a plugin.
        let _ = self.news.lines.set(lines);
    }

    /// A call broke. It is said, aloud too, unless one of the same cause was just now: then it is counted.
    pub(in crate::dispatch) fn broke(&self, event: &Event, why: &str) {
        self.complain(&self.news.broken, (&event.channel, event.id), why, why);
    }

    /// An event failed for the first time, as its handler says, and is tried again after so long.
    pub(super) fn first_failure(&self, event: (&Channel, EventId), reason: &str, wait: Duration) {
        if self.news.lines.get().is_some() {
            let reason = first_line(reason);
            let text = format!("an event failed, and is tried again in {}: {reason}", duration_rough(wait));
            self.complain(&self.news.first_failures, event, &reason, &text);
        }
    }

    fn complain(&self, kind: &Complaints, (channel, id): (&Channel, EventId), cause: &str, why: &str) {
        let plugin = self.name.as_str();
        let Some(left_out) = kind.admit((channel.as_str(), cause)) else {
            tracing::debug!(plugin, %channel, event = %id, "{why}");
            return;
        };
        let more = and_more(left_out);
        tracing::warn!(plugin, %channel, event = %id, "{why}{more}");
        self.news.push(LineLevel::Warn, &format!("{why} (channel={channel} event={id}){more}"));
    }

    /// Who asked was told an error, which is said as a call that broke is. That one is said where it broke.
    pub(super) fn declined(&self, event: &Event, outcome: &Outcome) {
        let (what, reason) = match outcome {
            Outcome::Retry { reason, .. } => ("a call failed", reason),
            Outcome::Reject(reason) => ("a call was rejected", reason),
            Outcome::Done(_) | Outcome::Broken(_) => return,
        };
        if self.news.lines.get().is_some() {
            let why = format!("{what}: {}", first_line(reason));
            self.complain(&self.news.declined, (&event.channel, event.id), &why, &why);
        }
    }

    /// Says how much was left out, where nothing else came that would have said so. To be asked now and then.
    pub fn tell_left_out(&self) {
        let News { dead, last_tries, first_failures, broken, declined, .. } = &self.news;
        for (kind, is_aloud, one, many) in [
            // The log has each of the letters.
            (dead, false, "dead letter", "dead letters"),
            (last_tries, false, "event tried for the last time", "events tried for the last time"),
            (first_failures, true, "event that failed", "events that failed"),
            (broken, true, "broken call", "broken calls"),
            (declined, true, "failed call", "failed calls"),
        ] {
            if let Some(count) = kind.overdue() {
                let text = beside_those_said(count, (one, many));
                if is_aloud {
                    tracing::warn!(plugin = self.name, "{text}");
                }
                self.news.push(LineLevel::Warn, &text);
            }
        }
    }
}
