//! What EventHive sends for one event: a JSON object with metadata in it, sealed where there is a secret.
//!
//! What it owns: going from an event's payload to that text and back. It must not know how the text travels, which is the
//! same over WebSockets and Redis.

use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    python::{Fields, FormError},
    secret::{OpenError, Secret},
};
use crate::{
    bus::Trail,
    trust::{hex, random_bytes},
};

/// The version that is said to have written a message: the one whose form this is.
const VERSION: &str = "0.5.0";

/// The header that EventHive's metadata is in while an event is in the mesh.
pub const METADATA_HEADER: &str = "eventhive-metadata";
/// Bytes of metadata that are kept: a header may not be large.
const METADATA_BYTES_MAX: usize = 2_048;

/// How the messages of a network look.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The key that the metadata is under.
    pub metadata_key: String,
    /// Nothing is added to what is sent.
    pub remove_metadata: bool,
    /// What they are sealed with.
    pub secret: Option<Secret>,
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The object without its metadata.
    pub payload: Bytes,
    /// The metadata as it was written, and where it says that the event has been; none where there is none.
    pub metadata: Option<(String, Trail)>,
}

/// Why an event cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// EventHive carries nothing else.
    #[error("its payload is no JSON object, and EventHive carries nothing else")]
    NoObject,
    /// It has no form that could be signed.
    #[error(transparent)]
    Form(#[from] FormError),
}

/// Why what came is dropped.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Other JSON, or none.
    #[error("it is no JSON object")]
    NoObject,
    /// Not by who has the secret.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Metadata without what it is for.
    #[error("its metadata has no `id`")]
    NoId,
}

#[derive(Serialize)]
struct Metadata<'a> {
    time: f64,
    version: &'a str,
    event: &'a str,
    id: &'a str,
    /// Where it has been.
    hive: &'a str,
}

impl Form {
    /// The text of an event under a name, which has been somewhere.
    ///
    /// # Errors
    /// When the payload is no JSON object, or has no form that could be signed.
    pub fn encode(&self, payload: &[u8], event: &str, trail: &Trail) -> Result<String, EncodeError> {
        let mut fields: Fields = serde_json::from_slice(payload).map_err(|_| EncodeError::NoObject)?;
        if !self.remove_metadata {
            let (id, hive) = (uuid(), trail.to_string());
            let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let metadata =
                Metadata { time: time.as_secs_f64(), version: VERSION, event, id: &id, hive: &hive };
            fields.insert(self.metadata_key.clone(), to_raw_value(&metadata).map_err(FormError::from)?);
        }
        match &self.secret {
            Some(secret) => Ok(secret.seal(fields)?),
            None => Ok(serde_json::to_string(&fields).map_err(FormError::from)?),
        }
    }

    /// What is in a text.
    ///
    /// # Errors
    /// When it is not what EventHive writes, or not by who has the secret.
    pub fn decode(&self, text: &str) -> Result<Received, DecodeError> {
        let fields: Fields = serde_json::from_str(text).map_err(|_| DecodeError::NoObject)?;
        let mut fields = match &self.secret {
            Some(secret) => secret.open(fields)?,
            None => fields,
        };
        let metadata = match fields.remove(&self.metadata_key) {
            Some(metadata) => Some((short(&metadata), trail_of(&metadata).ok_or(DecodeError::NoId)?)),
            None => None,
        };
        let payload = serde_json::to_vec(&fields).map_err(|_| DecodeError::NoObject)?;
        Ok(Received { payload: payload.into(), metadata })
    }
}

impl Received {
    /// Where it says that it has been.
    #[must_use]
    pub fn trail(&self) -> Trail {
        self.metadata.as_ref().map(|(_, trail)| trail.clone()).unwrap_or_default()
    }
}

/// The metadata as it was written, unless it is too much for a header.
fn short(metadata: &RawValue) -> String {
    let text = metadata.get();
    if text.len() <= METADATA_BYTES_MAX { text.to_owned() } else { "{}".to_owned() }
}

/// What a hive-node said of where it has been, else a beginning with the message's `id`. None without that.
fn trail_of(metadata: &RawValue) -> Option<Trail> {
    let fields: Fields = serde_json::from_str(metadata.get()).ok()?;
    let text = |key: &str| {
        let raw = fields.get(key)?.get();
        Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))
    };
    let id = text("id")?;
    let said = text("hive").and_then(|hive: String| hive.parse().ok());
    // An id that is no word is one that nothing is known by.
    Some(said.unwrap_or_else(|| Trail::begun(Some(&id)).unwrap_or_default()))
}

/// A random UUID (RFC 9562 §5.4).
fn uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(secret: Option<&str>) -> Form {
        Form {
            metadata_key: "__eventhive__".to_owned(),
            remove_metadata: false,
            secret: secret.map(Secret::new),
        }
    }

    #[test]
    fn what_is_sent_has_metadata_and_what_is_received_has_none() {
        let trail = Trail::begun(Some("an-id")).expect("a trail");
        for secret in [None, Some("s")] {
            let text = form(secret).encode(br#"{"a":1.50}"#, "net/worker/do", &trail).expect("a text");
            assert_eq!(text.contains("net/worker/do"), secret.is_none(), "{text}");
            let received = form(secret).decode(&text).expect("received");
            assert_eq!(
                received.payload,
                r#"{"a":1.50}"#.replace("1.50", if secret.is_some() { "1.5" } else { "1.50" })
            );
            assert_eq!(received.trail(), trail);
            assert!(received.metadata.is_some_and(|(text, _)| text.contains("net/worker/do")));
        }
        let bare = Form { remove_metadata: true, ..form(None) };
        assert_eq!(bare.encode(b"{ \"a\": 1 }", "x", &trail).expect("a text"), r#"{"a":1}"#);
    }

    #[test]
    fn what_eventhive_drops_is_dropped() {
        let check = |text: &str, want: &str| match form(None).decode(text) {
            Err(error) => assert_eq!(error.to_string(), want, "{text}"),
            Ok(received) => panic!("{text} was taken: {received:?}"),
        };
        check("[1,2]", "it is no JSON object");
        check("{", "it is no JSON object");
        check(r#"{"a":1,"__eventhive__":{"time":1}}"#, "its metadata has no `id`");
        check(r#"{"a":1,"__eventhive__":7}"#, "its metadata has no `id`");
        // It reads what is sealed by others as an object like any other.
        assert!(form(None).decode(r#"{"iv":"x","ciphertext":"y"}"#).is_ok());
        assert_eq!(form(None).decode(r#"{"raw":1}"#).expect("received").metadata, None);
        let named = form(None).decode(r#"{"a":1,"__eventhive__":{"id":"x y"}}"#).expect("received");
        assert_eq!(named.trail(), Trail::default());
        assert!(form(None).encode(b"[1]", "x", &Trail::default()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            for secret in [None, Some("s")] {
                let _ = form(secret).decode(&text);
            }
        }
    }
}
