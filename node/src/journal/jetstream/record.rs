//! The bytes of one message in a stream, made and read.
//!
//! They are a record of the journal on disk: its sums and its position are checked, so that what somebody else put into
//! the stream, or moved in it, is not taken for an event of this node. Whoever seals what leaves the node does it in
//! these two functions, and nowhere else.

use std::fmt;

use bytes::Bytes;
use hive_proto::{
    id::NodeId,
    plane::{
        crc::crc32c,
        log::{Body, Encoded, HEAD_BYTES, Head},
    },
};

use crate::trust::seal::{Opener, Sealer};

/// The sums need no salt: a message is one record, so nothing inside a payload can be taken for one.
const SALT: u32 = 0;

/// What seals the records of one node, where its network has a secret: the servers' keepers can then neither read them
/// nor make others.
pub struct Seals {
    origin: NodeId,
    sealer: Sealer,
    opener: Opener,
}

impl Seals {
    /// Those of this node.
    #[must_use]
    pub fn new(origin: NodeId, sealer: Sealer, opener: Opener) -> Self {
        Self { origin, sealer, opener }
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals")
    }
}

/// The bytes that are sent. Cursors have position 0.
pub(super) fn make(seals: Option<&Seals>, record: &mut Encoded, position: u64) -> Bytes {
    let plain = record.finish(position, 0, SALT);
    match seals {
        Some(seals) => seals.sealer.seal_record(position, plain),
        None => Bytes::copy_from_slice(plain),
    }
}

/// What the bytes at a position say; none when they were not made for it. Where records are sealed, plain ones say
/// nothing.
pub(super) fn read(seals: Option<&Seals>, bytes: &Bytes, position: u64) -> Option<Body> {
    let opened = match seals {
        Some(seals) => Some(seals.opener.open_record(seals.origin, position, bytes).ok()?),
        None => None,
    };
    let bytes = opened.as_ref().unwrap_or(bytes);
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
    use hive_proto::{
        channel::{Channel, NetworkName},
        event::Message,
        id::Incarnation,
        plane::log::Logged,
        time::Hlc,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::trust::{identity::Identity, network::NetworkKey, secret::Secret};

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
            let bytes = make(None, &mut event.encode().expect("small"), position);
            prop_assert_eq!(read(None, &bytes, position), Some(Body::Event(event)));
            prop_assert_eq!(read(None, &bytes, position + 1), None);
            prop_assert_eq!(read(None, &bytes.slice(..bytes.len() - 1), position), None);
            let mut other = bytes.to_vec();
            let bit = bit.index(other.len() * 8);
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(read(None, &other.into(), position), None);
        }

        #[test]
        fn what_is_sealed_is_read_by_who_has_the_secret_and_at_its_position(
            payload in prop::collection::vec(any::<u8>(), 0..100),
            position in 0_u64..1_000_000,
        ) {
            let event = event(payload);
            let identity = Identity::ephemeral();
            let seals = |digit: &str| {
                let secret = Secret::parse(&format!("hive-secret-{}", digit.repeat(64))).expect("a secret");
                let key = NetworkKey::from_secret(&NetworkName::parse("vault").expect("a network"), &secret);
                let sealer = Sealer::new(&key, &identity).expect("a secret");
                Seals::new(identity.node_id(), sealer, Opener::new(&key))
            };
            let (right, wrong) = (seals("1"), seals("2"));
            let plain = make(None, &mut event.encode().expect("small"), position);
            let sealed = make(Some(&right), &mut event.encode().expect("small"), position);
            prop_assert_eq!(read(Some(&right), &sealed, position), Some(Body::Event(event)));
            prop_assert_eq!(read(Some(&right), &sealed, position + 1), None);
            prop_assert_eq!(read(Some(&wrong), &sealed, position), None);
            prop_assert_eq!(read(None, &sealed, position), None);
            prop_assert_eq!(read(Some(&right), &plain, position), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(None, &bytes.into(), 1), None);
        }
    }
}
