//! How publishing, calling and subscribing go wrong, each with the code that status and clients see.

use hive_proto::{
    channel::{Channel, ChannelError},
    event::MessageError,
    frame::data::CallFault,
    interest::Refusal,
    limits::{DEPTH_MAX, KEPT_BYTES_MAX, KEPT_NETWORK_BYTES_MAX},
    pattern::PatternError,
};

use crate::trust::may::Action;

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The name is no channel.
    #[error("`{name}` is no channel: {source}")]
    Name {
        /// As it was given.
        name: String,
        /// Which rule it breaks.
        source: ChannelError,
    },
    /// The message breaks a limit.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// `$…` channels are the node's.
    #[error("only the node itself publishes on `{0}`")]
    Reserved(Channel),
    /// The rules of this node's configuration do not allow it.
    #[error(transparent)]
    Denied(Box<Denial>),
    /// A value that is to be kept is over its limit.
    #[error("the value has {0} bytes; {KEPT_BYTES_MAX} is the most that is kept")]
    KeptTooLarge(usize),
    /// No more values fit.
    #[error("the kept values of this network take {} MiB, and no more fits", KEPT_NETWORK_BYTES_MAX >> 20)]
    KeptFull,
    /// This node's clock is off: what it keeps would win over others' or lose against them.
    #[error("the neighbours' clocks are {} ms {} this host's", .0.abs(), if *.0 > 0 { "ahead of" } else { "behind" })]
    Clock(i64),
    /// The channel's policy is `reject`, and somebody has no room.
    #[error("a subscriber has no room, and the channel's policy is to refuse then")]
    Overloaded,
    /// The channel is a durable one, and the journal does not take the event.
    #[error("it is not on disk: {0}")]
    NotDurable(String),
    /// Events cause each other without end.
    #[error(
        "{DEPTH_MAX} events have caused each other in a row, and this would be one more on `{0}`: it looks like a loop"
    )]
    Loop(Channel),
}

/// What the rules do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules for `{channel}` do not allow {} to {}", who(.other.as_deref()), .action.key())]
pub struct Denial {
    /// What is done.
    pub action: Action,
    /// Where.
    pub channel: Channel,
    /// The plugin or the bridge that may not, in words; none: a client, or the node.
    pub other: Option<String>,
    /// The line of the configuration that would allow it.
    pub line: String,
}

fn who(other: Option<&str>) -> &str {
    other.unwrap_or("this node")
}

impl PublishError {
    /// The code in the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. }
            | Self::Message(MessageError::ReservedHeader(_) | MessageError::ExpiresAtOnce)
            | Self::Reserved(_) => "invalid",
            Self::Message(_) => "too-large",
            Self::Denied(..) => "denied",
            Self::KeptTooLarge(_) => "too-large",
            Self::KeptFull | Self::NotDurable(_) | Self::Overloaded => "unavailable",
            Self::Clock(_) => "clock",
            Self::Loop(_) => "loop",
        }
    }
}

/// How a responder declines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Trouble that may pass.
    Failed(String),
    /// The same request will fail again.
    Rejected(String),
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody answers on that channel.
    #[error("nobody answers there")]
    NoResponder,
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// Whoever would answer waits for this very call, or too many wait for each other.
    #[error("it would wait for itself: who answers there can take one call, and that one waits for this")]
    Deadlock,
    /// The responder's trouble.
    #[error("{0}")]
    Failed(String),
    /// The responder's refusal.
    #[error("{0}")]
    Rejected(String),
    /// The responder cannot be reached, or takes nothing more.
    #[error("{0}")]
    Unavailable(String),
    /// The request itself cannot be sent.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl CallError {
    /// The code in the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoResponder => "no-responder",
            Self::Timeout => "timeout",
            Self::Deadlock => "deadlock",
            Self::Failed(_) => "failed",
            Self::Rejected(_) => "rejected",
            Self::Unavailable(_) => "unavailable",
            Self::Publish(error) => error.code(),
        }
    }

    pub(super) fn to_wire(&self) -> (CallFault, String) {
        match self {
            Self::NoResponder => (CallFault::NoResponder, String::new()),
            Self::Failed(text) => (CallFault::Failed, text.clone()),
            Self::Rejected(text) => (CallFault::Rejected, text.clone()),
            Self::Timeout | Self::Deadlock | Self::Unavailable(_) | Self::Publish(_) => {
                (CallFault::Unavailable, self.to_string())
            }
        }
    }

    pub(super) fn from_wire((fault, text): (CallFault, String)) -> Self {
        match fault {
            CallFault::Failed => Self::Failed(text),
            CallFault::Rejected => Self::Rejected(text),
            CallFault::NoResponder => Self::NoResponder,
            CallFault::Unavailable => Self::Unavailable(text),
        }
    }
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed(text) => Self::Failed(text),
            Failure::Rejected(text) => Self::Rejected(text),
        }
    }
}

/// Why a subscription was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The text is no pattern.
    #[error("`{text}` is no pattern: {source}")]
    Pattern {
        /// As it was given.
        text: String,
        /// Which rule it breaks.
        source: PatternError,
    },
    /// The rules leave nothing of it.
    #[error("the rules do not allow this node to have anything of `{pattern}`: {line}")]
    Denied {
        /// The pattern.
        pattern: String,
        /// The line of the configuration that would allow it.
        line: String,
    },
    /// More patterns than one node may have.
    #[error(transparent)]
    TooMany(#[from] Refusal),
}
