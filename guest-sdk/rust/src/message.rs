//! Messages, made and read.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Message};

/// The media type of what the SDK writes for typed values.
pub(crate) const JSON: &str = "application/json";

impl Message {
    /// A value as JSON.
    ///
    /// # Errors
    /// [`Error::Unserializable`], for instance for a map whose keys are no texts.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        let payload = serde_json::to_vec(value).map_err(|error| Error::Unserializable(error.to_string()))?;
        Ok(Self::bytes(payload).with_content_type(JSON))
    }

    /// Plain text, `text/plain`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::bytes(text.into()).with_content_type("text/plain")
    }

    /// Bytes without a content type.
    pub fn bytes(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), content_type: None, key: None, headers: Vec::new() }
    }

    /// The same message with another media type.
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The same message with a key: events of one channel with the same key are handled in order.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same message with one more header; the name is lower-case and does not begin with `hive-`.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether the content type says JSON: `application/json` or `…+json`, with or without parameters.
    pub fn is_json(&self) -> bool {
        let Some(content_type) = &self.content_type else { return false };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(JSON)
            || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"))
    }

    /// The payload read as JSON, whatever the content type says; an empty payload reads as `null`.
    ///
    /// # Errors
    /// What is wrong with the payload, and where in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        let payload = if self.payload.is_empty() { b"null" } else { self.payload.as_slice() };
        serde_json::from_slice(payload).map_err(|error| ParseError { error, empty: self.payload.is_empty() })
    }
}

impl Default for Message {
    /// Nothing: an empty payload without content type.
    fn default() -> Self {
        Self::bytes(Vec::new())
    }
}

/// Why a payload is not the JSON of a type: what serde found, with line and column.
#[derive(Debug)]
pub struct ParseError {
    error: serde_json::Error,
    /// Whether there was nothing to parse: the position of a `null` that nobody sent would only confuse.
    empty: bool,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.empty {
            true => f.write_str("the payload is empty"),
            false => write!(f, "the payload does not parse: {}", self.error),
        }
    }
}

impl std::error::Error for ParseError {}
