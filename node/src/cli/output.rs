//! What goes to stdout, and how.
//!
//! What it owns: one way to print data, which ends the program quietly when its reader has gone; tables; the words for
//! spans of time and numbers; the name this program was started by. It must not know what is printed.

use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

use super::{Voice, exit::Fault};
use crate::{status, units::ByteSize};

/// Whether anything was written to stdout, which this process has one of.
static IS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Whether anything was written yet: whoever reads JSON there has some.
pub(super) fn is_begun() -> bool {
    IS_BEGUN.load(Relaxed)
}

/// Writes bytes to stdout and hands them on at once.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Fault> {
    IS_BEGUN.store(true, Relaxed);
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(closed)
}

/// Writes one line to stdout; colors only reach a terminal.
pub(super) fn line(text: &str) -> Result<(), Fault> {
    IS_BEGUN.store(true, Relaxed);
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(closed)
}

/// Writes one JSON document as one line.
pub(super) fn json(document: &impl Serialize) -> Result<(), Fault> {
    let mut text = serde_json::to_vec(document).map_err(Fault::failed)?;
    text.push(b'\n');
    bytes(&text)
}

/// Says something on stderr that is no error, unless the person wants it quiet.
pub(super) fn note(voice: &Voice, text: &str) {
    if !voice.quiet {
        anstream::eprintln!("{text}");
    }
}

/// Says how far something is, to a person who watches: on a terminal only.
pub(super) fn progress(voice: &Voice, text: &str) {
    if io::stderr().is_terminal() {
        note(voice, text);
    }
}

/// A reader that has gone has all it wanted (`… | head`): a quiet end. Anything else is an error.
fn closed(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Fault::silent(0),
        _ => Fault::failed(anyhow::Error::new(error).context("stdout cannot be written")),
    }
}

/// Lines of columns, each as wide as its widest cell, the first row the head. Empty without rows below the head.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A span of time for people: `350ms`, `12s`, `3m 5s`, `2h 10m`, `4d 3h`.
pub(super) fn span(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0 => format!("{ms}ms"),
        1..60 => format!("{s}s"),
        60..3600 => format!("{}m {}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// How long ago a moment is, in milliseconds since the Unix epoch.
pub(super) fn age_ms(unix_ms: u64) -> u64 {
    now_ms().saturating_sub(unix_ms)
}

/// How long it is until a moment, in milliseconds since the Unix epoch.
pub(super) fn left_ms(unix_ms: u64) -> u64 {
    unix_ms.saturating_sub(now_ms())
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// A short time for people, with three digits or so: `12µs`, `3.4ms`, `1.25s`.
pub(super) fn rough(time: Duration) -> String {
    let us = time.as_micros();
    match us {
        0..1_000 => format!("{us}µs"),
        1_000..1_000_000 => format!("{:.1}ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2}s", time.as_secs_f64()),
    }
}

/// `1 event`, `2 events`.
pub(super) fn count(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// A number of bytes in a unit of which there are at least ten: `812B`, `64KiB`.
pub(super) fn size(bytes: u64) -> String {
    let unit = [30, 20, 10].into_iter().map(|power| 1_u64 << power).find(|unit| bytes / unit >= 10);
    ByteSize(bytes - bytes % unit.unwrap_or(1)).to_string()
}

/// How many a second.
pub(super) fn rate(count: u64, time: Duration) -> String {
    let millis = time.as_millis().max(1);
    format!("{}/s", u128::from(count).saturating_mul(1000) / millis)
}

/// What a person types to start this program again: the path it was started by, quoted if need be.
pub(super) fn program() -> String {
    let name = env::args_os().next().unwrap_or_else(|| "hive-node".into());
    quoted(&name.to_string_lossy()).into_owned()
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// A text that keeps to its line: what would leave it is escaped.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape =
        |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// The line of a reason that says most; the rest is a stack, which `replay --dry-run` shows.
pub(super) fn first_line(reason: &str) -> String {
    one_line(&status::first_line(reason)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let check = |ms, want: &str| assert_eq!(span(ms), want);
        check(0, "0ms");
        check(999, "999ms");
        check(59_999, "59s");
        check(185_000, "3m 5s");
        check(7_800_000, "2h 10m");
        check(356_400_000, "4d 3h");
    }

    #[test]
    fn words_are_quoted_as_a_shell_needs() {
        assert_eq!(quoted("./target/release/hive-node"), "./target/release/hive-node");
        assert_eq!(quoted("/my files/hive-node"), "'/my files/hive-node'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells() {
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        assert_eq!(table(&[row(["NAME", "ID"]), row(["küche", "1"])]), "NAME   ID\nküche  1\n");
    }

    #[test]
    fn no_text_leaves_its_line() {
        assert_eq!(one_line("a\nb\u{1b}[1m\tc"), "a\\nb\\u{1b}[1m\tc");
    }
}
