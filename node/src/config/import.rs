//! Configurations of other systems, read as ours.
//!
//! What it owns: telling them apart, and writing the equivalent down. A value keeps its place in the file that it came
//! from, so that what is wrong with it is shown there.

mod eventhive;

use std::sync::Arc;

use super::{
    problem::{Problem, Problems},
    section::Report,
    source::Source,
    yaml::{self, Kind, Value},
};
use eventhive::{Environment, is_eventhive, translated};

/// A configuration in our words, whosever it was.
pub(super) fn ours(root: Value, environment: Environment<'_>, report: &mut Report) -> Value {
    if !is_eventhive(&root) {
        return root;
    }
    // What is shown is what holds here.
    let lines = report.lines.len();
    let ours = translated(&root, environment, report);
    report.lines.truncate(lines);
    ours
}

/// The equivalent of a configuration of EventHive's as text, and what is doubtful in it.
///
/// # Errors
/// When it is none, or something in it has no equivalent.
pub fn import(
    source: &Arc<Source>,
    environment: Environment<'_>,
) -> Result<(String, Vec<Problem>), Problems> {
    let mut report = Report::default();
    let root = yaml::parse(source, &mut report.problems).map_err(|problem| Problems(vec![problem]))?;
    if !is_eventhive(&root) {
        let problem = Problem::new(&root.origin, "this is no configuration of EventHive's");
        let problem = problem.hint("one has `connectors:` or `servers:` at its top, and no `version:`");
        return Err(Problems(vec![problem]));
    }
    let translated = translated(&root, environment, &mut report);
    if !report.problems.is_empty() {
        return Err(Problems(report.problems).in_order());
    }
    let mut text = String::new();
    write(&translated, 0, &mut text);
    Ok((text, report.warnings))
}

/// A value in block style, its first line where the text ends.
fn write(value: &Value, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    match &value.kind {
        Kind::Map(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    out.push_str(&pad);
                }
                out.push_str(&entry.key);
                out.push(':');
                match &entry.value.kind {
                    Kind::Map(_) => {
                        out.push_str(&format!("\n{pad}  "));
                        write(&entry.value, indent + 1, out);
                    }
                    Kind::List(items) if items.is_empty() => out.push_str(" []\n"),
                    Kind::List(_) => {
                        out.push('\n');
                        write(&entry.value, indent + 1, out);
                    }
                    Kind::Text { .. } => {
                        out.push(' ');
                        write(&entry.value, indent, out);
                    }
                }
            }
        }
        Kind::List(items) => {
            for item in items {
                out.push_str(&format!("{pad}- "));
                write(item, indent + 1, out);
            }
        }
        Kind::Text { text, .. } => {
            out.push_str(&scalar(text));
            out.push('\n');
        }
    }
}

/// Bare where nobody can take it for anything else, else in JSON's quotes, which are YAML too.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let bare = begins && text.chars().all(plain) && !text.ends_with(':') && text != "null";
    if bare { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
