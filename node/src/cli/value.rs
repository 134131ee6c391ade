//! Values in CBOR, from what people write and for what they read: JSON.

use std::borrow::Cow;

use ciborium::Value;
use hive_client::{Message, message::payload};
use serde_json::{Map, Number};

use super::exit::Fault;

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

/// What is CBOR as JSON, on one line. None when the content type says nothing of CBOR, or it is none all the same.
pub(super) fn of_cbor(message: &Message) -> Option<String> {
    if !message.is_cbor() {
        return None;
    }
    Some(json(message.value::<Value>().ok()?).to_string())
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
        Value::Bytes(bytes) => serde_json::to_value(Message::new(bytes))
            .ok()
            .and_then(|message| Some(message.get("payload")?.clone()))
            .unwrap_or_default(),
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
    fn what_json_has_no_word_for_is_written_as_what_is_nearest() {
        let value = Value::Map(vec![
            (Value::Integer(7.into()), Value::Bytes(vec![0xff, 0xfe])),
            (Value::Text("t".into()), Value::Tag(1, Box::new(Value::Float(f64::NAN)))),
        ]);
        let shown = of_cbor(&Message::cbor(&value).expect("cbor"));
        assert_eq!(shown.as_deref(), Some(r#"{"7":{"base64":"//4="},"t":null}"#));
    }
}
