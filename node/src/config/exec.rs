//! A plugin's `exec:`: the process that the node starts.
//!
//! What it owns: the key, in its short form and its long one, and which other keys mean nothing beside it. It must not know
//! how a process is started.

use std::{env, fs::Metadata, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use super::{
    check::Surroundings,
    problem::Problem,
    section::{Report, Section, duration, shown, text, wrong_shape},
    yaml::{Kind, Value},
};
use crate::plugin::{Exec, settings::STOP_WITHIN_MAX};

/// Keys that are about what runs inside the node.
const INSIDE: [&str; 14] = [
    "instances",
    "pool-size",
    "memory",
    "cpu",
    "call-bytes",
    "host-calls",
    "probation",
    "retire-after",
    "retire-idle",
    "state",
    "http",
    "dirs",
    "secrets",
    "subscriptions",
];

/// Keys of `exec` when it is a section.
const ITS_OWN: [&str; 4] = ["command", "folder", "ready-within", "stop-within"];

/// Reads the key. None when it is missing or wrong.
pub fn read(keys: &mut Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> Option<Exec> {
    let value = keys.value("exec")?;
    for key in INSIDE {
        let Some(other) = keys.value(key) else { continue };
        let problem = Problem::new(&other.origin, format!("`{key}` means nothing beside `exec`"));
        report
            .problems
            .push(problem.hint("it is about components; what a process does is its user's business"));
    }
    for key in ITS_OWN {
        let Some(other) = keys.value(key) else { continue };
        let problem = Problem::new(&other.origin, format!("`{key}` stands in `exec`, not beside it"));
        report.problems.push(problem.hint(format!("write `exec: {{ command: […], {key}: … }}`")));
    }
    let exec = process(keys, value, around, report)?;
    // What it is started with may name other places.
    if keys.value("env").is_none() {
        report.warnings.extend(missing(&exec, around).map(|why| Problem::new(&value.origin, why)));
    }
    Some(exec)
}

fn process(
    keys: &mut Section<'_>,
    value: &Value,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> Option<Exec> {
    const HOUR: Duration = Duration::from_secs(3_600);
    let usual = Exec { folder: around.file_folder.clone(), ..Exec::default() };
    let Kind::Map(_) = &value.kind else {
        let command = command(keys, "exec", report)?;
        return Some(Exec { command, ..usual });
    };
    let mut section = keys.section("exec", report);
    if section.value("command").is_none() {
        let problem = Problem::new(&value.origin, "it does not say what is started");
        report.problems.push(problem.hint("add its `command`, such as `[python3, worker.py]`"));
    }
    let command = command(&mut section, "command", report);
    let folder = section.read("folder", report, |value| around.path(value));
    let milli = Duration::from_millis(1);
    let ready_within = section.read("ready-within", report, |value| duration(value, milli, HOUR));
    let stop_within = section.read("stop-within", report, |value| {
        let within = duration(value, milli, STOP_WITHIN_MAX);
        within.map_err(|problem| problem.hint("a node that leaves ends its processes within 12s in all"))
    });
    section.finish(report);
    Some(Exec {
        command: command?,
        folder: folder.unwrap_or(usual.folder),
        ready_within: ready_within.unwrap_or(usual.ready_within),
        stop_within: stop_within.unwrap_or(usual.stop_within),
    })
}

/// Why it could not be started now, as far as can be seen; it may be there when it is.
fn missing(exec: &Exec, around: &Surroundings<'_>) -> Option<String> {
    let (program, folder) = (exec.command.first()?, &exec.folder);
    if !folder.is_dir() {
        return Some(format!("there is no folder {} to start it in", folder.display()));
    }
    let is_program = |found: &Metadata| found.is_file() && found.permissions().mode() & 0o111 != 0;
    if program.contains('/') {
        let file = folder.join(program);
        return match file.metadata() {
            Err(_) => Some(format!("there is no program {}", file.display())),
            Ok(found) if !is_program(&found) => Some(format!("{} is not executable", file.display())),
            Ok(_) => None,
        };
    }
    let places = around.environment.get("PATH")?;
    let is_there = |place: &Path| place.join(program).metadata().is_ok_and(|found| is_program(&found));
    match env::split_paths(places).any(|place| is_there(&place)) {
        true => None,
        false => Some(format!("there is no program `{program}` in $PATH")),
    }
}

/// A program and its arguments.
fn command(keys: &mut Section<'_>, key: &'static str, report: &mut Report) -> Option<Vec<String>> {
    let value = keys.value(key)?;
    let problem = match &value.kind {
        Kind::Text { text, .. } if text.contains(char::is_whitespace) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            let problem = Problem::new(&value.origin, "a program and its arguments are a list");
            problem.hint(format!("write `[{}]`; there is no shell in between", words.join(", ")))
        }
        Kind::Text { text, .. } if text.is_empty() => Problem::new(&value.origin, "no program is named"),
        Kind::List(items) if items.first().is_none_or(is_empty) => {
            Problem::new(&value.origin, "no program is named")
        }
        Kind::Map(_) => wrong_shape(&format!("`{key}`"), "a list", value),
        Kind::Text { .. } | Kind::List(_) => {
            return keys.list(key, report, |value, _| word(value)).filter(|words| !words.is_empty());
        }
    };
    report.problems.push(problem);
    None
}

fn is_empty(word: &Value) -> bool {
    matches!(&word.kind, Kind::Text { text, .. } if text.is_empty())
}

fn word(value: &Value) -> Result<String, Problem> {
    let word = text(value)?;
    if word.contains('\0') {
        let shown = shown(&[], value);
        return Err(Problem::new(
            &value.origin,
            format!("{shown} has a character that no argument may have"),
        ));
    }
    Ok(word.to_owned())
}
