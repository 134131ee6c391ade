//! The `journal:` section: where what durable channels carry is kept, how much of it, and for how long.
//!
//! What it owns: its keys and their ranges. It must not know how a journal is opened.

use std::{path::PathBuf, time::Duration};

use super::{
    check::Surroundings,
    problem::Problem,
    section::{Report, Section, duration, size, text, whole, wrong_shape},
    source::Origin,
    yaml::{Entry, Kind, Value},
};
use crate::{
    journal::{
        Engine, Settings,
        jetstream::{Config, Server, ServerError},
    },
    units::{self, ByteSize},
};

/// Keys that are for JetStream only.
const FOR_SERVERS: [&str; 5] = ["servers", "replicas", "credentials", "ca-file", "patience"];

/// Reads the section.
pub fn read(mut section: Section<'_>, around: &Surroundings<'_>, report: &mut Report) -> (Engine, Settings) {
    const DAY: Duration = Duration::from_secs(86_400);
    let usual = Settings::default();
    let given = section.value("engine").map(|value| value.origin.clone());
    let on_servers = section.read("engine", report, engine);
    let engine = match on_servers {
        Some(true) => servers(&mut section, given, around, report).map_or(Engine::Disk, Engine::JetStream),
        _ => {
            refuse_server_keys(&mut section, on_servers.is_some() || given.is_none(), report);
            Engine::Disk
        }
    };
    let (least, most) = (ByteSize::mib(1), ByteSize(1 << 50));
    let max = section.read("max-size", report, |value| size(value, least, most));
    let time = |value: &Value| duration(value, Duration::from_secs(1), 3_660 * DAY);
    let keep = section.read("keep", report, time);
    let max_age = section.read("max-age", report, time);
    section.finish(report);
    let max_bytes = max.map_or(usual.max_bytes, |max| max.0);
    // Small journals in small pieces, so that what is not needed any more can go.
    let segment_bytes = usual.segment_bytes.min((max_bytes / 8).max(64 << 10));
    (engine, Settings { max_bytes, segment_bytes, keep, max_age, ..usual })
}

/// Whether servers are to keep it.
fn engine(value: &Value) -> Result<bool, Problem> {
    match text(value)? {
        "disk" => Ok(false),
        "jetstream" => Ok(true),
        other => {
            let shown: String = other.chars().take(40).collect();
            let problem = Problem::new(&value.origin, format!("`{shown}` is no engine of a journal"));
            Err(problem.hint("write `disk`, or `jetstream` with its `servers`"))
        }
    }
}

/// What names servers does nothing on a disk, and somebody believes otherwise.
fn refuse_server_keys(section: &mut Section<'_>, say: bool, report: &mut Report) {
    for key in FOR_SERVERS {
        if let Some(value) = section.value(key).filter(|_| say) {
            let problem = Problem::new(
                &value.origin,
                format!("`{key}` is for a journal on JetStream, and this one is not"),
            );
            report.problems.push(problem.hint("add `engine: jetstream`, or remove it"));
        }
    }
}

/// None when there are problems.
fn servers(
    section: &mut Section<'_>,
    engine: Option<Origin>,
    around: &Surroundings<'_>,
    report: &mut Report,
) -> Option<Config> {
    let problems = report.problems.len();
    let missing = section.value("servers").is_none();
    let servers = section.list("servers", report, |value, _| server(value)).unwrap_or_default();
    if servers.is_empty() && report.problems.len() == problems {
        let origin = section.value("servers").map(|value| value.origin.clone()).or(engine);
        let message = if missing { "a journal on JetStream has no `servers`" } else { "`servers` is empty" };
        let problem = Problem::new(&origin.unwrap_or(Origin::Default), message);
        report.problems.push(problem.hint("name some of them: `servers: [nats://10.0.0.5:4222]`"));
    }
    let replicas = section.read_or("replicas", report, (1, "1"), |value| whole(value, 1..=5));
    let credentials_file = section.read("credentials", report, |value| credentials(value, around));
    let ca_file = section.read("ca-file", report, |value| file(value, around));
    let usual = Config::PATIENCE;
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(600));
    let patience = section.read_or("patience", report, (usual, &units::duration_text(usual)), |value| {
        duration(value, least, most)
    });
    let replicas = u8::try_from(replicas).unwrap_or(1);
    (report.problems.len() == problems).then_some(Config {
        servers,
        replicas,
        credentials_file,
        ca_file,
        patience,
        seals: None,
    })
}

fn server(value: &Value) -> Result<Server, Problem> {
    let given = text(value)?;
    given.parse().map_err(|error| {
        if error == ServerError::Login {
            // Its line is not shown: there is a password in it.
            let problem = Problem::nowhere("one of `servers` in `journal` has a user or a password in it");
            return problem.hint("leave it out, and name a file with `credentials: { file: PATH }`");
        }
        let shown: String = given.chars().take(60).collect();
        Problem::new(&value.origin, format!("`{shown}` is no server: {error}"))
    })
}

fn credentials(value: &Value, around: &Surroundings<'_>) -> Result<PathBuf, Problem> {
    match &value.kind {
        Kind::Map(entries) => match entries.as_slice() {
            [Entry { key, value, .. }] if key == "file" => file(value, around),
            _ => Err(Problem::new(&value.origin, "credentials are `{ file: PATH }`")),
        },
        _ => Err(wrong_shape("credentials", "`{ file: PATH }`, as `nsc` writes it", value)),
    }
}

/// A file that is there.
fn file(value: &Value, around: &Surroundings<'_>) -> Result<PathBuf, Problem> {
    let path = around.path(value)?;
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(Problem::new(&value.origin, "it is no file")),
        Err(error) => Err(Problem::new(&value.origin, format!("the file cannot be read: {error}"))),
    }
}
