//! What happened, as a fingerprint of all of it and the last lines for people.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
};

/// Lines kept for people.
const TAIL: usize = 400;

/// FNV-1a over every line, and the last lines.
#[derive(Debug)]
pub(super) struct Trace {
    hash: u64,
    tail: VecDeque<String>,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, tail: VecDeque::new() }
    }

    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        // The oldest line's memory is used again: a run has a hundred thousand lines.
        let mut text = if self.tail.len() < TAIL { None } else { self.tail.pop_front() }.unwrap_or_default();
        text.clear();
        if text.write_fmt(line).is_err() {
            text.push_str("a value that cannot be written");
        }
        for byte in text.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.tail.push_back(text);
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }
}
