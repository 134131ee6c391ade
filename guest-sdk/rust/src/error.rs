//! What can go wrong when a handler asks something of its node.
//!
//! The WIT variant in Rust's clothes: with texts for people, and with what the SDK itself can find wrong.

use std::time::Duration;

use crate::bindings::hive::node::types::Error as Wire;

/// Why a publish or a look into the configuration failed, or a call, which is named beside it in a [`CallError`].
///
/// With `?` in a handler it becomes a [`Failure`](crate::Failure): a rejection where trying again could not help
/// (see [`is_permanent`](Error::is_permanent)), otherwise a retry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Not granted to this plugin; the text says why, and what the configuration or the code would need.
    Denied(String),
    /// Not a channel, a key, a name; or a configuration value of another type.
    Invalid(String),
    /// Larger than the limit, in bytes or items.
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A quota or a full node.
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Nobody answers on that channel.
    NoResponder,
    /// The answer did not come in time.
    Timeout,
    /// The request would wait for itself: it is already being handled by a plugin that can take only one call, or the
    /// chain of nested requests is too long.
    Deadlock,
    /// The responder had passing trouble.
    Failed(String),
    /// The responder refuses this request, and would again.
    Rejected(String),
    /// What would have to do it is not there now.
    Unavailable(String),
    /// The value cannot be written as JSON.
    Unserializable(String),
    /// The answer is not of the type asked for.
    UnexpectedAnswer(String),
    /// What the state has there is not of the type asked for.
    UnexpectedValue(String),
    /// What a newer node knows and this SDK does not.
    Other {
        /// For programs.
        code: String,
        /// For people.
        text: String,
    },
}

impl Error {
    /// Whether the same attempt would fail again, so that retrying it only delays the dead letter.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Denied(_)
            | Self::Invalid(_)
            | Self::TooLarge { .. }
            | Self::Rejected(_)
            | Self::Unserializable(_)
            | Self::UnexpectedAnswer(_)
            | Self::UnexpectedValue(_) => true,
            Self::Overloaded { .. }
            | Self::NoResponder
            | Self::Timeout
            | Self::Deadlock
            | Self::Failed(_)
            | Self::Unavailable(_)
            | Self::Other { .. } => false,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Invalid(what) => write!(f, "invalid: {what}"),
            Self::TooLarge { limit } => write!(f, "too large: the limit is {limit}"),
            Self::Overloaded { retry_after } => {
                write!(f, "overloaded; try again in {} ms", retry_after.as_millis())
            }
            Self::NoResponder => f.write_str("nobody answers on that channel"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Deadlock => f.write_str("deadlock: the request would wait for itself"),
            Self::Failed(reason) => write!(f, "the responder failed: {reason}"),
            Self::Rejected(reason) => write!(f, "the responder rejected the request: {reason}"),
            Self::Unavailable(what) => write!(f, "unavailable: {what}"),
            Self::Unserializable(why) => write!(f, "the value cannot be written as JSON: {why}"),
            Self::UnexpectedAnswer(why) => write!(f, "the answer is not what was expected: {why}"),
            Self::UnexpectedValue(why) => write!(f, "the state's value is not what was expected: {why}"),
            Self::Other { code, text } => write!(f, "{text} ({code})"),
        }
    }
}

impl std::error::Error for Error {}

/// Why a call failed, and which: what a handler asks of others is one channel among several.
#[derive(Debug, Clone, PartialEq)]
pub struct CallError {
    /// The channel that was called.
    pub channel: String,
    /// What went wrong.
    pub error: Error,
}

impl CallError {
    /// Makes the errors of a call of `channel` from what went wrong with it.
    pub(crate) fn of(channel: &str) -> impl Fn(Error) -> Self {
        move |error| Self { channel: channel.to_owned(), error }
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.channel, self.error)
    }
}

impl std::error::Error for CallError {}

impl From<CallError> for Error {
    fn from(call: CallError) -> Self {
        call.error
    }
}

impl From<Wire> for Error {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Denied(why) => Self::Denied(why),
            Wire::Invalid(what) => Self::Invalid(what),
            Wire::TooLarge(limit) => Self::TooLarge { limit },
            Wire::Overloaded(ms) => Self::Overloaded { retry_after: Duration::from_millis(ms) },
            Wire::NoResponder => Self::NoResponder,
            Wire::Timeout => Self::Timeout,
            Wire::Deadlock => Self::Deadlock,
            Wire::Failed(reason) => Self::Failed(reason),
            Wire::Rejected(reason) => Self::Rejected(reason),
            Wire::Unavailable(what) => Self::Unavailable(what),
            Wire::Other((code, text)) => Self::Other { code, text },
        }
    }
}
