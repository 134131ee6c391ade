//! What comes by subscriptions: taken as long as there is more, and handed over together.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use async_nats::{Client, HeaderMap, Message as Came, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::{MESSAGE_ID, Named, Names, asking::Asking};
use crate::{
    bridge::{Desk, Imported, Importer, Incoming, carried},
    bus::{Message, Trail},
    status::BridgeDrop,
};

/// Subscriptions, each with the position of its rule.
pub(super) struct Sources {
    all: Vec<(usize, Subscriber)>,
    /// Whose turn it is. Few rules have many subscriptions: asking each costs less than being told by each.
    turn: usize,
}

/// Subscribes to subjects.
///
/// # Errors
/// When the servers cannot be told.
pub(super) async fn subscribe(
    client: &Client,
    queue: Option<&str>,
    wanted: Vec<(usize, String)>,
) -> Result<Sources, String> {
    let mut all = Vec::new();
    for (at, subject) in wanted {
        let subscriber = match queue {
            Some(queue) => client.queue_subscribe(subject, queue.to_owned()).await,
            None => client.subscribe(subject).await,
        };
        all.push((at, subscriber.map_err(|error| error.to_string())?));
    }
    Ok(Sources { all, turn: 0 })
}

impl Sources {
    /// The next message that is there, with the position of its rule. None when no subscription is left.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, Came)>> {
        let mut asked = 0;
        while asked < self.all.len() {
            if self.turn >= self.all.len() {
                self.turn = 0;
            }
            let Some((at, subscriber)) = self.all.get_mut(self.turn) else { break };
            match subscriber.poll_next_unpin(context) {
                Poll::Ready(Some(came)) => return Poll::Ready(Some((*at, came))),
                // The one behind it has the turn then.
                Poll::Ready(None) => drop(self.all.remove(self.turn)),
                Poll::Pending => (self.turn, asked) = (self.turn + 1, asked + 1),
            }
        }
        if self.all.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}

/// Puts what comes in on the bus.
pub(super) struct Reader<'c> {
    importer: &'c mut Importer,
    desk: &'c Desk,
    asking: &'c Asking,
    names: Names,
}

/// What there is to do next.
enum Next {
    Take(usize, Came),
    /// Nothing more is there now.
    HandOver,
    End,
}

impl<'c> Reader<'c> {
    pub(super) fn new(importer: &'c mut Importer, desk: &'c Desk, asking: &'c Asking) -> Self {
        Self { importer, desk, asking, names: Names::new(desk.rules()) }
    }

    /// Until no subscription is left; for ever where there was none.
    pub(super) async fn run(&mut self, mut sources: Sources) {
        if sources.all.is_empty() {
            return std::future::pending().await;
        }
        let mut took = false;
        loop {
            let next = poll_fn(|context| match sources.poll_next(context) {
                Poll::Ready(Some((at, came))) => Poll::Ready(Next::Take(at, came)),
                Poll::Ready(None) => Poll::Ready(Next::End),
                Poll::Pending if took => Poll::Ready(Next::HandOver),
                Poll::Pending => Poll::Pending,
            });
            match next.await {
                Next::Take(at, came) => {
                    took = true;
                    self.take(at, came).await;
                }
                Next::HandOver => {
                    took = false;
                    self.importer.hand_over().await;
                }
                Next::End => return self.importer.hand_over().await,
            }
        }
    }

    async fn take(&mut self, at: usize, came: Came) {
        let Self { importer, desk, asking, names } = self;
        match names.of(at, &came.subject, desk.rules()) {
            Named::Copy => {}
            Named::Not(error) => error.bury(desk, came).await,
            Named::Is(name) if came.reply.is_some() => asking.asked(importer, name, came),
            Named::Is(name) => match read(came.payload, came.headers, None) {
                Ok((message, trail)) => {
                    importer.import_among(Incoming { trail, ..Incoming::new(name, message) }).await;
                }
                Err(error) => not_an_event(desk, name, &error),
            },
        }
    }
}

/// Publishes what came in, alone. None where it is no event, which is counted.
pub(super) async fn import(
    importer: &mut Importer,
    desk: &Desk,
    name: &str,
    came: Came,
    id: Option<String>,
) -> Option<Imported> {
    match read(came.payload, came.headers, id) {
        Ok((message, trail)) => {
            Some(importer.import(Incoming { trail, ..Incoming::new(name, message) }).await)
        }
        Err(error) => {
            not_an_event(desk, name, &error);
            None
        }
    }
}

fn not_an_event(desk: &Desk, name: &str, error: &carried::CarriedError) {
    tracing::debug!(bridge = desk.name(), name, "not an event: {error}");
    desk.dropped(BridgeDrop::Garbage, 1);
}

/// What a message says, and where it has been. The id is what it is known by where it does not say one.
pub(super) fn read(
    payload: Bytes,
    headers: Option<HeaderMap>,
    id: Option<String>,
) -> Result<(Message, Trail), carried::CarriedError> {
    let Some(headers) = headers else {
        let trail = Trail::begun(id.as_deref()).unwrap_or_default();
        return Ok((Message::new(payload), trail));
    };
    let given = headers.get(MESSAGE_ID).map(|id| id.as_str().to_owned());
    let fields = headers.iter().flat_map(|(name, values)| {
        let name: &str = name.as_ref();
        values.iter().map(move |value| (name, value.as_str()))
    });
    let (message, trail) = carried::read(fields.filter(|(name, _)| *name != MESSAGE_ID), payload)?;
    let trail = match (&trail.id, given.or(id)) {
        (None, Some(id)) => Trail::begun(Some(&id)).unwrap_or(trail),
        _ => trail,
    };
    Ok((message, trail))
}
