//! What came of one event on the fake node.

use serde::de::DeserializeOwned;

use crate::{Failure, Message, Result, Value, log::Level};

/// What a handler did with one event.
#[derive(Debug)]
#[must_use = "the outcome says whether the handler failed"]
pub struct Delivered {
    /// What the handler returned. The message is there only for a call, and none is an empty answer.
    pub outcome: Result<Option<Message>>,
    /// What it published and forwarded, in order.
    pub published: Vec<Sent>,
    /// What it published to be kept, in order.
    pub retained: Vec<Sent>,
    /// The channels it cleared, in order.
    pub cleared: Vec<String>,
    /// What it asked others, in order.
    pub called: Vec<Sent>,
    /// What it logged, in order.
    pub logs: Vec<Logged>,
}

/// A message that a handler sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Where to.
    pub channel: String,
    /// What.
    pub message: Message,
    /// The id that the fake node gave it.
    pub id: String,
}

/// A line that a handler logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// How urgent.
    pub level: Level,
    /// The line.
    pub text: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

impl Delivered {
    /// The same, once it is sure that the handler did not fail.
    ///
    /// # Panics
    /// With the reason, when it did.
    #[track_caller]
    pub fn ok(self) -> Self {
        if let Err(failure) = &self.outcome {
            panic!("the handler failed: {failure:?}");
        }
        self
    }

    /// The answer to a call, as a value.
    ///
    /// # Panics
    /// When the handler failed, or its answer is not JSON of that type.
    #[track_caller]
    pub fn answer<T: DeserializeOwned>(self) -> T {
        let message = self.message();
        match message.parse() {
            Ok(value) => value,
            Err(error) => panic!("the answer is not of that type: {error}; it is {message:?}"),
        }
    }

    /// The answer to a call, as the caller gets it.
    ///
    /// # Panics
    /// When the handler failed.
    #[track_caller]
    pub fn message(self) -> Message {
        match self.outcome {
            Ok(message) => message.unwrap_or_default(),
            Err(failure) => panic!("the handler failed: {failure:?}"),
        }
    }

    /// How the handler failed.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn failure(self) -> Failure {
        match self.outcome {
            Ok(answer) => panic!("the handler did not fail; its answer is {answer:?}"),
            Err(failure) => failure,
        }
    }

    /// The payloads it published on one channel, in order, to be compared with plain values. Those of a type of yours are
    /// [`published_as`](Self::published_as).
    ///
    /// # Panics
    /// When one of them is not JSON.
    #[track_caller]
    pub fn published_on(&self, channel: &str) -> Vec<Value> {
        self.published_as(channel)
    }

    /// The payloads it published on one channel, in order, as values: `let stored: Vec<Stored> = done.published_as("x")`.
    ///
    /// # Panics
    /// When one of them is not JSON of that type.
    #[track_caller]
    pub fn published_as<T: DeserializeOwned>(&self, channel: &str) -> Vec<T> {
        let on_channel = self.published.iter().filter(|sent| sent.channel == channel);
        on_channel
            .map(|sent| match sent.message.parse() {
                Ok(value) => value,
                Err(error) => {
                    let message = &sent.message;
                    panic!(
                        "what was published on `{channel}` is not of that type: {error}; it is {message:?}"
                    )
                }
            })
            .collect()
    }
}
