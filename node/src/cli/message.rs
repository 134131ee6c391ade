//! A message from the command line: its data, and what kind of data it is.

use std::io::Read;

use bytes::Bytes;
use clap::{Args, builder::styling::AnsiColor};
use hive_client::Message;
use serde::de::IgnoredAny;

use super::{
    exit::{Fault, label},
    value::to_cbor,
};

/// Bytes that are read from stdin at most; a node takes no more anyway.
const STDIN_BYTES_MAX: u64 = 16 << 20;

/// What goes with the data.
#[derive(Debug, Clone, Args)]
pub(super) struct With {
    /// Media type of the data [default: application/json if it is JSON, text/plain if it is other text].
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Send the data, which is JSON, as CBOR.
    #[arg(long, conflicts_with = "content_type")]
    cbor: bool,
    /// Events of one channel with the same key are handled in order.
    #[arg(long)]
    key: Option<String>,
    /// A header that travels with it; may be given several times.
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
}

impl With {
    /// The message: `-` stands for stdin, nothing for no payload.
    pub(super) fn message(&self, data: Option<&str>) -> Result<Message, Fault> {
        let payload = match data {
            None => Bytes::new(),
            Some("-") => stdin()?,
            Some(data) => Bytes::copy_from_slice(data.as_bytes()),
        };
        if self.content_type.is_none() && data.is_some_and(|data| data != "-") {
            say_almost_json(&payload);
        }
        let content_type = self.content_type.clone().or_else(|| content_type(&payload).map(Into::into));
        let message = Message {
            payload,
            content_type,
            key: self.key.clone(),
            headers: self.headers.clone(),
            expires_ms: None,
        };
        if self.cbor { to_cbor(message) } else { Ok(message) }
    }
}

/// The media type of data that nobody named one for.
pub(super) fn content_type(payload: &[u8]) -> Option<&'static str> {
    if payload.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(payload).ok()?;
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    Some(if is_json { "application/json" } else { "text/plain; charset=utf-8" })
}

/// Quotes that a shell took away make text of what was meant as JSON, and a handler then knows of no quotes.
fn say_almost_json(payload: &[u8]) {
    if let Some(why) = almost_json(payload) {
        let text = format!("the data begins like JSON and is none, so it goes as text: {why}");
        label("warning", AnsiColor::Yellow, &text);
    }
}

/// Why data that begins like an object or a list is none.
fn almost_json(payload: &[u8]) -> Option<serde_json::Error> {
    let begins = payload.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['));
    if !begins || str::from_utf8(payload).is_err() {
        return None;
    }
    serde_json::from_slice::<IgnoredAny>(payload).err()
}

fn stdin() -> Result<Bytes, Fault> {
    let mut read = Vec::new();
    // One byte more than may be, so that too much is told from exactly enough; the node says the limit.
    let stdin = std::io::stdin().lock().take(STDIN_BYTES_MAX + 1).read_to_end(&mut read);
    stdin.map_err(|error| Fault::failed(anyhow::Error::new(error).context("stdin cannot be read")))?;
    Ok(read.into())
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME:VALUE")?;
    let name = name.trim().to_lowercase();
    if name.is_empty() {
        return Err("the header's name is empty".into());
    }
    Ok((name, value.trim().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_says_what_it_is() {
        assert_eq!(content_type(br#"{"id":7}"#), Some("application/json"));
        assert_eq!(content_type(b"7"), Some("application/json"));
        assert_eq!(content_type(b"seven"), Some("text/plain; charset=utf-8"));
        assert_eq!(content_type(&[0xff]), None);
        assert_eq!(content_type(b""), None);
    }

    #[test]
    fn what_begins_like_json_and_is_none_is_noticed() {
        for data in ["{id: 7}", "[1, 2", r#"  {"a": 1"#] {
            assert!(almost_json(data.as_bytes()).is_some(), "{data}");
        }
        for data in [r#"{"a": 1}"#, "[]", "seven", "a {b}", ""] {
            assert!(almost_json(data.as_bytes()).is_none(), "{data}");
        }
        assert!(almost_json(&[b'{', 0xff]).is_none());
    }

    #[test]
    fn headers_have_a_name_and_a_value() {
        assert_eq!(header("Trace: a:b "), Ok(("trace".into(), "a:b".into())));
        assert!(header("trace").is_err());
        assert!(header(": x").is_err());
    }
}
