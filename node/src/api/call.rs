//! `POST /v1/call/CHANNEL?timeout=5s`: the body is a request, the answer comes back as a body.

use axum::{
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
use crate::units;

#[derive(Debug, Deserialize)]
pub(super) struct Options {
    /// How long to wait, with a unit.
    timeout: Option<String>,
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
    let answer = bus.call(&address, publish::message(&head, body?)?, timeout).await;
    let answer = answer.map_err(|error| unanswered(&channel, address.channel.is_local(), &error))?;
    let answer = convert::client_message(&answer);
    let mut head = HeaderMap::new();
    headers::write(&answer, &mut head)?;
    // Without this an answer of unknown bytes would be called `application/octet-stream`.
    let mut response = answer.payload.into_response();
    response.headers_mut().clear();
    response.headers_mut().extend(head);
    Ok(response)
}
