//! A WebSocket to the node's `/v1/socket`: documents out, documents in.
//!
//! What it owns: the handshake over the Unix socket, and frames as text. It must not know what the documents are for.

use std::path::Path;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::Response;
use tokio::{net::UnixStream, time};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, protocol::WebSocketConfig},
};

use crate::{
    error::Error,
    http::{PATIENCE, connect, refusal},
    socket::{ClientMessage, FRAME_BYTES_MAX, ServerMessage},
};

/// Bytes that may wait to be written before a send waits for the node to read.
const WRITE_BYTES_MAX: usize = FRAME_BYTES_MAX * 2;

#[derive(Debug)]
pub(crate) struct Stream {
    frames: WebSocketStream<UnixStream>,
}

impl Stream {
    pub(crate) async fn open(socket: &Path) -> Result<Self, Error> {
        let stream = connect(socket).await?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX))
            .max_write_buffer_size(WRITE_BYTES_MAX);
        let handshake = client_async_with_config("ws://hive-node/v1/socket", stream, Some(config));
        let opened = time::timeout(PATIENCE, handshake).await.map_err(|_| Error::Unresponsive(PATIENCE))?;
        Ok(Self { frames: opened.map_err(refused)?.0 })
    }

    /// Puts a document into the buffer; it leaves when the buffer is large, or with [`Stream::flush`].
    pub(crate) async fn feed(&mut self, message: &ClientMessage) -> Result<(), Error> {
        let text = serde_json::to_string(message).map_err(|error| Error::Unreadable(error.to_string()))?;
        self.frames.feed(tungstenite::Message::text(text)).await.map_err(lost)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.frames.flush().await.map_err(lost)
    }

    /// The next document; none: the node closed the socket. May be cancelled without losing one.
    pub(crate) async fn next(&mut self) -> Result<Option<ServerMessage>, Error> {
        while let Some(frame) = self.frames.next().await {
            match frame.map_err(lost)? {
                tungstenite::Message::Text(text) => {
                    let read = serde_json::from_str(&text);
                    return read.map(Some).map_err(|error| Error::Unreadable(error.to_string()));
                }
                tungstenite::Message::Close(_) => return Ok(None),
                // Pings are answered below; nothing else is sent by a node of version 1.
                _ => {}
            }
        }
        Ok(None)
    }

    pub(crate) async fn close(mut self) {
        // Whoever closes has all they wanted: a node that is gone by now is no error.
        let _ = time::timeout(PATIENCE, self.frames.close(None)).await;
    }
}

fn lost(error: tungstenite::Error) -> Error {
    Error::lost(error)
}

/// A handshake that the node answers with an error has that error as body.
fn refused(error: tungstenite::Error) -> Error {
    match error {
        tungstenite::Error::Http(response) => {
            let (head, body) = response.into_parts();
            refusal(&Response::from_parts(head, Bytes::from(body.unwrap_or_default())))
        }
        error => lost(error),
    }
}
