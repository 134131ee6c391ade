//! How a message's media type, key and headers travel as HTTP headers: `content-type`, `hive-key`,
//! `hive-expires-ms`, `hive-header-NAME`.
//!
//! What it owns: the names, and the encoding that both ends use. What HTTP cannot carry (control characters, letters
//! beyond ASCII, `%` itself) is percent-encoded, so nothing is lost. It must not know which request it serves.

use hyper::{
    HeaderMap,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::message::Message;

/// The event's ordering key.
pub const KEY: &str = "hive-key";
/// After how many milliseconds nobody wants the event any more.
pub const EXPIRES: &str = "hive-expires-ms";
/// Before the name of a header of the event.
pub const PREFIX: &str = "hive-header-";

/// What clients send when nobody said a media type; it says nothing about the payload.
const UNSAID: &str = "application/x-www-form-urlencoded";
/// HTTP folds the case of names, so capitals are encoded too.
const NAME: &AsciiSet = &with_capitals(NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.'));
const MEDIA_TYPE: &AsciiSet = &CONTROLS.add(b'%');
const VALUE: &AsciiSet = &MEDIA_TYPE.add(b' ');

const fn with_capitals(mut set: AsciiSet) -> AsciiSet {
    let mut letter = b'A';
    while letter <= b'Z' {
        set = set.add(letter);
        letter += 1;
    }
    set
}

/// Why an HTTP header is no part of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Its name or value.
    #[error("the header `{0}` is no UTF-8 text")]
    Text(String),
    /// A number that is none.
    #[error("the header `{EXPIRES}` is no number of milliseconds: `{0}`")]
    Number(String),
}

/// Puts everything but the payload into HTTP headers.
///
/// # Errors
/// When a name or value is too long for HTTP.
pub fn write(message: &Message, to: &mut HeaderMap) -> Result<(), HeaderError> {
    if let Some(content_type) = &message.content_type {
        to.insert(CONTENT_TYPE, value(content_type, MEDIA_TYPE, "content-type")?);
    }
    if let Some(key) = &message.key {
        to.insert(HeaderName::from_static(KEY), value(key, VALUE, KEY)?);
    }
    if let Some(expires_ms) = message.expires_ms {
        to.insert(HeaderName::from_static(EXPIRES), expires_ms.into());
    }
    for (name, text) in &message.headers {
        let encoded = format!("{PREFIX}{}", utf8_percent_encode(name, NAME));
        let header = HeaderName::try_from(encoded).map_err(|_| HeaderError::Text(name.clone()))?;
        to.append(header, value(text, VALUE, name)?);
    }
    Ok(())
}

/// Reads them back; the payload is left empty. Other HTTP headers are none of the message's.
///
/// # Errors
/// When one is not UTF-8.
pub fn read(from: &HeaderMap) -> Result<Message, HeaderError> {
    let mut message = Message::default();
    for (name, value) in from {
        if name == CONTENT_TYPE {
            message.content_type = Some(text(value.as_bytes(), name)?).filter(|text| text != UNSAID);
        } else if name == KEY {
            message.key = Some(text(value.as_bytes(), name)?);
        } else if name == EXPIRES {
            let text = text(value.as_bytes(), name)?;
            message.expires_ms = Some(text.parse().map_err(|_| HeaderError::Number(text))?);
        } else if let Some(own) = name.as_str().strip_prefix(PREFIX) {
            message.headers.push((text(own.as_bytes(), name)?, text(value.as_bytes(), name)?));
        }
    }
    Ok(message)
}

fn value(text: &str, set: &'static AsciiSet, name: &str) -> Result<HeaderValue, HeaderError> {
    let encoded = utf8_percent_encode(text, set).to_string();
    HeaderValue::try_from(encoded).map_err(|_| HeaderError::Text(name.into()))
}

fn text(bytes: &[u8], name: &HeaderName) -> Result<String, HeaderError> {
    let decoded = percent_decode(bytes).decode_utf8().map_err(|_| HeaderError::Text(name.to_string()))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_headers_look_plain() {
        let mut http = HeaderMap::new();
        let message = Message {
            content_type: Some("text/plain; charset=utf-8".into()),
            key: Some("order-7".into()),
            headers: vec![("trace".into(), "a/b".into())],
            ..Message::default()
        };
        write(&message, &mut http).expect("headers");
        assert_eq!(http["content-type"], "text/plain; charset=utf-8");
        assert_eq!(http["hive-key"], "order-7");
        assert_eq!(http["hive-header-trace"], "a/b");
        http.insert("content-type", HeaderValue::from_static(UNSAID));
        http.insert("user-agent", HeaderValue::from_static("curl"));
        assert_eq!(read(&http), Ok(Message { content_type: None, ..message }));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(
            key in prop::option::of(".{0,12}"),
            // A space at either end of a media type is the one thing that HTTP may take away.
            content_type in prop::option::of("[a-zé%/]{1,12}"),
            headers in prop::collection::vec((".{0,8}", ".{0,12}"), 0..4),
            expires_ms in any::<Option<u64>>(),
        ) {
            // A map groups equal names, so the order is kept within a name only.
            let mut headers: Vec<(String, String)> = headers;
            headers.sort();
            let message = Message { key, content_type, headers, expires_ms, ..Message::default() };
            let mut http = HeaderMap::new();
            write(&message, &mut http).expect("headers");
            let mut back = read(&http).expect("a message");
            back.headers.sort();
            prop_assert_eq!(back, message);
        }

        #[test]
        fn no_bytes_panic(name in "hive-header-[a-z%0-9]{0,6}", value in prop::collection::vec(any::<u8>(), 0..12)) {
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) else {
                return Ok(());
            };
            let _ = read(&HeaderMap::from_iter([(name, value)]));
        }
    }
}
