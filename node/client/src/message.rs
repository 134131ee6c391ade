//! Messages and events as JSON.
//!
//! What it owns: [`Message`], [`Event`], and the one rule for payloads: text is a JSON string, everything else is
//! `{"base64":"…"}`, so that nobody takes one for the other. It must not know HTTP or sockets.

use std::{borrow::Cow, fmt, str, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
    ser::SerializeMap,
};

use crate::types::V1;

/// The media type of CBOR.
pub const CBOR: &str = "application/cbor";

/// Why a payload is not the value it is to be, or a value cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It is no such JSON.
    #[error("the payload does not parse as JSON: {0}")]
    Json(String),
    /// It is no such CBOR.
    #[error("the payload does not parse as CBOR: {0}")]
    Cbor(String),
    /// There is no such CBOR.
    #[error("the value cannot be written as CBOR: {0}")]
    Unwritable(String),
}

/// What is published, asked and answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The opaque bytes.
    #[serde(with = "payload", default)]
    pub payload: Bytes,
    /// Media type; none: unknown bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Events of one channel with the same key are handled in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Names (lower-case) and values, in order; a name may repeat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// So many milliseconds after it is published nobody wants it any more; none: it is always of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

impl Message {
    /// A message of bytes, with no media type, key or headers.
    #[must_use]
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), ..Self::default() }
    }

    /// A JSON document as message.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let payload = serde_json::to_vec(value)?.into();
        Ok(Self { payload, content_type: Some("application/json".into()), ..Self::default() })
    }

    /// A value in CBOR (RFC 8949) as message.
    ///
    /// # Errors
    /// When the value cannot be written as CBOR.
    pub fn cbor(value: &impl Serialize) -> Result<Self, ValueError> {
        let mut payload = Vec::new();
        ciborium::into_writer(value, &mut payload)
            .map_err(|error| ValueError::Unwritable(error.to_string()))?;
        Ok(Self { payload: payload.into(), content_type: Some(CBOR.into()), ..Self::default() })
    }

    /// Whether the content type says CBOR: `application/cbor` or `…+cbor`, with or without parameters.
    #[must_use]
    pub fn is_cbor(&self) -> bool {
        let essence =
            self.content_type.as_deref().and_then(|of| of.split(';').next()).unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(CBOR)
            || essence.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("cbor"))
    }

    /// The payload as a value: of CBOR where the content type says so, else of JSON.
    ///
    /// # Errors
    /// When it is no such value; says what is wrong and where.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        if !self.is_cbor() {
            return serde_json::from_slice(&self.payload)
                .map_err(|error| ValueError::Json(error.to_string()));
        }
        let mut rest = &self.payload[..];
        let value = ciborium::from_reader(&mut rest).map_err(|error| ValueError::Cbor(error.to_string()))?;
        match rest.len() {
            0 => Ok(value),
            more => Err(ValueError::Cbor(format!("{more} bytes follow the value"))),
        }
    }

    /// The same, of which nobody wants anything so long after it is published: wherever it is then, it is dropped.
    #[must_use]
    pub fn expiring(mut self, after: Duration) -> Self {
        self.expires_ms = Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// The payload, when it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(&self.payload).ok()
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

/// An event as a subscriber sees it; a line of `subscribe --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The document's version.
    pub v: V1,
    /// Which publish this is; the same on every redelivery.
    pub id: String,
    /// The channel, without its network.
    pub channel: String,
    /// The network it was published to; the home network for local channels too.
    pub network: String,
    /// The node that published it: 64 hex digits.
    pub origin: String,
    /// When, by the origin's clock, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// 1 the first time, then 2, 3, …
    pub attempt: u32,
    /// How many publishes made while handling another event led here.
    pub depth: u8,
    /// A kept value, not a live event.
    pub retained: bool,
    /// Somebody waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// This client alone has the event, as a member of a group: the number to say back when it is handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// What was sent.
    #[serde(flatten)]
    pub message: Message,
}

/// How to answer an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The number to answer with, on the socket the event came from.
    pub id: u64,
    /// How long the asker still waits.
    pub timeout_ms: u64,
}

/// Payloads in JSON, for `#[serde(with = "…")]`: text as a string, other bytes as `{"base64":"…"}`.
///
/// Text is UTF-8 without control characters other than tab, line feed and carriage return: others would grow sixfold.
pub mod payload {
    use super::{BASE64_STANDARD, Bytes, Cow, Deserializer, Engine, Reader, SerializeMap, Serializer, str};

    /// Writes the bytes.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = as_text(payload) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &BASE64_STANDARD.encode(payload))?;
        map.end()
    }

    /// Reads them.
    ///
    /// # Errors
    /// When it is neither a string nor `{"base64":"…"}`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_any(Reader)
    }

    /// The bytes as text, when they count as text.
    #[must_use]
    pub fn as_text(payload: &[u8]) -> Option<&str> {
        let odd = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7f;
        (!payload.iter().any(odd)).then(|| str::from_utf8(payload).ok())?
    }

    /// The bytes for people: text as it is, anything else as what it is.
    #[must_use]
    pub fn for_people(payload: &[u8]) -> Cow<'_, str> {
        match as_text(payload) {
            Some(text) => Cow::Borrowed(text),
            None if payload.len() == 1 => Cow::Borrowed("<1 byte>"),
            None => Cow::Owned(format!("<{} bytes>", payload.len())),
        }
    }
}

/// What a payload is, for whoever gave something else.
const PAYLOAD: &str = "as `payload` a string (of JSON its text), or {\"base64\": \"…\"}";

struct Reader;

impl<'de> de::Visitor<'de> for Reader {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PAYLOAD)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        Ok(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Bytes, E> {
        Ok(text.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Bytes, A::Error> {
        let other = || de::Error::invalid_type(de::Unexpected::Map, &self);
        match map.next_key::<String>()?.as_deref() {
            Some("base64") => {}
            _ => return Err(other()),
        }
        let text = map.next_value::<Cow<'_, str>>()?;
        let bytes = BASE64_STANDARD.decode(text.as_bytes()).map_err(de::Error::custom)?;
        match map.next_key::<String>()? {
            Some(_) => Err(other()),
            None => Ok(bytes.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(message: Message) -> Event {
        Event {
            v: V1,
            id: "00-1-1".into(),
            channel: "a/b".into(),
            network: "hive".into(),
            origin: "00".into(),
            time_ms: 7,
            attempt: 1,
            depth: 0,
            retained: false,
            request: Some(Request { id: 1, timeout_ms: 5000 }),
            ticket: None,
            message,
        }
    }

    #[test]
    fn text_is_a_string_and_bytes_are_marked() {
        let json = |bytes: &[u8]| {
            serde_json::to_value(Message::new(bytes.to_vec())).expect("json")["payload"].clone()
        };
        assert_eq!(json("grüß\tdich\r\n".as_bytes()), "grüß\tdich\r\n");
        assert_eq!(json(b""), "");
        assert_eq!(json(&[0xff, 0xfe]), serde_json::json!({"base64": "//4="}));
        assert_eq!(json(&[0]), serde_json::json!({"base64": "AA=="}));
        let read = |text| serde_json::from_str::<Message>(text).map(|message| message.payload);
        assert_eq!(read(r#"{"payload":{"base64":"//4="}}"#).expect("bytes"), [0xff, 0xfe].as_slice());
        for bad in [
            r#"{"payload":{"base64":"?"}}"#,
            r#"{"payload":{"base65":""}}"#,
            r#"{"payload":{}}"#,
            r#"{"payload":{"base64":"","x":1}}"#,
            r#"{"payload":7}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_are_read_as_the_content_type_says() {
        let pair = ("grüß".to_owned(), vec![1.5, -2.0]);
        let (json, cbor) = (Message::json(&pair).expect("json"), Message::cbor(&pair).expect("cbor"));
        assert_ne!(json.payload, cbor.payload);
        for message in [&json, &cbor] {
            assert_eq!(message.value::<(String, Vec<f64>)>(), Ok(pair.clone()));
        }
        let typed = |of: &str| Message { content_type: Some(of.into()), ..cbor.clone() };
        assert!(typed("application/senml+CBOR; x=1").is_cbor() && !typed("application/json").is_cbor());
        let json = typed("application/json").value::<(String, Vec<f64>)>();
        assert!(matches!(json, Err(ValueError::Json(_))), "{json:?}");
        let longer = Message { payload: [&cbor.payload[..], b"x"].concat().into(), ..cbor.clone() };
        let error = longer.value::<(String, Vec<f64>)>().expect_err("more").to_string();
        assert_eq!(error, "the payload does not parse as CBOR: 1 bytes follow the value");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_a_value_or_an_error(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            let message = Message { content_type: Some(CBOR.into()), ..Message::new(payload) };
            let _ = message.value::<serde_json::Value>();
            let _ = message.value::<Vec<String>>();
        }

        #[test]
        fn what_is_written_is_read_back(
            payload in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..64),
                ".{0,64}".prop_map(String::into_bytes),
            ],
            content_type in prop::option::of(".{0,8}"),
            key in prop::option::of(".{0,8}"),
            headers in prop::collection::vec((".{0,8}", ".{0,8}"), 0..4),
            expires_ms in any::<Option<u64>>(),
        ) {
            let sent = event(Message { payload: payload.into(), content_type, key, headers, expires_ms });
            let text = serde_json::to_string(&sent).expect("json");
            prop_assert_eq!(serde_json::from_str::<Event>(&text).expect(&text), sent);
        }
    }
}
