//! The frames of a data stream beside batches: channel definitions and answers, and the optional parts
//! of a message that both kinds share.

use bytes::{Bytes, BytesMut};

use super::{
    frame_head,
    wire::{Reader, WireError, put_headers, put_text, put_varint},
};
use crate::{
    channel::Channel,
    event::{Extra, Message},
    limits::{CHANNEL_NUMBERS_MAX, CONTENT_TYPE_BYTES_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
};

/// Channel names and the numbers they have from now on.
pub const DATA_DEFINITIONS: u8 = 1;
/// Events, see `batch`.
pub const DATA_BATCH: u8 = 2;
/// The answer to one call.
pub const DATA_ANSWER: u8 = 3;

/// One of several answers to one call.
pub const DATA_PART: u8 = 7;

/// Responders of one node that answer one call at most.
pub const PARTS_MAX: u32 = 1024;
/// Names in one definitions frame, so that it stays far below every frame limit.
const DEFINITIONS_PER_FRAME: usize = 256;
/// Bytes of an error's text; longer ones are cut.
const ERROR_TEXT_BYTES_MAX: usize = 4 << 10;

/// Appends the frames that give `names` the numbers from `first` on.
pub fn put_definitions(out: &mut BytesMut, first: usize, names: &[Channel]) {
    let mut next = first as u64;
    for names in names.chunks(DEFINITIONS_PER_FRAME) {
        let mut body = BytesMut::new();
        put_varint(&mut body, next);
        for name in names {
            put_text(&mut body, name.as_str());
        }
        out.extend_from_slice(&frame_head(DATA_DEFINITIONS, body.len()));
        out.extend_from_slice(&body);
        next = next.saturating_add(names.len() as u64);
    }
}

/// Reads a definitions frame's body: the first number and the names from there on.
///
/// # Errors
/// When it is malformed, or a number is past the limit.
pub fn read_definitions(body: &Bytes) -> Result<(u32, Vec<Channel>), WireError> {
    let mut reader = Reader::new(body);
    let first = u32::try_from(reader.varint()?).map_err(|_| WireError::Value("channel number"))?;
    let mut names = Vec::new();
    while !reader.is_empty() {
        let name = reader.text(NAME_BYTES_MAX)?;
        names.push(Channel::parse(name).map_err(|_| WireError::Value("channel"))?);
    }
    let end = u64::from(first).saturating_add(names.len() as u64);
    if end > u64::from(CHANNEL_NUMBERS_MAX) {
        return Err(WireError::Value("channel number"));
    }
    Ok((first, names))
}

/// How a call ended without an answer, as the wire says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// The responder's trouble; it may pass.
    Failed,
    /// The responder's refusal; the same request will fail again.
    Rejected,
    /// Nobody answers there any more.
    NoResponder,
    /// The responder's node could not take it.
    Unavailable,
}

impl CallFault {
    const ALL: [Self; 4] = [Self::Failed, Self::Rejected, Self::NoResponder, Self::Unavailable];

    fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Rejected => 2,
            Self::NoResponder => 3,
            Self::Unavailable => 4,
        }
    }
}

/// An answer frame, whole.
#[must_use]
pub fn put_answer(call: u64, outcome: Result<&Message, (CallFault, String)>) -> Bytes {
    let mut body = BytesMut::new();
    put_varint(&mut body, call);
    put_outcome(&mut body, outcome);
    whole(DATA_ANSWER, &body)
}

/// The frame of one of `of` answers to a call that went to everybody.
#[must_use]
pub fn put_part(call: u64, of: u32, outcome: Result<&Message, (CallFault, String)>) -> Bytes {
    let mut body = BytesMut::new();
    put_varint(&mut body, call);
    put_varint(&mut body, of.into());
    put_outcome(&mut body, outcome);
    whole(DATA_PART, &body)
}

fn whole(kind: u8, body: &BytesMut) -> Bytes {
    let mut frame = BytesMut::from(&frame_head(kind, body.len())[..]);
    frame.extend_from_slice(body);
    frame.freeze()
}

fn put_outcome(body: &mut BytesMut, outcome: Result<&Message, (CallFault, String)>) {
    match outcome {
        Ok(message) => {
            body.extend_from_slice(&[0]);
            put_extra(body, message.extra().unwrap_or(&Extra::default()));
            body.extend_from_slice(&message.payload);
        }
        Err((fault, text)) => {
            body.extend_from_slice(&[fault.code()]);
            body.extend_from_slice(cut(&text).as_bytes());
        }
    }
}

/// How a call ended.
pub type Outcome = Result<Message, (CallFault, String)>;
/// The number of a call and its outcome.
pub type Answer = (u64, Outcome);

/// Reads an answer frame's body: which call, and its outcome.
///
/// # Errors
/// When it is malformed.
pub fn read_answer(body: &Bytes) -> Result<Answer, WireError> {
    let mut reader = Reader::new(body);
    Ok((reader.varint()?, read_outcome(reader)?))
}

/// Reads the body of one of several answers: which call, how many answers come from this node, and the outcome.
///
/// # Errors
/// When it is malformed, or there are to be none or more than [`PARTS_MAX`].
pub fn read_part(body: &Bytes) -> Result<(u64, u32, Outcome), WireError> {
    let mut reader = Reader::new(body);
    let call = reader.varint()?;
    let of = u32::try_from(reader.varint()?).ok().filter(|of| (1..=PARTS_MAX).contains(of));
    let of = of.ok_or(WireError::Value("number of answers"))?;
    Ok((call, of, read_outcome(reader)?))
}

fn read_outcome(mut reader: Reader<'_>) -> Result<Outcome, WireError> {
    let code = reader.u8()?;
    if code == 0 {
        let extra = read_extra(&mut reader)?;
        let payload = reader.rest();
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(WireError::Value("payload length"));
        }
        return Ok(Ok(Message::from_parts(payload, extra)));
    }
    let fault = CallFault::ALL.into_iter().find(|fault| fault.code() == code);
    let fault = fault.ok_or(WireError::Value("answer code"))?;
    let text = String::from_utf8_lossy(cut_bytes(&reader.rest())).into_owned();
    Ok(Err((fault, text)))
}

/// In the first byte of the optional parts: there is a media type.
const HAS_TYPE: u8 = 1;
/// It expires: after how long follows the media type.
const HAS_EXPIRY: u8 = 1 << 1;

/// Appends the optional parts: what there is of media type and expiry; whether there is a key, and that; the headers.
pub(super) fn put_extra(out: &mut BytesMut, extra: &Extra) {
    let Extra { content_type, key, headers, expires_ms } = extra;
    let has = |there: bool, flag| if there { flag } else { 0 };
    out.extend_from_slice(&[has(content_type.is_some(), HAS_TYPE) | has(expires_ms.is_some(), HAS_EXPIRY)]);
    content_type.iter().for_each(|text| put_text(out, text));
    expires_ms.iter().for_each(|ms| put_varint(out, *ms));
    out.extend_from_slice(&[u8::from(key.is_some())]);
    key.iter().for_each(|text| put_text(out, text));
    put_headers(out, headers);
}

/// Reads the optional parts.
pub(super) fn read_extra(reader: &mut Reader<'_>) -> Result<Extra, WireError> {
    let has = reader.u8()?;
    if has & !(HAS_TYPE | HAS_EXPIRY) != 0 {
        return Err(WireError::Value("optional text"));
    }
    let content_type = (has & HAS_TYPE != 0).then(|| reader.text(CONTENT_TYPE_BYTES_MAX).map(str::to_owned));
    let content_type = content_type.transpose()?;
    let expires_ms = (has & HAS_EXPIRY != 0).then(|| reader.varint()).transpose()?;
    let key = read_optional(reader, KEY_BYTES_MAX)?;
    let headers = reader.headers()?;
    Ok(Extra { content_type, key, headers, expires_ms })
}

fn read_optional(reader: &mut Reader<'_>, max: usize) -> Result<Option<String>, WireError> {
    match reader.u8()? {
        0 => Ok(None),
        1 => reader.text(max).map(|text| Some(text.to_owned())),
        _ => Err(WireError::Value("optional text")),
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(ERROR_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

fn cut_bytes(bytes: &[u8]) -> &[u8] {
    bytes.get(..ERROR_TEXT_BYTES_MAX).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body of a frame whose head is one type byte and a varint.
    fn body(frame: &Bytes) -> Bytes {
        let frame = frame.slice(1..);
        let mut reader = Reader::new(&frame);
        let length = reader.varint().expect("a length");
        let body = reader.rest();
        assert_eq!(body.len() as u64, length);
        body
    }

    #[test]
    fn answers_are_read_as_written() {
        let message = Message::from("hi").with_content_type("text/plain").with_header("a", "b");
        assert_eq!(read_answer(&body(&put_answer(7, Ok(&message)))), Ok((7, Ok(message))));
        for fault in CallFault::ALL {
            let frame = put_answer(9, Err((fault, "why".into())));
            assert_eq!(read_answer(&body(&frame)), Ok((9, Err((fault, "why".into())))));
        }
        let part = read_part(&body(&put_part(7, 3, Ok(&Message::from("hi")))));
        assert_eq!(part, Ok((7, 3, Ok(Message::from("hi")))));
        for of in [0, PARTS_MAX + 1] {
            let frame = put_part(7, of, Err((CallFault::Failed, String::new())));
            assert_eq!(read_part(&body(&frame)), Err(WireError::Value("number of answers")));
        }
        let crowded = Message::from_parts(
            Bytes::new(),
            Extra { headers: vec![Default::default(); 256], ..Extra::default() },
        );
        assert_eq!(crowded.check(), Ok(()));
        assert_eq!(read_answer(&body(&put_answer(7, Ok(&crowded)))), Ok((7, Ok(crowded))));
        let long = "é".repeat(ERROR_TEXT_BYTES_MAX);
        let (_, outcome) =
            read_answer(&body(&put_answer(1, Err((CallFault::Failed, long))))).expect("an answer");
        assert!(outcome.expect_err("a fault").1.chars().all(|c| c == 'é'));
    }

    #[test]
    fn definitions_are_read_as_written() {
        let names: Vec<_> = (0..600).map(|n| Channel::parse(&format!("a/{n}")).expect("a channel")).collect();
        let mut out = BytesMut::new();
        put_definitions(&mut out, 3, &names);
        let mut bytes = out.freeze();
        let mut read = Vec::new();
        while !bytes.is_empty() {
            let frame = bytes.slice(1..);
            let mut reader = Reader::new(&frame);
            let length = reader.varint().expect("a length") as usize;
            let (first, names) = read_definitions(&reader.bytes(length).expect("a body")).expect("names");
            assert_eq!(first as usize, 3 + read.len());
            read.extend(names);
            bytes = reader.rest();
        }
        assert_eq!(read, names);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let bytes = Bytes::from(bytes);
            let _ = read_definitions(&bytes);
            let _ = read_answer(&bytes);
            let _ = read_part(&bytes);
        }
    }
}
