//! Messages, made and read.

use serde::{
    Serialize,
    de::{self, DeserializeOwned},
};

use crate::{Error, Message, json};

/// The media type of what the SDK writes for typed values.
pub(crate) const JSON: &str = "application/json";
/// What media types of text begin with.
const TEXT: &str = "text/";
/// The media type of CBOR.
const CBOR: &str = "application/cbor";

impl Message {
    /// A value as JSON.
    ///
    /// # Errors
    /// [`Error::Unserializable`], for instance for a map whose keys are no texts, and for a number that JSON does not have,
    /// as `0.0 / 0.0` is. A [`Value`](crate::Value) made of such a number is `null` already.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        Ok(Self::bytes(json::written(value)?).with_content_type(JSON))
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
        self.is_of(JSON, "json")
    }

    /// Whether the content type says that it is text, of whatever kind.
    pub(crate) fn is_text(&self) -> bool {
        let content_type = self.content_type.as_deref().unwrap_or_default().trim_start();
        content_type.get(..TEXT.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(TEXT))
    }

    /// A value in CBOR (RFC 8949).
    ///
    /// # Errors
    /// [`Error::Unserializable`].
    #[cfg(feature = "cbor")]
    pub fn cbor(value: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        let mut payload = Vec::new();
        ciborium::into_writer(value, &mut payload)
            .map_err(|error| Error::Unserializable(error.to_string()))?;
        Ok(Self::bytes(payload).with_content_type(CBOR))
    }

    /// Whether the content type says CBOR: `application/cbor` or `…+cbor`, with or without parameters.
    pub fn is_cbor(&self) -> bool {
        self.is_of(CBOR, "cbor")
    }

    /// Whether the content type is this one, or one with this suffix.
    fn is_of(&self, whole: &str, suffix: &str) -> bool {
        let Some(content_type) = &self.content_type else { return false };
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(whole)
            || essence.rsplit_once('+').is_some_and(|(_, of)| of.eq_ignore_ascii_case(suffix))
    }

    /// The payload read as JSON where the content type says so, as CBOR where it says that (with the feature `cbor`). Where
    /// it says `text/…` it is a text, or JSON for a type that takes none; where it says something else or nothing, it is
    /// JSON, or a text for a type that takes no such JSON. An empty payload is `null`, or an empty text.
    ///
    /// # Errors
    /// What is wrong with the payload, and where in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        if self.is_cbor() && !self.payload.is_empty() {
            return read_cbor(&self.payload);
        }
        if self.is_json() {
            return self.read_json();
        }
        if self.is_text() {
            return self.read_text().or_else(|error| self.read_json().map_err(|_| error));
        }
        self.read_json().or_else(|error| self.read_text().map_err(|_| error))
    }

    fn read_text<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        let text = std::str::from_utf8(&self.payload)
            .map_err(|error| ParseError::Json(de::Error::custom(format_args!("it is not UTF-8: {error}"))))?;
        serde_json::from_value(text.into()).map_err(ParseError::Json)
    }

    fn read_json<T: DeserializeOwned>(&self) -> Result<T, ParseError> {
        let payload = if self.payload.is_empty() { b"null" } else { self.payload.as_slice() };
        serde_json::from_slice(payload).map_err(|error| match self.payload.is_empty() {
            true => ParseError::Empty,
            false => ParseError::Json(error),
        })
    }
}

impl Default for Message {
    /// Nothing: an empty payload without content type.
    fn default() -> Self {
        Self::bytes(Vec::new())
    }
}

#[cfg(feature = "cbor")]
fn read_cbor<T: DeserializeOwned>(mut payload: &[u8]) -> Result<T, ParseError> {
    let value = ciborium::from_reader(&mut payload).map_err(|error| ParseError::Cbor(error.to_string()))?;
    match payload.len() {
        0 => Ok(value),
        more => Err(ParseError::Cbor(format!("{more} bytes follow the value"))),
    }
}

#[cfg(not(feature = "cbor"))]
fn read_cbor<T: DeserializeOwned>(_: &[u8]) -> Result<T, ParseError> {
    Err(ParseError::Cbor("this handler was built without the feature `cbor` of hive-guest".into()))
}

/// Why a payload is not a value of a type: what serde found, and where.
#[derive(Debug)]
#[non_exhaustive]
pub enum ParseError {
    /// There is nothing: the position of a `null` that nobody sent would only confuse.
    Empty,
    /// It is no such JSON.
    Json(serde_json::Error),
    /// It is no such CBOR.
    Cbor(String),
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("the payload is empty"),
            Self::Json(error) => write!(f, "the payload does not parse: {error}"),
            Self::Cbor(error) => write!(f, "the payload does not parse as CBOR: {error}"),
        }
    }
}

impl std::error::Error for ParseError {}
