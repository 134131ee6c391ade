//! How a verb ends: the exit code, and `error:`, `caused by:` and `hint:` on stderr; for `--json` the same on stdout.

use std::{
    env,
    error::Error,
    fmt::{Debug, Display},
    process::ExitCode,
};

use anyhow::Chain;
use clap::{
    builder::styling::{AnsiColor, Style},
    error::ErrorKind,
};
use hive_client::types::{ApiError, ErrorBody, V1, code};

use super::{
    coming::{coming, instead},
    habits, output,
};

/// Asked, and the answer is no; or something went wrong on the way.
pub(super) const NO: u8 = 1;
/// The command line or the configuration is wrong.
pub(super) const USAGE: u8 = 2;
/// No node is there to be asked.
const NO_NODE: u8 = 3;

/// Why a verb did not do what it should, and what the program says about it.
#[derive(Debug)]
pub struct Fault {
    code: u8,
    /// None: everything was said already, or there is nobody to say it to.
    error: Option<anyhow::Error>,
    hint: Option<String>,
    /// People were told already.
    is_said: bool,
    /// The node that was asked knows nobody who does it: another one may.
    is_elsewhere: bool,
}

impl Fault {
    /// Asked, and the answer is no.
    pub(super) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { error: Some(error.into()), ..Self::silent(NO) }
    }

    /// The same with words only.
    pub(super) fn no(message: impl Into<String>) -> Self {
        Self::failed(anyhow::Error::msg(message.into()))
    }

    /// The command line or the configuration is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, ..Self::no(message) }
    }

    /// The same for an error that has causes.
    pub(super) fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self { code: USAGE, ..Self::failed(error) }
    }

    /// No node is there to be asked.
    pub(super) fn no_node(error: impl Into<anyhow::Error>) -> Self {
        Self { code: NO_NODE, ..Self::failed(error) }
    }

    /// An end without a word: all was said, or whoever read stdout has gone.
    pub(super) fn silent(code: u8) -> Self {
        Self { code, error: None, hint: None, is_said: false, is_elsewhere: false }
    }

    /// An end of which people were told in another way.
    pub(super) fn said<E: Display + Debug + Send + Sync + 'static>(code: u8, error: E) -> Self {
        Self { code, is_said: true, ..Self::failed(anyhow::Error::msg(error)) }
    }

    /// With what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same where there may be nothing to do.
    pub(super) fn maybe_hint(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Another node may know better.
    pub(super) fn elsewhere(self) -> Self {
        Self { is_elsewhere: true, ..self }
    }

    /// With which node was asked, if another one may be meant.
    pub(super) fn asked_of(self, said: impl FnOnce() -> Option<String>) -> Self {
        let Some(said) = self.is_elsewhere.then(said).flatten() else { return self };
        let hint = match &self.hint {
            Some(hint) if hint.ends_with('?') => format!("{hint} {said}"),
            Some(hint) => format!("{hint}; {said}"),
            None => said,
        };
        self.hint(hint)
    }

    /// It as the API of a node says it, unless there is nothing to say.
    pub(super) fn document(&self) -> Option<ApiError> {
        let error = self.error.as_ref()?;
        let code = match (error.downcast_ref(), self.code) {
            (Some(hive_client::Error::Refused(error)), _) => error.code.as_str(),
            (_, USAGE) => "usage",
            (_, NO_NODE) => "no-node",
            _ => "no",
        };
        let message = told(error.as_ref()).join(": ");
        Some(ApiError { code: code.to_owned(), message, hint: self.hint.clone() })
    }

    /// Prints it as JSON, unless there is nothing to say. What people are told is not this.
    pub(super) fn print(&self) {
        if let Some(error) = self.document() {
            // A reader that has gone is no error.
            let _ = output::json(&ErrorBody { v: V1, error });
        }
    }

    /// Says it and gives the exit code.
    pub(super) fn report(self) -> ExitCode {
        match &self.error {
            Some(_) if self.is_said => {}
            Some(error) => explain(error.as_ref(), self.hint.as_deref()),
            None => say_hint(self.hint.as_deref()),
        }
        ExitCode::from(self.code)
    }
}

/// Says an error with its causes, and what to do.
pub(super) fn explain(error: &(dyn Error + 'static), hint: Option<&str>) {
    for (at, text) in told(error).iter().enumerate() {
        label(if at == 0 { "error" } else { "caused by" }, AnsiColor::Red, text);
    }
    say_hint(hint);
}

/// An error and its causes. Many errors say their cause in their own text; it is not said twice.
fn told(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut told = vec![error.to_string()];
    for cause in Chain::new(error).skip(1).map(ToString::to_string) {
        if told.last().is_none_or(|said| !said.contains(&cause)) {
            told.push(cause);
        }
    }
    told
}

fn say_hint(hint: Option<&str>) {
    if let Some(hint) = hint {
        label("hint", AnsiColor::Cyan, &hint);
    }
}

impl From<hive_client::Error> for Fault {
    fn from(error: hive_client::Error) -> Self {
        if error.is_unreachable() {
            if let Some(fault) = coming(&error) {
                return fault;
            }
            let program = output::program();
            let start =
                format!("start one with `{program} run`, or beside handlers' sources `{program} dev`");
            let hint = match instead() {
                Some(instead) => format!("{instead}; or {start}"),
                None => format!("{start}; or name one with --node"),
            };
            return Self::no_node(error).hint(hint);
        }
        let hint = match &error {
            hive_client::Error::Refused(error) => error.hint.clone(),
            _ => None,
        };
        let is_elsewhere = matches!(error.code(), Some(code::NO_RESPONDER | code::NOT_FOUND));
        // What is no channel or no pattern is the command line's fault.
        let exit = if error.code() == Some(code::INVALID) { USAGE } else { NO };
        Self { code: exit, hint, is_elsewhere, ..Self::failed(error) }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(error)
    }
}

/// What clap has to say: help on stdout with 0, errors on stderr with 2, in this program's words; for `--json` on stdout too.
pub(super) fn usage(error: &mut clap::Error) -> ExitCode {
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    habits::suggest(error);
    // What was said is not understood, so that no flag is known to be one but by its name.
    if !wanted && env::args_os().take_while(|word| word != "--").any(|word| word == "--json") {
        of_usage(&error.render().to_string()).print();
    }
    // A reader that has gone is no error.
    let _ = error.print();
    if wanted { ExitCode::SUCCESS } else { ExitCode::from(USAGE) }
}

/// What clap says as a fault: its first paragraph is the error, and its tips are what to do.
fn of_usage(text: &str) -> Fault {
    let (error, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let words: Vec<&str> = error.split_whitespace().collect();
    let message = words.join(" ");
    let tips: Vec<&str> = rest.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).collect();
    let fault = Fault::usage(message.strip_prefix("error: ").unwrap_or(&message));
    fault.maybe_hint((!tips.is_empty()).then(|| tips.join("; ")))
}

/// One line of a report on stderr: `error: …`.
pub(super) fn label(word: &str, color: AnsiColor, text: &dyn Display) {
    let style = Style::new().bold().fg_color(Some(color.into()));
    anstream::eprintln!("{style}{word}:{style:#} {text}");
}
