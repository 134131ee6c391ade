//! The connection that subscriptions come over: nothing is read from it while nobody takes what was read.

use std::io::{self, ErrorKind};

use redis::RedisError;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    link::{ANSWER, CONNECT, PING, Place},
    resp::{Replies, Said, put_command},
};
use crate::bridge::tls::Stream;

/// Bytes made room for at a time.
const READ_BYTES: usize = 64 << 10;

/// A connection that has asked for its subscriptions.
#[derive(Debug)]
pub(in crate::bridge) struct Reading {
    socket: Stream,
    /// What it said.
    replies: Replies,
    /// Subscriptions that the server has not confirmed.
    unconfirmed: usize,
}

impl Reading {
    /// Connects, logs in, and subscribes to channels by their names and by globs; of messages with payloads of more bytes
    /// nothing is taken.
    ///
    /// # Errors
    /// When the server cannot be reached. What it refuses is said by [`Reading::next`].
    pub(in crate::bridge) async fn open(
        place: &Place,
        (names, globs): (&[String], &[String]),
        bytes_max: usize,
    ) -> Result<Self, RedisError> {
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
            Ok(Self { socket, replies: Replies::new(bytes_max), unconfirmed })
        };
        let within: Result<io::Result<Self>, _> = timeout(CONNECT, opening).await;
        within.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).map_err(RedisError::from)
    }

    /// The next that was said. None: more has to come.
    ///
    /// # Errors
    /// When it refuses what was asked, or does not speak as Redis does, in words.
    pub(in crate::bridge) fn next(&mut self) -> Result<Option<Said<'_>>, String> {
        match self.replies.next() {
            Ok(Some(Said::Refused(why))) => Err(String::from_utf8_lossy(why).into_owned()),
            Ok(said) => Ok(said),
            Err(error) => Err(format!("it does not speak as Redis does: {error}")),
        }
    }

    /// A subscription holds. True for the last one.
    pub(in crate::bridge) fn confirmed(&mut self) -> bool {
        self.unconfirmed = self.unconfirmed.saturating_sub(1);
        self.unconfirmed == 0
    }

    /// Waits until something was said. A server that is silent is asked whether it is there.
    ///
    /// # Errors
    /// When the connection is lost, or there is no answer, in words.
    pub(in crate::bridge) async fn more(&mut self) -> Result<(), String> {
        self.read().await.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            ErrorKind::TimedOut => "it does not answer any more".to_owned(),
            _ => error.to_string(),
        })
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut asked = false;
        loop {
            let buffer = self.replies.buffer();
            buffer.reserve(READ_BYTES);
            let patience = if asked { ANSWER } else { PING };
            match timeout(patience, self.socket.read_buf(buffer)).await {
                Ok(Ok(0)) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => return read.map(drop),
                Err(_) if asked => return Err(ErrorKind::TimedOut.into()),
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
