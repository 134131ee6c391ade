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
    /// The ticket of the event that was handed out last: it is handled when the next one is asked for.
    ticket: Option<u64>,
}

/// How a client subscribes. By default every event comes, and requests go elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Whether requests may be sent here.
    pub answers: bool,
    /// The group whose member this is: of all members, wherever they are, one gets each event. An event counts as
    /// handled when the next one is asked for, or the subscription is closed; what is not goes to another member.
    pub group: Option<String>,
    /// What durable channels carried since then comes first, in milliseconds since the Unix epoch; 0 is all that is kept.
    /// Not together with a group.
    pub since_ms: Option<u64>,
    /// The name of a reader: what durable channels carry comes at least once, from where the reader of this name on
    /// this node left off; the first time from now on. Not together with a group or a time.
    pub durable: Option<String>,
}

impl Terms {
    /// Every event comes, and requests may be sent here.
    #[must_use]
    pub fn answering() -> Self {
        Self { answers: true, ..Self::default() }
    }
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
    pub(crate) async fn open(socket: &Path, patterns: Vec<String>, terms: Terms) -> Result<Self, Error> {
        let mut subscription = Self { stream: Stream::open(socket).await?, ticket: None };
        let Terms { answers, group, since_ms, durable } = terms;
        subscription.say(&ClientMessage::Subscribe { patterns, answers, group, since_ms, durable }).await?;
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
        self.say_handled().await?;
        loop {
            return match self.stream.next().await? {
                Some(ServerMessage::Event(event)) => {
                    self.ticket = event.ticket;
                    Ok(Some(Incoming::Event(event)))
                }
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
    pub async fn close(mut self) {
        // Without a connection nobody can be told, and the event goes to another member.
        let _ = self.say_handled().await;
        self.stream.close().await;
    }

    async fn say_handled(&mut self) -> Result<(), Error> {
        let Some(through) = self.ticket else { return Ok(()) };
        self.say(&ClientMessage::Handled { through }).await?;
        self.ticket = None;
        Ok(())
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
