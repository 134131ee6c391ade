//! `wasi:http`: requests out of a guest, to the hosts that its configuration opens to it, for as long as its call lasts.
//!
//! A redirect is an answer like any other: the guest asks again, and is checked again.

use std::{
    collections::BTreeSet,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body, Frame, SizeHint},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep_until, timeout_at},
};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    default_send_request,
    p2::bindings::http::types::{DnsErrorPayload, ErrorCode},
};

use super::{Guest, Place};
use crate::plugin::grants;
use crate::plugin::openings::Wanted;

/// Connections of one plugin at a time: each holds a socket and buffers of the node.
const CONNECTIONS_MAX: usize = 64;

/// Bytes of one answer's body. A handler reads it piece by piece, so this guards its time more than the node's memory.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// Hosts whose refusal is said in the log, each once for a version of a plugin.
const REFUSALS_MAX: usize = 64;

/// What a plugin's instances share of HTTP.
pub struct Web {
    connections: Arc<Semaphore>,
    /// What was said to be refused. A mutex held for an insertion, on the way of requests that are refused.
    refused: Mutex<BTreeSet<String>>,
}

impl Default for Web {
    fn default() -> Self {
        Self { connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)), refused: Mutex::default() }
    }
}

/// HTTP of one instance.
pub(super) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    /// None while the component describes itself.
    place: Option<Arc<Place>>,
    /// When the call in hand ends, and what it waits for with it.
    until: Instant,
}

impl Http {
    pub(super) fn new(place: Option<Arc<Place>>, until: Instant) -> Self {
        Self { context: WasiHttpCtx::new(), hooks: Hooks { place, until } }
    }

    /// A call begins.
    pub(super) fn begin(&mut self, until: Instant) {
        self.hooks.until = until;
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.counted();
        let Http { context, hooks } = &mut self.http;
        WasiHttpCtxView { ctx: context, hooks, table: &mut self.resources }
    }
}

/// What carries a connection on, beside what is read from it.
type Carrying = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Carrying,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Carrying), Error>> + Send> {
        let until = self.until;
        let admitted = self.admit(&request);
        Box::new(async move {
            let (place, connection) = admitted?;
            // Whoever waits for a host leaves its place to another.
            let _away = Arc::clone(&place.crew).away_for_long();
            send(request, options.unwrap_or_default(), until, connection).await
        })
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> ErrorCode {
        tracing::debug!("HTTP of a handler: {error:?}");
        if error.is_incomplete_message() {
            return ErrorCode::ConnectionTerminated;
        }
        ErrorCode::HttpProtocolError
    }

    fn p2_error_from_connect(&mut self, error: &io::Error) -> ErrorCode {
        tracing::debug!("HTTP of a handler: {error:?}");
        match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            io::ErrorKind::TimedOut => ErrorCode::ConnectionTimeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                ErrorCode::DestinationIpUnroutable
            }
            // What the resolver says has no kind of its own.
            _ => ErrorCode::DnsError(DnsErrorPayload { rcode: Some(error.to_string()), info_code: None }),
        }
    }

    fn p2_error_from_tls(&mut self, error: &io::Error) -> ErrorCode {
        tracing::debug!("HTTP of a handler: {error:?}");
        match error.to_string().contains("certificate") {
            true => ErrorCode::TlsCertificateError,
            false => ErrorCode::TlsProtocolError,
        }
    }
}

impl Hooks {
    /// Whether a request may go out, and its connection if so.
    fn admit(&self, request: &Request<WasiBody>) -> Result<(Arc<Place>, OwnedSemaphorePermit), Error> {
        let Some(place) = &self.place else {
            return Err(denied("`describe` is pure: nobody can be asked from it".into()));
        };
        let uri = request.uri();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let tls = uri.scheme_str() == Some("https");
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let wanted = Wanted { tls, host: &host, port, method: request.method().as_str() };
        if let Err(line) = place.openings.check_http(&place.plugin, &wanted) {
            place.web.say_refused(&place.plugin, &line);
            return Err(denied(grants::needs(&line)));
        }
        let connection = Arc::clone(&place.web.connections).try_acquire_owned();
        Ok((Arc::clone(place), connection.map_err(|_| Error::ConnectionLimitReached)?))
    }
}

impl Web {
    fn say_refused(&self, plugin: &str, line: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < REFUSALS_MAX && refused.insert(line.to_owned()) {
            tracing::warn!(plugin, "a request over HTTP was refused; to allow it: {line}");
        }
    }
}

/// The only error of `wasi:http` that has words.
fn denied(why: String) -> Error {
    Error::InternalError(Some(why))
}

/// Sends a request, and waits for the head of its answer.
async fn send(
    request: Request<WasiBody>,
    options: RequestOptions,
    until: Instant,
    connection: OwnedSemaphorePermit,
) -> Result<(Response<WasiBody>, Carrying), Error> {
    let left = until.saturating_duration_since(Instant::now());
    let within = |asked: Option<Duration>| Some(asked.map_or(left, |asked| asked.min(left)));
    let options = RequestOptions {
        connect_timeout: within(options.connect_timeout),
        first_byte_timeout: within(options.first_byte_timeout),
        between_bytes_timeout: within(options.between_bytes_timeout),
    };
    let answered = timeout_at(until.into(), default_send_request(request, Some(options))).await;
    let (response, carrying) = answered.map_err(|_| Error::HttpResponseTimeout)??;
    let length = response.body().size_hint().lower();
    if length > BODY_BYTES_MAX {
        return Err(Error::HttpResponseBodySize(Some(length)));
    }
    let response = response.map(|body| {
        let (body, end) = (body.boxed_unsync(), Box::pin(sleep_until(until.into())));
        Bounded { body, end, left: BODY_BYTES_MAX, _connection: connection }.boxed_unsync()
    });
    let carrying = async move { timeout_at(until.into(), carrying).await.unwrap_or(Ok(())) };
    Ok((response, Box::new(carrying)))
}

/// An answer's body, within its size and its time.
struct Bounded {
    body: WasiBody,
    /// When the call that asked ends.
    end: Pin<Box<Sleep>>,
    /// Bytes that may still come.
    left: u64,
    /// Counts as one until the body is dropped.
    _connection: OwnedSemaphorePermit,
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Error::HttpResponseTimeout)));
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match self.left.checked_sub(u64::try_from(bytes).unwrap_or(u64::MAX)) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(Error::HttpResponseBodySize(Some(BODY_BYTES_MAX))))),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
