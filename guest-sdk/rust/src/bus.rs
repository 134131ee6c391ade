//! What the bus gives back beside an id: kept values, and the answers of several.

use std::{collections::VecDeque, fmt};

use serde::{Serialize, de::DeserializeOwned};

use crate::{CallError, Error, Kept, Message, imports, message::ParseError};

impl Kept {
    /// The value, read as [`Message::parse`] reads it.
    ///
    /// # Errors
    /// What is wrong with the payload, and where in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        self.message.parse()
    }
}

/// The kept values of the channels that a pattern matches, in the order of the channels; they are asked of the node a
/// page at a time. After an error there is nothing more.
#[must_use]
pub struct KeptValues {
    pattern: String,
    /// Values of the page in hand.
    page: VecDeque<Kept>,
    /// The last channel that was seen.
    after: Option<String>,
    done: bool,
}

impl KeptValues {
    pub(crate) fn new(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), page: VecDeque::new(), after: None, done: false }
    }
}

impl Iterator for KeptValues {
    type Item = Result<Kept, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.done {
            match imports::bus::kept_values(&self.pattern, self.after.as_deref(), AS_MANY_AS_FIT) {
                Ok(page) => self.page = page.into(),
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
        let next = self.page.pop_front();
        match &next {
            Some(kept) => self.after = Some(kept.channel.clone()),
            None => self.done = true,
        }
        next.map(Ok)
    }
}

/// The limit that stands for "as many as a page takes".
const AS_MANY_AS_FIT: u32 = 0;

impl fmt::Debug for KeptValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptValues").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

/// What one responder answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answering node's id.
    pub origin: String,
    /// Its answer, or why there is none.
    pub outcome: Result<T, CallError>,
}

/// What came of asking everybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers<T> {
    /// In the order in which they came, failures among them.
    pub answers: Vec<Answer<T>>,
    /// Nodes that were asked and had not answered to the end when time ran out.
    pub missing: u32,
    /// Where they were asked.
    pub channel: String,
}

impl<T> Answers<T> {
    /// The good answers, with the ids of the nodes they are from.
    pub fn good(&self) -> impl Iterator<Item = (&str, &T)> {
        self.answers.iter().filter_map(|answer| {
            let value = answer.outcome.as_ref().ok()?;
            Some((answer.origin.as_str(), value))
        })
    }
}

impl Answers<Message> {
    /// The same with the answers read as values; one that is no `T` is [`Error::UnexpectedAnswer`].
    pub fn parse<T: DeserializeOwned>(self) -> Answers<T> {
        let Self { answers, missing, channel } = self;
        let parse = |answer: Answer<Message>| {
            let outcome = answer.outcome.and_then(|message| read_called(&channel, &message));
            Answer { origin: answer.origin, outcome }
        };
        Answers { answers: answers.into_iter().map(parse).collect(), missing, channel }
    }
}

/// What a call asks with.
pub(crate) fn asked(channel: &str, value: &(impl Serialize + ?Sized)) -> Result<Message, CallError> {
    Message::json(value).map_err(CallError::of(channel))
}

/// What a call was answered.
pub(crate) fn read_called<T: DeserializeOwned>(channel: &str, answer: &Message) -> Result<T, CallError> {
    read_answer(answer).map_err(CallError::of(channel))
}

pub(crate) fn read_answer<T: DeserializeOwned>(answer: &Message) -> Result<T, Error> {
    answer.parse().map_err(|error| Error::UnexpectedAnswer(error.to_string()))
}
