//! The surroundings of one event: facts about it, and the way out to the bus.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Event, Message, config, failure::millis, imports};

/// The event being handled, and what a handler can do about it.
///
/// A handler that takes the [`Message`] or [`Event`] by value finds key and headers there; the context no longer
/// shows them.
#[derive(Clone, Copy)]
pub struct Context<'e> {
    event: &'e Event,
}

impl<'e> Context<'e> {
    /// The context of `event`. The macro makes it; a [`Plugin`](crate::Plugin) written by hand does so itself.
    pub fn new(event: &'e Event) -> Self {
        Self { event }
    }

    /// The channel the event came on, without its network: never a pattern.
    pub fn channel(&self) -> &'e str {
        &self.event.channel
    }

    /// One segment of the channel, counted from 0: what a `*` stood for.
    pub fn segment(&self, index: usize) -> Option<&'e str> {
        self.channel().split('/').nth(index)
    }

    /// 1 the first time this event is handled, then 2, 3, …
    pub fn attempt(&self) -> u32 {
        self.event.attempt
    }

    /// Whether it is a channel's kept value and not a live event.
    pub fn retained(&self) -> bool {
        self.event.retained
    }

    /// Whether somebody waits for the answer.
    pub fn wants_reply(&self) -> bool {
        self.event.wants_reply
    }

    /// The media type of the payload.
    pub fn content_type(&self) -> Option<&'e str> {
        self.event.message.content_type.as_deref()
    }

    /// The key: events of one channel with the same key are handled in order.
    pub fn key(&self) -> Option<&'e str> {
        self.event.message.key.as_deref()
    }

    /// The publisher's header of that name; the first if there are several.
    pub fn header(&self, name: &str) -> Option<&'e str> {
        self.event.message.header(name)
    }

    /// The publisher's headers.
    pub fn headers(&self) -> &'e [(String, String)] {
        &self.event.message.headers
    }

    /// The event's id: unique for each publish, the same on every redelivery.
    pub fn id(&self) -> String {
        imports::current::id()
    }

    /// The id of the publishing node, as the mesh authenticated it.
    pub fn origin(&self) -> String {
        imports::current::origin()
    }

    /// What the publishing node calls itself: a claim, for people.
    pub fn origin_name(&self) -> String {
        imports::current::origin_name()
    }

    /// The network it was published to; none for a local (one-segment) channel.
    pub fn network(&self) -> Option<String> {
        imports::current::network()
    }

    /// When it was published, by the origin's clock, to the millisecond.
    pub fn published_at(&self) -> SystemTime {
        // A time past what this platform counts is another node's nonsense; it must not take the handler down.
        UNIX_EPOCH.checked_add(Duration::from_millis(imports::current::published_at())).unwrap_or(UNIX_EPOCH)
    }

    /// How long until this call is cut.
    pub fn time_left(&self) -> Duration {
        Duration::from_millis(imports::current::time_left())
    }

    /// The mesh's own headers (`hive-*`, `traceparent`).
    pub fn mesh_headers(&self) -> Vec<(String, String)> {
        imports::current::mesh_headers()
    }

    /// Publishes a value as JSON and returns the event's id. It takes effect at once, also when the handler fails
    /// later. The channel must be among the plugin's `publishes`.
    ///
    /// # Errors
    /// What the node refuses, and [`Error::Unserializable`].
    pub fn publish(&self, channel: &str, value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.publish_message(channel, &Message::json(value)?)
    }

    /// Publishes a message as it is: other formats, keys, headers.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn publish_message(&self, channel: &str, message: &Message) -> Result<String, Error> {
        imports::bus::publish(channel, message)
    }

    /// Publishes the payload, content type and key of this event on another channel, without copying them through
    /// the handler, and returns the new event's id.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn forward(&self, channel: &str) -> Result<String, Error> {
        self.forward_with(channel, &[])
    }

    /// [`forward`](Self::forward), with headers.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn forward_with(&self, channel: &str, headers: &[(String, String)]) -> Result<String, Error> {
        imports::bus::forward(channel, headers)
    }

    /// Asks with a value as JSON, and reads the answer as JSON: `let rate: f64 = ctx.call("rates/eur", &day)?`. It
    /// waits no longer than this event's [`time_left`](Self::time_left).
    ///
    /// # Errors
    /// [`Error::NoResponder`] at once when nobody answers there, the responder's own failure,
    /// [`Error::UnexpectedAnswer`] for an answer that is no `T`.
    pub fn call<T: DeserializeOwned>(
        &self,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        read_answer(&self.call_message(channel, &Message::json(value)?)?)
    }

    /// [`call`](Self::call) that gives up with [`Error::Timeout`] sooner.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub fn call_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        read_answer(&self.call_message_within(timeout, channel, &Message::json(value)?)?)
    }

    /// Asks with a message as it is, and returns the answer as it came.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub fn call_message(&self, channel: &str, message: &Message) -> Result<Message, Error> {
        imports::bus::request(channel, message, ALL_THE_TIME_LEFT)
    }

    /// [`call_message`](Self::call_message) that gives up with [`Error::Timeout`] sooner.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub fn call_message_within(
        &self,
        timeout: Duration,
        channel: &str,
        message: &Message,
    ) -> Result<Message, Error> {
        // 0 has a meaning of its own on the wire, so the shortest wait is 1 ms.
        let timeout_ms = u32::try_from(millis(timeout)).unwrap_or(u32::MAX).max(1);
        imports::bus::request(channel, message, timeout_ms)
    }

    /// A value of the plugin's configuration; nested keys are joined by dots.
    pub fn config(&self, key: &str) -> Option<String> {
        config::get(key)
    }

    /// A value of the plugin's configuration as a number, a truth value or whatever else parses, or `default` when it
    /// is not set.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value does not parse.
    pub fn config_or<T>(&self, key: &str, default: T) -> Result<T, Error>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        Ok(config::parse(key)?.unwrap_or(default))
    }
}

/// The timeout that stands for "whatever is left of this event's time".
const ALL_THE_TIME_LEFT: u32 = 0;

fn read_answer<T: DeserializeOwned>(answer: &Message) -> Result<T, Error> {
    answer.parse().map_err(|error| Error::UnexpectedAnswer(error.to_string()))
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("channel", &self.channel()).finish_non_exhaustive()
    }
}
