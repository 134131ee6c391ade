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

    /// The last one that says something.
    #[must_use]
    pub fn last(&self) -> Option<String> {
        self.lock().lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
