//! Kept values come back as they were signed, and nothing else does.

use proptest::prelude::*;

use super::*;
use crate::frame::split_frame;

/// Signs by a sum, so that any change of the message shows.
#[derive(Debug)]
struct Sum;

impl Keys for Sum {
    fn sign(&self, _: NetworkIndex, message: &[u8]) -> Signature {
        [message.iter().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)); 64]
    }

    fn verify(&self, network: NetworkIndex, _: NodeId, message: &[u8], signature: &Signature) -> bool {
        self.sign(network, message) == *signature
    }
}

const HOME: NetworkIndex = NetworkIndex::HOME;

fn kept() -> impl Strategy<Value = Kept> {
    let message =
        prop::option::of(("[a-z]{0,20}", prop::option::of("[a-z]{1,5}")).prop_map(|(text, header)| {
            let message = Message::from(text);
            header.map_or(message.clone(), |header| message.with_header(header, "x"))
        }));
    ("[a-z]{1,5}/[a-z]{1,5}", any::<(u64, u64, u64)>(), any::<[u8; 32]>(), message).prop_map(
        |(channel, (incarnation, sequence, time), origin, message)| {
            let id = EventId { origin: NodeId(origin), incarnation: Incarnation(incarnation), sequence };
            let channel = Channel::parse(&channel).expect("a channel");
            Kept::sign(Some(&Sum), HOME, (id, Hlc(time), 3), channel, message)
        },
    )
}

fn body(frame: &Bytes) -> (u8, Bytes) {
    split_frame(&mut BytesMut::from(&frame[..]), 1 << 20).expect("a frame").expect("a whole one")
}

fn again(said: &KeptSaid) -> KeptSaid {
    let (kind, body) = body(&said.encode());
    KeptSaid::decode(kind, &body).expect("well-formed").expect("of a known kind")
}

proptest! {
    #[test]
    fn values_are_read_as_signed_and_damage_shows(
        kept in kept(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        prop_assert_eq!(Kept::verify(&Sum, HOME, &kept.bytes), Ok(kept.clone()));
        prop_assert_eq!(Kept::read(&kept.bytes), Ok(kept.clone()));
        let mut damaged = kept.bytes.to_vec();
        damaged[at.index(kept.bytes.len())] ^= flip;
        prop_assert!(Kept::verify(&Sum, HOME, &damaged.into()).is_err());
        prop_assert!(Kept::verify(&Sum, HOME, &kept.bytes.slice(..at.index(kept.bytes.len()))).is_err());
    }

    #[test]
    fn what_is_said_is_heard(values in prop::collection::vec(kept(), 0..5), hash in any::<KeptHash>()) {
        let bytes: Vec<Bytes> = values.iter().map(|kept| kept.bytes.clone()).collect();
        let heads = values.iter().map(|kept| (kept.channel.clone(), kept.head())).collect();
        let channels = values.iter().map(|kept| kept.channel.clone()).collect();
        for said in [
            KeptSaid::Live(bytes.first().cloned().unwrap_or_default()),
            KeptSaid::Values(bytes),
            KeptSaid::Root(hash, 77),
            KeptSaid::Buckets(vec![hash; KEPT_BUCKETS]),
            KeptSaid::Heads(vec![1, 255], heads),
            KeptSaid::Wants(channels),
        ] {
            prop_assert_eq!(again(&said), said);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(kind in 0x84_u8..0x8c, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = KeptSaid::decode(kind, &bytes);
        let _ = Kept::verify(&Sum, HOME, &bytes);
    }
}

#[test]
fn local_channels_and_wrong_numbers_of_buckets_are_refused() {
    let id = EventId { origin: NodeId([1; 32]), incarnation: Incarnation(1), sequence: 1 };
    let bee = Channel::parse("bee").expect("a channel");
    let local = Kept::sign(Some(&Sum), HOME, (id, Hlc(1), 0), bee, None);
    assert_eq!(Kept::verify(&Sum, HOME, &local.bytes), Err(WireError::Value("channel").into()));
    let (kind, body) = body(&KeptSaid::Buckets(vec![[0; 16]; 3]).encode());
    assert_eq!(KeptSaid::decode(kind, &body), Err(WireError::Value("number of buckets")));
}
