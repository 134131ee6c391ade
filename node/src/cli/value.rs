//! Values as people read and write them: text and JSON, also where they travel as CBOR.

use std::{borrow::Cow, ops::RangeInclusive};

use bytes::Bytes;
use ciborium::Value;
use hive_client::{
    Message,
    message::{CBOR, payload},
};
use serde_json::{Map, Number, value::RawValue};

use super::{exit::Fault, output};

/// The message of the same value in CBOR.
pub(super) fn to_cbor(message: Message) -> Result<Message, Fault> {
    let read: Result<serde_json::Value, _> = serde_json::from_slice(&message.payload);
    let value = read.map_err(|error| {
        Fault::usage(format!("the data is no JSON, of which --cbor could make CBOR: {error}"))
    })?;
    let Message { payload, content_type, .. } = Message::cbor(&value).map_err(Fault::failed)?;
    Ok(Message { payload, content_type, ..message })
}

/// A payload for people: text as it is, CBOR as JSON, anything else as what it is.
pub(super) fn for_people(message: &Message) -> Cow<'_, str> {
    of_cbor(message).map_or_else(|| payload::for_people(&message.payload), Cow::Owned)
}

/// The same on one line: JSON without its line ends, other text with them escaped.
pub(super) fn on_one_line(message: &Message) -> String {
    let text = for_people(message);
    output::one_line(&compact(&text)).into_owned()
}

/// JSON that was written over several lines, on one.
fn compact(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Cow::Owned(join_json_lines(text.trim_end())),
        Err(_) => Cow::Borrowed(text),
    }
}

/// Valid JSON has line ends only between its tokens, so they, and what indents the next line, can go.
fn join_json_lines(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let mut joined = lines.next().unwrap_or_default().to_owned();
    for line in lines.filter(|line| !line.is_empty()) {
        // A space after a comma, none inside of brackets: as people write short JSON.
        if joined.ends_with(',') {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}

/// A message of bytes of which nobody said what they are: lists and maps in CBOR, which are never text, say so themselves.
pub(super) fn of_bytes(bytes: Bytes) -> Message {
    /// The first byte of a list and of a map: RFC 8949, section 3.
    const LIST_OR_MAP: RangeInclusive<u8> = 0x80..=0xbf;
    let is_cbor = bytes.first().is_some_and(|first| LIST_OR_MAP.contains(first));
    Message { content_type: is_cbor.then(|| CBOR.to_owned()), ..Message::new(bytes) }
}

/// What is CBOR as JSON, on one line. None when the content type says nothing of CBOR, or it is none all the same.
pub(super) fn of_cbor(message: &Message) -> Option<String> {
    cbor_value(message).map(|value| value.to_string())
}

/// What is CBOR as a value of JSON.
fn cbor_value(message: &Message) -> Option<serde_json::Value> {
    if !message.is_cbor() {
        return None;
    }
    Some(json(message.value::<Value>().ok()?))
}

/// A payload as a value, whatever it is written as: text that is no JSON is a text. None: it is neither, but bytes.
pub(super) fn read(message: &Message) -> Option<serde_json::Value> {
    if message.payload.is_empty() {
        return Some(serde_json::Value::Null);
    }
    cbor_value(message)
        .or_else(|| serde_json::from_slice(&message.payload).ok())
        .or_else(|| payload::as_text(&message.payload).map(Into::into))
}

/// Bytes where JSON is written: `{"base64": "…"}`, unless they are text.
pub(super) fn base64(bytes: Bytes) -> serde_json::Value {
    let message = serde_json::to_value(Message::new(bytes)).ok();
    message.and_then(|message| message.get("payload").cloned()).unwrap_or_default()
}

/// What JSON has no word for is written as what is nearest: bytes as `{"base64": "…"}`, keys that are no text as their
/// JSON, tagged values without their tag.
fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => value.into(),
        Value::Text(text) => text.into(),
        Value::Float(number) => Number::from_f64(number).map_or(serde_json::Value::Null, Into::into),
        Value::Integer(number) => match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => i128::from(number).to_string().into(),
        },
        Value::Bytes(bytes) => base64(bytes.into()),
        Value::Array(values) => values.into_iter().map(json).collect(),
        Value::Map(entries) => {
            let entry = |(key, value)| match key {
                Value::Text(text) => (text, json(value)),
                other => (json(other).to_string(), json(value)),
            };
            entries.into_iter().map(entry).collect::<Map<_, _>>().into()
        }
        Value::Tag(_, value) => json(*value),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_cbor_and_comes_back() {
        let text = r#"{"a":[1,-2,2.5,null,true],"b":{"c":"d"}}"#;
        let sent = to_cbor(Message { key: Some("k".into()), ..Message::from(text) }).expect("json");
        assert!(sent.is_cbor() && sent.key.as_deref() == Some("k"));
        assert_eq!(of_cbor(&sent).as_deref(), Some(text));
        assert!(to_cbor(Message::from("{")).is_err());
        assert_eq!(of_cbor(&Message::from(text)), None);
        let broken = Message { payload: vec![0x9f].into(), ..sent };
        assert_eq!(of_cbor(&broken), None);
    }

    #[test]
    fn bytes_that_are_a_list_or_a_map_of_cbor_are_seen_to_be() {
        let shown = |bytes: &[u8]| on_one_line(&of_bytes(Bytes::copy_from_slice(bytes)));
        let map = Message::cbor(&Value::Map(vec![(Value::Text("a".into()), Value::Integer(1.into()))]));
        assert_eq!(shown(&map.expect("cbor").payload), r#"{"a":1}"#);
        assert_eq!(shown(b"7"), "7");
        assert_eq!(shown(b"{\n  \"a\": [\n    1,\n    2\n  ]\n}\n"), r#"{"a": [1, 2]}"#);
        assert_eq!(shown(b"two\nlines"), r"two\nlines");
        // A list that is cut off, and eight bytes of a number.
        assert_eq!(shown(&[0x82, 1]), "<2 bytes>");
        assert_eq!(shown(&7_u64.to_be_bytes()), "<8 bytes>");
    }

    #[test]
    fn what_json_has_no_word_for_is_written_as_what_is_nearest() {
        let value = Value::Map(vec![
            (Value::Integer(7.into()), Value::Bytes(vec![0xff, 0xfe])),
            (Value::Text("t".into()), Value::Tag(1, Box::new(Value::Float(f64::NAN)))),
        ]);
        let shown = of_cbor(&Message::cbor(&value).expect("cbor"));
        assert_eq!(shown.as_deref(), Some(r#"{"7":{"base64":"//4="},"t":null}"#));
    }
}
