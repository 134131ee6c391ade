//! The connection that subscriptions come over: nothing is read from it while nobody takes what was read.

use std::io;

use hive_proto::limits::PAYLOAD_BYTES_MAX;
use redis::RedisError;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    link::{ANSWER, CONNECT, PING, Place},
    resp::{Replies, put_command},
};
use crate::bridge::tls::Stream;

/// Bytes made room for at a time.
const READ_BYTES: usize = 64 << 10;

/// A connection that has asked for its subscriptions.
#[derive(Debug)]
pub(super) struct Reading {
    socket: Stream,
    /// What it said.
    pub(super) replies: Replies,
    /// Subscriptions that the server has not confirmed.
    pub(super) unconfirmed: usize,
}

impl Reading {
    /// Connects, logs in, and subscribes to channels by their names and by globs.
    ///
    /// # Errors
    /// When the server cannot be reached. What it refuses is among the replies.
    pub(super) async fn open(place: &Place, names: &[String], globs: &[String]) -> Result<Self, RedisError> {
        let opening = async {
            let mut socket = place.dial().await?;
            let mut hello = Vec::new();
            if let Some(password) = &place.password {
                let login = [place.user.as_deref(), Some(password)];
                let login: Vec<&str> = login.into_iter().flatten().collect();
                put_command(&mut hello, "AUTH", login.into_iter());
            }
            for (command, wanted) in [("SUBSCRIBE", names), ("PSUBSCRIBE", globs)] {
                if !wanted.is_empty() {
                    put_command(&mut hello, command, wanted.iter().map(String::as_str));
                }
            }
            socket.write_all(&hello).await?;
            socket.flush().await?;
            let unconfirmed = names.len().saturating_add(globs.len());
            Ok(Self { socket, replies: Replies::new(PAYLOAD_BYTES_MAX), unconfirmed })
        };
        let within: Result<io::Result<Self>, _> = timeout(CONNECT, opening).await;
        within.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(RedisError::from)
    }

    /// Waits until something was said. A server that is silent is asked whether it is there.
    ///
    /// # Errors
    /// When the connection is lost, or there is no answer.
    pub(super) async fn more(&mut self) -> io::Result<()> {
        let mut asked = false;
        loop {
            let buffer = self.replies.buffer();
            buffer.reserve(READ_BYTES);
            let patience = if asked { ANSWER } else { PING };
            match timeout(patience, self.socket.read_buf(buffer)).await {
                Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => return read.map(drop),
                Err(_) if asked => return Err(io::ErrorKind::TimedOut.into()),
                Err(_) => {
                    let mut ping = Vec::new();
                    put_command(&mut ping, "PING", std::iter::empty());
                    self.socket.write_all(&ping).await?;
                    self.socket.flush().await?;
                    asked = true;
                }
            }
        }
    }
}
