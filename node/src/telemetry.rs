//! What the program says while it runs: log lines on stderr, for people.
//!
//! What it owns: the one tracing subscriber, the choice of what is said, and the look of a line. Exists so that
//! every verb speaks alike and stdout stays data. It must not know the configuration file: it is handed a filter.

use std::{
    borrow::Cow,
    fmt,
    io::{self, IsTerminal as _},
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use tracing_subscriber::{
    EnvFilter, Registry,
    fmt::{format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
    reload,
    util::{SubscriberInitExt as _, TryInitError},
};

/// What stands in a line for the end of one: a guest's text with several is one record, whatever collects them.
pub const LINE_END: char = '⏎';

/// A line as people read it: what it has several of are lines of their own. Those behind the first are set in, so that none
/// can be taken for another record.
#[must_use]
pub fn unfolded(line: &str) -> Cow<'_, str> {
    match line.contains(LINE_END) {
        true => Cow::Owned(line.replace(LINE_END, "\n    ")),
        false => Cow::Borrowed(line),
    }
}

/// What is asked for, from the strongest to the weakest: `log`, `verbose`, `$RUST_LOG`, `fallback`, `info`.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--log`, or what `-q` stands for: a level (`debug`) or directives (`hive_node::mesh=trace,info`).
    pub log: Option<String>,
    /// How often `-v` was given: 1 says what this program does in detail, 2 says everything.
    pub verbose: u8,
    /// `log.level` or `log.filter` of the configuration file.
    pub fallback: Option<String>,
    /// People read the lines, also where stderr is no terminal: see [`unfolded`].
    pub unfolds: bool,
}

/// Starts logging to stderr, in color only on a terminal that wants it. Once per process.
///
/// # Errors
/// When a directive cannot be read, or logging was started before.
pub fn start(options: &Options) -> Result<(), TelemetryError> {
    let (filter, handle) = reload::Layer::new(filter(options)?);
    let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let unfolds = options.unfolds || io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || Stderr { unfolds })
        .with_ansi(color)
        .with_timer(TimeOfDay)
        .with_target(options.verbose > 0);
    tracing_subscriber::registry().with(filter).with(lines).try_init().map_err(TelemetryError::Started)?;
    // Logging starts once in a process, so nobody has set it before.
    let _ = STARTED.set((handle, options.clone()));
    Ok(())
}

/// Where the lines go, each in one piece.
struct Stderr {
    unfolds: bool,
}

impl io::Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(line).ok().filter(|_| self.unfolds).map(unfolded);
        io::stderr().write_all(text.as_ref().map_or(line, |text| text.as_bytes()))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// What says what is logged, and what was asked for at the start. One for the process, as its log is.
static STARTED: OnceLock<(reload::Handle<EnvFilter, Registry>, Options)> = OnceLock::new();

/// From here on the configuration says another filter, or none: what was asked for more strongly at the start still holds.
/// Does nothing where somebody else logs.
///
/// # Errors
/// When a directive cannot be read.
pub fn change(fallback: Option<String>) -> Result<(), TelemetryError> {
    let Some((handle, options)) = STARTED.get() else { return Ok(()) };
    let filter = filter(&Options { fallback, ..options.clone() })?;
    // It is gone only with the process's subscriber, which stays.
    let _ = handle.reload(filter);
    Ok(())
}

fn filter(options: &Options) -> Result<EnvFilter, TelemetryError> {
    let directives = directives(options, std::env::var("RUST_LOG").ok());
    EnvFilter::try_new(&directives)
        .map_err(|fault| TelemetryError::Directives { directives, fault: fault.to_string() })
}

/// Whether a text can be a filter, for whoever reads it long before logging starts.
///
/// # Errors
/// Says what is wrong with it.
pub fn check(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(|_| ()).map_err(|fault| fault.to_string())
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("cannot read the log filter `{directives}`: {fault}")]
    Directives {
        /// As it was given.
        directives: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Somebody else owns the process's subscriber.
    #[error("logging was already started in this process: {0}")]
    Started(#[source] TryInitError),
}

/// Crates that log much of what only their authors can use, held down unless directives name them.
const QUIET: &str = "mdns_sd=off,quinn=warn,quinn_proto=warn,quinn_udp=error,rustls=warn,wasmtime=warn,\
                     cranelift_codegen=warn,hyper=warn,hyper_util=warn,tungstenite=warn,notify=error";

/// What this program's own lines begin with, and those of handlers.
const OWN: [&str; 4] = ["hive_node", "hive_client", "hive_proto", "handler"];

fn directives(options: &Options, environment: Option<String>) -> String {
    let told = options.log.clone().or_else(|| match options.verbose {
        0 => environment.filter(|text| !text.trim().is_empty()),
        1 => Some("debug".to_owned()),
        _ => Some("trace,".to_owned()),
    });
    match told.or_else(|| options.fallback.clone()) {
        None => format!("info,{QUIET}"),
        Some(told) if is_level(&told) => leveled(told.trim()),
        Some(told) => told,
    }
}

/// What a lone level means: this program in detail, and of the crates below it no more than usual.
fn leveled(level: &str) -> String {
    let is_detail = ["debug", "trace"].iter().any(|detail| level.eq_ignore_ascii_case(detail));
    if !is_detail {
        return format!("{level},{QUIET}");
    }
    let own = OWN.map(|own| format!("{own}={level}")).join(",");
    format!("info,{own},{QUIET}")
}

/// A lone level: what is meant is this program, not every crate below it.
fn is_level(text: &str) -> bool {
    !text.contains([',', '=', '['])
}

/// The time of day in UTC to the millisecond. Dates are left to whoever collects the lines.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs() % 86_400;
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        write!(w, "{hours:02}:{minutes:02}:{:02}.{:03}Z", seconds % 60, since.subsec_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_wish_wins() {
        let check =
            |log: Option<&str>, verbose, environment: Option<&str>, fallback: Option<&str>, want: &str| {
                let own = |text: Option<&str>| text.map(str::to_owned);
                let said = directives(
                    &Options { log: own(log), verbose, fallback: own(fallback), unfolds: false },
                    own(environment),
                );
                assert_eq!(said.split(",mdns").next(), Some(want), "{said}");
                assert!(EnvFilter::try_new(&said).is_ok(), "{said}");
            };
        check(None, 0, None, None, "info");
        check(None, 0, None, Some("warn"), "warn");
        check(None, 0, Some("error"), Some("warn"), "error");
        let detailed = "info,hive_node=debug,hive_client=debug,hive_proto=debug,handler=debug";
        check(None, 1, Some("error"), Some("warn"), detailed);
        check(Some("debug"), 0, None, None, detailed);
        check(Some("debug,"), 0, None, None, "debug,");
        check(None, 2, Some("error"), None, "trace,");
        check(Some("a=trace"), 2, Some("error"), Some("warn"), "a=trace");
        check(None, 0, Some("a=trace,info"), None, "a=trace,info");
        check(None, 0, Some(" "), None, "info");
    }

    #[test]
    fn a_line_that_has_several_is_shown_as_these() {
        assert_eq!(unfolded("one"), "one");
        assert_eq!(
            unfolded("Traceback:⏎  File \u{fffd}[31m⏎Error"),
            "Traceback:\n      File \u{fffd}[31m\n    Error"
        );
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_the_reason() {
        assert_eq!(check("hive_node=debug,info"), Ok(()));
        assert!(check("hive_node=loud").is_err_and(|said| !said.is_empty()));
    }
}
