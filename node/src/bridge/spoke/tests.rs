//! Frames as Python writes and reads them, and what they become here.

use bytes::Bytes;
use hive_proto::{
    channel::{Channel, NetworkIndex},
    id::{EventId, Incarnation, NodeId},
    time::Hlc,
};
use proptest::prelude::*;

use super::{
    frame::{Frame, FrameError, Frames},
    json, say,
};
use crate::bus::{Event, Message, Trail};

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn read(text: &str) -> Result<Frame, FrameError> {
    Frame::read(&bytes(text))
}

fn event(message: Message, retained: bool) -> Event {
    Event {
        id: EventId { origin: NodeId([7; 32]), incarnation: Incarnation(1), sequence: 1 },
        channel: Channel::parse("spoke/foo").expect("a channel"),
        network: NetworkIndex::HOME,
        time: Hlc::from_unix_ms(1_795_239_726_598),
        attempt: 1,
        depth: 0,
        retained,
        message,
    }
}

fn said(message: Message, retained: bool) -> Result<String, &'static str> {
    let mut out = Vec::new();
    say::put_event(&mut out, "foo", &event(message, retained), (true, None))?;
    assert_eq!(out.pop(), Some(0));
    Ok(String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn what_pyspoke_sends_is_read() {
    let frame =
        read(r#"{"head": {"persist": false, "channel": "foo", "x": [1, "\u00e9"]}, "body": {"n": 5}}"#);
    let frame = frame.expect("a frame");
    assert_eq!((frame.channel.as_str(), &frame.body[..], frame.is_odd), ("foo", &br#"{"n": 5}"#[..], false));
    assert_eq!(frame.member("x"), Some(&bytes(r#"[1, "\u00e9"]"#)));
    let odd =
        read(r#"{"head": {"channel": "a\/\u00fc\ud83d\ude00"}, "body": [NaN, -Infinity]}"#).expect("a frame");
    assert_eq!((odd.channel.as_str(), odd.is_odd), ("a/ü😀", true));
    let bare = read(r#" {"head":{"channel":"a"}} "#).expect("a frame");
    assert_eq!(&bare.body[..], b"null");
    let twice = read(r#"{"body":1,"head":{"channel":"a","channel":"b"},"body":2}"#).expect("a frame");
    assert_eq!((twice.channel.as_str(), &twice.body[..]), ("b", &b"2"[..]));
}

#[test]
fn what_pyspoke_passes_over_is_an_error() {
    let check = |text: &str, want: FrameError| assert_eq!(read(text), Err(want), "{text}");
    check("", FrameError::Json(0));
    check("[1", FrameError::Json(2));
    check("[1]", FrameError::Head);
    check(r#"{"body": 1}"#, FrameError::Head);
    check(r#"{"head": [], "body": 1}"#, FrameError::Head);
    check(r#"{"head": {}, "body": 1}"#, FrameError::Channel);
    check(r#"{"head": {"channel": 5}}"#, FrameError::Channel);
    check(r#"{"head": {"channel": "a"}} x"#, FrameError::Json(27));
    check("{\"head\": {\"channel\": \"a\nb\"}}", FrameError::Json(23));
    assert_eq!(Frame::read(&Bytes::from_static(b"{\"head\": \"\xff\"}")), Err(FrameError::Utf8));
    let deep = format!("{{\"head\":{{\"channel\":\"a\"}},\"body\":{}1{}}}", "[".repeat(600), "]".repeat(600));
    assert!(matches!(read(&deep), Err(FrameError::Json(_))));
}

#[test]
fn a_stream_is_cut_wherever_it_arrives() {
    let mut frames = Frames::new(8);
    let mut put = |bytes: &[u8]| {
        frames.buffer().extend_from_slice(bytes);
        std::iter::from_fn(|| frames.next()).collect::<Vec<_>>()
    };
    assert_eq!(put(b"ab"), []);
    assert_eq!(put(b"c\0\0d"), [Ok(bytes("abc")), Ok(bytes(""))]);
    assert_eq!(put(b"ef\0"), [Ok(bytes("def"))]);
    assert_eq!(put(b"0123456789"), []);
    assert_eq!(put(b"0123456789\0ok\0"), [Err(FrameError::TooLong(8)), Ok(bytes("ok"))]);
}

#[test]
fn events_are_said_as_pyspoke_reads_them() {
    let json = Message::from(r#"{"n":5}"#).with_content_type("application/json");
    assert_eq!(
        said(json, false).as_deref(),
        Ok(r#"{"head": {"channel": "foo", "persist": false, "time": 1795239726.598}, "body": {"n":5}}"#)
    );
    let with_head = Message::from("5")
        .with_header("spoke-head", r#"{"x": "y", "time": 1.5, "bounce": 1, "channel": "z"}"#);
    assert_eq!(
        said(with_head, true).as_deref(),
        Ok(r#"{"head": {"channel": "foo", "x": "y", "time": 1.5, "persist": true}, "body": 5}"#)
    );
    let check = |message: Message, want: Result<&str, ()>| {
        let got = said(message, false).map_err(|_| ());
        let body = got.as_deref().map(|text| text.split_once("\"body\": ").expect("a body").1);
        assert_eq!(body.map(|body| body.strip_suffix('}').expect("its end")), want.as_ref().copied());
    };
    check(Message::from(""), Ok("null"));
    check(Message::from("hello"), Ok("\"hello\""));
    check(Message::from("5").with_content_type("text/plain"), Ok("\"5\""));
    check(Message::from("[NaN]").with_content_type("application/json5"), Ok("[NaN]"));
    check(Message::from(vec![0x82, 0x01, 0x61, 0x61]).with_content_type("application/cbor"), Ok("[1,\"a\"]"));
    check(Message::from(vec![0xff, 0xfe]), Err(()));
}

/// An id is any word, as other media let somebody choose one.
#[test]
fn where_it_has_been_is_said_as_a_text() {
    let trail = Trail::begun(Some(r#"a"b\c"#)).expect("an id");
    let mut out = Vec::new();
    say::put_event(&mut out, "foo", &event(Message::from("5"), false), (true, Some(&trail))).expect("JSON");
    let frame = Frame::read(&Bytes::copy_from_slice(out.strip_suffix(b"\0").expect("its end")));
    assert_eq!(say::Said::of(&frame.expect("a frame")).trail, trail);
}

#[test]
fn results_are_answers() {
    let answer = |text: &str| say::answer(&bytes(text)).map(|message| message.payload);
    assert_eq!(answer(r#"{"okay": [1, 2]}"#), Ok(bytes("[1, 2]")));
    assert_eq!(answer(r#"{"error": "'nope'"}"#), Err("'nope'".to_owned()));
    assert!(answer("{}").is_err() && answer("5").is_err());
    assert_eq!(say::result(Ok(&Message::from("5"))), br#"{"okay": 5}"#);
    assert_eq!(say::result(Err("no \"way\"")), br#"{"error": "no \"way\""}"#);
}

/// JSON of any shape, as Python might write it.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-9_999_i32..9_999).prop_map(|n| serde_json::json!(f64::from(n) / 8.0)),
        "\\PC{0,12}".prop_map(Into::into),
        "[\\x00-\\x20\"\\\\/]{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_read_as_others_read_it(value in value()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
            prop_assert_eq!(json::value(text.as_bytes()), Some(false));
            if let serde_json::Value::Object(map) = &value {
                let members = json::members(&bytes(&text)).expect("an object");
                let read: serde_json::Map<String, serde_json::Value> = members
                    .into_iter()
                    .map(|(key, json)| (key, serde_json::from_slice(&json).expect("JSON")))
                    .collect();
                prop_assert_eq!(&read, map);
            }
            if let serde_json::Value::String(inside) = &value {
                let read = json::text(text.as_bytes());
                prop_assert_eq!(read.as_ref(), Some(inside));
            }
        }
    }

    #[test]
    fn whatever_is_taken_for_json_others_take_too(text in "[\\[\\]{}\",:0-9.eE+\\-truefalsn \\\\u]{0,24}") {
        let others = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        prop_assert_eq!(json::value(text.as_bytes()).is_some_and(|odd| !odd), others, "{}", text);
    }

    #[test]
    fn a_body_arrives_as_it_was(value in value(), channel in "[a-z]{1,4}(/[a-z]{1,4}){0,3}") {
        let text = serde_json::json!({ "head": { "channel": channel, "x": value }, "body": value }).to_string();
        let frame = read(&text).expect("a frame");
        let said = say::Said::of(&frame);
        prop_assert!(said.bounce && !said.persist);
        let mut out = Vec::new();
        say::put_event(&mut out, &channel, &event(said.message, false), (true, None)).expect("JSON");
        let out = out.strip_suffix(b"\0").expect("its end");
        let read: serde_json::Value = serde_json::from_slice(out).expect("JSON");
        prop_assert_eq!(&read["body"], &value);
        prop_assert_eq!(&read["head"]["x"], &value);
        prop_assert_eq!(read["head"]["channel"].as_str(), Some(channel.as_str()));
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1_usize..50) {
        let mut frames = Frames::new(64);
        for chunk in bytes.chunks(cut) {
            frames.buffer().extend_from_slice(chunk);
            while let Some(frame) = frames.next() {
                if let Ok(frame) = frame.and_then(|frame| Frame::read(&frame)) {
                    say::Said::of(&frame);
                }
            }
            prop_assert!(frames.buffer().len() <= 64 + cut);
        }
    }
}
