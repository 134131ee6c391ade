//! The local API: HTTP/1.1 and WebSockets on the node's Unix socket, version 1.
//!
//! What it owns: the socket, its connections, and the translation between documents (hive-client's types) and the bus,
//! the boards and the control requests. Exists so that any program of this host can publish, subscribe, call and
//! look. It must not know any other part: it reads boards and sends [`Control`](crate::control::Control).
//!
//! | request | does |
//! |---|---|
//! | `GET /v1/status`, `/v1/peers`, `/v1/plugins` | what the boards say |
//! | `GET /v1/plugins/NAME/logs?after=7&wait=10s` | what a plugin said last; waits for more when it is asked to |
//! | `GET /v1/plugins/NAME/state?prefix=P&after=K&limit=100`, `?key=K` | what a plugin keeps, a page of it; one value |
//! | `GET /metrics` | what is counted, for Prometheus |
//! | `POST /v1/publish/CHANNEL` | publishes the body; `content-type`, `hive-key` and `hive-header-NAME` go with it |
//! | `POST /v1/call/CHANNEL?timeout=5s` | asks; the answer is the body, with the same headers |
//! | `POST /v1/visit/ADDRESS` | connects to an address, looks who is there, and leaves again |
//! | `POST /v1/trace/CHANNEL?timeout=2s` | says who would get an event, and follows the ways there; publishes nothing |
//! | `GET /v1/dead/NAME`, `/v1/dead/NAME?letter=7` | the dead letters of a handler; one with its event |
//! | `POST /v1/dead/NAME?letters=1,2&drop=false&timeout=10s` | has them handled again, or lets them go |
//! | `GET /v1/socket` | a WebSocket of documents: `subscribe`, `publish`, `answer` (see `hive_client::socket`) |
//! | `GET /v1/plugin` | a WebSocket over which a process is a plugin (see `hive_client::external`) |
//! | `POST /v1/plugins/reload`, `/v1/stop` | asks the node to do it |
//! | `POST /v1/config/reload?check=false` | has it read its configuration again; `check`: only says what would be changed |
//! | `POST /v1/plugins/NAME/reload`, `…/rollback`, `…/approve`, `…/enable`, `…/disable` | the same, of one plugin |

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use hive_proto::limits::PAYLOAD_BYTES_MAX;
use tokio_util::sync::CancellationToken;

use crate::{bus::Bus, control::ControlSender, dispatch::process::Door, shutdown::Part, status::Boards};

mod bridges;
mod call;
mod control;
mod convert;
mod dead;
mod external;
mod listen;
mod logs;
mod metrics;
mod place;
mod plugins;
mod publish;
mod publishing;
mod refusal;
mod session;
mod state;
mod status;
mod subscribe;
#[cfg(test)]
mod tests;
mod trace;
mod visit;

pub use place::{Ahead, PlaceError, link_ahead};
pub use visit::document as visit_document;

/// Where the API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The Unix socket.
    pub socket: PathBuf,
    /// The node's name, for the link in the runtime directory; none: no links are made.
    pub link: Option<String>,
}

/// What the API speaks for: handles that the composition root hands down.
#[derive(Debug, Clone)]
pub struct Means {
    /// Events in and out.
    pub bus: Bus,
    /// What parts say about themselves.
    pub boards: Arc<Boards>,
    /// What people ask of the node.
    pub control: ControlSender,
    /// Where processes that are plugins come in.
    pub door: Door,
    /// Their connections, which outlast those of clients.
    pub processes: Part,
}

/// The running API. Stop it by its part; dropping it removes the socket and its links.
pub struct Api {
    part: Part,
    place: place::Place,
    /// Cancelled when clients are served.
    opened: CancellationToken,
}

impl Api {
    /// Takes the socket and serves processes that are plugins; clients wait until it is [opened](Self::open). Needs a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the socket cannot be made, or a living node has it.
    pub fn start(config: &Config, means: Means) -> Result<Self, PlaceError> {
        let (place, listener) = place::Place::take(config)?;
        let part = Part::new("api");
        let opened = CancellationToken::new();
        let shared = Shared {
            means,
            socket: place.socket().to_owned(),
            part: part.clone(),
            opened: opened.clone(),
            sessions: AtomicU64::new(0),
        };
        part.spawn("listener", listen::run(listener, router(Arc::new(shared)), part.clone()));
        Ok(Self { part, place, opened })
    }

    /// Serves clients from here on: the node's plugins are there.
    pub fn open(&self) {
        self.opened.cancel();
    }

    /// Its tasks: what the composition root stops.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.place.socket()
    }

    /// What other verbs need as `--node` to reach this node; none: they find it by themselves.
    #[must_use]
    pub fn node_argument(&self) -> Option<String> {
        self.place.node_argument()
    }
}

/// What every request may use.
struct Shared {
    means: Means,
    /// Where the API is, for who has found it by other ways.
    socket: PathBuf,
    part: Part,
    /// Cancelled when clients are served.
    opened: CancellationToken,
    /// Numbers the sessions, so that logs can tell clients apart.
    sessions: AtomicU64,
}

type App = Arc<Shared>;

fn router(shared: App) -> Router {
    Router::new()
        .route("/v1/status", get(status::status))
        .route("/v1/peers", get(status::peers))
        .route("/v1/graph", get(status::graph))
        .route("/v1/plugins", get(plugins::plugins))
        .route("/v1/plugins/reload", post(control::reload_all))
        .route("/v1/plugins/{name}/reload", post(control::reload))
        .route("/v1/plugins/{name}/logs", get(logs::logs))
        .route("/v1/plugins/{name}/state", get(state::state))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/plugins/{name}/rollback", post(control::rollback))
        .route("/v1/plugins/{name}/approve", post(control::approve))
        .route("/v1/plugins/{name}/enable", post(control::enable))
        .route("/v1/plugins/{name}/disable", post(control::disable))
        .route("/v1/config/reload", post(control::configure))
        .route("/v1/stop", post(control::stop))
        .route("/v1/visit/{addr}", post(visit::visit))
        .route("/v1/trace/{*channel}", post(trace::trace))
        .route("/v1/publish/{*channel}", post(publish::publish))
        .route("/v1/call/{*channel}", post(call::call))
        .route("/v1/dead/{*name}", get(dead::list).post(dead::replay))
        .route("/v1/socket", get(subscribe::upgrade))
        .route_layer(from_fn_with_state(Arc::clone(&shared), when_open))
        .route("/v1/plugin", get(external::upgrade))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
        .layer(DefaultBodyLimit::max(PAYLOAD_BYTES_MAX))
        .with_state(shared)
}

/// Who can reach the node finds its plugins running.
async fn when_open(State(app): State<App>, request: Request, next: Next) -> Response {
    app.opened.cancelled().await;
    next.run(request).await
}
