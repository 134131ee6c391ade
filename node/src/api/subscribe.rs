//! `GET /v1/socket`: a request becomes a WebSocket, and the WebSocket a session.

use std::sync::atomic::Ordering;

use axum::{
    Extension,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use hive_client::socket::FRAME_BYTES_MAX;

use super::{
    App,
    listen::Seat,
    refusal::{Refusal, invalid},
    session,
};

/// Bytes of events gathered before they are written, while more are there.
pub(super) const GATHER_BYTES: usize = 64 << 10;

pub(super) async fn upgrade(
    State(app): State<App>,
    Extension(seat): Extension<Seat>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|rejection| invalid(rejection.body_text()))?;
    let number = app.sessions.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .write_buffer_size(GATHER_BYTES)
        .max_write_buffer_size(FRAME_BYTES_MAX * 2);
    Ok(upgrade.on_upgrade(async move |socket| {
        // The session is a task of the API, so that it is stopped with it.
        let part = app.part.clone();
        part.spawn("session", session::run(socket, app, number, seat));
    }))
}
