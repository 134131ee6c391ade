//! `GET /v1/plugins/NAME/logs?after=7&lines=100&level=warn&wait=10s`: what a plugin said last; behind a number, and waiting for
//! more when there is nothing yet.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use hive_client::types::{LogLevel, LogLine, PluginLogs, V1};
use serde::Deserialize;

use super::{
    App,
    convert::unix_ms,
    refusal::{Refusal, invalid, no_plugin},
};
use crate::{
    status::{LINES_MAX, Line, LineLevel, Lines},
    units,
};

/// Longer is not waited for; whoever wants more asks again.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    after: Option<u64>,
    lines: Option<usize>,
    level: Option<LogLevel>,
    /// How long to wait for a line when there is none, with a unit.
    wait: Option<String>,
}

pub(super) async fn logs(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
) -> Result<Json<PluginLogs>, Refusal> {
    let (Path(name), Query(Options { after, lines: most, level, wait })) = (name?, options?);
    let wait = wait.as_deref().map_or(Ok(Duration::ZERO), units::duration);
    let wait = wait.map_err(|error| invalid(error.to_string()))?.min(WAIT_MAX);
    let lines = app.means.boards.plugins.read().get(&*name).map(|card| Arc::clone(&card.lines));
    let lines = lines.ok_or_else(|| no_plugin(&app.means, &name))?;
    let (after, most) = (after.unwrap_or(0), most.unwrap_or(LINES_MAX));
    let stop = app.part.stop();
    if !wait.is_zero() {
        let more = tokio::time::timeout(wait, lines.more_than(after));
        // None: the node is leaving, and says what there is.
        let _ = stop.run_until_cancelled(more).await;
    }
    Ok(Json(document(name, &lines, after, (most, level))))
}

fn document(name: String, lines: &Lines, after: u64, (most, level): (usize, Option<LogLevel>)) -> PluginLogs {
    let (said, last) = lines.after(after, LINES_MAX);
    let least = level.map_or(LineLevel::Trace, level_of);
    let meant: Vec<&Line> = said.iter().filter(|line| line.level >= least).collect();
    let shown = meant.iter().skip(meant.len().saturating_sub(most));
    let line = |line: &&Line| LogLine {
        number: line.number,
        at_ms: unix_ms(line.at),
        level: document_level(line.level),
        text: line.text.clone(),
    };
    PluginLogs { v: V1, lines: shown.map(line).collect(), last, name }
}

fn level_of(level: LogLevel) -> LineLevel {
    match level {
        LogLevel::Trace | LogLevel::Unknown => LineLevel::Trace,
        LogLevel::Debug => LineLevel::Debug,
        LogLevel::Info => LineLevel::Info,
        LogLevel::Warn => LineLevel::Warn,
        LogLevel::Error => LineLevel::Error,
    }
}

fn document_level(level: LineLevel) -> LogLevel {
    match level {
        LineLevel::Trace => LogLevel::Trace,
        LineLevel::Debug => LogLevel::Debug,
        LineLevel::Info => LogLevel::Info,
        LineLevel::Warn => LogLevel::Warn,
        LineLevel::Error => LogLevel::Error,
    }
}
