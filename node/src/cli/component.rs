//! `check` of a component: what it wants, or why it would be refused.

use std::path::PathBuf;

use hive_client::{
    locate,
    types::{V1, Want},
};
use hive_proto::channel::Names;
use serde::Serialize;

use super::{exit::Fault, output};
use crate::{
    config::Settings,
    toolchain::inspect::{Ask, Inspector, Memory, Mode, Opening, Report, Verdict, Wishes},
    units::ByteSize,
};

/// `check --json` of one component, a line each.
#[derive(Serialize)]
struct Line {
    v: V1,
    file: PathBuf,
    plugin: String,
    size_bytes: u64,
    /// The world it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<&'static str>,
    imports: Vec<String>,
    exports: Vec<String>,
    memories: Vec<Pages>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compile_ms: Option<u64>,
    /// It was compiled before: that is how long finding it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
    /// Why it would be refused; empty: it would run.
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wants: Option<Wants>,
}

/// A memory.
#[derive(Serialize)]
struct Pages {
    minimum_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_bytes: Option<u64>,
}

/// Something that it asks for beyond events.
#[derive(Serialize)]
struct Asked {
    name: &'static str,
    granted: Vec<String>,
    /// The line of the configuration that would grant some of it, where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

/// What a component wants of a node.
#[derive(Serialize)]
struct Wants {
    name: String,
    version: String,
    instances: &'static str,
    listens: Vec<Want>,
    publishes: Vec<String>,
    asks: Vec<Asked>,
    warnings: Vec<String>,
}

/// Looks at each component as loading it with this configuration would.
pub(super) async fn check(files: &[PathBuf], settings: &Settings, json: bool) -> Result<(), Fault> {
    let names = Names::new(settings.networks.iter().map(|network| network.name.clone()).collect());
    // What `run`, `dev` and `test` have compiled need not be compiled again, and the other way round.
    let inspector = Inspector::start(locate::default_data_dir().as_deref()).map_err(Fault::failed)?;
    let mut refused = Vec::new();
    let mut hint = None;
    for file in files {
        let report = inspector.inspect(file, &settings.plugins, &names).await.map_err(Fault::failed)?;
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
    let Verdict::Fits { wishes, openings, compile_time, is_compiled, .. } = &report.verdict else {
        return String::new();
    };
    let row = |name: &str, text: &str| vec![format!("  {name}"), output::one_line(text).into_owned()];
    let mut rows = vec![row("says it is", format!("{} {}", wishes.name, wishes.version).trim_end())];
    rows.extend(report.world.map(|world| row("world", world)));
    rows.push(row("instances", instances(wishes.mode)));
    rows.extend(wishes.listens.iter().map(|listen| {
        let answers = if listen.answers { " (answers)" } else { "" };
        row("listens to", &format!("{}{answers}", listen.pattern))
    }));
    rows.extend(wishes.publishes.iter().map(|pattern| row("publishes to", pattern)));
    rows.extend(openings.iter().map(|opening| row("asks for", &opening_text(opening))));
    let memories: Vec<String> = report.memories.iter().map(|memory| memory_text(*memory)).collect();
    if !memories.is_empty() {
        rows.push(row("memory", &memories.join(" and ")));
    }
    rows.push(row("imports", &report.imports.join(", ")));
    rows.push(row("exports", &report.exports.join(", ")));
    rows.extend(wishes.warnings.iter().map(|warning| row("warning", warning)));
    let (size, time) = (ByteSize(report.size_bytes >> 10 << 10), compile_time.as_millis());
    let compiled = if *is_compiled { "compiled" } else { "compiled before, and found" };
    format!(
        "{}: plugin `{}`, {size}, {compiled} in {time}ms\n{}",
        report.file.display(),
        report.plugin,
        output::table(&rows)
    )
}

fn opening_text(opening: &Opening) -> String {
    let Opening { ask, granted, missing } = opening;
    match (granted.is_empty(), missing) {
        (false, _) => format!("{ask}: {}", granted.join(", ")),
        // They come with every interpreter and with most standard libraries.
        (true, Some(line)) if *ask == Ask::Files => {
            format!("{ask} (its language does, used or not), none of which is granted: {line}")
        }
        (true, Some(line)) => format!("{ask}, none of which is granted: {line}"),
        (true, None) => ask.to_string(),
    }
}

fn memory_text(memory: Memory) -> String {
    let at_first = ByteSize(memory.minimum);
    match memory.maximum {
        Some(most) => format!("{at_first} at first, {} at most", ByteSize(most)),
        None => format!("{at_first} at first"),
    }
}

fn line(report: Report) -> Line {
    let (problems, compile_ms, cached, wants) = match report.verdict {
        Verdict::Fits { wishes, openings, compile_time, is_compiled, .. } => {
            let compile_ms = u64::try_from(compile_time.as_millis()).ok();
            (Vec::new(), compile_ms, Some(!is_compiled), Some(wants(*wishes, openings)))
        }
        Verdict::Refused { problems, .. } => (problems, None, None, None),
    };
    let Report { file, plugin, size_bytes, world, imports, exports, memories, .. } = report;
    let pages = |memory: Memory| Pages { minimum_bytes: memory.minimum, maximum_bytes: memory.maximum };
    let memories = memories.into_iter().map(pages).collect();
    Line {
        v: V1,
        file,
        plugin,
        size_bytes,
        world,
        imports,
        exports,
        memories,
        compile_ms,
        cached,
        problems,
        wants,
    }
}

fn wants(wishes: Wishes, openings: Vec<Opening>) -> Wants {
    let asked = |opening: Opening| Asked {
        name: opening.ask.name(),
        granted: opening.granted,
        missing: opening.missing,
    };
    let listens =
        wishes.listens.into_iter().map(|listen| Want { pattern: listen.pattern, answers: listen.answers });
    Wants {
        name: wishes.name,
        version: wishes.version,
        instances: instances(wishes.mode),
        listens: listens.collect(),
        publishes: wishes.publishes,
        asks: openings.into_iter().map(asked).collect(),
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
