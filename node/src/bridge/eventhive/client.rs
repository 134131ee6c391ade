//! A client of a WebSocket endpoint as EventHive's servers have it.
//!
//! What it owns: one connection for what is heard and one for what is said. They are two because such a server answers
//! nothing else on a connection while it brings what was published there to everybody; two clients that publish and
//! subscribe on one connection each would wait for each other for ever. It must not know what is published.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use super::{
    hub::{Published, config},
    rpc::{self, Request},
};
use crate::{
    bridge::tls::{Stream, Trusted, dial},
    trust::{hex, random_bytes},
};

/// How long connecting may take, and each answer until a connection is ready.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Publications that the server has not confirmed. It does one after the other.
const UNCONFIRMED_MAX: usize = 64;
/// How long it may take for one: it waits for all its subscribers.
const CONFIRM_TIME: Duration = Duration::from_secs(30);
/// Bytes around a payload in a frame.
const FRAME_EXTRA_BYTES: usize = 64 * 1_024;

/// Bytes of a text that has a payload of so many in it: it may be encrypted, and metadata is beside it.
pub(super) fn text_bytes_max(payload_bytes: usize) -> usize {
    payload_bytes.saturating_mul(2).saturating_add(FRAME_EXTRA_BYTES)
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// TCP.
    pub port: u16,
    /// With the slash that it begins with.
    pub path: String,
    /// Whom to believe, where nothing may be plain.
    pub tls: Option<Trusted>,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, path, tls } = self;
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}{path}")
        } else {
            write!(f, "{scheme}://{host}:{port}{path}")
        }
    }
}

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection itself.
    #[error("{0}")]
    Socket(Box<Error>),
    /// Nothing came in time.
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The other side ended it.
    #[error("the server closed the connection")]
    Closed,
    /// Something else answers there.
    #[error("what answers there is no server of EventHive's: {0}")]
    Rpc(#[from] rpc::RpcError),
    /// It said no.
    #[error("the server refused what was published to {0}")]
    Refused(String),
}

impl From<Error> for ClientError {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Closed,
            error => Self::Socket(Box::new(error)),
        }
    }
}

/// A connection that is ready.
#[derive(Debug)]
struct Connection {
    socket: WebSocketStream<Stream>,
}

/// Hears what is published.
#[derive(Debug)]
pub struct Listener {
    connection: Connection,
    /// What the server calls this connection.
    id: String,
}

/// Publishes.
#[derive(Debug)]
pub struct Publisher {
    connection: Connection,
    /// Whom the server shall not bring it to: the listener beside this.
    not_to: Option<String>,
    /// The topics of what is not confirmed yet, in order.
    unconfirmed: VecDeque<String>,
}

impl Connection {
    async fn open(endpoint: &Endpoint, payload_bytes: usize) -> Result<Self, ClientError> {
        let connecting = async {
            let dialling = dial((&endpoint.host, endpoint.port), endpoint.tls.as_ref());
            let stream = dialling.await.map_err(Error::Io)?;
            let request = endpoint.to_string().into_client_request()?;
            let bytes_max = text_bytes_max(payload_bytes);
            let (socket, _) = client_async_with_config(request, stream, Some(config(bytes_max))).await?;
            Ok::<_, ClientError>(Self { socket })
        };
        let mut connection =
            timeout(CONNECT_TIME, connecting).await.map_err(|_| ClientError::Silent(CONNECT_TIME))??;
        connection.ask(&rpc::ping(&call_id())).await?;
        Ok(connection)
    }

    async fn send(&mut self, text: String) -> Result<(), ClientError> {
        Ok(self.socket.send(Message::Text(text.into())).await?)
    }

    /// What is said next; pings are answered by the library. Cancel-safe.
    async fn next(&mut self) -> Result<rpc::Message, ClientError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(rpc::Message::decode(&text)?),
                Some(Ok(Message::Close(_))) | None => return Err(ClientError::Closed),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Asks something and waits for an answer, whatever it is.
    async fn ask(&mut self, text: &str) -> Result<String, ClientError> {
        self.send(text.to_owned()).await?;
        let answered = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) if rpc::Message::decode(&text)?.response.is_some() => {
                        return Ok(text.as_str().to_owned());
                    }
                    Some(Ok(Message::Close(_))) | None => return Err(ClientError::Closed),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                }
            }
        };
        timeout(CONNECT_TIME, answered).await.map_err(|_| ClientError::Silent(CONNECT_TIME))?
    }
}

impl Listener {
    /// Connects and subscribes: to these topics, or to all.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn open(
        endpoint: &Endpoint,
        topics: Option<&[String]>,
        payload_bytes: usize,
    ) -> Result<Self, ClientError> {
        let mut connection = Connection::open(endpoint, payload_bytes).await?;
        let id = rpc::answered_text(&connection.ask(&rpc::ask_channel_id(&call_id())).await?)?;
        let subscribe = match topics {
            Some(topics) => rpc::subscribe(topics, &call_id()),
            None => rpc::subscribe_all(&call_id()),
        };
        connection.ask(&subscribe).await?;
        Ok(Self { connection, id })
    }

    /// What the server calls this connection.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next that was published, which is confirmed.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn next(&mut self) -> Result<Published, ClientError> {
        loop {
            let Some((request, call)) = self.connection.next().await?.request else { continue };
            match request {
                Request::Notify { topic, data } => {
                    // The server waits for this before it brings the next.
                    self.connection.send(rpc::noticed(call.as_deref())).await?;
                    return Ok(Published { topic, data });
                }
                Request::Ping => self.connection.send(rpc::pong(call.as_deref())).await?,
                _ => {}
            }
        }
    }
}

impl Publisher {
    /// Connects. What is published is not brought to `not_to`.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn open(
        endpoint: &Endpoint,
        not_to: Option<String>,
        payload_bytes: usize,
    ) -> Result<Self, ClientError> {
        let connection = Connection::open(endpoint, payload_bytes).await?;
        Ok(Self { connection, not_to, unconfirmed: VecDeque::new() })
    }

    /// Whether the server has confirmed everything.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// Publishes, once there is room among what is not confirmed.
    ///
    /// # Errors
    /// When the connection ends, or the server refused something before.
    pub async fn publish(&mut self, topic: &str, data: &str) -> Result<(), ClientError> {
        while self.unconfirmed.len() >= UNCONFIRMED_MAX {
            self.confirmed_in_time().await?;
        }
        self.connection.send(rpc::publish((topic, data), self.not_to.as_deref(), &call_id())).await?;
        self.unconfirmed.push_back(topic.to_owned());
        Ok(())
    }

    /// Waits until everything is confirmed.
    ///
    /// # Errors
    /// When the connection ends, or the server refuses something.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        while !self.unconfirmed.is_empty() {
            self.confirmed_in_time().await?;
        }
        Ok(())
    }

    /// Waits for the server's next word, which ends only with the connection when nothing is unconfirmed. Cancel-safe.
    ///
    /// # Errors
    /// When the connection ends, or the server refuses something.
    pub async fn confirmed(&mut self) -> Result<(), ClientError> {
        loop {
            let Some((_, went_well)) = self.connection.next().await?.response else { continue };
            let topic = self.unconfirmed.pop_front();
            return if went_well { Ok(()) } else { Err(ClientError::Refused(topic.unwrap_or_default())) };
        }
    }

    async fn confirmed_in_time(&mut self) -> Result<(), ClientError> {
        timeout(CONFIRM_TIME, self.confirmed()).await.map_err(|_| ClientError::Silent(CONFIRM_TIME))?
    }
}

fn call_id() -> String {
    hex(&random_bytes::<16>())
}
