//! `hive:node/log`: lines in the node's log under the plugin's name, bounded and without control characters.

use std::fmt::Write as _;

use super::{
    Guest,
    bindings::hive::node::log::{self, Level},
};

/// Bytes of one line that reach the log; the rest is cut off.
const LINE_BYTES_MAX: usize = 8 << 10;

impl log::Host for Guest {
    fn enabled(&mut self, level: Level) -> bool {
        self.place.is_some() && is_enabled(level)
    }

    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        let Some(place) = &self.place else { return };
        if !is_enabled(level) {
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
        say(&place.plugin, level, &line);
    }
}

/// One line in the log under the plugin's name.
pub(super) fn say(plugin: &str, level: Level, line: &str) {
    let line = readable(line);
    match level {
        Level::Trace => tracing::trace!(target: TARGET, plugin, "{line}"),
        Level::Debug => tracing::debug!(target: TARGET, plugin, "{line}"),
        Level::Info => tracing::info!(target: TARGET, plugin, "{line}"),
        Level::Warn => tracing::warn!(target: TARGET, plugin, "{line}"),
        Level::Error => tracing::error!(target: TARGET, plugin, "{line}"),
    }
}

/// Where guests' lines stand in the log's filter.
const TARGET: &str = "handler";

fn is_enabled(level: Level) -> bool {
    match level {
        Level::Trace => tracing::enabled!(target: TARGET, tracing::Level::TRACE),
        Level::Debug => tracing::enabled!(target: TARGET, tracing::Level::DEBUG),
        Level::Info => tracing::enabled!(target: TARGET, tracing::Level::INFO),
        Level::Warn => tracing::enabled!(target: TARGET, tracing::Level::WARN),
        Level::Error => tracing::enabled!(target: TARGET, tracing::Level::ERROR),
    }
}

/// A guest must not write its own log lines, nor steer a terminal.
fn readable(line: &str) -> String {
    let end = line.floor_char_boundary(LINE_BYTES_MAX);
    let shown = line.get(..end).unwrap_or_default();
    let mut text: String = shown
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            '\n' => '⏎',
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
