//! `POST /v1/call/CHANNEL?timeout=5s&mode=one`: the body is a request, the answer comes back as a body; with
//! `mode=all` all answers come back as one document.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hive_client::{CALL_TIMEOUT, headers};
use serde::Deserialize;

use super::{
    App, convert, publish,
    refusal::{Refusal, bad_channel, invalid, unanswered},
};
use crate::{
    bus::{CallCause, CallError},
    dispatch::nobody,
    units,
};

#[derive(Debug, Deserialize)]
pub(super) struct Options {
    /// How long to wait, with a unit.
    timeout: Option<String>,
    #[serde(default)]
    mode: Mode,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// One responder, chosen by the node.
    #[default]
    One,
    /// Everybody, and all answers are wanted.
    All,
    /// Everybody, and the first good answer is enough.
    First,
}

pub(super) async fn call(
    State(app): State<App>,
    channel: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    head: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let Path(channel) = channel?;
    let Query(options) = options?;
    let timeout = options.timeout.as_deref().map_or(Ok(CALL_TIMEOUT), units::duration);
    let timeout = timeout.map_err(|error| invalid(error.to_string()))?;
    let bus = &app.means.bus;
    let address = bus.names().address(&channel).map_err(|error| bad_channel(&channel, &error))?;
    let message = publish::message(&head, body?)?;
    let cause = CallCause::within(timeout);
    let help = |error: &CallError| {
        nobody::help(&app.means.boards, &app.means.bus, (&channel, &address), error, timeout)
    };
    let answer = match options.mode {
        Mode::One => bus.call_from(&address, message, cause).await,
        Mode::First => bus.call_first(&address, message, cause).await,
        Mode::All => {
            let gathered = bus.call_all(&address, message, cause).await;
            let gathered = gathered.map_err(|error| unanswered(&channel, help, &error))?;
            return Ok(Json(convert::gathered(gathered, &app.means)).into_response());
        }
    };
    let answer = answer.map_err(|error| unanswered(&channel, help, &error))?;
    let answer = convert::client_message(&answer);
    let mut head = HeaderMap::new();
    headers::write(&answer, &mut head)?;
    // Without this an answer of unknown bytes would be called `application/octet-stream`.
    let mut response = answer.payload.into_response();
    response.headers_mut().clear();
    response.headers_mut().extend(head);
    Ok(response)
}
