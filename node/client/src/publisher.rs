//! A stream of publishes: many events over one connection, without waiting for each.

use std::path::Path;

use crate::{
    error::Error,
    message::Message,
    socket::{ClientMessage, Published, ServerMessage},
    stream::Stream,
    subscription::unexpected,
    types::ApiError,
};

/// Publishes that may be on their way at once; past it a publish waits for the node.
const WINDOW: u64 = 4096;

/// Publishes in order over one connection.
#[derive(Debug)]
pub struct Publisher {
    stream: Stream,
    /// How many were sent.
    sent: u64,
    /// What the node last said became of them.
    done: Published,
    /// The first refusal, and which publish it was.
    refusal: Option<(u64, ApiError)>,
}

impl Publisher {
    pub(crate) async fn open(socket: &Path) -> Result<Self, Error> {
        let stream = Stream::open(socket).await?;
        Ok(Self { stream, sent: 0, done: Published::default(), refusal: None })
    }

    /// Sends one event. It may wait in a buffer until the next one, or [`Publisher::finish`].
    ///
    /// # Errors
    /// When the connection is lost, or the node has refused an earlier one.
    pub async fn publish(&mut self, channel: &str, message: &Message) -> Result<(), Error> {
        let message =
            ClientMessage::Publish { channel: channel.into(), retain: false, message: message.clone() };
        self.stream.feed(&message).await?;
        self.sent = self.sent.saturating_add(1);
        if self.sent.saturating_sub(self.done.count) >= WINDOW {
            self.wait_for(self.sent.saturating_sub(WINDOW / 2)).await?;
        }
        self.refused()
    }

    /// Waits until the node has accepted everything, and says what became of it.
    ///
    /// # Errors
    /// When the connection is lost, or the node refused one.
    pub async fn finish(mut self) -> Result<Published, Error> {
        self.wait_for(self.sent).await?;
        self.refused()?;
        let done = self.done;
        self.stream.close().await;
        Ok(done)
    }

    /// Reads until the node has looked at `count` of the publishes.
    async fn wait_for(&mut self, count: u64) -> Result<(), Error> {
        self.stream.flush().await?;
        while self.done.count < count {
            match self.stream.next().await? {
                Some(ServerMessage::Published(done)) => self.done = done,
                Some(ServerMessage::Error { error, publish: Some(which), .. }) => {
                    self.refusal.get_or_insert((which, error));
                }
                Some(ServerMessage::Error { error, .. }) => return Err(error.into()),
                other => return Err(unexpected(other.as_ref())),
            }
        }
        Ok(())
    }

    fn refused(&mut self) -> Result<(), Error> {
        match self.refusal.take() {
            Some((1, error)) => Err(error.into()),
            Some((which, mut error)) => {
                error.message = format!("publish number {which}: {}", error.message);
                Err(error.into())
            }
            None => Ok(()),
        }
    }
}
