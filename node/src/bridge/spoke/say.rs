//! What a frame means here, and how what happens here is said in a frame.

use std::{io::Write as _, sync::LazyLock};

use bytes::Bytes;
use hive_proto::time::Hlc;

use super::{
    frame::Frame,
    json::{is_true, members, text, value},
};
use crate::bus::{Event, Message, Trail};

/// The header that holds the members of a head that mean nothing here, as a JSON object.
pub(super) const HEAD_HEADER: &str = "spoke-head";
/// The member of a head that says where a message has been. Real peers pass it on as they do all they do not know.
const TRAIL_MEMBER: &str = "hive-bridge";
/// Members that are said anew for each message.
const SAID_ANEW: [&str; 4] = ["channel", "bounce", "persist", TRAIL_MEMBER];

const JSON: &str = "application/json";
/// What has `NaN` in it is no JSON, and this is.
const ODD_JSON: &str = "application/json5";

/// A message of a spoke peer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) message: Message,
    /// Whoever published it is to have it too.
    pub(super) bounce: bool,
    /// It is to be kept.
    pub(super) persist: bool,
    /// When it was published first, by whoever says so.
    pub(super) time: Option<Hlc>,
    pub(super) trail: Trail,
}

impl Said {
    pub(super) fn of(frame: &Frame) -> Self {
        let truth = |key, usual| frame.member(key).map_or(usual, |json| is_true(json));
        let time = frame.member("time").and_then(|json| seconds(json));
        Self {
            message: message(frame),
            bounce: truth("bounce", true),
            persist: truth("persist", false),
            time,
            trail: trail(frame),
        }
    }
}

/// Where it has been. What came through a server has a time; with it, two copies of one message that came by two ways are
/// known to be one.
fn trail(frame: &Frame) -> Trail {
    let said = frame.member(TRAIL_MEMBER).and_then(|json| text(json)?.parse().ok());
    let by_time = || {
        let mut hash = blake3::Hasher::new();
        for part in [frame.channel.as_bytes(), frame.member("time")?, &frame.body] {
            hash.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Trail::begun(Some(&format!("spoke-{}", &hash.finalize().to_hex()[..32]))).ok()
    };
    said.or_else(by_time).unwrap_or_default()
}

/// What nearly all messages have in common, so that they share it.
static PLAIN: LazyLock<Message> = LazyLock::new(|| Message::default().with_content_type(JSON));

fn message(frame: &Frame) -> Message {
    let message = match frame.is_odd {
        false => PLAIN.with_payload(frame.body.clone()),
        true => Message::new(frame.body.clone()).with_content_type(ODD_JSON),
    };
    let mut rest = Vec::new();
    for (key, json) in frame.head.iter().filter(|(key, _)| !SAID_ANEW.contains(&key.as_str())) {
        put_member(&mut rest, key, json);
    }
    match String::from_utf8(rest) {
        Ok(rest) if !rest.is_empty() => message.with_header(HEAD_HEADER, format!("{{{rest}}}")),
        _ => message,
    }
}

/// A number of seconds since the Unix epoch.
fn seconds(json: &[u8]) -> Option<Hlc> {
    let seconds: f64 = std::str::from_utf8(json).ok()?.parse().ok()?;
    let ticks = seconds * 1000.0 * 65536.0;
    // Times to come are capped where they are used; what is no time is none.
    (ticks.is_finite() && ticks >= 0.0).then_some(Hlc(ticks as u64))
}

/// Writes an event as a frame, its end with it.
///
/// # Errors
/// When its content cannot be said.
pub(super) fn put_event(
    out: &mut Vec<u8>,
    channel: &str,
    event: &Event,
    (bounce, trail): (bool, Option<&Trail>),
) -> Result<(), &'static str> {
    let body = body(&event.message)?;
    begin(out, channel);
    let rest = event.message.headers().iter().find(|(name, _)| name == HEAD_HEADER);
    let rest = rest.and_then(|(_, json)| members(&Bytes::copy_from_slice(json.as_bytes())));
    let mut has_time = false;
    for (key, json) in rest.into_iter().flatten().filter(|(key, _)| !SAID_ANEW.contains(&key.as_str())) {
        has_time |= key == "time";
        put_member(out, &key, &json);
    }
    put_member(out, "persist", if event.retained { b"true" } else { b"false" });
    if !has_time {
        let ms = event.time.unix_ms();
        put_key(out, "time");
        // Writing into memory cannot fail, here and below.
        let _ = write!(out, "{}.{:03}", ms / 1000, ms % 1000);
    }
    if !bounce {
        put_member(out, "bounce", b"false");
    }
    if let Some(trail) = trail {
        put_key(out, TRAIL_MEMBER);
        put_string(out, &trail.to_string());
    }
    end(out, &body);
    Ok(())
}

/// Writes a frame of the node's own: a subscription, a call or a result.
pub(super) fn put_own(out: &mut Vec<u8>, channel: &str, body: &[u8]) {
    begin(out, channel);
    put_member(out, "persist", b"false");
    put_member(out, "bounce", b"false");
    end(out, body);
}

/// Writes a frame that comes back to whoever is subscribed, also to whoever said it.
pub(super) fn put_echoed(out: &mut Vec<u8>, channel: &str) {
    begin(out, channel);
    put_member(out, "persist", b"false");
    end(out, b"null");
}

fn begin(out: &mut Vec<u8>, channel: &str) {
    out.extend_from_slice(b"{\"head\": {");
    put_key(out, "channel");
    put_string(out, channel);
}

fn end(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(b"}, \"body\": ");
    out.extend_from_slice(body);
    out.extend_from_slice(b"}\0");
}

fn put_member(out: &mut Vec<u8>, key: &str, json: &[u8]) {
    put_key(out, key);
    out.extend_from_slice(json);
}

fn put_key(out: &mut Vec<u8>, key: &str) {
    if !matches!(out.last(), None | Some(b'{')) {
        out.extend_from_slice(b", ");
    }
    put_string(out, key);
    out.extend_from_slice(b": ");
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

/// A text as JSON.
pub(super) fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    put_string(&mut out, text);
    out
}

/// A message's content as JSON: what is JSON as it is, text as a string, CBOR as what it stands for.
///
/// # Errors
/// For other bytes.
pub(super) fn body(message: &Message) -> Result<Bytes, &'static str> {
    const NEITHER: &str = "its content is neither JSON nor text, and spoke knows nothing else";
    let payload = &message.payload;
    let content_type = message.content_type().unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"null"));
    }
    if kind == "application/cbor" {
        let value: serde_json::Value = ciborium::from_reader(&payload[..])
            .map_err(|_| "its CBOR has something in it that JSON cannot say, such as bytes")?;
        return serde_json::to_vec(&value).map(Bytes::from).map_err(|_| NEITHER);
    }
    let is_json = match kind {
        JSON | ODD_JSON | "" => true,
        kind => kind.ends_with("+json"),
    };
    if is_json && value(payload).is_some() {
        return Ok(payload.clone());
    }
    let text = std::str::from_utf8(payload).map_err(|_| NEITHER)?;
    Ok(string(text).into())
}

/// A result's body for an answer.
pub(super) fn result(outcome: Result<&Message, &str>) -> Vec<u8> {
    let answer = match outcome {
        Ok(message) => body(message).map_err(str::to_owned),
        Err(error) => Err(error.to_owned()),
    };
    let (key, json) = match answer {
        Ok(json) => ("okay", json),
        Err(error) => ("error", string(&error).into()),
    };
    let mut out = b"{".to_vec();
    put_member(&mut out, key, &json);
    out.push(b'}');
    out
}

/// The answer in a result's body.
///
/// # Errors
/// What the provider says went wrong.
pub(super) fn answer(body: &Bytes) -> Result<Message, String> {
    let malformed = || "the provider's answer is malformed: it has neither `okay` nor `error`".to_owned();
    let members = members(body).ok_or_else(malformed)?;
    let member = |key: &str| members.iter().rev().find(|(known, _)| known == key).map(|(_, json)| json);
    match (member("okay"), member("error")) {
        (Some(json), _) => {
            let content_type = if value(json) == Some(true) { ODD_JSON } else { JSON };
            Ok(Message::new(json.clone()).with_content_type(content_type))
        }
        (None, Some(json)) => Err(text(json).unwrap_or_else(|| String::from_utf8_lossy(json).into_owned())),
        (None, None) => Err(malformed()),
    }
}
