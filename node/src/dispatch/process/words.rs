//! What a process wrote to its stderr last, for whoever reads a dead letter or hears of its end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bus::LAST_WORDS_BYTES_MAX;

/// The last lines. The mutex is held for a push or a copy.
#[derive(Debug, Default)]
pub struct Words(Mutex<String>);

impl Words {
    /// Adds a line; the oldest give way.
    pub fn push(&self, line: &str) {
        let mut text = self.lock();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
        let over = text.len().saturating_sub(LAST_WORDS_BYTES_MAX);
        let from = text.ceil_char_boundary(over);
        text.drain(..from);
    }

    /// All of them.
    #[must_use]
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// The last one that says something. What Go, Node.js and Rust write beneath what went wrong does not.
    #[must_use]
    pub fn last(&self) -> Option<String> {
        let text = self.lock();
        let says =
            |line: &&str| !line.trim().is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE");
        let last = text.lines().rfind(says)?;
        let is_error = |line: &&str| {
            let before = line.split([':', ' ']).next().unwrap_or_default();
            before.ends_with("Error") && !line.starts_with(' ')
        };
        let is_panic = |line: &&str| line.starts_with("panic: ") || line.starts_with("fatal error: ");
        let cause = if last.starts_with("Node.js v") {
            text.lines().rfind(is_error)
        } else if text.lines().any(|line| line.starts_with("goroutine ")) {
            text.lines().rfind(is_panic)
        } else {
            None
        };
        Some(cause.unwrap_or(last).trim().to_owned())
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
