//! What event-engine is to those who connect: every message goes to everybody who wants it, its publisher included.
//!
//! What it owns: the listeners, the connections, and what waits for each plugin and each subscriber. A plugin's events
//! wait for it from the start, so that nothing is missed by who connects late. It must not know types or channels.

mod connection;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::select_all;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use super::{Config, types::Types};
use crate::bridge::{Limits, Lost, backlog::Backlog, listening};

/// Connections at each port at a time.
const CONNECTIONS_MAX: usize = 1_024;

/// An external plugin: its port, and what it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// For its REQ socket.
    pub addr: SocketAddr,
    /// What the messages begin with that it gets, as event-engine has it: `TypeA` is `TypeAB` too.
    pub filters: Vec<String>,
    /// The types that it gets, and no others that begin so.
    pub types: Vec<String>,
}

/// The engine. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    limits: Limits,
    /// What waits for each plugin, in the order of the configuration.
    plugins: Vec<Arc<Backlog<Bytes>>>,
    /// Those at the port for SUB sockets. Held for a look or a change, never across an await.
    subscribers: Mutex<BTreeMap<u64, Subscriber>>,
    /// What was published, for the mesh.
    published: mpsc::Sender<Bytes>,
    connections: AtomicUsize,
    lost: AtomicU64,
}

#[derive(Debug)]
struct Subscriber {
    /// What the messages begin with; one that is there twice has to be taken back twice.
    prefixes: Vec<Bytes>,
    backlog: Arc<Backlog<Bytes>>,
}

/// A port and what it is for.
#[derive(Debug, Clone, Copy)]
enum Role {
    /// Those who publish.
    Intake,
    /// Those who subscribe.
    Outlet,
    /// The plugin of this position.
    Plugin(usize),
}

/// Listeners with what they are for.
pub(super) struct Listeners(Vec<(TcpListener, Role)>);

/// A counted connection.
struct Connected<'e>(&'e Engine);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine {
    pub(super) fn new(config: &Config, limits: Limits, published: mpsc::Sender<Bytes>) -> Self {
        let backlog = || Arc::new(Backlog::new(limits.queue_events, limits.queue_bytes));
        let plugins = config.plugins.iter().map(|_| backlog()).collect();
        Self {
            shared: Arc::new(Shared {
                config: config.clone(),
                limits,
                plugins,
                subscribers: Mutex::default(),
                published,
                connections: AtomicUsize::new(0),
                lost: AtomicU64::new(0),
            }),
        }
    }

    /// Listens at all its ports.
    pub(super) async fn listen(&self) -> Result<Listeners, Lost> {
        let Config { publish, subscribe, plugins, .. } = &self.shared.config;
        let plugins = plugins.iter().enumerate().map(|(at, plugin)| (plugin.addr, Role::Plugin(at)));
        let ports = publish.iter().map(|addr| (*addr, Role::Intake));
        let ports = ports.chain(subscribe.iter().map(|addr| (*addr, Role::Outlet))).chain(plugins);
        let mut listeners = Vec::new();
        for (addr, role) in ports {
            listeners.push((listening::listen(addr).await?, role));
        }
        Ok(Listeners(listeners))
    }

    /// Takes connections until it is dropped, or a listener fails for good.
    pub(super) async fn serve(&self, listeners: &Listeners) -> io::Error {
        let ports = listeners.0.iter().map(|(listener, role)| Box::pin(self.port(listener, *role)));
        select_all(ports).await.0
    }

    /// Gives a message to everybody here who wants it.
    pub(super) fn deliver(&self, message: &[u8]) {
        let Shared { config, plugins, .. } = &*self.shared;
        let mut copy = None;
        let mut bytes = || copy.get_or_insert_with(|| Bytes::copy_from_slice(message)).clone();
        for (plugin, backlog) in config.plugins.iter().zip(plugins) {
            if wants(plugin, &config.types, message) {
                self.count(backlog.push(bytes(), message.len()));
            }
        }
        for subscriber in self.subscribers().values() {
            if subscriber.prefixes.iter().any(|prefix| message.starts_with(prefix)) {
                self.count(subscriber.backlog.push(bytes(), message.len()));
            }
        }
    }

    /// Connections now.
    pub(super) fn clients(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many messages the slow lost since the last time.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    fn count(&self, lost: u64) {
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
    }

    fn subscribers(&self) -> MutexGuard<'_, BTreeMap<u64, Subscriber>> {
        self.shared.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn port(&self, listener: &TcpListener, role: Role) -> io::Error {
        let mut connections = JoinSet::new();
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                accepted = listening::accept(listener) => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let (stream, addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => return error,
            };
            if connections.len() >= CONNECTIONS_MAX {
                tracing::warn!("{addr} is turned away: {CONNECTIONS_MAX} are connected to this port");
                continue;
            }
            number += 1;
            let (engine, number) = (self.clone(), number);
            connections.spawn(async move {
                engine.shared.connections.fetch_add(1, Ordering::Relaxed);
                let _connected = Connected(&engine);
                if let Err(error) = engine.connection(stream, role, number).await {
                    tracing::debug!("{addr}: {error}");
                }
            });
        }
    }
}

/// Whether a plugin gets a message.
fn wants(plugin: &Plugin, types: &Types, message: &[u8]) -> bool {
    plugin.filters.iter().any(|filter| message.starts_with(filter.as_bytes()))
        || types.split(message).is_some_and(|(name, _)| plugin.types.iter().any(|wanted| wanted == name))
}
