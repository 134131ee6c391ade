//! How a handler says that an event was not handled: try again, or never again.

use std::{any::Any, fmt, io, panic::Location, time::Duration};

use crate::{
    CallError, Error,
    bindings::exports::hive::node::handler::{Delay, Failure as Wire},
};

/// What a fallible handler returns.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why an event was not handled.
///
/// Every [`std::error::Error`] becomes one by `?`: a retry, because most trouble passes. The exception is an
/// [`Error`] of this crate that [is permanent](Error::is_permanent), of a call or of its own: that is a rejection. Say it yourself with
/// [`reject`] and [`retry`].
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Passing trouble: the node delivers the event again. The caller of a request gets `failed` at once.
    Retry {
        /// For people.
        reason: String,
        /// When; the node's own back-off if none.
        after: Option<Duration>,
    },
    /// Hopeless: the event goes to the plugin's dead letters. The caller of a request gets `rejected`.
    Reject {
        /// For people.
        reason: String,
    },
}

/// A failure that trying again cannot cure: `return Err(hive::reject("no such order"))`.
pub fn reject(reason: impl fmt::Display) -> Failure {
    Failure::Reject { reason: reason.to_string() }
}

/// A failure that passes; the node chooses when to try again. Errors that `?` does not take (`anyhow::Error`, texts)
/// become one with `.map_err(hive::retry)`.
pub fn retry(reason: impl fmt::Display) -> Failure {
    // The alternate form is where error types that chain, such as anyhow's, show their causes.
    Failure::Retry { reason: format!("{reason:#}"), after: None }
}

/// A failure that passes, with the delay after which it is worth trying again.
pub fn retry_after(delay: Duration, reason: impl fmt::Display) -> Failure {
    Failure::Retry { reason: format!("{reason:#}"), after: Some(delay) }
}

/// Turns what is missing or wrong into a rejection, where `?` alone would mean a retry.
pub trait OrReject<T> {
    /// The value, or [`reject`] with `reason` and, for an error, what it says.
    ///
    /// # Errors
    /// A rejection, when there is no value.
    fn or_reject(self, reason: impl fmt::Display) -> Result<T>;
}

impl<T> OrReject<T> for Option<T> {
    fn or_reject(self, reason: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| reject(reason))
    }
}

impl<T, E: fmt::Display> OrReject<T> for std::result::Result<T, E> {
    fn or_reject(self, reason: impl fmt::Display) -> Result<T> {
        self.map_err(|error| reject(format_args!("{reason}: {error:#}")))
    }
}

impl Failure {
    /// The text for people.
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. } | Self::Reject { reason } => reason,
        }
    }

    /// Whether the event is given up.
    pub fn is_reject(&self) -> bool {
        matches!(self, Self::Reject { .. })
    }
}

// Not `std::error::Error`: that would collide with taking every such error by `?`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    // A `?` hands its own place on.
    #[track_caller]
    fn from(error: E) -> Self {
        let any = &error as &dyn Any;
        let called = any.downcast_ref::<CallError>().map(|call| &call.error);
        let place = placed(Location::caller());
        match any.downcast_ref::<Error>().or(called) {
            Some(own) if own.is_permanent() => reject(format_args!("{error}{place}")),
            Some(Error::Overloaded { retry_after: delay }) => {
                retry_after(*delay, format_args!("{error}{place}"))
            }
            _ => {
                let help = any.downcast_ref().map(instead).unwrap_or_default();
                Self::Retry { reason: format!("{}{help}{place}", with_causes(&error)), after: None }
            }
        }
    }
}

/// Where in the project something went wrong, behind what it was; nothing where only this crate knows of it, and outside a
/// component, where tests compare reasons.
fn placed(place: &Location<'_>) -> String {
    let is_own = place.file().starts_with(file!().trim_end_matches("failure.rs"));
    if cfg!(target_family = "wasm") && !is_own {
        format!(" ({}:{})", place.file(), place.line())
    } else {
        String::new()
    }
}

/// What helps where something asked for what a component does not have.
fn instead(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if cfg!(not(target_family = "wasm")) => "",
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            "; a handler has the folders that its configuration opens (`dirs`), and no network but HTTP (`http`)"
        }
        io::ErrorKind::Unsupported => "; a handler has one thread, and no processes",
        _ => "",
    }
}

impl From<Failure> for Wire {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Reject { reason } => Self::Reject(reason),
            Failure::Retry { reason, after } => Self::Retry(Delay { reason, after_ms: after.map(millis) }),
        }
    }
}

/// What the error says, followed by what caused it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Whole milliseconds, capped instead of overflowing.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
