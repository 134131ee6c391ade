//! `hive:node/log`: lines in the node's log under the plugin's name, bounded and without control characters.

use std::fmt::Write as _;

use super::{
    Guest,
    bindings::hive::node::log::{self, Level},
};
use crate::{
    plugin::allowance::{Allowance, is_said},
    status::LineLevel,
    telemetry::LINE_END,
};

/// Bytes of one line that reach the log; the rest is cut off.
pub(in crate::plugin) const LINE_BYTES_MAX: usize = 8 << 10;

impl log::Host for Guest {
    fn enabled(&mut self, level: Level) -> bool {
        self.place.is_some() && is_said(level_of(level))
    }

    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        let Some(place) = &self.place else { return };
        let level = level_of(level);
        if !is_said(level) {
            return;
        }
        let mut line = message;
        line.truncate(line.floor_char_boundary(LINE_BYTES_MAX));
        for (name, value) in fields {
            if line.len() >= LINE_BYTES_MAX {
                break;
            }
            let _ = write!(line, " {name}={value}");
        }
        say(&place.allowance, level, &line);
    }
}

/// One line in the log under the plugin's name, if it may say one more.
pub(in crate::plugin) fn say(plugin: &Allowance, level: LineLevel, line: &str) {
    if plugin.admits_line(line.len().min(LINE_BYTES_MAX)) {
        plugin.say(level, &readable(line));
    }
}

fn level_of(level: Level) -> LineLevel {
    match level {
        Level::Trace => LineLevel::Trace,
        Level::Debug => LineLevel::Debug,
        Level::Info => LineLevel::Info,
        Level::Warn => LineLevel::Warn,
        Level::Error => LineLevel::Error,
    }
}

/// A guest must not write its own log lines, nor steer a terminal.
pub(in crate::plugin) fn readable(line: &str) -> String {
    let end = line.floor_char_boundary(LINE_BYTES_MAX);
    let shown = line.get(..end).unwrap_or_default();
    let mut text: String = shown
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            '\n' => LINE_END,
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    if end < line.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_harmless() {
        assert_eq!(readable("a\tb\nc\u{1b}[31m"), "a b⏎c\u{fffd}[31m");
        let long = "é".repeat(LINE_BYTES_MAX);
        assert!(readable(&long).len() <= LINE_BYTES_MAX + '…'.len_utf8());
    }
}
