//! What bridges read of those on the other side, and how names are said there.

use bytes::Bytes;
use hive_proto::{channel::Channel, limits::MESH_PREFIX, pattern::Pattern};

use crate::{
    bridge::{carried::read, mqtt, nats, redis},
    bus::{TRAIL_HEADER, Trail},
};

/// The node's own readers, which stand alone: a test binary need not link wasmtime for them.
#[path = "../../../node/src/bridge/spoke"]
#[expect(dead_code, reason = "the node uses more of them than is tried here")]
mod spoke_wire {
    pub(super) mod frame;
    pub(super) mod json;
    pub(super) mod name;
}

#[path = "../../../node/src/bridge/eventhive"]
#[expect(dead_code, reason = "the node uses more of them than is tried here")]
mod eventhive_wire {
    pub(super) mod python;
    pub(super) mod rpc;
}

#[path = "../../../node/src/bridge/hein"]
#[expect(dead_code, reason = "the node uses more of them than is tried here")]
mod hein_wire {
    pub(super) mod typed;
    pub(super) mod wire;
}

#[path = "../../../node/src/bridge/event_engine"]
#[expect(dead_code, reason = "the node uses more of them than is tried here")]
mod event_engine_wire {
    pub(super) mod types;
    pub(super) mod zmtp;
}

#[path = "../../../node/src/bridge/redis"]
mod redis_wire {
    pub(super) mod resp;
}

#[path = "../../../node/src/bridge/webhook"]
#[expect(dead_code, reason = "the node uses more of it than is tried here")]
mod webhook_wire {
    pub(super) mod sign;
}

/// A stream is cut into frames that hold no more than came, and a body is one JSON value, found where it is.
pub fn spoke(bytes: &[u8]) {
    let mut frames = spoke_wire::frame::Frames::new(64);
    let mut held = 0;
    for chunk in bytes.chunks(16) {
        frames.buffer().extend_from_slice(chunk);
        while let Some(frame) = frames.next() {
            let Ok(frame) = frame else { continue };
            held += frame.len() + 1;
            if let Ok(read) = spoke_wire::frame::Frame::read(&frame) {
                assert!(read.body.len() <= frame.len().max(4));
                assert_eq!(spoke_wire::json::value(&read.body), Some(read.is_odd));
                let text = read.head.iter().all(|(_, json)| spoke_wire::json::value(json).is_some());
                assert!(text, "each member of a head is JSON");
            }
        }
        assert!(frames.buffer().len() <= 64 + 16, "what is too long is not kept");
    }
    assert!(held <= bytes.len());
}

/// A message is read or refused, and what Python would write of an object is its own form.
pub fn eventhive(bytes: &[u8]) {
    use eventhive_wire::{
        python::{Fields, Layout, dumps},
        rpc,
    };
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = rpc::Message::decode(text);
    let Ok(fields) = serde_json::from_str::<Fields>(text) else { return };
    for layout in [Layout::Signed, Layout::Printed] {
        let Ok(form) = dumps(&fields, layout) else { return };
        assert!(form.is_ascii());
        // Numbers beyond all bounds have a form that is no JSON.
        let Ok(again) = serde_json::from_str(&form) else { return };
        assert_eq!(dumps(&again, layout).ok(), Some(form));
    }
}

/// Messages hold no more than came, and are read again as they were.
pub fn hein(bytes: &[u8]) {
    const MAX: usize = 256;
    let mut splitter = hein_wire::wire::Splitter::new(MAX);
    let mut held = 0;
    for chunk in bytes.chunks(16) {
        splitter.buffer().extend_from_slice(chunk);
        while let Ok(Some(message)) = splitter.next() {
            held += message.payload.len();
            let mut again = hein_wire::wire::Splitter::new(MAX * 2);
            again.buffer().extend_from_slice(&message.encode());
            assert_eq!(again.next(), Ok(Some(message)));
        }
    }
    assert!(held <= bytes.len());
}

/// What arrives holds no more than came.
pub fn zmtp(bytes: &[u8]) {
    use event_engine_wire::zmtp::{Arrived, Reader, Socket, check_greeting};
    if let Some(greeting) = bytes.first_chunk() {
        let _ = check_greeting(greeting);
    }
    let _ = Socket::Rep.admit(bytes);
    let mut reader = Reader::new(256);
    let mut held = 0;
    for chunk in bytes.chunks(16) {
        reader.buffer().extend_from_slice(chunk);
        while let Ok(Some(arrived)) = reader.next() {
            if let Arrived::Message(parts) = arrived {
                held += parts.iter().map(Bytes::len).sum::<usize>();
            }
        }
    }
    assert!(held <= bytes.len());
}

/// What is no name loses nothing but empty parts, and what a call's channel says is a part of it.
pub fn spoke_names(bytes: &[u8]) {
    use spoke_wire::name::{Rpc, canonical, provided, rpc};
    let Ok(text) = str::from_utf8(bytes) else { return };
    let name = canonical(text);
    assert_eq!(canonical(&name), name);
    assert!(name.len() <= text.len() && !name.contains("//"));
    if let Some(Rpc::Call { base, stem }) = rpc(&name) {
        assert_eq!(format!("{stem}/call"), name);
        assert!(stem.starts_with(&format!("{base}/-rpc/")), "{name}");
    }
    if let Some(base) = provided(&name) {
        assert_eq!(format!("{base}/-rpc/**/call"), name);
    }
}

/// What is read can be written, and what is written can be read by whoever reads hein's values.
pub fn hein_values(bytes: &[u8]) {
    use hein_wire::typed::{from_cbor, from_json, to_cbor};
    if let Ok(value) = to_cbor(bytes) {
        assert!(from_cbor(&value).is_ok());
    }
    for text in [from_cbor(bytes), from_json(bytes)].into_iter().flatten() {
        assert!(to_cbor(&text).is_ok(), "{}", String::from_utf8_lossy(&text));
    }
}

/// A type and its payload are the message, and the longest type is meant.
pub fn event_types(bytes: &[u8]) {
    use event_engine_wire::types::{Said, Types, said};
    let names = ["a", "ab", "abc", "TypeA"];
    let types = Types::new(names.map(str::to_owned).to_vec());
    if let Some((name, payload)) = types.split(bytes) {
        assert_eq!([name.as_bytes(), payload].concat(), bytes);
        assert!(names.iter().all(|other| other.len() <= name.len() || !bytes.starts_with(other.as_bytes())));
    }
    if let Said::Event(event) = said(bytes) {
        assert_eq!(event, bytes);
    }
}

/// Messages hold no more than came, and are the same wherever what came was cut.
pub fn redis(bytes: &[u8]) {
    use redis_wire::resp::{Replies, Said, put_command};
    let all = |chunk: usize| {
        let (mut replies, mut all) = (Replies::new(1 << 20), Vec::new());
        for chunk in bytes.chunks(chunk) {
            replies.buffer().extend_from_slice(chunk);
            loop {
                match replies.next() {
                    Ok(Some(Said::Message { glob, channel, payload })) => {
                        all.push(Ok([glob.unwrap_or_default(), channel, payload].map(<[u8]>::to_vec)));
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        all.push(Err(error));
                        return all;
                    }
                }
            }
        }
        all
    };
    let whole = all(bytes.len().max(1));
    assert_eq!(all(3), whole);
    // What is written as a command is read as a message of the same parts.
    if let Ok(text) = str::from_utf8(bytes) {
        let (mut replies, mut out) = (Replies::new(1 << 20), Vec::new());
        put_command(&mut out, "message", ["a", text].into_iter());
        replies.buffer().extend_from_slice(&out);
        assert_eq!(replies.next(), Ok(Some(Said::Message { glob: None, channel: b"a", payload: bytes })));
    }
    let held: usize = whole.iter().flatten().flatten().map(Vec::len).sum();
    assert!(held <= bytes.len());
}

/// A channel is the same text, and each pattern is one name, one glob, or both.
pub fn redis_names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(channel) = redis::names::channel(text) {
        assert_eq!(channel.as_str(), text);
    }
    let Ok(pattern) = Pattern::parse(text) else { return };
    let wanted = redis::names::wanted(&pattern);
    assert!(wanted.exact.is_some() || wanted.glob.is_some(), "{text}");
    assert_eq!(wanted.glob.is_none(), pattern.is_literal(), "{text}");
}

/// A topic that is a channel is the same text, and a filter has as many levels as its pattern segments.
pub fn mqtt_names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(channel) = mqtt::names::channel(text) {
        assert_eq!(channel.as_str(), text);
    }
    if let (Ok(channel), Ok(topic)) = (Channel::parse(text), mqtt::names::topic(text)) {
        assert_eq!(mqtt::names::channel(topic).ok(), Some(channel));
    }
    let Ok(pattern) = Pattern::parse(text) else { return };
    if let Ok(filter) = mqtt::names::filter(&pattern) {
        assert_eq!(filter.split('/').count(), pattern.segments().count(), "{text}");
    }
}

/// A subject that is a channel is that subject again, and back.
pub fn nats_names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(channel) = nats::names::channel(text)
        && let Ok(subject) = nats::names::subject(channel.as_str())
    {
        assert_eq!(subject, text);
    }
    if let (Ok(channel), Ok(subject)) = (Channel::parse(text), nats::names::subject(text)) {
        assert_eq!(nats::names::channel(&subject).ok(), Some(channel));
    }
    let Ok(pattern) = Pattern::parse(text) else { return };
    if let Ok(subjects) = nats::names::subjects(&pattern) {
        assert!((1..=2).contains(&subjects.len()), "{text}");
    }
}

/// What webhooks have as headers, NATS as headers and MQTT as properties: lines of a name and a value, and a body behind
/// an empty one. What is read is within all limits, and has nothing in it that only the node may say.
pub fn carried(bytes: &[u8]) {
    let (fields, body) = match bytes.windows(2).position(|end| end == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &[][..]),
    };
    let Ok(fields) = str::from_utf8(fields) else { return };
    let fields: Vec<(&str, &str)> = fields.lines().filter_map(|line| line.split_once(':')).collect();
    let Ok((message, trail)) = read::read(fields.iter().copied(), Bytes::copy_from_slice(body)) else {
        return;
    };
    assert_eq!(message.check(), Ok(()));
    assert_eq!(message.payload, body);
    assert!(message.headers().len() <= fields.len());
    assert!(message.headers().iter().all(|(name, _)| !name.starts_with(MESH_PREFIX)));
    assert_ne!(message.expires_ms(), Some(0));
    let said = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(TRAIL_HEADER));
    assert!(said || trail.is_empty(), "nobody said {trail}");
    // What belongs to the mesh and means nothing here changes nothing.
    let more = fields.into_iter().chain([("hive-of-tomorrow", "x")]);
    assert_eq!(read::read(more, message.payload.clone()), Ok((message, trail)));
}

/// Where an event has been is read again as it was.
pub fn trails(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(trail) = text.parse::<Trail>() else { return };
    assert!(trail.to_string().eq_ignore_ascii_case(text), "{text:?} is {trail}");
    assert_eq!(trail.to_string().parse(), Ok(trail));
}

/// Only what was signed is taken for signed.
pub fn signatures(bytes: &[u8]) {
    use webhook_wire::sign::Secret;
    let secret = Secret::new("a secret".to_owned());
    let signed = secret.sign(bytes);
    assert!(secret.has_signed(bytes, &signed));
    if let Ok(text) = str::from_utf8(bytes) {
        assert!(
            !secret.has_signed(b"another body", text) && !secret.has_signed(b"x", &format!("sha256={text}"))
        );
    }
}
