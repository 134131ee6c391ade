//! A subscription: events as they come, how many were missed, and answers.

use std::path::Path;

use crate::{
    error::Error,
    message::{Event, Message, Request},
    socket::{ClientMessage, Failure, ServerMessage},
    stream::Stream,
};

/// Events of one client. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    stream: Stream,
}

/// What comes out of a [`Subscription`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are events, and each is looked at at once")]
pub enum Incoming {
    /// An event that matches.
    Event(Event),
    /// This client was too slow: so many events were dropped for it alone.
    Missed(u64),
}

impl Subscription {
    pub(crate) async fn open(socket: &Path, patterns: Vec<String>, answers: bool) -> Result<Self, Error> {
        let mut subscription = Self { stream: Stream::open(socket).await? };
        subscription.say(&ClientMessage::Subscribe { patterns, answers }).await?;
        match subscription.stream.next().await? {
            Some(ServerMessage::Subscribed { .. }) => Ok(subscription),
            Some(ServerMessage::Error { error, .. }) => Err(error.into()),
            other => Err(unexpected(other.as_ref())),
        }
    }

    /// The next event or gap; none: the node closed the subscription, because it is leaving. May be cancelled
    /// without losing an event.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn next(&mut self) -> Result<Option<Incoming>, Error> {
        loop {
            return match self.stream.next().await? {
                Some(ServerMessage::Event(event)) => Ok(Some(Incoming::Event(event))),
                Some(ServerMessage::Missed { count, .. }) => Ok(Some(Incoming::Missed(count))),
                Some(ServerMessage::Error { error, .. }) => Err(error.into()),
                Some(ServerMessage::Subscribed { .. } | ServerMessage::Published(_)) => continue,
                None => Ok(None),
            };
        }
    }

    /// Answers an event that has a [`Request`]. A request that is answered too late, or twice, is nobody's any more.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn answer(&mut self, request: Request, answer: Result<Message, Failure>) -> Result<(), Error> {
        let (message, failure) = match answer {
            Ok(message) => (message, None),
            Err(failure) => (Message::default(), Some(failure)),
        };
        self.say(&ClientMessage::Answer { request: request.id, failure, message }).await
    }

    /// Ends the subscription and waits until the node knows.
    pub async fn close(self) {
        self.stream.close().await;
    }

    async fn say(&mut self, message: &ClientMessage) -> Result<(), Error> {
        self.stream.feed(message).await?;
        self.stream.flush().await
    }
}

pub(crate) fn unexpected(message: Option<&ServerMessage>) -> Error {
    match message {
        None => Error::Unreadable("it closed the socket without an answer".into()),
        Some(_) => Error::Unreadable("its answer is not to what was asked".into()),
    }
}
