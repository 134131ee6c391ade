//! The journal on NATS JetStream: a stream of events and one of cursors for each network and node, kept by servers of
//! somebody's own, on as many of them as are asked for.
//!
//! It exists for those whose events must survive a node's disk, or outgrow it. A position is a sequence number of the
//! stream. An append resolves when the servers have stored the event, which with file storage means what their
//! `sync_interval` says; it must be `always` for a lone server to keep what it acknowledged through a power cut.
//!
//! While the servers are away events wait in memory, in order, up to [`Settings::queue_events`] and
//! [`Settings::queue_bytes`], each for [`Config::patience`], and then are refused by the servers' name. A spool on this
//! node's disk would acknowledge more, and less truly: whoever chose three copies on other hosts would be told of a
//! fourth that is alone, and would lose with this disk what "on disk" said. What waits costs nobody else anything: live
//! events and other channels go on. It must not know who publishes or why.

mod api;
mod connect;
mod keep;
mod names;
mod read;
mod record;
mod state;
#[cfg(test)]
mod tests;
mod writer;

use std::{fmt, ops::RangeInclusive, path::PathBuf, str::FromStr, sync::Arc, thread, time::Duration};

use async_nats::ServerAddr;
use futures_util::future::BoxFuture;
use hive_proto::{channel::NetworkName, id::NodeId, pattern::Pattern};
use tokio::sync::{oneshot, watch};

use names::Names;
pub use record::Seals;
use state::Shared;
use writer::Writer;

use super::{
    AppendError, Appending, Cursor, CursorError, CursorName, Journal, Logged, OpenError, ReadError, Reader,
    Registered, Saving, Settings, Start, Status,
};

/// Which servers, and how they are used.
#[derive(Debug, Clone)]
pub struct Config {
    /// Some of the cluster's servers; the others are learnt from them. Never empty.
    pub servers: Vec<Server>,
    /// How many of them keep each event, 1 to 5.
    pub replicas: u8,
    /// The file with this node's credentials there: a token and a key, as `nsc` writes it.
    pub credentials_file: Option<PathBuf>,
    /// Certificates that servers behind `tls://` may show beside those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// How long an event waits for the servers at most.
    pub patience: Duration,
    /// What its records are sealed with; none: who keeps the servers can read them.
    pub seals: Option<Arc<Seals>>,
}

impl PartialEq for Config {
    /// Whether the configuration says the same: with what is sealed follows from the network.
    fn eq(&self, other: &Self) -> bool {
        let Self { servers, replicas, credentials_file, ca_file, patience, seals: _ } = self;
        *servers == other.servers
            && *replicas == other.replicas
            && *credentials_file == other.credentials_file
            && *ca_file == other.ca_file
            && *patience == other.patience
    }
}

impl Eq for Config {}

impl Config {
    /// How long an event waits when nobody says: a cluster that lost its leader has another one by then.
    pub const PATIENCE: Duration = Duration::from_secs(15);

    /// These servers, one copy, no credentials.
    #[must_use]
    pub fn of(servers: Vec<Server>) -> Self {
        Self {
            servers,
            replicas: 1,
            credentials_file: None,
            ca_file: None,
            patience: Self::PATIENCE,
            seals: None,
        }
    }

    /// The servers, for people.
    #[must_use]
    pub fn named(&self) -> String {
        self.servers.iter().map(Server::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// A server's address: `nats://HOST:PORT`, or `tls://` where nothing may be plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(ServerAddr);

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (self.0.host(), self.0.port());
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Why a text names no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// It is no address, or one of something else.
    #[error("it is no `nats://HOST:PORT` or `tls://HOST:PORT`")]
    Address,
    /// Addresses are shown.
    #[error("it has a user or a password in it, and addresses are shown")]
    Login,
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let addr: ServerAddr = text.parse().map_err(|_| ServerError::Address)?;
        if addr.has_user_pass() || addr.password().is_some() {
            return Err(ServerError::Login);
        }
        let url = addr.clone().into_inner();
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let fits = matches!(addr.scheme(), "nats" | "tls") && !addr.host().is_empty() && bare;
        if fits { Ok(Self(addr)) } else { Err(ServerError::Address) }
    }
}

/// A journal in streams of its own.
#[derive(Debug)]
pub struct StreamJournal {
    shared: Arc<Shared>,
    note: Option<String>,
}

impl StreamJournal {
    /// Opens the journal of a network for the node `origin`; makes its streams if there are none. Where the servers
    /// cannot be reached within seconds it is open nevertheless, and waits for them.
    ///
    /// # Errors
    /// When the servers refuse, and waiting does not help: the credentials, no JetStream, fewer servers than copies.
    pub async fn open(
        config: Config,
        network: &NetworkName,
        origin: NodeId,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        if !settings.keep_channels.is_empty() {
            tracing::warn!("a journal on JetStream keeps all channels equally long");
        }
        let names = Names::new(network, origin).sealed(config.seals.clone());
        let shared = Arc::new(Shared::new(names, config, settings));
        let (opening, opened) = oneshot::channel();
        let ended = Ended(Arc::clone(&shared));
        let writer = Writer::new(Arc::clone(&shared), opening);
        let stream = PathBuf::from(&shared.names.events);
        let io = |source| OpenError::Io { path: stream.clone(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        let run = move || {
            let _ended = ended;
            runtime.block_on(writer.run());
        };
        thread::Builder::new().name("journal".into()).spawn(run).map_err(io)?;
        // Closed when this is dropped before it is open.
        let mut journal = Self { shared, note: None };
        match opened.await {
            Ok(Ok(note)) => {
                journal.note = note;
                Ok(journal)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io(std::io::Error::other("its thread ended"))),
        }
    }

    /// Closes it and removes its streams, with everything in them.
    ///
    /// # Errors
    /// When the servers cannot be reached or refuse.
    pub async fn remove(self) -> Result<(), ReadError> {
        self.close().await;
        let (config, names) = (&self.shared.config, &self.shared.names);
        let failed = |why: String| ReadError::Servers { servers: config.named(), why };
        let (api, _link) = connect::connect(config, "removal").await.map_err(|error| match error {
            connect::Refused::ForNow(why) => failed(why),
            connect::Refused::ForGood(error) => failed(error.to_string()),
        })?;
        for stream in [&names.events, &names.cursors] {
            api.remove(stream).await.map_err(|fault| failed(fault.to_string()))?;
        }
        Ok(())
    }

    /// What a person should know about how it was found.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

impl Drop for StreamJournal {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Journal for StreamJournal {
    /// An event that was appended before, a moment ago, resolves to where it stands.
    fn append(&self, event: &Logged) -> Result<Appending, AppendError> {
        self.shared.append(event)
    }

    fn register(&self, name: CursorName, start: Start) -> BoxFuture<'_, Result<Registered, CursorError>> {
        Box::pin(async move {
            let next = self.find(start).await?;
            let (registered, saving) = self.shared.register(&name, next)?;
            saving.await?;
            Ok(registered)
        })
    }

    fn acknowledge(&self, name: &CursorName, positions: RangeInclusive<u64>) -> Result<Saving, CursorError> {
        self.shared.acknowledge(name, positions)
    }

    fn forget(&self, name: &CursorName) -> Result<Saving, CursorError> {
        self.shared.forget(name)
    }

    fn cursor(&self, name: &CursorName) -> Option<Cursor> {
        self.shared.lock().cursors.cursor(name).cloned()
    }

    fn find(&self, start: Start) -> BoxFuture<'_, Result<u64, ReadError>> {
        Box::pin(read::find(&self.shared, start))
    }

    /// One that is behind when the journal is closed is interrupted.
    fn reader(&self, from: u64, patterns: Vec<Pattern>) -> Box<dyn Reader> {
        Box::new(read::StreamReader::new(Arc::clone(&self.shared), from, patterns))
    }

    fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable.subscribe()
    }

    fn status(&self) -> Status {
        self.shared.status()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.shared.close();
        Box::pin(self.shared.ended.cancelled())
    }
}

/// Says that the thread has ended, also when it panicked.
#[derive(Debug)]
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end();
    }
}
