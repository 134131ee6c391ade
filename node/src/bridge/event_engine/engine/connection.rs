//! One connection to the engine: what each kind of socket may say, and what it is told.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::mpsc,
    time::timeout,
};

use super::{Engine, Role, Subscriber};
use crate::bridge::{
    backlog::Backlog,
    event_engine::{
        types::{self, Said},
        zmtp::{self, Arrived, GREETING_BYTES, Reader, Socket, ZmtpError},
    },
};

/// How long a newcomer may take to say what it is.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 10_000;
/// Bytes of one write to a subscriber.
const WRITE_BYTES: usize = 64 * 1_024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is not ours.
    #[error(transparent)]
    Zmtp(#[from] ZmtpError),
    /// It did not say in time what it is.
    #[error("it did not say in time what it is")]
    Silent,
}

/// What ends with a subscriber's connection.
struct Subscribed<'e>(&'e Engine, u64);

impl Drop for Subscribed<'_> {
    fn drop(&mut self) {
        self.0.subscribers().remove(&self.1);
    }
}

impl Role {
    fn socket(self) -> Socket {
        match self {
            Self::Intake => Socket::Sub,
            Self::Outlet => Socket::Pub,
            Self::Plugin(_) => Socket::Rep,
        }
    }
}

impl Engine {
    /// Talks with whoever connected to a port.
    pub(super) async fn connection(
        &self,
        mut stream: TcpStream,
        role: Role,
        number: u64,
    ) -> Result<(), Ended> {
        stream.set_nodelay(true)?;
        let mut reader = Reader::new(self.shared.limits.payload_bytes);
        let greeting = handshake(&mut stream, &mut reader, role.socket());
        timeout(HANDSHAKE_TIME, greeting).await.map_err(|_| Ended::Silent)??;
        match role {
            Role::Intake => self.intake(stream, reader).await,
            Role::Outlet => self.outlet(stream, reader, number).await,
            Role::Plugin(at) => match self.shared.plugins.get(at) {
                Some(backlog) => self.plugin(stream, reader, backlog).await,
                None => Ok(()),
            },
        }
    }

    /// Something was published here: it goes to everybody, and to the mesh, which may take its time.
    async fn publish(&self, message: Bytes) {
        self.deliver(&message);
        // The bridge has ended, and so will this.
        let _ = self.shared.published.send(message).await;
    }

    async fn intake(&self, mut stream: TcpStream, mut reader: Reader) -> Result<(), Ended> {
        // Everything is wanted.
        stream.write_all(&zmtp::message(&[b"\x01"])).await?;
        loop {
            match arrive(&mut stream, &mut reader).await? {
                None => return Ok(()),
                Some(Arrived::Message(parts)) => self.publish(joined(parts)).await,
                Some(Arrived::Ping(context)) => stream.write_all(&zmtp::pong(&context)).await?,
                Some(Arrived::Other) => {}
            }
        }
    }

    async fn outlet(&self, stream: TcpStream, reader: Reader, number: u64) -> Result<(), Ended> {
        let limits = self.shared.limits;
        let backlog = Arc::new(Backlog::new(limits.queue_events, limits.queue_bytes));
        let subscriber = Subscriber { prefixes: Vec::new(), backlog: Arc::clone(&backlog) };
        self.subscribers().insert(number, subscriber);
        let _subscribed = Subscribed(self, number);
        let (read, mut write) = stream.into_split();
        let (pings, mut asked) = mpsc::channel::<Bytes>(1);
        let writing = async {
            let mut together = Vec::new();
            loop {
                let waiting = tokio::select! {
                    waiting = backlog.take() => waiting,
                    Some(context) = asked.recv() => {
                        write.write_all(&zmtp::pong(&context)).await?;
                        continue;
                    }
                };
                let Some(waiting) = waiting else { return Ok(()) };
                for (message, _) in waiting {
                    together.extend_from_slice(&zmtp::message(&[&message]));
                    if together.len() >= WRITE_BYTES {
                        write.write_all(&together).await?;
                        together.clear();
                    }
                }
                write.write_all(&together).await?;
                together.clear();
            }
        };
        tokio::select! {
            written = writing => written,
            read = self.subscriptions(read, reader, number, &pings) => read,
        }
    }

    async fn subscriptions(
        &self,
        mut read: OwnedReadHalf,
        mut reader: Reader,
        number: u64,
        pings: &mpsc::Sender<Bytes>,
    ) -> Result<(), Ended> {
        loop {
            match arrive(&mut read, &mut reader).await? {
                None => return Ok(()),
                Some(Arrived::Message(parts)) => self.subscribe(&joined(parts), number)?,
                // One that is asked again before it is answered is answered once.
                Some(Arrived::Ping(context)) => drop(pings.try_send(context)),
                Some(Arrived::Other) => {}
            }
        }
    }

    fn subscribe(&self, said: &Bytes, number: u64) -> Result<(), ZmtpError> {
        let mut subscribers = self.subscribers();
        let Some(subscriber) = subscribers.get_mut(&number) else { return Ok(()) };
        let Some((verb, prefix)) = said.split_first() else { return Err(ZmtpError::Frame) };
        match verb {
            1 if subscriber.prefixes.len() < SUBSCRIPTIONS_MAX => {
                subscriber.prefixes.push(said.slice_ref(prefix));
            }
            1 => return Err(ZmtpError::TooLarge(SUBSCRIPTIONS_MAX)),
            0 => {
                if let Some(at) = subscriber.prefixes.iter().position(|known| known == prefix) {
                    subscriber.prefixes.swap_remove(at);
                }
            }
            _ => return Err(ZmtpError::Frame),
        }
        Ok(())
    }

    /// Answers a plugin, one request at a time, as it asks.
    async fn plugin(
        &self,
        mut stream: TcpStream,
        mut reader: Reader,
        backlog: &Backlog<Bytes>,
    ) -> Result<(), Ended> {
        loop {
            let parts = match arrive(&mut stream, &mut reader).await? {
                None => return Ok(()),
                Some(Arrived::Message(parts)) => parts,
                Some(Arrived::Ping(context)) => {
                    stream.write_all(&zmtp::pong(&context)).await?;
                    continue;
                }
                Some(Arrived::Other) => continue,
            };
            // What stands before the empty frame says the way back, on a socket that asks for several.
            let Some(at) = parts.iter().position(Bytes::is_empty) else {
                return Err(ZmtpError::Frame.into());
            };
            let (envelope, message) = parts.split_at(at + 1);
            let message = joined(message.to_vec());
            let (answer, is_taken) = match types::said(&message) {
                Said::Quit => return Ok(()),
                Said::Event(_) => {
                    self.publish(message).await;
                    (Bytes::from_static(types::PUBLISHED), false)
                }
                Said::Next => match next(&mut stream, &mut reader, backlog).await? {
                    Some(event) => (event, true),
                    None => return Ok(()),
                },
            };
            let parts: Vec<&[u8]> = envelope.iter().map(|part| &part[..]).chain([&answer[..]]).collect();
            let written = stream.write_all(&zmtp::message(&parts)).await;
            if written.is_err() && is_taken {
                // Nobody has it: who comes next gets it.
                self.count(backlog.put_back(answer.clone(), answer.len()));
            }
            written?;
        }
    }
}

/// The next event for a plugin that waits. None when it has left meanwhile.
async fn next(
    stream: &mut TcpStream,
    reader: &mut Reader,
    backlog: &Backlog<Bytes>,
) -> Result<Option<Bytes>, Ended> {
    loop {
        let arrived = tokio::select! {
            event = backlog.take_one() => return Ok(event),
            arrived = arrive(stream, reader) => arrived?,
        };
        match arrived {
            None => return Ok(None),
            Some(Arrived::Ping(context)) => stream.write_all(&zmtp::pong(&context)).await?,
            // A socket that asks does not ask again before it is answered.
            Some(Arrived::Message(_)) => return Err(ZmtpError::Frame.into()),
            Some(Arrived::Other) => {}
        }
    }
}

/// One frame is the rule.
fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 { parts.swap_remove(0) } else { parts.concat().into() }
}

/// What arrives next; none at the end of the stream. Cancel-safe.
async fn arrive(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    reader: &mut Reader,
) -> Result<Option<Arrived>, Ended> {
    loop {
        if let Some(arrived) = reader.next()? {
            return Ok(Some(arrived));
        }
        if stream.read_buf(reader.buffer()).await? == 0 {
            return Ok(None);
        }
    }
}

async fn handshake(stream: &mut TcpStream, reader: &mut Reader, socket: Socket) -> Result<(), Ended> {
    stream.write_all(&zmtp::greeting()).await?;
    let mut theirs = [0; GREETING_BYTES];
    stream.read_exact(&mut theirs).await?;
    zmtp::check_greeting(&theirs)?;
    stream.write_all(&socket.ready()).await?;
    loop {
        if let Some(command) = reader.ready()? {
            return Ok(socket.admit(&command)?);
        }
        if stream.read_buf(reader.buffer()).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
