//! Control frames come back as they were sent, and anything else is refused by name.

use proptest::prelude::*;

use super::*;
use crate::frame::split_frame;

fn decode(whole: &[u8]) -> Result<Option<Control>, ControlError> {
    let mut buffer = BytesMut::from(whole);
    let (kind, body) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX).expect("a frame").expect("whole");
    assert!(buffer.is_empty());
    Control::decode(kind, &body)
}

fn add(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
}

/// An interest frame with one operation, written by hand.
fn interest(flags: u8, code: u8, text: &str) -> Vec<u8> {
    let mut body = vec![1, flags, code];
    put_text(&mut body, text);
    frame(INTEREST, &body).to_vec()
}

#[test]
fn what_is_wrong_is_named() {
    let wire = |frame, source| Err(ControlError::Wire { frame, source });
    assert_eq!(decode(&[1, 0]), Err(ControlError::Kind(1)));
    assert_eq!(decode(&[0x90, 0]), Ok(None), "optional kinds are skipped");
    assert_eq!(decode(&[GREETING, 1, 0]), wire("greeting", WireError::Truncated));
    assert_eq!(decode(&[INTEREST_ACK, 2, 1, 1]), wire("acknowledgement", WireError::Trailing(1)));
    assert_eq!(decode(&[BYE, 2, 1, 9]), wire("farewell", WireError::Truncated));
    assert_eq!(decode(&interest(4, ADD, "a/b")), Err(ControlError::Code(4)));
    assert_eq!(decode(&interest(LAST, 5, "a/b")), Err(ControlError::Code(5)));
    assert_eq!(decode(&interest(LAST, ADD, "**/*")), Err(ControlError::Abnormal("**/*".into())));
    let local = Pattern::parse("bee_stuff").expect("a pattern");
    assert_eq!(decode(&interest(LAST, ADD, "bee_stuff")), Err(ControlError::Local(local)));
    assert!(matches!(decode(&interest(LAST, ADD, "a//b")), Err(ControlError::Pattern(_))));
}

#[test]
fn names_are_for_one_line() {
    let greeting = |name: &str| {
        let incarnation = Incarnation(1);
        let greeting =
            Greeting { minor: 0, features: 0, incarnation, dial: 0, unix_ms: 0, name: name.into() };
        decode(&Control::Greeting(greeting).encode())
    };
    assert!(greeting("kitchen").is_ok());
    assert_eq!(greeting("kit\nchen"), Err(ControlError::Name));
    let over = WireError::OverLimit { value: 65, max: 64 };
    assert_eq!(greeting(&"k".repeat(65)), Err(ControlError::Wire { frame: "greeting", source: over }));
}

#[test]
fn a_greeting_of_a_later_minor_version_is_read() {
    let greeting = Greeting {
        minor: 7,
        features: u64::MAX,
        incarnation: Incarnation(3),
        dial: 9,
        unix_ms: 1,
        name: "n".into(),
    };
    let mut body = BytesMut::new();
    greeting.put(&mut body);
    body.put_slice(b"more");
    assert_eq!(decode(&frame(GREETING, &body)), Ok(Some(Control::Greeting(greeting))));
}

#[test]
fn a_large_change_goes_in_several_frames() {
    let ops: Vec<_> = (0..3000).map(|n| add(&format!("some/long/enough/name/for/this/{n}"))).collect();
    let frames = interest_frames(5, true, &ops);
    assert!(frames.len() > 1);
    let mut read = Vec::new();
    for (at, bytes) in frames.iter().enumerate() {
        let Ok(Some(Control::Interest(part))) = decode(bytes) else { panic!("no interest") };
        assert_eq!((part.version, part.reset, part.last), (5, true, at + 1 == frames.len()));
        read.extend(part.ops);
    }
    assert_eq!(read, ops);
    assert_eq!(interest_frames(5, false, []).len(), 1, "nothing is a change too");
}

fn op() -> impl Strategy<Value = InterestOp> {
    let segment = prop_oneof!["[a-z]{1,9}", Just("*".to_owned()), Just("**".to_owned())];
    let pattern = prop::collection::vec(segment, 2..6).prop_filter_map("no network pattern", |segments| {
        Pattern::parse(&segments.join("/")).ok().filter(|pattern| !pattern.is_local())
    });
    let block = (0..4096_u16, prop::collection::vec(any::<u16>(), 0..60));
    (pattern, block, 0..5_u8).prop_map(|(pattern, (number, prints), code)| match code {
        REMOVE => InterestOp::Remove(pattern),
        BLOCK => InterestOp::Block(FilterBlock::of(number, prints).expect("a block")),
        code => InterestOp::Add(Wanted {
            pattern,
            answers: code == ADD_ANSWERING,
            approximate: code == ADD_APPROXIMATE,
        }),
    })
}

fn control() -> impl Strategy<Value = Control> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    prop_oneof![
        (numbers, "[^\\pC]{0,16}").prop_map(|((minor, features, incarnation, dial, unix_ms), name)| {
            let incarnation = Incarnation(incarnation);
            Control::Greeting(Greeting { minor, features, incarnation, dial, unix_ms, name })
        }),
        (any::<u64>(), any::<bool>(), any::<bool>(), prop::collection::vec(op(), 0..20)).prop_map(
            |(version, reset, last, ops)| Control::Interest(Interest { version, reset, last, ops })
        ),
        any::<u64>().prop_map(|version| Control::InterestAck { version }),
        (any::<u8>(), "\\PC{0,60}")
            .prop_map(|(code, text)| Control::Bye(Bye { reason: ByeReason::from_code(code), text })),
    ]
}

proptest! {
    #[test]
    fn frames_come_back(control in control()) {
        prop_assert_eq!(decode(&control.encode()), Ok(Some(control)));
    }

    #[test]
    fn any_bytes_decode_or_are_refused(
        kind in prop_oneof![0x10_u8..0x14, any::<u8>()],
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = Control::decode(kind, &body.into());
    }

    /// One wrong byte in a good frame reaches further into the decoders than noise does.
    #[test]
    fn damaged_frames_decode_or_are_refused(
        control in control(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = control.encode().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some((kind, body))) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX) {
            let _ = Control::decode(kind, &body);
        }
    }
}
