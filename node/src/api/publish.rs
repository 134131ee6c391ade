//! `POST /v1/publish/CHANNEL`: the body becomes an event; with `?retain=true` it is kept as the channel's last value, with
//! `?clear=true` the channel has none any more.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
};
use hive_client::{
    headers,
    types::{Receipt, V1},
};
use hive_proto::event::Message;
use serde::Deserialize;

use super::{
    App, convert,
    refusal::{Refusal, bad_channel, invalid},
};
use crate::dispatch::nobody;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    retain: bool,
    clear: bool,
}

pub(super) async fn publish(
    State(app): State<App>,
    channel: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    head: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Refusal> {
    let Path(channel) = channel?;
    let bus = &app.means.bus;
    let address = bus.names().address(&channel).map_err(|error| bad_channel(&channel, &error))?;
    let Query(Options { retain, clear }) = options?;
    let message = message(&head, body?)?;
    let receipt = match (retain, clear) {
        (false, false) => bus.publish(&address, message).await?,
        (true, false) => bus.publisher().keep(&address, Some(message), 0)?,
        (false, true) if message == Message::default() => bus.publisher().keep(&address, None, 0)?,
        (false, true) => return Err(invalid("clearing a channel takes no message")),
        (true, true) => return Err(invalid("a value is either retained or cleared")),
    };
    let is_in_vain = receipt.local == 0 && receipt.peers == 0 && !receipt.durable && !retain && !clear;
    let help = || nobody::unheard(&app.means.boards, bus, &channel, &address);
    Ok(Json(Receipt {
        v: V1,
        id: receipt.id.to_string(),
        local: receipt.local.into(),
        peers: receipt.peers.into(),
        denied: receipt.denied.into(),
        durable: receipt.durable,
        hint: is_in_vain.then(help).flatten(),
    }))
}

/// The message in a request: its body, and what its headers say.
pub(super) fn message(head: &HeaderMap, body: Bytes) -> Result<Message, Refusal> {
    let rest = headers::read(head)?;
    Ok(convert::message(hive_client::Message { payload: body, ..rest }))
}
