//! How the API says no: `{"v":1,"error":{"code","message","hint"}}` with a fitting HTTP status.
//!
//! What it owns: the mapping from the node's errors to codes, statuses and hints. It must not know the requests.

use axum::{
    Json,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use hive_client::{
    headers::HeaderError,
    types::{ApiError, ErrorBody, V1, code},
};
use hive_proto::{channel::ChannelError, limits::PAYLOAD_BYTES_MAX, pattern::PatternError};

use super::Means;
use crate::{
    bus::{CallError, LetterError, PublishError, SubscribeError},
    control::{ControlError, NearKey},
    units::nearest,
};

/// An error on its way to a client.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ApiError);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (status(&self.0.code), Json(ErrorBody { v: V1, error: self.0 })).into_response()
    }
}

/// What HTTP calls a code.
fn status(code: &str) -> StatusCode {
    match code {
        code::NOT_FOUND | code::NO_RESPONDER => StatusCode::NOT_FOUND,
        code::TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        code::FAILED => StatusCode::BAD_GATEWAY,
        code::REJECTED | code::CONFIGURATION => StatusCode::UNPROCESSABLE_ENTITY,
        code::UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
        code::TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        code::DENIED => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A request that cannot be understood.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal(ApiError::new(code::INVALID, message))
}

pub(super) fn bad_channel(name: &str, error: &ChannelError) -> Refusal {
    let hint = match error {
        ChannelError::Character('*') => "wildcards belong in the patterns of a subscription",
        ChannelError::LocalInNetwork(_) => "name a channel of two segments or more after the network",
        _ => "a channel is 1 to 32 segments joined by `/`, such as `worker/action`",
    };
    Refusal(ApiError::new(code::INVALID, format!("`{name}` is no channel: {error}")).with_hint(hint))
}

pub(super) fn bad_pattern(text: &str, error: &PatternError) -> Refusal {
    let hint = "a pattern is a channel in which `*` stands for one segment and `**` for any number";
    Refusal(ApiError::new(code::INVALID, format!("`{text}` is no pattern: {error}")).with_hint(hint))
}

pub(super) fn bad_group(name: &str, error: &ChannelError) -> Refusal {
    let hint = "a group's name is like one segment of a channel, such as `billing`";
    Refusal(ApiError::new(code::INVALID, format!("`{name}` is no group: {error}")).with_hint(hint))
}

/// No name for a reader.
pub(super) fn bad_reader(name: &str, error: &ChannelError) -> Refusal {
    let hint =
        "a reader's name is like one segment of a channel without `@`, of at most 47 bytes, such as `audit`";
    Refusal(ApiError::new(code::INVALID, format!("`{name}` is no reader: {error}")).with_hint(hint))
}

/// A call without an answer. `help` is what may help.
pub(super) fn unanswered(
    channel: &str,
    help: impl FnOnce(&CallError) -> Option<String>,
    error: &CallError,
) -> Refusal {
    if let CallError::Publish(error) = error {
        return error.clone().into();
    }
    let refusal = ApiError::new(error.code(), format!("`{channel}`: {error}"));
    Refusal(match help(error) {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    })
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        let refusal = ApiError::new(error.code(), error.to_string());
        Self(match error {
            PublishError::Denied(..) => {
                refusal.with_hint("`channels:` in the node's configuration says who may")
            }
            PublishError::Clock(_) => refusal.with_hint("set this host's clock, and keep it right with NTP"),
            PublishError::KeptFull => {
                refusal.with_hint("clear channels whose values nobody needs: publish --clear")
            }
            PublishError::Reserved(_) => refusal.with_hint("choose a channel that does not begin with `$`"),
            _ => refusal,
        })
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        let (code, hint) = match error {
            SubscribeError::Denied { .. } => {
                (code::DENIED, "`channels:` in the node's configuration says who may")
            }
            SubscribeError::Pattern { .. } | SubscribeError::TooMany(_) => {
                (code::UNAVAILABLE, "subscribe to fewer, wider patterns")
            }
        };
        Self(ApiError::new(code, error.to_string()).with_hint(hint))
    }
}

impl From<LetterError> for Refusal {
    fn from(error: LetterError) -> Self {
        let (code, hint) = match error {
            LetterError::NotKept => (code::UNAVAILABLE, Some("start it with --data-dir")),
            LetterError::Unknown { .. } => (code::NOT_FOUND, None),
            LetterError::InHand(_)
            | LetterError::Unreadable { .. }
            | LetterError::NotOfGroup { .. }
            | LetterError::NoMember(_) => (code::UNAVAILABLE, None),
        };
        let refusal = ApiError::new(code, error.to_string());
        Self(hint.map_or(refusal.clone(), |hint| refusal.with_hint(hint)))
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let code = match &error {
            ControlError::UnknownPlugin(_) | ControlError::NoState(_) | ControlError::UnknownKey { .. } => {
                code::NOT_FOUND
            }
            ControlError::Unavailable(_) => code::UNAVAILABLE,
            ControlError::Configuration(_) => code::CONFIGURATION,
        };
        let refusal = ApiError::new(code, error.to_string());
        let ControlError::UnknownKey { plugin, near, .. } = error else { return Self(refusal) };
        Self(refusal.with_hint(match near {
            NearKey::Begins => "keys begin with it; --prefix lists those".to_owned(),
            NearKey::Is(near) => format!("did you mean `{near}`?"),
            NearKey::Nothing => format!("`plugins state {plugin}` lists its keys"),
        }))
    }
}

/// What the root does not do with a plugin; where it has none of that name, with the one that may be meant.
pub(super) fn refused(means: &Means, error: ControlError) -> Refusal {
    match error {
        ControlError::UnknownPlugin(name) => no_plugin(means, &name),
        error => error.into(),
    }
}

/// No plugin has that name.
pub(super) fn no_plugin(means: &Means, name: &str) -> Refusal {
    let refusal = ApiError::new(code::NOT_FOUND, format!("no plugin is called `{name}`"));
    let plugins = means.boards.plugins.read();
    Refusal(match nearest(name, plugins.keys().map(|name| &**name)) {
        Some(near) => refusal.with_hint(format!("did you mean `{near}`?")),
        None if plugins.is_empty() => refusal.with_hint("this node runs no plugins"),
        None => refusal.with_hint("`plugins` lists those that are here"),
    })
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        invalid(error.to_string())
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = format!("the body has more than {PAYLOAD_BYTES_MAX} bytes");
            return Self(ApiError::new(code::TOO_LARGE, message));
        }
        invalid(format!("the body cannot be read: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        invalid(rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        invalid(rejection.body_text())
    }
}

pub(super) async fn no_such_path(uri: Uri) -> Refusal {
    if is_of_channel(uri.path()) {
        let hint = "a channel is 1 to 32 segments joined by `/`, such as `worker/action`";
        return Refusal(ApiError::new(code::INVALID, "the channel is empty").with_hint(hint));
    }
    let message = format!("there is nothing at {}", uri.path());
    Refusal(ApiError::new(code::NOT_FOUND, message).with_hint("paths begin with /v1/, such as /v1/status"))
}

/// Whether the path is one that a channel is missing in.
fn is_of_channel(path: &str) -> bool {
    matches!(path, "/v1/publish/" | "/v1/call/" | "/v1/trace/")
}

pub(super) async fn no_such_method(method: Method, uri: Uri) -> Refusal {
    invalid(format!("{} does not take {method}", uri.path()))
}

/// What is said to a connection beyond the limit.
pub(super) async fn full() -> Refusal {
    let message = "the node serves as many connections as it may";
    Refusal(ApiError::new(code::UNAVAILABLE, message).with_hint("close connections that are not needed"))
}
