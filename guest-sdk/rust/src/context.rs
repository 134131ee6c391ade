//! The surroundings of one event: facts about it, and the way out to the bus.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Answers, CallError, Error, Event, KeptValues, Message,
    bus::{asked, read_answer, read_called},
    config,
    failure::millis,
    imports::{self, bus::Call},
};

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
    /// later. The channel must be among the plugin's `publishes`. Bytes would be a JSON list of numbers: they go as they are by
    /// [`publish_message`](Self::publish_message) with [`Message::bytes`].
    ///
    /// # Errors
    /// What the node refuses, and [`Error::Unserializable`].
    pub fn publish(&self, channel: &str, value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.publish_message(channel, &Message::json(value)?)
    }

    /// Publishes a message as it is: bytes, other formats, keys, headers.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn publish_message(&self, channel: &str, message: &Message) -> Result<String, Error> {
        imports::bus::publish(channel, message)
    }

    /// Publishes a value as JSON that nobody wants so long afterwards, at least 1 ms: wherever it waits then, it is
    /// dropped.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_expiring(
        &self,
        after: Duration,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<String, Error> {
        imports::bus::publish_expiring(channel, &Message::json(value)?, millis(after))
    }

    /// Publishes a value as JSON and keeps it as the channel's last one, on every node: whoever subscribes later gets it
    /// first. Returns the event's id.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish); [`Error::TooLarge`] for more than 64 KiB.
    pub fn retain(&self, channel: &str, value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
        self.retain_message(channel, &Message::json(value)?)
    }

    /// [`retain`](Self::retain) with a message as it is.
    ///
    /// # Errors
    /// As for [`retain`](Self::retain).
    pub fn retain_message(&self, channel: &str, message: &Message) -> Result<String, Error> {
        imports::bus::retain(channel, message)
    }

    /// Forgets the channel's last value; subscribers get an empty event.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn clear(&self, channel: &str) -> Result<(), Error> {
        imports::bus::clear(channel)
    }

    /// The kept values of the channels that a pattern matches, in the order of the channels. The pattern must lie within
    /// one that the plugin subscribes to, or may by its configuration's `subscribes`.
    pub fn kept_values(&self, pattern: &str) -> KeptValues {
        KeptValues::new(pattern)
    }

    /// The kept value of one channel, if there is one.
    ///
    /// # Errors
    /// What the node refuses, and [`Error::UnexpectedAnswer`] for a value that is no `T`.
    pub fn kept<T: DeserializeOwned>(&self, channel: &str) -> Result<Option<T>, Error> {
        let found = self.kept_values(channel).next().transpose()?;
        found.map(|kept| read_answer(&kept.message)).transpose()
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
    /// [`Error::UnexpectedAnswer`] for an answer that is no `T`: in a [`CallError`], which names the channel.
    pub fn call<T: DeserializeOwned>(
        &self,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<T, CallError> {
        read_called(channel, &self.call_message(channel, &asked(channel, value)?)?)
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
    ) -> Result<T, CallError> {
        read_called(channel, &self.call_message_within(timeout, channel, &asked(channel, value)?)?)
    }

    /// Asks with a message as it is, and returns the answer as it came.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub fn call_message(&self, channel: &str, message: &Message) -> Result<Message, CallError> {
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
    ) -> Result<Message, CallError> {
        imports::bus::request(channel, message, timeout_ms(timeout))
    }

    /// Asks several at once, each with a value as JSON, and reads the answers, in the order asked: at most 64, and it
    /// waits for the slowest, no longer than this event's [`time_left`](Self::time_left).
    ///
    /// # Errors
    /// [`Error::TooLarge`] for too many. What goes wrong with one of them stands in its place.
    pub fn call_each<T: DeserializeOwned>(
        &self,
        calls: impl IntoIterator<Item = (impl Into<String>, impl Serialize)>,
    ) -> Result<Vec<Result<T, CallError>>, Error> {
        let call =
            |(channel, value)| Ok(Call { channel: Into::into(channel), message: Message::json(&value)? });
        let calls = calls.into_iter().map(call).collect::<Result<Vec<Call>, Error>>()?;
        let answers = imports::bus::request_each(&calls, timeout_ms(ALL_THE_TIME))?;
        let answers = calls.iter().zip(answers);
        Ok(answers.map(|(call, answer)| read_called(&call.channel, &answer?)).collect())
    }

    /// [`call_each`](Self::call_each) with messages as they are, and giving up on all of them sooner.
    ///
    /// # Errors
    /// As for [`call_each`](Self::call_each).
    pub fn call_each_message(
        &self,
        timeout: Duration,
        calls: impl IntoIterator<Item = (impl Into<String>, Message)>,
    ) -> Result<Vec<Result<Message, CallError>>, Error> {
        let call = |(channel, message): (_, Message)| Call { channel: Into::into(channel), message };
        let calls: Vec<Call> = calls.into_iter().map(call).collect();
        imports::bus::request_each(&calls, timeout_ms(timeout))
    }

    /// Asks everybody who answers on the channel, on whatever node, with a value as JSON, and reads their answers. It
    /// waits until all have answered, no longer than this event's [`time_left`](Self::time_left).
    ///
    /// # Errors
    /// [`Error::NoResponder`] at once when nobody answers there. What goes wrong at one of them is its answer.
    pub fn gather<T: DeserializeOwned>(
        &self,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Answers<T>, CallError> {
        self.gather_within(ALL_THE_TIME, channel, value)
    }

    /// [`gather`](Self::gather) that is content sooner with the answers that have come.
    ///
    /// # Errors
    /// As for [`gather`](Self::gather).
    pub fn gather_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Answers<T>, CallError> {
        Ok(self.gather_message(timeout, channel, &asked(channel, value)?, ALL_ANSWERS)?.parse())
    }

    /// [`gather_within`](Self::gather_within) with a message as it is, which ends early once `limit` answers are good
    /// and lets the others go; 0 waits for all.
    ///
    /// # Errors
    /// As for [`gather`](Self::gather).
    pub fn gather_message(
        &self,
        timeout: Duration,
        channel: &str,
        message: &Message,
        limit: u32,
    ) -> Result<Answers<Message>, CallError> {
        imports::bus::gather(channel, message, timeout_ms(timeout), limit)
    }

    /// Asks everybody who answers on the channel, and reads the first good answer; the others need not go on.
    ///
    /// # Errors
    /// As for [`call`](Self::call); when nobody has a good answer, the last bad one.
    pub fn call_first<T: DeserializeOwned>(
        &self,
        channel: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<T, CallError> {
        let answers = self.gather_message(ALL_THE_TIME, channel, &asked(channel, value)?, 1)?;
        match answers.answers.into_iter().next_back() {
            Some(last) if last.outcome.is_ok() || answers.missing == 0 => {
                read_called(channel, &last.outcome?)
            }
            _ => Err(CallError::of(channel)(Error::Timeout)),
        }
    }

    /// Sets a one-shot timer: after the delay the value comes back as an event on `$timer/<name>`, to which the plugin
    /// subscribes with `#[on("$timer/…")]`, also when the plugin was replaced or the node was down meanwhile. The same name
    /// again replaces it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is none, that a `#[tick]` has, or that no subscription matches;
    /// [`Error::TooLarge`] past 64 timers of the plugin, or for more than 64 KiB.
    pub fn after(&self, name: &str, delay: Duration, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        imports::timers::after(name, millis(delay), &Message::json(value)?.payload)
    }

    /// Cancels a one-shot timer; false when there was none that had not fired.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn cancel(&self, name: &str) -> Result<bool, Error> {
        imports::timers::cancel(name)
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
/// The same before it is written for the node.
const ALL_THE_TIME: Duration = Duration::MAX;
/// The limit that stands for "until all have answered".
const ALL_ANSWERS: u32 = 0;

/// 0 has a meaning of its own on the wire, so the shortest wait is 1 ms.
fn timeout_ms(timeout: Duration) -> u32 {
    u32::try_from(millis(timeout)).unwrap_or(u32::MAX).max(1)
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("channel", &self.channel()).finish_non_exhaustive()
    }
}
