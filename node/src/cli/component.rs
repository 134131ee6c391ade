//! `check` of a component: what it wants, or why it would be refused.

use std::path::PathBuf;

use hive_client::types::{V1, Want};
use hive_proto::channel::Names;
use serde::Serialize;

use super::{exit::Fault, output};
use crate::{
    config::Settings,
    toolchain::inspect::{Mode, Report, Verdict, Wishes, inspect},
    units::ByteSize,
};

/// `check --json` of one component, a line each.
#[derive(Serialize)]
struct Line {
    v: V1,
    file: PathBuf,
    plugin: String,
    size_bytes: u64,
    imports: Vec<String>,
    exports: Vec<String>,
    /// Why it would be refused; empty: it would run.
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wants: Option<Wants>,
}

/// What a component wants of a node.
#[derive(Serialize)]
struct Wants {
    name: String,
    version: String,
    instances: &'static str,
    listens: Vec<Want>,
    publishes: Vec<String>,
    warnings: Vec<String>,
}

/// Looks at each component as loading it with this configuration would.
pub(super) async fn check(files: &[PathBuf], settings: &Settings, json: bool) -> Result<(), Fault> {
    let names = Names::new(settings.networks.iter().map(|network| network.name.clone()).collect());
    let mut refused = Vec::new();
    let mut hint = None;
    for file in files {
        let report = inspect(file, &settings.plugins, &names).await.map_err(Fault::failed)?;
        if let Verdict::Refused { problems, hint: what_to_do } = &report.verdict {
            hint = hint.or(*what_to_do);
            let problems = problems.join("\n  ");
            refused.push(format!("{} would be refused:\n  {problems}", file.display()));
        }
        if json {
            output::json(&line(report))?;
        } else {
            output::bytes(text(&report).as_bytes())?;
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Fault::no(refused.join("\n")).maybe_hint(hint)) }
}

fn text(report: &Report) -> String {
    let Verdict::Fits { wishes, compile_time, .. } = &report.verdict else { return String::new() };
    let row = |name: &str, text: &str| vec![format!("  {name}"), output::one_line(text).into_owned()];
    let mut rows = vec![row("says it is", &format!("{} {}", wishes.name, wishes.version))];
    rows.push(row("instances", instances(wishes.mode)));
    rows.extend(wishes.listens.iter().map(|listen| {
        let answers = if listen.answers { " (answers)" } else { "" };
        row("listens to", &format!("{}{answers}", listen.pattern))
    }));
    rows.extend(wishes.publishes.iter().map(|pattern| row("publishes to", pattern)));
    rows.push(row("imports", &report.imports.join(", ")));
    rows.push(row("exports", &report.exports.join(", ")));
    rows.extend(wishes.warnings.iter().map(|warning| row("warning", warning)));
    let (size, time) = (ByteSize(report.size_bytes >> 10 << 10), compile_time.as_millis());
    format!(
        "{}: plugin `{}`, {size}, compiled in {time}ms\n{}",
        report.file.display(),
        report.plugin,
        output::table(&rows)
    )
}

fn line(report: Report) -> Line {
    let (problems, wants) = match report.verdict {
        Verdict::Fits { wishes, .. } => (Vec::new(), Some(wants(*wishes))),
        Verdict::Refused { problems, .. } => (problems, None),
    };
    let Report { file, plugin, size_bytes, imports, exports, .. } = report;
    Line { v: V1, file, plugin, size_bytes, imports, exports, problems, wants }
}

fn wants(wishes: Wishes) -> Wants {
    let listens =
        wishes.listens.into_iter().map(|listen| Want { pattern: listen.pattern, answers: listen.answers });
    Wants {
        name: wishes.name,
        version: wishes.version,
        instances: instances(wishes.mode),
        listens: listens.collect(),
        publishes: wishes.publishes,
        warnings: wishes.warnings,
    }
}

fn instances(mode: Mode) -> &'static str {
    match mode {
        Mode::Pool => "pool",
        Mode::Fresh => "fresh",
        Mode::Single => "single",
    }
}
