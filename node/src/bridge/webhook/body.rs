//! Events as requests: one as its payload with headers, several as a JSON list.

use std::str;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::bridge::{Desk, Export, carried};

/// A list is posted when its payloads come to so much.
pub(super) const BYTES_TARGET: usize = 256 << 10;
/// The header with an event's name.
pub(super) const CHANNEL: &str = "hive-channel";

/// One event: its payload is the body.
///
/// # Errors
/// When one of its headers cannot be one of HTTP, in words.
pub(super) fn single(batch: &[Export], desk: &Desk) -> Result<(HeaderMap, Bytes), String> {
    let Some(export) = batch.first() else { return Err("there is nothing to post".to_owned()) };
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(CHANNEL), value(CHANNEL, &export.name)?);
    for (name, text) in carried::of(export, desk) {
        let field =
            HeaderName::try_from(name).map_err(|_| format!("its header `{name}` cannot be one of HTTP"))?;
        headers.append(field, value(name, &text)?);
    }
    Ok((headers, export.payload().clone()))
}

fn value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| format!("its header `{name}` cannot be one of HTTP"))
}

/// An event in a list.
#[derive(Serialize)]
struct Item<'e> {
    channel: &'e str,
    /// Text as it is, anything else in base64.
    payload: Payload<'e>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(&'e str, String)>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'e> {
    Text(&'e str),
    Bytes { base64: String },
}

/// Several events: a list of objects.
pub(super) fn list(batch: &[Export], desk: &Desk) -> (HeaderMap, Bytes) {
    let items: Vec<Item<'_>> = batch.iter().map(|export| item(export, desk)).collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Maps with texts for keys and no numbers: there is nothing that cannot be written.
    (headers, serde_json::to_vec(&items).unwrap_or_default().into())
}

fn item<'e>(export: &'e Export, desk: &Desk) -> Item<'e> {
    let payload = match str::from_utf8(export.payload()) {
        Ok(text) => Payload::Text(text),
        Err(_) => Payload::Bytes { base64: BASE64_STANDARD.encode(export.payload()) },
    };
    let headers = carried::of(export, desk).map(|(name, value)| (name, value.into_owned())).collect();
    Item { channel: &export.name, payload, headers }
}
