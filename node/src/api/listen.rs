//! Accepting connections on the socket and serving HTTP on them, at most so many at once.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Response, routing::any};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::refusal;
use crate::shutdown::Part;

/// Connections served at once, WebSockets among them.
const CONNECTIONS_MAX: usize = 1024;
/// Further ones that are told that the node is full; beyond them a connection is closed without a word.
const REFUSED_MAX: usize = 64;
/// How long a client may take to send the head of a request, so that idle ones end.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// A pause after a failure to accept, which is a lack of file descriptors that others may give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a request holds as long as its connection, or the WebSocket that it became, is there.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Accepts until the part is stopped.
pub(super) async fn run(listener: UnixListener, router: Router, part: Part) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let standing = Arc::new(Semaphore::new(REFUSED_MAX));
    let full = Router::new().fallback(any(refusal::full));
    let mut said_full = false;
    loop {
        let accepted = tokio::select! {
            () = part.stop().cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("the API cannot accept a connection: {error}");
                time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
            said_full = false;
            part.spawn("connection", serve(stream, router.clone(), seat, part.clone()));
            continue;
        }
        if !said_full {
            said_full = true;
            tracing::warn!(
                "the API serves {CONNECTIONS_MAX} connections, the most it may; new ones are refused"
            );
        }
        if let Ok(seat) = Arc::clone(&standing).try_acquire_owned() {
            part.spawn("refusal", serve(stream, full.clone(), seat, part.clone()));
        }
    }
}

/// Serves one connection until it ends; when the part stops, until the request in hand is answered.
async fn serve(stream: UnixStream, router: Router, permit: OwnedSemaphorePermit, part: Part) {
    let seat = Seat { _permit: Arc::new(permit) };
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(seat.clone());
        answer(router.clone(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = part.stop().cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // A client that goes in the middle of a request harms only itself.
        tracing::trace!("a connection to the API ended early: {error}");
    }
}

async fn answer(
    router: TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    router.call(request).await
}
