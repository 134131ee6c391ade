//! One connection to NATS servers.
//!
//! What it owns: who logs in how, and noticing that the connection is lost: the client library would go on by itself, and
//! nobody would be told what was missed. It must not know channels or rules.

use std::{path::PathBuf, time::Duration};

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

/// How long a server has for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a server is asked whether it is there. After two that it does not answer it is gone.
const PING: Duration = Duration::from_secs(5);
/// Messages that wait for the bridge, of each subscription. The client library drops what comes behind them, and says so.
const WAITING_MAX: usize = 16_384;

/// Where the servers are, and who comes.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Some of the cluster's servers; never empty.
    pub servers: Vec<ServerAddr>,
    /// Who.
    pub login: Login,
    /// Certificates that servers behind `tls://` may show beside those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// How one logs in. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    Nobody,
    /// With a user and a password.
    User(String, String),
    /// With a token.
    Token(String),
    /// With a file of a token and a key, as `nsc` writes it.
    Credentials(PathBuf),
}

/// What became of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Health {
    /// Why it is over, if it is.
    pub(super) lost: Option<String>,
    /// How often the library dropped what a subscription had no room for. It does not say how many.
    pub(super) slow: u64,
    /// What the server complained of last.
    pub(super) complaint: Option<String>,
}

impl Place {
    /// The servers, for people.
    #[must_use]
    pub fn named(&self) -> String {
        self.servers.iter().map(named).collect::<Vec<_>>().join(", ")
    }
}

/// A server, for people.
pub(super) fn named(server: &ServerAddr) -> String {
    match server.host() {
        host if host.contains(':') => format!("[{host}]:{}", server.port()),
        host => format!("{host}:{}", server.port()),
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({})", self.named())
    }
}

/// A server's address: `nats://HOST:PORT`, or `tls://` where nothing may be plain.
///
/// # Errors
/// When it is none, or has a login in it: addresses are shown.
pub fn server(text: &str) -> Result<ServerAddr, &'static str> {
    let none = "it is no `nats://HOST:PORT` or `tls://HOST:PORT`";
    let addr: ServerAddr = text.parse().map_err(|_| none)?;
    if addr.has_user_pass() || addr.password().is_some() {
        return Err("it has a user or a password in it, and addresses are shown");
    }
    let fits = matches!(addr.scheme(), "nats" | "tls") && !addr.host().is_empty();
    if fits { Ok(addr) } else { Err(none) }
}

/// Connects to one of them.
///
/// # Errors
/// When none can be reached or takes us in, in words.
pub(super) async fn connect(place: &Place, name: &str) -> Result<(Client, watch::Receiver<Health>), String> {
    let told = watch::Sender::new(Health::default());
    let health = told.subscribe();
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(CONNECT)
        .ping_interval(PING)
        .subscription_capacity(WAITING_MAX)
        .no_echo()
        // Of others a server speaks before it has shown a certificate: whoever is on the way may name them, as plain ones.
        .ignore_discovered_servers()
        .event_callback(move |event| {
            note(&told, &event);
            std::future::ready(())
        });
    options = match &place.login {
        Login::Nobody => options,
        Login::User(user, password) => options.user_and_password(user.clone(), password.clone()),
        Login::Token(token) => options.token(token.clone()),
        Login::Credentials(path) => {
            let read = options.credentials_file(path).await;
            read.map_err(|error| format!("the credentials in {} cannot be used: {error}", path.display()))?
        }
    };
    if let Some(path) = &place.ca_file {
        options = options.add_root_certificates(path.clone());
    }
    let client = options.connect(place.servers.clone()).await.map_err(|error| words(&error))?;
    Ok((client, health))
}

fn note(told: &watch::Sender<Health>, event: &Event) {
    told.send_modify(|health| match event {
        Event::Disconnected | Event::Closed => health.lost = Some("the connection was lost".to_owned()),
        Event::SlowConsumer(_) => health.slow = health.slow.saturating_add(1),
        Event::ServerError(error) => health.complaint = Some(error.to_string()),
        Event::ClientError(error) => health.complaint = Some(error.to_string()),
        Event::Connected | Event::LameDuckMode | Event::Draining => {}
    });
}

/// An error with what led to it, on a line.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.ends_with(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}
