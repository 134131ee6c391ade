//! Control frames come back as they were sent, and anything else is refused by name.

use proptest::prelude::*;

use super::*;
use crate::{frame::split_frame, limits::CONTROL_FRAME_BYTES_MAX};

fn decode(whole: &[u8]) -> Result<Option<Control>, ControlError> {
    let mut buffer = BytesMut::from(whole);
    let (kind, body) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX).expect("a frame").expect("whole");
    assert!(buffer.is_empty());
    Control::decode(kind, &body)
}

#[test]
fn what_is_wrong_is_named() {
    let wire = |frame, source| Err(ControlError::Wire { frame, source });
    assert_eq!(decode(&[1, 0]), Err(ControlError::Kind(1)));
    assert_eq!(decode(&[0x90, 0]), Ok(None), "optional kinds are skipped");
    assert_eq!(decode(&[GREETING, 1, 0]), wire("greeting", WireError::Truncated));
    assert_eq!(decode(&[0x28, 2, 1, 1]), wire("gossip", WireError::Trailing(1)));
    assert_eq!(decode(&[BYE, 2, 1, 9]), wire("farewell", WireError::Truncated));
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

fn control() -> impl Strategy<Value = Control> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    prop_oneof![
        (numbers, "[^\\pC]{0,16}").prop_map(|((minor, features, incarnation, dial, unix_ms), name)| {
            let incarnation = Incarnation(incarnation);
            Control::Greeting(Greeting { minor, features, incarnation, dial, unix_ms, name })
        }),
        any::<[u8; 32]>().prop_map(|root| Control::Gossip(Gossip::Digest(root))),
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
