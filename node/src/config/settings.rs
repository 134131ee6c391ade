//! What a configuration says, once it was checked: plain values, valid by construction.
//!
//! What it owns: the parsed form that the root turns into each part's own configuration. It must not know files,
//! flags or where a value came from.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use hive_proto::{
    channel::{NetworkName, Scope},
    id::NodeId,
};

use crate::{
    bridge,
    bus::WhenFull,
    journal, plugin,
    trust::{hidden::SecretText, may::Rule},
};

/// Everything a node is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `node:`.
    pub node: NodeSettings,
    /// `networks:`, home first; never empty.
    pub networks: Vec<NetworkSettings>,
    /// `channels:`: who may do what where.
    pub channels: Vec<Rule>,
    /// `channels:`: which are durable.
    pub durable: Vec<Scope>,
    /// `channels:`: what is done when a subscriber has no room.
    pub when_full: Vec<(Scope, WhenFull)>,
    /// `journal:`, where it is kept.
    pub engine: journal::Engine,
    /// `journal:`, how much and for how long.
    pub journal: journal::Settings,
    /// `plugins:`.
    pub plugins: plugin::Config,
    /// `bridges:`.
    pub bridges: bridge::Config,
    /// `log.level:`, a level or directives; None leaves it to the program.
    pub log: Option<String>,
}

/// `node:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSettings {
    /// What others are shown beside its id; the host's name by default.
    pub name: String,
    /// Where its key and state are kept.
    pub data_dir: PathBuf,
    /// Where it takes links.
    pub listen: ListenSettings,
    /// Nodes it dials for ever, beside those it finds.
    pub peers: Vec<PeerAddress>,
    /// Whether it looks for nodes on the local network and says that it is there.
    pub mdns: bool,
}

/// Where to take links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenSettings {
    /// All addresses, the default port or the next free one.
    Default,
    /// Any free port of the loopback.
    Loopback,
    /// This address or an error.
    Exact(SocketAddr),
}

/// A peer as a person writes it: a host's name or address, with a port or the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// A name to resolve, or an address without brackets.
    pub host: String,
    /// The UDP port.
    pub port: u16,
}

impl PeerAddress {
    /// The port of a node that was not told another.
    pub const DEFAULT_PORT: u16 = 7182;
}

impl From<SocketAddr> for PeerAddress {
    fn from(addr: SocketAddr) -> Self {
        Self { host: addr.ip().to_string(), port: addr.port() }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    fn from_str(text: &str) -> Result<Self, PeerAddressError> {
        if let Ok(SocketAddr::V6(addr)) = text.parse() {
            return Ok(Self { host: addr.ip().to_string(), port: addr.port() });
        }
        if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let ip: std::net::Ipv6Addr =
                inside.parse().map_err(|_| PeerAddressError::Host(text.to_owned()))?;
            return Ok(Self { host: ip.to_string(), port: Self::DEFAULT_PORT });
        }
        let (host, port) = match text.rsplit_once(':') {
            None => (text, Self::DEFAULT_PORT),
            Some((host, _)) if host.contains(':') => return Err(PeerAddressError::Brackets(text.to_owned())),
            Some((host, port)) => {
                let number = port.parse().ok().filter(|port| *port > 0);
                (host, number.ok_or_else(|| PeerAddressError::Port(port.to_owned()))?)
            }
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
            return Err(PeerAddressError::Host(host.to_owned()));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Why a text names no peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerAddressError {
    /// An IPv6 address whose port cannot be told apart.
    #[error("`{0}` needs brackets around the IPv6 address, as in `[fe80::1]:7182`")]
    Brackets(String),
    /// What follows the colon is no port.
    #[error("`{0}` is no port; expected a number from 1 to 65535")]
    Port(String),
    /// What stands before it is no host.
    #[error("`{0}` is no host; expected a name or an address, as in `10.0.0.2:7182`")]
    Host(String),
}

/// One of `networks:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Its name here.
    pub name: NetworkName,
    /// What its members call it; the same where nothing else is said.
    pub called: NetworkName,
    /// What its members know; None for an open one.
    pub secret: Option<SecretText>,
    /// The file it was read from, which a node follows; None for one that stands in the configuration itself.
    pub secret_file: Option<PathBuf>,
    /// The other nodes that may be in it; None for all that prove it.
    pub allow: Option<Vec<NodeId>>,
}
