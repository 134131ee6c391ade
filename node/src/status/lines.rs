//! The last lines of something that talks, for whoever looks later or goes on looking.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::Notify;

/// Lines that are kept; the oldest gives way.
pub const LINES_MAX: usize = 500;
/// Bytes of them.
pub const LINES_BYTES_MAX: usize = 128 << 10;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineLevel {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// As usual.
    Info,
    /// Odd.
    Warn,
    /// Wrong.
    Error,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which it is, from 1.
    pub number: u64,
    /// When it was said.
    pub at: SystemTime,
    /// How much it matters.
    pub level: LineLevel,
    /// The text, without its end.
    pub text: String,
}

/// The last lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// Held for a push or a copy.
    ring: Mutex<Ring>,
    /// Told with each line.
    told: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of the last line there was.
    last: u64,
}

impl Lines {
    /// Adds a line.
    pub fn push(&self, level: LineLevel, text: &str) {
        let text = text.get(..text.floor_char_boundary(LINES_BYTES_MAX)).unwrap_or_default();
        let mut ring = self.ring();
        ring.last = ring.last.saturating_add(1);
        let line = Line { number: ring.last, at: SystemTime::now(), level, text: text.to_owned() };
        ring.bytes = ring.bytes.saturating_add(line.text.len());
        ring.lines.push_back(line);
        while ring.lines.len() > LINES_MAX || ring.bytes > LINES_BYTES_MAX {
            let Some(oldest) = ring.lines.pop_front() else { break };
            ring.bytes = ring.bytes.saturating_sub(oldest.text.len());
        }
        drop(ring);
        self.told.notify_waiters();
    }

    /// The last of those behind a number, `most` at most, oldest first; and the number of the last line there was.
    #[must_use]
    pub fn after(&self, number: u64, most: usize) -> (Vec<Line>, u64) {
        let ring = self.ring();
        let newer = ring.lines.iter().filter(|line| line.number > number).count();
        (ring.lines.iter().skip(ring.lines.len() - newer.min(most)).cloned().collect(), ring.last)
    }

    /// Waits until there is a line behind a number. Cancel-safe.
    pub async fn more_than(&self, number: u64) {
        loop {
            let told = self.told.notified();
            if self.ring().last > number {
                return;
            }
            told.await;
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way_and_numbers_go_on() {
        let lines = Lines::default();
        (0..LINES_MAX + 10).for_each(|n| lines.push(LineLevel::Info, &n.to_string()));
        let (all, last) = lines.after(0, usize::MAX);
        assert_eq!((all.len(), last), (LINES_MAX, LINES_MAX as u64 + 10));
        let (some, _) = lines.after(last - 3, 2);
        assert_eq!(some.iter().map(|line| line.number).collect::<Vec<_>>(), [last - 1, last]);
        lines.push(LineLevel::Warn, &"x".repeat(2 * LINES_BYTES_MAX));
        assert_eq!(lines.after(0, usize::MAX).0.len(), 1, "bytes are bounded, too");
    }
}
