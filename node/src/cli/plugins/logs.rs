//! `plugins logs`: what a plugin said last, and goes on saying.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use clap::{Args, ValueEnum};
use hive_client::types::{LogLevel, LogLine};

use crate::{
    cli::{Ask, Voice, exit::Fault, output},
    telemetry::unfolded,
};

/// How long the node is asked to wait for the next line; then it is asked again.
const WAIT: Duration = Duration::from_secs(20);

/// Which lines, for `logs`.
#[derive(Debug, Args)]
pub(super) struct Lines {
    /// With logs: go on printing what the plugin says.
    #[arg(long, short)]
    follow: bool,
    /// With logs: so many of its last lines, of which the node has 500.
    #[arg(long, value_name = "N", default_value_t = 100)]
    lines: usize,
    /// With logs: only lines of this level or a graver one.
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

pub(super) async fn run(name: &str, lines: &Lines, ask: &Ask) -> Result<(), Fault> {
    let client = ask.client()?;
    let level = lines.level.map(|level| match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    });
    let mut said = client.plugin_logs(name, None, lines.lines, level, Duration::ZERO).await?;
    if !lines.follow && ask.json {
        return output::json(&said);
    }
    let is_read = io::stdout().is_terminal();
    loop {
        for line in &said.lines {
            match (ask.json, is_read) {
                (true, _) => output::json(line)?,
                (false, true) => output::line(&unfolded(&text(line)))?,
                (false, false) => output::line(&text(line))?,
            }
        }
        if !lines.follow {
            if said.lines.is_empty() && !ask.json {
                output::note(&Voice::default(), &format!("`{name}` has said nothing of the kind yet"));
            }
            return Ok(());
        }
        said = client.plugin_logs(name, Some(said.last), usize::MAX, level, WAIT).await?;
    }
}

/// The time of day in UTC, the level, the text.
fn text(line: &LogLine) -> String {
    let seconds = line.at_ms / 1000;
    let (h, m, s, ms) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, line.at_ms % 1000);
    let level = match line.level {
        LogLevel::Trace => "TRACE",
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARN",
        LogLevel::Error => "ERROR",
        LogLevel::Unknown => "?",
    };
    format!("{h:02}:{m:02}:{s:02}.{ms:03} {level:5} {}", output::one_line(&line.text))
}
