//! The bytes of one message in a stream, made and read.
//!
//! They are a record of the journal on disk: its sums and its position are checked, so that what somebody else put into
//! the stream, or moved in it, is not taken for an event of this node. Whoever seals what leaves the node does it in
//! these two functions, and nowhere else.

use bytes::Bytes;
use hive_proto::plane::{
    crc::crc32c,
    log::{Body, Encoded, HEAD_BYTES, Head},
};

/// The sums need no salt: a message is one record, so nothing inside a payload can be taken for one.
const SALT: u32 = 0;

/// The bytes that are sent. Cursors have position 0.
pub(super) fn make(record: &mut Encoded, position: u64) -> Bytes {
    Bytes::copy_from_slice(record.finish(position, 0, SALT))
}

/// What the bytes at a position say; none when they were not made for it.
pub(super) fn read(bytes: &Bytes, position: u64) -> Option<Body> {
    let head = Head::decode(bytes.first_chunk::<HEAD_BYTES>()?, SALT)?;
    let body = bytes.slice(HEAD_BYTES..);
    let whole = head.position == position && head.length as usize == body.len();
    if !whole || crc32c(0, &body) != head.body_sum {
        return None;
    }
    Body::decode(&body).ok()
}

#[cfg(test)]
mod tests {
    use hive_proto::{channel::Channel, event::Message, id::Incarnation, plane::log::Logged, time::Hlc};
    use proptest::prelude::*;

    use super::*;

    fn event(payload: Vec<u8>) -> Logged {
        Logged {
            incarnation: Incarnation(3),
            sequence: 9,
            time: Hlc(5),
            depth: 1,
            expires_ms: None,
            channel: Channel::parse("a/b").expect("a channel"),
            message: Message::new(payload),
        }
    }

    proptest! {
        #[test]
        fn records_come_back_and_others_are_told_apart(
            payload in prop::collection::vec(any::<u8>(), 0..100),
            position in 1_u64..1_000_000,
            bit in any::<prop::sample::Index>(),
        ) {
            let event = event(payload);
            let bytes = make(&mut event.encode().expect("small"), position);
            prop_assert_eq!(read(&bytes, position), Some(Body::Event(event)));
            prop_assert_eq!(read(&bytes, position + 1), None);
            prop_assert_eq!(read(&bytes.slice(..bytes.len() - 1), position), None);
            let mut other = bytes.to_vec();
            let bit = bit.index(other.len() * 8);
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(read(&other.into(), position), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&bytes.into(), 1), None);
        }
    }
}
