//! `hive:node/bus`: events out of a handler.

mod asking;

use std::{collections::HashMap, fmt};

use hive_proto::{
    channel::{Address, Channel},
    event::{Extra, Message, MessageError},
    limits::{
        CONTENT_TYPE_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_MAX, KEPT_BYTES_MAX, KEY_BYTES_MAX,
        PAYLOAD_BYTES_MAX,
    },
};

use super::{
    Guest, Place,
    bindings::hive::node::{
        bus::{self, Answers, Call, Kept},
        types::{Error, HeadersResult, MessageResult},
    },
};
use crate::{
    bus::{CallError, Event, Page, PublishError, Publisher, Receipt},
    plugin::grants,
};

/// When a guest may try a publish again that had no room, in milliseconds.
const RETRY_MS: u64 = 100;
/// Kept values that one page has at most.
const PAGE_VALUES_MAX: usize = 1_000;
/// Their bytes; the value that reaches them is the page's last.
const PAGE_BYTES: usize = 1 << 20;
/// Channels an instance remembers the meaning of; past this it forgets them all and starts again.
const DOORS_MAX: usize = 256;

/// What an instance knows about the channels it publishes to, so that a name is checked once.
#[derive(Default)]
pub(super) struct Doors {
    known: HashMap<String, Result<Address, Error>>,
    publisher: Option<Publisher>,
}

impl bus::Host for Guest {
    async fn publish(&mut self, channel: String, message: MessageResult) -> Result<String, Error> {
        self.send(channel, received(message)).await
    }

    async fn publish_expiring(
        &mut self,
        channel: String,
        message: MessageResult,
        expires_ms: u64,
    ) -> Result<String, Error> {
        self.send(channel, received(message).with_expiry(expires_ms)).await
    }

    async fn forward(&mut self, channel: String, headers: HeadersResult) -> Result<String, Error> {
        let Some(event) = self.event() else {
            return Err(Error::Invalid("there is no event to forward outside `handle`".into()));
        };
        let carried = &event.message;
        let extra = Extra {
            content_type: carried.content_type().map(str::to_owned),
            key: carried.key().map(str::to_owned),
            headers,
            expires_ms: None,
        };
        let message = Message::from_parts(carried.payload.clone(), extra);
        self.send(channel, message).await
    }

    async fn retain(&mut self, channel: String, message: MessageResult) -> Result<String, Error> {
        self.pace_events(1).await?;
        self.keep(channel, Some(received(message)))
    }

    async fn clear(&mut self, channel: String) -> Result<(), Error> {
        self.pace_events(1).await?;
        self.keep(channel, None).map(drop)
    }

    async fn request(
        &mut self,
        channel: String,
        message: MessageResult,
        timeout_ms: u32,
    ) -> Result<MessageResult, Error> {
        self.ask(channel, message, timeout_ms).await
    }

    async fn request_each(
        &mut self,
        calls: Vec<Call>,
        timeout_ms: u32,
    ) -> Result<Vec<Result<MessageResult, Error>>, Error> {
        self.ask_each(calls, timeout_ms).await
    }

    async fn gather(
        &mut self,
        channel: String,
        message: MessageResult,
        timeout_ms: u32,
        limit: u32,
    ) -> Result<Answers, Error> {
        self.ask_all(channel, message, timeout_ms, limit).await
    }

    async fn kept_values(
        &mut self,
        pattern: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Kept>, Error> {
        self.pace().await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        let scope = place.bus.names().scope(&pattern);
        let scope = scope.map_err(|error| no_name(&pattern, "pattern", &error))?;
        place.grants.check_read(&scope, &pattern).map_err(Error::Denied)?;
        let after =
            after.map(|name| Channel::parse(&name).map_err(|error| no_name(&name, "channel", &error)));
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let values = if most == 0 { PAGE_VALUES_MAX } else { most.min(PAGE_VALUES_MAX) };
        let page = Page { values, bytes: PAGE_BYTES };
        let values = place.bus.kept_values(&place.actor, &scope, after.transpose()?.as_ref(), page);
        Ok(values.iter().map(kept).collect())
    }
}

impl Guest {
    pub(in crate::plugin) async fn send(
        &mut self,
        channel: String,
        message: Message,
    ) -> Result<String, Error> {
        self.check_payload(message.payload.len())?;
        self.pace_events(1).await?;
        let depth = self.depth();
        let Some(place) = &self.place else { return Err(nowhere()) };
        let (to, publisher) = self.doors.open(place, channel)?;
        let receipt = publisher.publish_from(to, message, depth).await.map_err(publish_error)?;
        Ok(id_text(place, &receipt))
    }

    fn keep(&mut self, channel: String, message: Option<Message>) -> Result<String, Error> {
        let depth = self.depth();
        let Some(place) = &self.place else { return Err(nowhere()) };
        let (to, publisher) = self.doors.open(place, channel)?;
        let receipt = publisher.keep(to, message, depth).map_err(publish_error)?;
        Ok(id_text(place, &receipt))
    }

    /// How many publishes led to what is published now.
    fn depth(&self) -> u8 {
        self.event().map_or(0, |event| event.depth.saturating_add(1))
    }
}

impl Doors {
    fn address(&mut self, place: &Place, channel: String) -> Result<&Address, Error> {
        self.open(place, channel).map(|(address, _)| address)
    }

    fn open(&mut self, place: &Place, channel: String) -> Result<(&Address, &mut Publisher), Error> {
        if self.known.len() >= DOORS_MAX && !self.known.contains_key(&channel) {
            self.known.clear();
        }
        let publisher = self.publisher.get_or_insert_with(|| place.bus.publisher_of(place.actor.clone()));
        let known = self.known.entry(channel);
        let door = known.or_insert_with_key(|channel| look_up(place, channel));
        door.as_ref().map(|address| (address, publisher)).map_err(Clone::clone)
    }
}

fn look_up(place: &Place, channel: &str) -> Result<Address, Error> {
    let address = place.bus.names().address(channel);
    let address = address.map_err(|error| no_name(channel, "channel", &error))?;
    place.grants.check(&address, channel).map_err(Error::Denied)?;
    Ok(address)
}

/// The id of an event of this node, as [`hive_proto::id::EventId`] writes it; the node's part is at hand as text.
fn id_text(place: &Place, receipt: &Receipt) -> String {
    format!("{}-{:x}-{:x}", place.node_id, receipt.id.incarnation.0, receipt.id.sequence)
}

fn nowhere() -> Error {
    Error::Denied("`describe` is pure: nothing can be published, requested or read from it".into())
}

fn no_name(text: &str, what: &str, why: &dyn fmt::Display) -> Error {
    Error::Invalid(format!("`{}` is no {what}: {why}", shortened(text)))
}

/// A guest's message as the bus carries it.
pub fn received(message: MessageResult) -> Message {
    let MessageResult { payload, content_type, key, mut headers } = message;
    headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    Message::from_parts(payload.into(), Extra { content_type, key, headers, expires_ms: None })
}

fn answered(message: &Message) -> MessageResult {
    MessageResult {
        payload: message.payload.to_vec(),
        content_type: message.content_type().map(str::to_owned),
        key: message.key().map(str::to_owned),
        headers: message.headers().to_vec(),
    }
}

fn kept(event: &Event) -> Kept {
    Kept {
        channel: event.channel.to_string(),
        message: answered(&event.message),
        id: event.id.to_string(),
        published_at: event.time.unix_ms(),
    }
}

fn publish_error(error: PublishError) -> Error {
    let limit = |most: usize| Error::TooLarge(u64::try_from(most).unwrap_or(u64::MAX));
    match &error {
        PublishError::Message(MessageError::PayloadTooLarge(_)) => limit(PAYLOAD_BYTES_MAX),
        PublishError::Message(MessageError::HeadersTooLarge(_)) => limit(HEADERS_BYTES_MAX),
        PublishError::Message(MessageError::TooManyHeaders(_)) => limit(HEADERS_MAX),
        PublishError::Message(MessageError::KeyTooLong(_)) => limit(KEY_BYTES_MAX),
        PublishError::Message(MessageError::ContentTypeTooLong(_)) => limit(CONTENT_TYPE_BYTES_MAX),
        PublishError::Name { .. }
        | PublishError::Message(MessageError::ReservedHeader(_) | MessageError::ExpiresAtOnce) => {
            Error::Invalid(error.to_string())
        }
        PublishError::KeptTooLarge(_) => limit(KEPT_BYTES_MAX),
        PublishError::Overloaded => Error::Overloaded(RETRY_MS),
        PublishError::KeptFull | PublishError::NotDurable(_) => Error::Unavailable(error.to_string()),
        PublishError::Clock(_) => Error::Other(("clock".into(), error.to_string())),
        PublishError::Reserved(_) => Error::Denied(error.to_string()),
        PublishError::Denied(denial) => Error::Denied(format!("{denial}: {}", grants::needs(&denial.line))),
        PublishError::Loop(_) => Error::Other(("loop".into(), error.to_string())),
    }
}

fn call_error(error: CallError) -> Error {
    match error {
        CallError::NoResponder => Error::NoResponder,
        CallError::Timeout => Error::Timeout,
        // Each nested request is one deeper: what is too deep waits for itself.
        CallError::Deadlock | CallError::Publish(PublishError::Loop(_)) => Error::Deadlock,
        CallError::Failed(text) => Error::Failed(text),
        CallError::Rejected(text) => Error::Rejected(text),
        CallError::Unavailable(text) => Error::Unavailable(text),
        CallError::Publish(error) => publish_error(error),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
