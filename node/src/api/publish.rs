//! `POST /v1/publish/CHANNEL`: the body becomes an event.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::HeaderMap,
};
use hive_client::{
    headers,
    types::{Receipt, V1},
};
use hive_proto::event::Message;

use super::{
    App, convert,
    refusal::{Refusal, bad_channel},
};

pub(super) async fn publish(
    State(app): State<App>,
    channel: Result<Path<String>, PathRejection>,
    head: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Receipt>, Refusal> {
    let Path(channel) = channel?;
    let bus = &app.means.bus;
    let address = bus.names().address(&channel).map_err(|error| bad_channel(&channel, &error))?;
    let receipt = bus.publish(&address, message(&head, body?)?).await?;
    let (local, peers) = (receipt.local.into(), receipt.peers.into());
    Ok(Json(Receipt { v: V1, id: receipt.id.to_string(), local, peers }))
}

/// The message in a request: its body, and what its headers say.
pub(super) fn message(head: &HeaderMap, body: Bytes) -> Result<Message, Refusal> {
    let rest = headers::read(head)?;
    Ok(convert::message(hive_client::Message { payload: body, ..rest }))
}
