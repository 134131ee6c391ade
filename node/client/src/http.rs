//! One HTTP/1.1 request at a time over the node's Unix socket, on a connection that is kept for the next one.
//!
//! What it owns: connecting, the kept connection, time limits, and reading error bodies. It must not know which
//! requests there are.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Response, StatusCode, client::conn::http1, header, http::request::Parts};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time};

use crate::{
    error::Error,
    types::{ApiError, ErrorBody},
};

/// How long a node that is alive takes at most, beyond what the request itself may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer's body; the largest payload fits twice.
const BODY_BYTES_MAX: usize = 32 << 20;

type Sender = http1::SendRequest<Full<Bytes>>;

/// The way to one node.
#[derive(Debug)]
pub(crate) struct Http {
    socket: PathBuf,
    /// The connection of the last request, for the next. Whoever takes it has it alone, so the lock is held for a
    /// moment only; two requests at once make two connections, and the last to finish is kept.
    kept: Mutex<Option<Sender>>,
}

/// The same node; the connection is the first one's.
impl Clone for Http {
    fn clone(&self) -> Self {
        Self::new(self.socket.clone())
    }
}

impl Http {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket, kept: Mutex::new(None) }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends a request and reads the whole answer. `wait` is what the request itself may take.
    pub(crate) async fn send(
        &self,
        request: Request<Bytes>,
        wait: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let limit = wait.saturating_add(PATIENCE);
        time::timeout(limit, self.exchange(request)).await.map_err(|_| Error::Unresponsive(limit))?
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(header::HOST, header::HeaderValue::from_static("hive-node"));
        let (mut sender, response) = self.start(parts, body).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Error::Unreadable(format!("an answer of more than {BODY_BYTES_MAX} bytes")),
            false => Error::Lost(error),
        })?;
        if sender.ready().await.is_ok() {
            *self.kept() = Some(sender);
        }
        let response = Response::from_parts(head, body.to_bytes());
        if response.status().is_success() { Ok(response) } else { Err(refusal(&response)) }
    }

    /// Tries the kept connection first. The node may have closed it; a request that never left is sent on a new one.
    async fn start(
        &self,
        parts: Parts,
        body: Bytes,
    ) -> Result<(Sender, Response<hyper::body::Incoming>), Error> {
        let mut request = Request::from_parts(parts, Full::new(body));
        let kept = self.kept().take();
        if let Some(mut sender) = kept
            && !sender.is_closed()
        {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((sender, response)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Error::lost(failed.into_error())),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(Error::lost)?;
        Ok((sender, response))
    }

    async fn connect(&self) -> Result<Sender, Error> {
        let stream = connect(&self.socket).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::lost)?;
        // The task ends with the connection, which ends when the sender is dropped or the node goes.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Sender>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream to the node's socket.
pub(crate) async fn connect(socket: &Path) -> Result<UnixStream, Error> {
    UnixStream::connect(socket).await.map_err(|source| Error::Unreachable { socket: socket.into(), source })
}

/// The error in an answer that is no success.
pub(crate) fn refusal(response: &Response<Bytes>) -> Error {
    match serde_json::from_slice::<ErrorBody>(response.body()) {
        Ok(body) => Error::Refused(body.error),
        Err(_) => Error::Refused(unreadable_refusal(response.status())),
    }
}

fn unreadable_refusal(status: StatusCode) -> ApiError {
    ApiError::new("unavailable", format!("the node answered {status}, without saying why"))
}
