//! The merged configuration as `check --print` shows it: each value with who said it.
//!
//! What it owns: the look of it. Secrets were already replaced when the values were read.

use std::fmt::Write as _;

use super::section::{Line, shown_text};

/// The values as YAML, each with a comment that names its origin.
#[must_use]
pub fn print(lines: &[Line]) -> String {
    let mut printed = String::new();
    let mut open: Vec<String> = Vec::new();
    let rows: Vec<(String, String)> = lines.iter().flat_map(|line| rows(line, &mut open)).collect();
    let width =
        rows.iter().filter(|(_, origin)| !origin.is_empty()).map(|(text, _)| text.chars().count()).max();
    let width = width.unwrap_or(0).min(WIDTH_MAX);
    for (text, origin) in rows {
        let _ = match origin.as_str() {
            "" => writeln!(printed, "{text}"),
            origin => writeln!(printed, "{text:width$}  # {origin}"),
        };
    }
    printed
}

/// Where origins begin at the latest, so that one long value does not push all of them out of sight.
const WIDTH_MAX: usize = 60;

/// The line itself, after the sections that it is the first in.
fn rows(line: &Line, open: &mut Vec<String>) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let Some((key, sections)) = line.path.split_last() else { return rows };
    let shared = open.iter().zip(sections).take_while(|(a, b)| a == b).count();
    open.truncate(shared);
    for (depth, section) in sections.iter().enumerate().skip(shared) {
        rows.push((format!("{}{}:", "  ".repeat(depth), shown_text(section)), String::new()));
        open.push(section.clone());
    }
    let indent = "  ".repeat(sections.len());
    rows.push((format!("{indent}{}: {}", shown_text(key), line.text), line.origin.to_string()));
    rows
}
