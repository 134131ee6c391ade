//! Where others post to: `POST /a/b` is an event named `a/b`.
//!
//! What it owns: listening, who may post, how large a body may be, and what is answered. It must not know rules.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, Method, StatusCode,
        header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse as _, Response},
    routing::any,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore},
    time,
};

use super::sign::Secret;
use crate::{
    bridge::{Desk, Imported, Importer, Incoming, Lost, carried},
    bus::{TRAIL_HEADER, Trail},
    status::BridgeDrop,
};

/// Connections at once. Further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// How long a client may take for the head of a request, and for all of it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A pause after a failure to accept, which is a lack of file descriptors that others may give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where, and who may post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// Bodies are to be signed with it, or the header `authorization` to be `Bearer` and it.
    pub secret: Secret,
    /// The header the signature is in.
    pub signature_header: HeaderName,
    /// The header with an id, under which a request that is sent again is known.
    pub id_header: HeaderName,
    /// Headers that come along, by their lower-case names.
    pub headers: Vec<HeaderName>,
}

/// Listens until the bridge ends.
pub(super) async fn carry(listen: &Listen, desk: &Desk) -> Result<(), Lost> {
    let at = listen.address;
    let listener = TcpListener::bind(at).await;
    let listener = listener.map_err(|error| Lost::at(&format!("cannot listen on {at}"), &error))?;
    let at = listener.local_addr().unwrap_or(at);
    desk.up(format!("listens on http://{at}"));
    let shared = Arc::new(Shared { listen: listen.clone(), desk: desk.clone() });
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Some(seat) = desk.stop().run_until_cancelled(Arc::clone(&seats).acquire_owned()).await else {
            return Ok(());
        };
        let stream = match desk.stop().run_until_cancelled(listener.accept()).await {
            None => return Ok(()),
            Some(Ok((stream, _))) => stream,
            Some(Err(error)) => {
                tracing::warn!(bridge = desk.name(), "cannot accept a connection: {error}");
                time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        desk.spawn("connection", async move {
            let _seat = seat;
            serve(stream, shared).await;
        });
    }
}

struct Shared {
    listen: Listen,
    desk: Desk,
}

/// One connection, with its own share of waiting for slow consumers.
#[derive(Clone)]
struct Client {
    shared: Arc<Shared>,
    /// Held while a request is published: a connection has one at a time.
    importer: Arc<Mutex<Importer>>,
}

/// Serves one connection until it ends; when the bridge does, until the request in hand is answered.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let stop = shared.desk.stop().clone();
    let importer = Arc::new(Mutex::new(shared.desk.importer()));
    shared.desk.traffic().clients.one();
    let traffic = Arc::clone(&shared);
    let router = Router::new().fallback(any(answer)).with_state(Client { shared, importer });
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let router = router.clone();
        async move {
            let answered =
                time::timeout(REQUEST_TIMEOUT, hyper::service::Service::call(&router, request)).await;
            Ok::<_, Infallible>(match answered {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // A client that goes in the middle of a request harms only itself.
        tracing::trace!("a connection to a webhook ended early: {error}");
    }
    traffic.desk.traffic().clients.take(1);
}

async fn answer(State(client): State<Client>, request: Request) -> Response {
    let Client { shared, importer } = client;
    let (listen, desk) = (&shared.listen, &shared.desk);
    if request.method() != Method::POST {
        return ([(ALLOW, "POST")], refuse(StatusCode::METHOD_NOT_ALLOWED, "events are posted"))
            .into_response();
    }
    let (head, body) = request.into_parts();
    // Who says the secret is known before anything else is read.
    let said = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_known = said.is_some_and(|said| listen.secret.is(said));
    let signature = head.headers.get(&listen.signature_header).and_then(|value| value.to_str().ok());
    if !is_known && signature.is_none() {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "neither signed, nor is the secret in `authorization: Bearer`",
        );
    }
    let Ok(body) = to_bytes(body, desk.limits().payload_bytes).await else {
        desk.dropped(BridgeDrop::TooLarge, 1);
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than this bridge carries, or broke off",
        );
    };
    if !is_known && !signature.is_some_and(|signature| listen.secret.has_signed(&body, signature)) {
        return refuse(StatusCode::UNAUTHORIZED, "the signature is not that of this body with the secret");
    }
    let name = head.uri.path().trim_start_matches('/');
    let (message, trail) = match read(&head.headers, listen, body) {
        Ok(read) => read,
        Err(error) => {
            desk.dropped(BridgeDrop::Garbage, 1);
            return refuse(StatusCode::BAD_REQUEST, &error.to_string());
        }
    };
    let incoming = Incoming { trail, ..Incoming::new(name, message) };
    said_of(importer.lock().await.import(incoming).await)
}

/// What a request says. Of its headers those that were chosen, and what an event's own are.
fn read(
    headers: &HeaderMap,
    listen: &Listen,
    body: bytes::Bytes,
) -> Result<(crate::bus::Message, Trail), carried::CarriedError> {
    let is_own = |name: &HeaderName| {
        *name == CONTENT_TYPE || name.as_str() == TRAIL_HEADER || name.as_str().starts_with("hive-")
    };
    let fields = headers.iter().filter(|(name, _)| is_own(name) || listen.headers.contains(name));
    // What is no text says nothing.
    let fields =
        fields.filter_map(|(name, value)| Some((name.as_str(), str::from_utf8(value.as_bytes()).ok()?)));
    let (message, trail) = carried::read(fields, body)?;
    let id = headers.get(&listen.id_header).and_then(|value| value.to_str().ok());
    let trail = match (&trail.id, id) {
        (None, Some(id)) => Trail::begun(Some(id))?,
        _ => trail,
    };
    Ok((message, trail))
}

fn said_of(imported: Imported) -> Response {
    match imported {
        Imported::Published(receipt) => {
            let said = format!(
                r#"{{"v":1,"id":"{}","local":{},"peers":{}}}"#,
                receipt.id, receipt.local, receipt.peers
            );
            (StatusCode::ACCEPTED, [(CONTENT_TYPE, "application/json")], said).into_response()
        }
        Imported::NotNow(error) => {
            let refused = refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
            ([(RETRY_AFTER, "1")], refused).into_response()
        }
        Imported::Dropped(BridgeDrop::Duplicate | BridgeDrop::Superseded) => {
            (StatusCode::OK, [(CONTENT_TYPE, "application/json")], r#"{"v":1,"known":true}"#).into_response()
        }
        Imported::Dropped(reason) => {
            let (status, why) = match reason {
                BridgeDrop::NoRule | BridgeDrop::Proxy => {
                    (StatusCode::NOT_FOUND, "nothing of this name is let in")
                }
                BridgeDrop::Name => (StatusCode::BAD_REQUEST, "the path is no channel"),
                BridgeDrop::TooLarge => {
                    (StatusCode::PAYLOAD_TOO_LARGE, "it is larger than this bridge carries")
                }
                BridgeDrop::Denied => (StatusCode::FORBIDDEN, "the rules of this node do not let it in"),
                BridgeDrop::Loop => (StatusCode::LOOP_DETECTED, "it has been here"),
                _ => (StatusCode::UNPROCESSABLE_ENTITY, "it is no event"),
            };
            refuse(status, why)
        }
    }
}

fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    let said = serde_json::json!({ "v": 1, "error": why }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], said).into_response()
}
