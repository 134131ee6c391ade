//! `plugins state`: what a plugin keeps on its node, a line a key, or one value.
//!
//! A line is `KEY  SIZE  ENDS IN  VALUE`, the value as `subscribe` shows a payload and cut where it is long; the third column
//! is there when some key ends.

use clap::Args;
use hive_client::types::{StateEntries, StateEntry};

use crate::cli::{Ask, Voice, exit::Fault, output, value};

/// Characters of a value that a line has room for.
const VALUE_CHARS_MAX: usize = 100;
/// Keys that a node gives at once, at most.
const KEYS_MAX: i64 = 1_000;

/// Which keys, for `state`.
#[derive(Debug, Args)]
pub(super) struct Keys {
    /// With state: only this key, and its whole value.
    pub(super) key: Option<String>,
    /// With state: only keys that begin so.
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    prefix: Option<String>,
    /// With state: so many keys at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=KEYS_MAX))]
    limit: u16,
    /// With state: only keys behind this one.
    #[arg(long, value_name = "KEY", conflicts_with = "key")]
    after: Option<String>,
}

pub(super) async fn run(name: &str, keys: &Keys, ask: &Ask) -> Result<(), Fault> {
    let client = ask.client()?;
    let Keys { key, prefix, limit, after } = keys;
    let prefix = prefix.as_deref().unwrap_or_default();
    let seen = match key {
        Some(key) => client.plugin_state_value(name, key).await?,
        None => client.plugin_state(name, prefix, after.as_deref(), usize::from(*limit)).await?,
    };
    if ask.json {
        return output::json(&seen);
    }
    match (key, &seen.entries[..]) {
        (Some(_), entries) => entries.iter().try_for_each(print),
        (None, []) => {
            let such = if prefix.is_empty() && after.is_none() { "" } else { " of the kind" };
            note(&format!("`{name}` keeps nothing{such}"));
            Ok(())
        }
        (None, entries) => {
            output::bytes(output::table(&table(entries)).as_bytes())?;
            say_more(&seen);
            Ok(())
        }
    }
}

/// One value, as it is.
fn print(entry: &StateEntry) -> Result<(), Fault> {
    let message = value::of_bytes(entry.value.clone());
    let text = value::for_people(&message);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    output::bytes(format!("{text}{end}").as_bytes())?;
    if let Some(ends_ms) = entry.ends_ms {
        note(&format!("`{}` ends in {}", output::one_line(&entry.key), ends_in(ends_ms)));
    }
    Ok(())
}

fn table(entries: &[StateEntry]) -> Vec<Vec<String>> {
    let ends = entries.iter().any(|entry| entry.ends_ms.is_some());
    let row = |key: String, size: String, end: String, value: String| {
        let end = ends.then_some(end);
        [Some(key), Some(size), end, Some(value)].into_iter().flatten().collect()
    };
    let head = row("KEY".into(), "SIZE".into(), "ENDS IN".into(), "VALUE".into());
    let entry = |entry: &StateEntry| {
        let end = entry.ends_ms.map(ends_in).unwrap_or_default();
        row(output::one_line(&entry.key).into_owned(), output::size(entry.size_bytes), end, shown(entry))
    };
    std::iter::once(head).chain(entries.iter().map(entry)).collect()
}

/// A value on its line. Of one of which the node gave the beginning, text is shown, and of other bytes their number.
fn shown(entry: &StateEntry) -> String {
    let message = value::of_bytes(entry.value.clone());
    if entry.cut && hive_client::message::payload::as_text(&entry.value).is_none() {
        return format!("<{} bytes>", entry.size_bytes);
    }
    let text = value::on_one_line(&message);
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None if entry.cut => format!("{text}…"),
        None => text,
    }
}

fn ends_in(ends_ms: u64) -> String {
    output::span(output::left_ms(ends_ms))
}

fn say_more(seen: &StateEntries) {
    let (Some(last), 1..) = (seen.entries.last(), seen.more) else { return };
    let least = if seen.more_uncounted { "at least " } else { "" };
    let last = output::quoted(&last.key).into_owned();
    note(&format!("and {least}{} more: `--after {}` goes on", seen.more, output::one_line(&last)));
}

fn note(text: &str) {
    output::note(&Voice::default(), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &[u8], size_bytes: usize, ends_ms: Option<u64>) -> StateEntry {
        let cut = size_bytes > value.len();
        let value = value.to_vec().into();
        StateEntry { key: key.into(), size_bytes: size_bytes as u64, value, cut, ends_ms }
    }

    #[test]
    fn a_key_is_a_line() {
        let check = |value: &[u8], size: usize, want: &str| {
            assert_eq!(shown(&entry("k", value, size, None)), want);
        };
        check(b"7", 1, "7");
        check(b"{\n  \"a\": 1\n}", 12, r#"{"a": 1}"#);
        check(&[0xa1, 0x61, b'a', 1], 4, r#"{"a":1}"#);
        check(&[0xff; 17], 17, "<17 bytes>");
        check(b"two\nlines", 9, r"two\nlines");
        check(b"the beginning", 2_000, "the beginning…");
        check(&[0xa1, 0x61, b'a'], 2_000, "<2000 bytes>");
        check("é".repeat(150).as_bytes(), 300, &format!("{}…", "é".repeat(100)));
        let rows = |entries: &[StateEntry]| output::table(&table(entries));
        assert_eq!(rows(&[entry("a", b"7", 1, None)]), "KEY  SIZE  VALUE\na    1B    7\n");
        let both = rows(&[entry("a\n", b"7", 1, None), entry("b", b"", 0, Some(1))]);
        assert_eq!(both, "KEY  SIZE  ENDS IN  VALUE\na\\n  1B             7\nb    0B    0ms\n");
    }
}
