//! Reading a mapping key by key: types, known keys, and what is to be shown of each value.
//!
//! What it owns: turning marked YAML into plain values with a problem for whatever does not fit, and the list of all
//! values that hold in the end. It must not know which keys there are: the sections of `check` ask for them.

use std::{str::FromStr, time::Duration};

use super::{
    problem::Problem,
    source::{Origin, is_secret_key},
    yaml::{Entry, Kind, Value},
};
use crate::units::{self, ByteSize, nearest};

/// What reading has found out so far.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is right but doubtful.
    pub warnings: Vec<Problem>,
    /// Every value that holds, in the order of reading.
    pub lines: Vec<Line>,
}

/// One value that holds, for `check --print`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// The value as YAML, or a word that hides it.
    pub text: String,
    /// Who said it.
    pub origin: Origin,
}

/// A mapping that is being read. Call [`Section::finish`] when every known key was asked for.
pub struct Section<'a> {
    path: Vec<String>,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The mapping at `path`. Anything else than a mapping is a problem and reads as one without keys.
    pub fn new(path: Vec<String>, value: Option<&'a Value>, report: &mut Report) -> Self {
        let entries = match value {
            Some(Value { kind: Kind::Map(entries), .. }) => entries.as_slice(),
            Some(value) if !value.is_null() => {
                let what = path.last().map_or("the file".to_owned(), |key| format!("`{key}`"));
                report.problems.push(wrong_shape(&what, "keys with values", value));
                &[]
            }
            _ => &[],
        };
        Self { path, entries, asked: Vec::new() }
    }

    /// The value of a key, if it has one.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value).filter(|v| !v.is_null())
    }

    /// The mapping below a key.
    pub fn section(&mut self, key: &'static str, report: &mut Report) -> Section<'a> {
        let value = self.value(key);
        Section::new(self.below(key), value, report)
    }

    /// Reads one value. None when it is missing or wrong.
    pub fn read<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        read: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let path = self.below(key);
        match read(value) {
            Ok(read) => {
                report.lines.push(Line { text: shown(&path, value), path, origin: value.origin.clone() });
                Some(read)
            }
            Err(problem) => {
                report.problems.push(problem);
                None
            }
        }
    }

    /// Reads one value, or takes what holds when nothing is said; `text` shows that.
    pub fn read_or<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        default: (T, &str),
        read: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> T {
        if self.value(key).is_none() {
            let text = default.1.to_owned();
            report.lines.push(Line { path: self.below(key), text, origin: Origin::Default });
        }
        self.read(key, report, read).unwrap_or(default.0)
    }

    /// Reads each value of a list; one that stands alone is a list of one. None when the key is missing.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        report: &mut Report,
        mut read: impl FnMut(&Value, &mut Report) -> Result<T, Problem>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let path = self.below(key);
        let items = match &value.kind {
            Kind::List(items) => items.as_slice(),
            Kind::Text { .. } => std::slice::from_ref(value),
            Kind::Map(_) => {
                report.problems.push(wrong_shape(&format!("`{key}`"), "a list", value));
                return None;
            }
        };
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            match read(item, report) {
                Ok(item) => all.push(item),
                Err(problem) => report.problems.push(problem),
            }
        }
        report.lines.push(Line { text: shown(&path, value), path, origin: value.origin.clone() });
        Some(all)
    }

    /// All keys with their values, for a mapping whose keys are names. Counts as having asked for them.
    pub fn named(&self) -> &'a [Entry] {
        self.entries
    }

    /// Refuses the keys that nobody asked for.
    pub fn finish(self, report: &mut Report) {
        self.finish_with(report, |_| None);
    }

    /// Refuses the keys that nobody asked for, with a problem of the caller's own for some.
    pub fn finish_with(self, report: &mut Report, own: impl Fn(&Entry) -> Option<Problem>) {
        for entry in self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())) {
            let problem = own(entry).unwrap_or_else(|| self.unknown(entry));
            report.problems.push(problem);
        }
    }

    /// The path of a key in here.
    #[must_use]
    pub fn below(&self, key: &str) -> Vec<String> {
        self.path.iter().cloned().chain([key.to_owned()]).collect()
    }

    fn unknown(&self, entry: &Entry) -> Problem {
        let place = self.path.last().map_or_else(String::new, |section| format!(" in `{section}`"));
        let problem = Problem::new(&entry.origin, format!("unknown key `{}`{place}", entry.key));
        match nearest(&entry.key, self.asked.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => {
                let known: Vec<String> = self.asked.iter().map(|key| format!("`{key}`")).collect();
                problem.hint(format!("known here: {}", known.join(", ")))
            }
        }
    }
}

/// A text. Numbers and truth written without quotes are texts too.
///
/// # Errors
/// For lists and mappings.
pub fn text(value: &Value) -> Result<&str, Problem> {
    match &value.kind {
        Kind::Text { text, .. } => Ok(text),
        Kind::List(_) | Kind::Map(_) => Err(wrong_shape("this", "a text", value)),
    }
}

/// Whatever a type's own `FromStr` reads; its error is the message.
///
/// # Errors
/// For lists and mappings, and what the type refuses.
pub fn parsed<T: FromStr<Err: std::fmt::Display>>(value: &Value) -> Result<T, Problem> {
    text(value)?.parse().map_err(|error| Problem::new(&value.origin, format!("{error}")))
}

/// `true` or `false`.
///
/// # Errors
/// For everything else; the old `yes` and `on` are told apart.
pub fn truth(value: &Value) -> Result<bool, Problem> {
    match text(value)? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => {
            let problem = Problem::new(&value.origin, format!("`{other}` is neither `true` nor `false`"));
            Err(match other.to_lowercase().as_str() {
                "yes" | "on" | "1" | "true" => problem.hint("write `true`"),
                "no" | "off" | "0" | "false" => problem.hint("write `false`"),
                _ => problem,
            })
        }
    }
}

/// A whole number of a range.
///
/// # Errors
/// When it is none, or outside.
pub fn whole(value: &Value, range: std::ops::RangeInclusive<u64>) -> Result<u64, Problem> {
    let given = text(value)?;
    let (least, most) = (range.start(), range.end());
    let expected = format!("expected a whole number from {least} to {most}");
    match given.parse::<u64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(number) => Err(Problem::new(&value.origin, format!("{number} is out of range; {expected}"))),
        Err(_) => Err(Problem::new(&value.origin, format!("`{given}` is no whole number; {expected}"))),
    }
}

/// A duration of a range.
///
/// # Errors
/// When it is none, or outside.
pub fn duration(value: &Value, least: Duration, most: Duration) -> Result<Duration, Problem> {
    let duration =
        units::duration(text(value)?).map_err(|error| Problem::new(&value.origin, error.to_string()))?;
    let show = units::duration_text;
    within(value, duration, least, most, show)
}

/// A size of a range.
///
/// # Errors
/// When it is none, or outside.
pub fn size(value: &Value, least: ByteSize, most: ByteSize) -> Result<ByteSize, Problem> {
    within(value, parsed(value)?, least, most, |size| size.to_string())
}

/// A mapping or a list where something else belongs, or the reverse.
#[must_use]
pub fn wrong_shape(what: &str, wanted: &str, value: &Value) -> Problem {
    let is = match &value.kind {
        Kind::Text { .. } => "a single value",
        Kind::List(_) => "a list",
        Kind::Map(_) => "keys with values",
    };
    Problem::new(&value.origin, format!("{what} must be {wanted}, not {is}"))
}

fn within<T: PartialOrd + Copy>(
    value: &Value,
    given: T,
    least: T,
    most: T,
    show: fn(T) -> String,
) -> Result<T, Problem> {
    if given >= least && given <= most {
        return Ok(given);
    }
    let message = format!("{} is out of range; expected {} to {}", show(given), show(least), show(most));
    Err(Problem::new(&value.origin, message))
}

/// A value as `check --print` shows it.
pub(super) fn shown(path: &[String], value: &Value) -> String {
    if path.iter().any(|key| is_secret_key(key)) {
        return "(hidden)".to_owned();
    }
    match &value.kind {
        Kind::Text { text, .. } => shown_text(text),
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(path, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Map(entries) => {
            let below = |key: &String| path.iter().cloned().chain([key.clone()]).collect::<Vec<_>>();
            let entries = entries
                .iter()
                .map(|e| format!("{}: {}", shown_text(&e.key), shown(&below(&e.key), &e.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text as YAML: bare where that is safe, else in JSON's quotes, which are YAML too.
pub(super) fn shown_text(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+".contains(c);
    let bare = !text.is_empty()
        && text.chars().all(plain)
        && !text.starts_with(['-', ':', '@'])
        && !text.ends_with(':');
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
