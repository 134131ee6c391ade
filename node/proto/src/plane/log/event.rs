//! An event in a journal: what is needed to send it as if it had just been published.
//!
//! The origin is not in it: the journal is the origin's own, and says so once a segment.

use bytes::Bytes;

use super::{EVENT, Encoded};
use crate::{
    channel::Channel,
    event::{Extra, Message, MessageError},
    frame::wire::{Reader, WireError, put_headers, put_text, put_varint},
    id::Incarnation,
    limits::{CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
    time::Hlc,
};

/// The form that is written.
const FORM: u8 = 1;
const HAS_CONTENT_TYPE: u8 = 1;
const HAS_KEY: u8 = 1 << 1;
const HAS_HEADERS: u8 = 1 << 2;
const HAS_EXPIRY: u8 = 1 << 3;
const KNOWN_FLAGS: u8 = HAS_CONTENT_TYPE | HAS_KEY | HAS_HEADERS | HAS_EXPIRY;

/// One event of a journal. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The life of the origin that published it.
    pub incarnation: Incarnation,
    /// Counts that life's publishes.
    pub sequence: u64,
    /// When, by the origin's clock.
    pub time: Hlc,
    /// How many publishes made while handling another event led here.
    pub depth: u8,
    /// From when on nobody wants it, in milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
    /// The channel, without its network.
    pub channel: Channel,
    /// What was sent.
    pub message: Message,
}

impl Logged {
    /// The message as it was published.
    #[must_use]
    pub fn message(&self) -> Message {
        let after_ms = self.expires_ms.map(|at_ms| at_ms.saturating_sub(self.time.unix_ms()));
        after_ms.into_iter().fold(self.message.clone(), Message::with_expiry)
    }

    /// The record of it, in one allocation.
    ///
    /// # Errors
    /// When it is over a limit, and could not be read again.
    pub fn encode(&self) -> Result<Encoded, MessageError> {
        // What came over a bridge says where it has been, which publishers may not.
        self.message.check_limits()?;
        let headers = self.message.headers();
        let (content_type, key) = (self.message.content_type(), self.message.key());
        let weight = self.message.weight() + self.channel.as_str().len() + 64 + headers.len() * 4;
        let texts = [content_type, key].into_iter().flatten().fold(0, |sum, text| sum + text.len());
        let mut out = Encoded::begin(EVENT, weight + texts);
        let mut flags = 0;
        flags |= if content_type.is_some() { HAS_CONTENT_TYPE } else { 0 };
        flags |= if key.is_some() { HAS_KEY } else { 0 };
        flags |= if headers.is_empty() { 0 } else { HAS_HEADERS };
        flags |= if self.expires_ms.is_some() { HAS_EXPIRY } else { 0 };
        out.extend_from_slice(&[FORM, flags, self.depth]);
        put_varint(&mut out, self.incarnation.0);
        put_varint(&mut out, self.sequence);
        put_varint(&mut out, self.time.0);
        put_text(&mut out, self.channel.as_str());
        if let Some(expires_ms) = self.expires_ms {
            put_varint(&mut out, expires_ms);
        }
        for text in [content_type, key].into_iter().flatten() {
            put_text(&mut out, text);
        }
        if !headers.is_empty() {
            put_headers(&mut out, headers);
        }
        out.extend_from_slice(&self.message.payload);
        Ok(Encoded::end(out))
    }
}

/// Reads an event behind its kind; the payload is the rest.
pub(super) fn decode(mut reader: Reader<'_>) -> Result<Logged, WireError> {
    if reader.u8()? != FORM {
        return Err(WireError::Value("form of the event"));
    }
    let flags = reader.u8()?;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(WireError::Value("flags of the event"));
    }
    let depth = reader.u8()?;
    let (incarnation, sequence) = (Incarnation(reader.varint()?), reader.varint()?);
    let time = Hlc(reader.varint()?);
    let channel = Channel::parse(reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))?;
    let expires_ms = if flags & HAS_EXPIRY != 0 { Some(reader.varint()?) } else { None };
    let mut text = |flag, max| match flags & flag {
        0 => Ok(None),
        _ => reader.text(max).map(|text| Some(text.to_owned())),
    };
    let content_type = text(HAS_CONTENT_TYPE, CONTENT_TYPE_BYTES_MAX)?;
    let key = text(HAS_KEY, KEY_BYTES_MAX)?;
    let headers = if flags & HAS_HEADERS != 0 { reader.headers()? } else { Vec::new() };
    let payload: Bytes = reader.rest();
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(WireError::Value("length of the payload"));
    }
    let message = Message::from_parts(payload, Extra { content_type, key, headers, expires_ms: None });
    Ok(Logged { incarnation, sequence, time, depth, expires_ms, channel, message })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plane::{
        crc::crc32c,
        log::{Body, HEAD_BYTES, Head},
    };

    fn message() -> impl Strategy<Value = Message> {
        let text = || prop::option::of("[a-z]{0,20}");
        let headers = prop::collection::vec(("[a-g]{0,6}", ".{0,8}"), 0..5);
        let payload = prop::collection::vec(any::<u8>(), 0..200);
        (payload, text(), text(), headers).prop_map(|(payload, content_type, key, headers)| {
            Message::from_parts(payload.into(), Extra { content_type, key, headers, expires_ms: None })
        })
    }

    fn logged() -> impl Strategy<Value = Logged> {
        let channel =
            "[a-z$]{1,9}(/[a-zä]{1,9}){0,3}".prop_map(|name| Channel::parse(&name).expect("a channel"));
        (any::<[u64; 3]>(), any::<u8>(), any::<Option<u64>>(), channel, message()).prop_map(
            |([incarnation, sequence, time], depth, expires_ms, channel, message)| Logged {
                incarnation: Incarnation(incarnation),
                sequence,
                time: Hlc(time),
                depth,
                expires_ms,
                channel,
                message,
            },
        )
    }

    fn record(logged: &Logged) -> Vec<u8> {
        logged.encode().expect("it can be written").finish(7, 3, 9).to_vec()
    }

    proptest! {
        #[test]
        fn events_come_back(logged in logged()) {
            let record = Bytes::from(record(&logged));
            let head = Head::decode(record.first_chunk().expect("a head"), 9).expect("a head");
            let body = record.slice(HEAD_BYTES..);
            prop_assert_eq!((head.position, head.synced, head.length as usize), (7, 3, body.len()));
            prop_assert_eq!(head.body_sum, crc32c(0, &body));
            prop_assert!(Body::is_event(&body));
            prop_assert_eq!(Body::decode(&body), Ok(Body::Event(logged)));
        }

        #[test]
        fn a_flipped_bit_is_seen_and_does_no_harm(logged in logged(), at in any::<prop::sample::Index>()) {
            let mut body = record(&logged).split_off(HEAD_BYTES);
            let sum = crc32c(0, &body);
            let bit = at.index(body.len() * 8);
            body[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(crc32c(0, &body), sum);
            let _ = Body::decode(&body.into());
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let channel = Channel::parse("a/b").expect("a channel");
        let logged = |message| Logged {
            incarnation: Incarnation(1),
            sequence: 1,
            time: Hlc(1),
            depth: 0,
            expires_ms: None,
            channel: channel.clone(),
            message,
        };
        let empty = |n| vec![(String::new(), String::new()); n];
        let with = |n| Message::from_parts(Bytes::new(), Extra { headers: empty(n), ..Extra::default() });
        assert_eq!(logged(with(257)).encode().err(), Some(MessageError::TooManyHeaders(257)));
        let most = logged(with(256));
        let body = Bytes::from(record(&most)).slice(HEAD_BYTES..);
        assert_eq!(Body::decode(&body), Ok(Body::Event(most)));
        let large = logged(Message::new(vec![0; PAYLOAD_BYTES_MAX + 1]));
        assert!(matches!(large.encode(), Err(MessageError::PayloadTooLarge(_))));
    }
}
