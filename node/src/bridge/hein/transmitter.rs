//! hein's transmitter: it listens, and tells all receivers the same, any number of them.
//!
//! What it owns: the receivers by their names, and what waits for each. One that does not read loses what does not fit;
//! one that says nothing any more is let go. It must not know what it tells.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::wire::{ACK, Kind, Message, NAME_BYTES_MAX, tag};
use crate::bridge::{Limits, backlog::Backlog, listening};

/// Receivers at a time.
const RECEIVERS_MAX: usize = 1_024;
/// How long a newcomer may take to say its name: as long as hein gives it.
const NAME_TIME: Duration = Duration::from_secs(5);
/// How long a ping may take: as long as hein gives it.
const PING_TIME: Duration = Duration::from_secs(1);
/// How long nothing may be heard of a receiver that was told something. One that is busy with an event is silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Bytes of one write: what waits together is told together, as hein does.
const WRITE_BYTES: usize = 64 * 1_024;

/// The transmitter. Clones are the same.
#[derive(Debug, Clone)]
pub struct Transmitter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held for a look or a change, never across an await.
    receivers: Mutex<BTreeMap<String, Receiver>>,
    limits: Limits,
    lost: AtomicU64,
}

#[derive(Debug, Clone)]
struct Receiver {
    /// Of the connection: a name may come back.
    number: u64,
    backlog: Arc<Backlog<Bytes>>,
    /// How often it has said that it has something.
    heard: watch::Sender<u64>,
}

/// What ends with a receiver's connection.
struct Presence<'t> {
    transmitter: &'t Transmitter,
    name: String,
    receiver: Receiver,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.receiver.backlog.close();
        let mut receivers = self.transmitter.receivers();
        if receivers.get(&self.name).is_some_and(|known| known.number == self.receiver.number) {
            receivers.remove(&self.name);
        }
    }
}

impl Transmitter {
    /// Without receivers yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { shared: Arc::new(Shared { receivers: Mutex::default(), limits, lost: AtomicU64::new(0) }) }
    }

    /// Takes receivers until it is dropped.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(&self, listener: &TcpListener) -> io::Error {
        let mut receivers = JoinSet::new();
        let mut number = 0_u64;
        loop {
            let accepted = tokio::select! {
                accepted = listening::accept(listener) => accepted,
                Some(_) = receivers.join_next() => continue,
            };
            let (stream, addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => return error,
            };
            if receivers.len() >= RECEIVERS_MAX {
                tracing::warn!("{addr} is turned away: {RECEIVERS_MAX} receivers are connected");
                continue;
            }
            number += 1;
            let transmitter = self.clone();
            receivers.spawn(async move {
                if let Err(error) = transmitter.receiver(stream, number).await {
                    tracing::debug!("{addr}: {error}");
                }
            });
        }
    }

    /// Tells all receivers.
    pub fn tell(&self, message: &Message) {
        let bytes = message.encode();
        for receiver in self.receivers().values() {
            self.push(receiver, bytes.clone());
        }
    }

    /// Asks all receivers whether they are there: those that answered, and those that did not.
    pub async fn ping(&self) -> BTreeMap<String, bool> {
        let receivers = self.receivers().clone();
        let asked = receivers.into_iter().map(|(name, receiver)| async move {
            let there = self.is_there(&receiver).await;
            (name, there)
        });
        join_all(asked).await.into_iter().collect()
    }

    /// The names of those that are connected.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.receivers().keys().cloned().collect()
    }

    /// How many messages slow receivers lost since the last time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.swap(0, Ordering::Relaxed)
    }

    fn receivers(&self) -> MutexGuard<'_, BTreeMap<String, Receiver>> {
        self.shared.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, receiver: &Receiver, bytes: Bytes) {
        let weight = bytes.len();
        self.shared.lost.fetch_add(receiver.backlog.push(bytes, weight), Ordering::Relaxed);
    }

    /// Whether a receiver says anything within a second after it was asked.
    async fn is_there(&self, receiver: &Receiver) -> bool {
        let mut heard = receiver.heard.subscribe();
        heard.mark_unchanged();
        let ping = Message { kind: Kind::Ping, tag: String::new(), unpack: true, payload: Bytes::new() };
        self.push(receiver, ping.encode());
        matches!(timeout(PING_TIME, heard.changed()).await, Ok(Ok(())))
    }

    async fn receiver(&self, mut stream: TcpStream, number: u64) -> io::Result<()> {
        // Each write is waited for.
        stream.set_nodelay(true)?;
        stream.write_all(&[ACK]).await?;
        let mut name = [0; NAME_BYTES_MAX];
        let length =
            timeout(NAME_TIME, stream.read(&mut name)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let name = tag(&String::from_utf8_lossy(&name[..length]));
        if name.is_empty() {
            return Err(io::Error::other("a receiver did not say its name"));
        }
        let known = self.receivers().get(&name).cloned();
        if let Some(known) = known
            && self.is_there(&known).await
        {
            return Err(io::Error::other(format!("a receiver of the name {name} is connected already")));
        }
        stream.write_all(&[ACK]).await?;
        let limits = self.shared.limits;
        let backlog = Arc::new(Backlog::new(limits.queue_events, limits.queue_bytes));
        let receiver = Receiver { number, backlog, heard: watch::Sender::new(0) };
        if let Some(replaced) = self.receivers().insert(name.clone(), receiver.clone()) {
            replaced.backlog.close();
        }
        let presence = Presence { transmitter: self, name, receiver };
        let (reader, writer) = stream.into_split();
        let unheard = Mutex::new(None);
        tokio::select! {
            written = write(&presence.receiver.backlog, writer, &unheard) => written,
            read = listen(&presence.receiver.heard, reader, &unheard) => read,
        }
    }
}

/// Since when something is written that the receiver has not said anything to.
type Unheard = Mutex<Option<Instant>>;

async fn write(backlog: &Backlog<Bytes>, mut writer: OwnedWriteHalf, unheard: &Unheard) -> io::Result<()> {
    let mut together = Vec::new();
    while let Some(waiting) = backlog.take().await {
        for (bytes, _) in waiting {
            together.extend_from_slice(&bytes);
            if together.len() >= WRITE_BYTES {
                written(unheard);
                writer.write_all(&together).await?;
                together.clear();
            }
        }
        if !together.is_empty() {
            written(unheard);
            writer.write_all(&together).await?;
            together.clear();
        }
    }
    // Another connection has its name.
    Ok(())
}

fn written(unheard: &Unheard) {
    unheard.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
}

async fn listen(heard: &watch::Sender<u64>, mut reader: OwnedReadHalf, unheard: &Unheard) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        match timeout(PING_TIME, reader.read(&mut bytes)).await {
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(_)) => {
                *unheard.lock().unwrap_or_else(PoisonError::into_inner) = None;
                heard.send_modify(|times| *times += 1);
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let since = *unheard.lock().unwrap_or_else(PoisonError::into_inner);
                if since.is_some_and(|since| since.elapsed() > SILENCE_MAX) {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
    }
}
