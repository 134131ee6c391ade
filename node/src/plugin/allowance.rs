//! What a plugin may do to the node in a second: calls of it, events out, lines in the log. All its instances share it.
//!
//! What it owns: the rates, and what is counted and said when they are reached; of calls that break, how many are said. It
//! must not know what is called, published or said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use hive_proto::event::Event;

use super::{host::readable, instances::Fault, limits::Limits, rate::Rate};
use crate::{
    status::{Complaints, LineLevel, Lines, Work, and_more, beside_those_said},
    telemetry::LINE_END,
};

/// The target of guests' lines in the log's filter.
const TARGET: &str = "handler";
/// Lines that were left out are said once in so long.
const LEFT_OUT_INTERVAL: Duration = Duration::from_secs(1);
/// Calls of the node that are made too early are waited for no longer than this part of a handler's deadline: one bad call
/// must not silence a plugin for hours, nor take the time of the events after it.
const DEBT_OF_DEADLINE: u32 = 2;

/// What a plugin may do.
#[derive(Debug)]
pub struct Allowance {
    plugin: Arc<str>,
    /// Where what is over is counted.
    work: Arc<Work>,
    calls: Rate,
    /// How long is waited for calls that were made too early, at most.
    debt_max: Duration,
    /// More calls were made than were earned when it was last looked.
    owing: AtomicBool,
    publishes: Rate,
    lines: Rate,
    line_bytes: Rate,
    /// The last lines, for whoever looks.
    last_lines: Arc<Lines>,
    /// Lines that were not said since they were last counted aloud.
    left_out: AtomicU64,
    since: Instant,
    /// When they were last counted aloud, in milliseconds since `since`.
    told_ms: AtomicU64,
    /// Calls that broke: once a second one of each cause is said.
    broken: Complaints,
    /// What its process said and must not: likewise.
    misspoken: Complaints,
}

impl Allowance {
    /// What the limits say.
    #[must_use]
    pub fn new(plugin: Arc<str>, limits: &Limits, work: Arc<Work>, last_lines: Arc<Lines>) -> Self {
        Self {
            plugin,
            work,
            calls: Rate::new(limits.host_calls),
            debt_max: limits.deadline / DEBT_OF_DEADLINE,
            owing: AtomicBool::new(false),
            publishes: Rate::new(limits.publishes),
            lines: Rate::new(limits.log_lines),
            line_bytes: Rate::new(limits.log_bytes.0),
            last_lines,
            left_out: AtomicU64::new(0),
            since: Instant::now(),
            told_ms: AtomicU64::new(0),
            broken: Complaints::new(1),
            misspoken: Complaints::new(1),
        }
    }

    /// Takes so many calls of the node that are being made, allowed or not.
    pub fn called(&self, count: u64) {
        if !self.calls.owe(count, self.debt_max).is_zero() && !self.owing.swap(true, Relaxed) {
            self.work.paced.one();
        }
    }

    /// Until when no more calls are to be made; none: they may be. Looks at no clock while they were never too many.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if !self.owing.load(Relaxed) {
            return None;
        }
        // Before the look, so that what another instance comes to owe meanwhile is not overlooked.
        self.owing.store(false, Relaxed);
        let due = self.calls.due();
        if due.is_some() {
            self.owing.store(true, Relaxed);
        }
        due
    }

    /// Takes so many events to be published or asked, and says how long to wait before they are.
    ///
    /// # Errors
    /// How long that would be, when it is longer than `most`.
    pub fn publishes(&self, count: u64, most: Duration) -> Result<Duration, Duration> {
        let taken = self.publishes.take(count, most);
        if taken != Ok(Duration::ZERO) {
            self.work.paced.one();
        }
        taken
    }

    /// Something that is larger than the plugin may publish or answer was refused.
    pub fn too_large(&self) {
        self.work.too_large.one();
    }

    /// Whether a line of the guest is to be said; otherwise it is counted.
    #[must_use]
    pub fn admits_line(&self, bytes: usize) -> bool {
        let fits = self.lines.admits(1) && self.line_bytes.admits(u64::try_from(bytes).unwrap_or(u64::MAX));
        if !fits {
            self.left_out.fetch_add(1, Relaxed);
            self.work.lines_left_out.one();
        }
        fits
    }

    /// One line in the log under the plugin's name, and among its last ones.
    pub fn say(&self, level: LineLevel, line: &str) {
        let plugin = &*self.plugin;
        match level {
            LineLevel::Trace => tracing::trace!(target: TARGET, plugin, "{line}"),
            LineLevel::Debug => tracing::debug!(target: TARGET, plugin, "{line}"),
            LineLevel::Info => tracing::info!(target: TARGET, plugin, "{line}"),
            LineLevel::Warn => tracing::warn!(target: TARGET, plugin, "{line}"),
            LineLevel::Error => tracing::error!(target: TARGET, plugin, "{line}"),
        }
        self.note(level, line);
    }

    /// One line among the plugin's last ones alone: somebody else says it aloud.
    pub fn note(&self, level: LineLevel, line: &str) {
        self.last_lines.push(level, line);
    }

    /// A call broke, or found no instance. It is said, aloud too, with what the guest said of it, unless one of the same cause
    /// was just now: then it is counted.
    pub fn broke(&self, event: &Event, fault: &Fault) {
        let plugin = &*self.plugin;
        let below = match fault {
            Fault::Trap { dump: Some(dump), .. } => format!("{LINE_END}{}", readable(dump)),
            _ => String::new(),
        };
        let (channel, id, fault) = (&event.channel, event.id, fault.to_string());
        let Some(left_out) = self.broken.admit((channel.as_str(), &fault)) else {
            tracing::debug!(plugin, %channel, event = %id, "the handler {fault}{below}");
            return;
        };
        let more = and_more(left_out);
        tracing::warn!(plugin, %channel, event = %id, "the handler {fault}{more}{below}");
        self.note(
            LineLevel::Warn,
            &format!("the handler {fault} (channel={channel} event={id}){more}{below}"),
        );
    }

    /// Its process said what it must not. Said as a call that broke is.
    pub fn misspoke(&self, why: &str) {
        let plugin = &*self.plugin;
        let Some(left_out) = self.misspoken.admit(why) else {
            tracing::debug!(plugin, "a message of its process is refused: {why}");
            return;
        };
        let text = format!("a message of its process is refused: {why}{}", and_more(left_out));
        tracing::warn!(plugin, "{text}");
        self.note(LineLevel::Warn, &text);
    }

    /// Where the plugin's last lines are.
    #[must_use]
    pub fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.last_lines)
    }

    /// Says how many lines were left out, and how many broken calls and the like, when it was not said just now. To be asked
    /// now and then.
    pub fn tell_left_out(&self) {
        for (kind, one, many) in [
            (&self.broken, "call broke", "calls broke"),
            (&self.misspoken, "message of its process was refused", "messages of its process were refused"),
        ] {
            if let Some(count) = kind.overdue() {
                let text = beside_those_said(count, (one, many));
                tracing::warn!(plugin = &*self.plugin, "{text}");
                self.note(LineLevel::Warn, &text);
            }
        }
        if self.left_out.load(Relaxed) == 0 {
            return;
        }
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let interval = u64::try_from(LEFT_OUT_INTERVAL.as_millis()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.told_ms.load(Relaxed)) < interval {
            return;
        }
        self.told_ms.store(now, Relaxed);
        let count = self.left_out.swap(0, Relaxed);
        let lines = if count == 1 { "line" } else { "lines" };
        self.say(LineLevel::Warn, &format!("{count} {lines} left out: it says more than it may in a second"));
    }
}

/// Whether the log takes lines of that level from guests.
#[must_use]
pub fn is_said(level: LineLevel) -> bool {
    match level {
        LineLevel::Trace => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
        LineLevel::Debug => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
        LineLevel::Info => tracing::enabled!(target: TARGET, tracing::Level::INFO),
        LineLevel::Warn => tracing::enabled!(target: TARGET, tracing::Level::WARN),
        LineLevel::Error => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::ByteSize;

    #[test]
    fn lines_over_the_rate_are_left_out_and_counted() {
        let limits = Limits { log_lines: 10, log_bytes: ByteSize::kib(1), ..Limits::default() };
        let (work, lines) = (Arc::<Work>::default(), Arc::<Lines>::default());
        let allowance = Allowance::new("x".into(), &limits, Arc::clone(&work), Arc::clone(&lines));
        assert_eq!((0..30).filter(|_| allowance.admits_line(10)).count(), 10);
        assert_eq!(work.lines_left_out.value(), 20);
        let allowance = Allowance::new("x".into(), &limits, work, Arc::clone(&lines));
        assert!(allowance.admits_line(1_000) && !allowance.admits_line(100), "bytes count too");
        allowance.told_ms.store(0, Relaxed);
        assert!(lines.after(0, 9).0.is_empty());
    }

    #[test]
    fn what_a_process_must_not_say_is_a_warning_once_a_second_for_each_cause() {
        let (work, lines) = (Arc::<Work>::default(), Arc::<Lines>::default());
        let allowance = Allowance::new("x".into(), &Limits::default(), work, Arc::clone(&lines));
        for why in ["it has no event 7 in hand", "it may not"] {
            (0..3).for_each(|_| allowance.misspoke(why));
        }
        let said: Vec<_> = lines.after(0, 9).0.into_iter().map(|line| (line.level, line.text)).collect();
        let want = |why: &str| (LineLevel::Warn, format!("a message of its process is refused: {why}"));
        assert_eq!(said, [want("it has no event 7 in hand"), want("it may not")]);
    }
}
