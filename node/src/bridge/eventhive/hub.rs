//! The WebSocket endpoint that EventHive's connectors connect to: it brings what one publishes to those who subscribed.
//!
//! What it owns: the clients, their topics, and what waits for each of them. A client that does not read loses what does
//! not fit and harms nobody else. It must not know what is published: texts go in and out as they are.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval_at, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{
        Error, Message, Utf8Bytes,
        handshake::server::{ErrorResponse, Request as Handshake, Response},
        http::StatusCode,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::rpc::{self, Request, Topics};
use crate::{
    bridge::{Limits, backlog::Backlog, listening},
    trust::{hex, random_bytes},
};

/// Clients at a time.
const CLIENTS_MAX: usize = 1_024;
/// How long a client may take to say what it wants.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long one may be silent. EventHive's own clients answer pings.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes around a payload in a frame: topics and the words of the protocol.
const FRAME_EXTRA_BYTES: usize = 64 * 1_024;

/// Something published at the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Under which topic.
    pub topic: String,
    /// What.
    pub data: String,
}

/// The clients. Clones are the same hub.
#[derive(Debug, Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held for a look or a change, never across an await.
    clients: Mutex<BTreeMap<u64, Client>>,
    limits: Limits,
    /// Texts that went to clients, and those that slow ones lost.
    lost: AtomicU64,
}

#[derive(Debug)]
struct Client {
    /// What it is called in what it is sent.
    id: String,
    topics: HashSet<String>,
    all: bool,
    backlog: Arc<Backlog<Utf8Bytes>>,
}

/// What ends with a client's connection.
struct Presence {
    hub: Hub,
    number: u64,
    /// What the client is called in what it is sent.
    id: String,
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(client) = self.hub.clients().remove(&self.number) {
            client.backlog.close();
        }
    }
}

impl Hub {
    /// Without clients yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { clients: Mutex::default(), limits, lost: AtomicU64::new(0) }) }
    }

    /// Takes clients until it is dropped. What they publish goes to the others, and to `published`; who publishes waits
    /// while that is full.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(
        &self,
        listener: &TcpListener,
        path: &str,
        published: &mpsc::Sender<Published>,
    ) -> io::Error {
        let mut clients = JoinSet::new();
        let mut next = 0_u64;
        loop {
            let accepted = tokio::select! {
                accepted = listening::accept(listener) => accepted,
                Some(_) = clients.join_next() => continue,
            };
            let (stream, addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => return error,
            };
            if clients.len() >= CLIENTS_MAX {
                tracing::warn!("{addr} is turned away: {CLIENTS_MAX} clients are connected");
                continue;
            }
            next += 1;
            let (hub, path, published) = (self.clone(), path.to_owned(), published.clone());
            let number = next;
            clients.spawn(async move {
                if let Err(error) = hub.client(stream, &path, number, &published).await {
                    tracing::debug!("{addr}: {error}");
                }
            });
        }
    }

    /// Brings a text to everybody who subscribed to its topic.
    pub fn notify(&self, topic: &str, data: &str) {
        self.notify_others(topic, data, None);
    }

    /// How many clients there are.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.clients().len()
    }

    /// How many texts slow clients lost since the last time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<u64, Client>> {
        self.shared.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify_others(&self, topic: &str, data: &str, not_to: Option<&str>) {
        for client in self.clients().values() {
            if Some(client.id.as_str()) == not_to || !(client.all || client.topics.contains(topic)) {
                continue;
            }
            let call = hex(&random_bytes::<16>());
            self.push(&client.backlog, rpc::notify((topic, data), &client.id, &call));
        }
    }

    fn push(&self, backlog: &Backlog<Utf8Bytes>, text: String) {
        let bytes = text.len();
        let lost = backlog.push(text.into(), bytes);
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
    }

    async fn client(
        &self,
        stream: TcpStream,
        path: &str,
        number: u64,
        published: &mpsc::Sender<Published>,
    ) -> Result<(), Error> {
        // Its frames are small and each is waited for.
        stream.set_nodelay(true)?;
        let bytes_max = self.shared.limits.payload_bytes.saturating_mul(2).saturating_add(FRAME_EXTRA_BYTES);
        let handshake = accept_hdr_async_with_config(stream, only(path), Some(config(bytes_max)));
        let socket = timeout(HANDSHAKE_TIME, handshake)
            .await
            .map_err(|_| Error::Io(io::Error::from(io::ErrorKind::TimedOut)))??;
        let backlog = Arc::new(Backlog::new(self.shared.limits.queue_events, self.shared.limits.queue_bytes));
        let id = hex(&random_bytes::<16>());
        let client =
            Client { id: id.clone(), topics: HashSet::new(), all: false, backlog: Arc::clone(&backlog) };
        self.clients().insert(number, client);
        let presence = Presence { hub: self.clone(), number, id };
        presence.talk(socket, &backlog, published).await
    }
}

/// Bounds for what a stranger sends.
pub(super) fn config(bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(bytes_max)).max_frame_size(Some(bytes_max))
}

/// Refuses whatever asks for another path.
#[expect(clippy::result_large_err, reason = "the library's own type")]
fn only(path: &str) -> impl FnOnce(&Handshake, Response) -> Result<Response, ErrorResponse> + Unpin {
    let path = path.to_owned();
    move |asked: &Handshake, response: Response| {
        if asked.uri().path().trim_end_matches('/') == path.trim_end_matches('/') {
            return Ok(response);
        }
        let mut refused = ErrorResponse::new(Some(format!("there is nothing here; connect to {path}\n")));
        *refused.status_mut() = StatusCode::NOT_FOUND;
        Err(refused)
    }
}

impl Presence {
    async fn talk(
        &self,
        socket: WebSocketStream<TcpStream>,
        backlog: &Backlog<Utf8Bytes>,
        published: &mpsc::Sender<Published>,
    ) -> Result<(), Error> {
        let (mut writer, mut reader) = socket.split();
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let write = async {
            loop {
                tokio::select! {
                    waiting = backlog.take() => {
                        let Some(waiting) = waiting else { return Ok(()) };
                        for (text, _) in waiting {
                            writer.feed(Message::Text(text)).await?;
                        }
                        writer.flush().await?;
                    }
                    _ = pings.tick() => writer.send(Message::Ping(Vec::new().into())).await?,
                }
            }
        };
        let read = async {
            loop {
                let Ok(message) = timeout(SILENCE_MAX, reader.next()).await else {
                    return Err(Error::Io(io::Error::from(io::ErrorKind::TimedOut)));
                };
                match message {
                    None => return Ok(None),
                    Some(Ok(Message::Text(text))) => {
                        if let Some(close) = self.heard(&text, backlog, published).await {
                            return Ok(Some(close));
                        }
                    }
                    Some(Ok(Message::Close(_))) => return Ok(None),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                }
            }
        };
        let close = tokio::select! {
            written = write => return written,
            read = read => read?,
        };
        if let Some(close) = close {
            writer.send(Message::Close(Some(close))).await?;
        }
        Ok(())
    }

    /// Does what a client asks. A reason to close when it cannot go on.
    async fn heard(
        &self,
        text: &str,
        backlog: &Backlog<Utf8Bytes>,
        published: &mpsc::Sender<Published>,
    ) -> Option<CloseFrame> {
        let message = match rpc::Message::decode(text) {
            Ok(message) => message,
            Err(error) => return Some(close(CloseCode::Policy, &error.to_string())),
        };
        // Answers to what was brought to it are of no use.
        let (request, call) = message.request?;
        let call = call.as_deref();
        let answer = match request {
            Request::Ping => rpc::pong(call),
            Request::ChannelId => rpc::channel_id(&self.id, call),
            Request::Subscribe(topics) => {
                if let Err(reason) = self.subscribe(topics) {
                    return Some(close(CloseCode::Policy, &reason));
                }
                rpc::done(call)
            }
            Request::Publish { topics, data, not_to } => {
                for topic in topics {
                    self.hub.notify_others(&topic, &data, Some(not_to.as_ref().unwrap_or(&self.id)));
                    // Whoever listens to the hub has ended, and so will this.
                    let _ = published.send(Published { topic, data: data.clone() }).await;
                }
                rpc::done(call)
            }
            Request::Notify { .. } => rpc::noticed(call),
            // As the library does.
            Request::Unknown(method) => {
                return Some(close(CloseCode::Normal, &format!("there is no method `{method}`")));
            }
        };
        self.hub.push(backlog, answer);
        None
    }

    fn subscribe(&self, topics: Topics) -> Result<(), String> {
        let mut clients = self.hub.clients();
        let Some(client) = clients.get_mut(&self.number) else { return Ok(()) };
        match topics {
            Topics::All => client.all = true,
            Topics::Some(topics) => client.topics.extend(topics),
        }
        if client.topics.len() > rpc::TOPICS_MAX {
            return Err(format!("more than {} topics; subscribe to all of them", rpc::TOPICS_MAX));
        }
        Ok(())
    }
}

/// A close frame holds 123 bytes of text.
fn close(code: CloseCode, reason: &str) -> CloseFrame {
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code, reason: reason[..end].into() }
}
