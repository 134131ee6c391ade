//! What is sealed is opened once, and nothing else is.

use hive_proto::{channel::NetworkName, id::EventId};
use proptest::prelude::*;

use super::*;
use crate::trust::{identity::Identity, network::NetworkKey, secret::Secret};

pub(in crate::bridge) fn seals(secret: &str) -> Seals {
    let name = NetworkName::parse("farm").expect("a network");
    let key = NetworkKey::from_secret(&name, &Secret::parse(secret).expect("a secret"));
    let identity = Identity::ephemeral();
    let sealer = Sealer::new(&key, &identity).expect("a secret");
    Seals::new(NetworkIndex::HOME, (identity.node_id(), Incarnation(1)), (sealer, Opener::new(&key)))
}

pub(in crate::bridge) const SECRET: &str =
    "hive-secret-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(in crate::bridge) fn event(text: &str) -> Event {
    Event {
        id: EventId { origin: NodeId([7; 32]), incarnation: Incarnation(1), sequence: 9 },
        channel: Channel::parse("a/b").expect("a channel"),
        network: NetworkIndex::HOME,
        time: Hlc::from_unix_ms(unix_ms()),
        attempt: 1,
        depth: 0,
        retained: false,
        message: Message::from(text).with_content_type("text/plain").with_header("x", "y").with_key("k"),
    }
}

/// Opens it for good.
fn open(seals: &Seals, name: &str, sealed: Bytes) -> Result<(Message, Trail), SealedError> {
    seals.open(name, sealed).map(|Opened { message, trail, coming }| {
        coming.came();
        (message, trail)
    })
}

#[test]
fn what_is_sealed_is_opened_once_and_in_its_place() {
    let (here, there) = (seals(SECRET), seals(SECRET));
    let event = event("hush");
    let trail = Trail::of(&event);
    let sealed = here.seal("far/b", &event, &trail).expect("a channel");
    assert!(!sealed.windows(4).any(|bytes| bytes == b"hush" || bytes == b"text"));
    assert_eq!(open(&there, "far/c", sealed.clone()), Err(OpenError::Altered.into()));
    assert!(there.open("far/b", sealed.clone()).is_ok(), "it came to nothing, and did not come");
    assert_eq!(open(&there, "far/b", sealed.clone()), Ok((event.message.clone(), trail)));
    assert_eq!(open(&there, "far/b", sealed.clone()), Err(OpenError::Duplicate.into()));
    assert_eq!(open(&there, "far/b", "plain".into()), Err(SealedError::Plain));
    let other = seals(&SECRET.replace("01", "10"));
    assert_eq!(open(&other, "far/b", sealed), Err(OpenError::Altered.into()));
}

proptest! {
    #[test]
    fn nothing_that_comes_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let there = seals(SECRET);
        let with_magic = [&MAGIC[..], &bytes].concat();
        prop_assert!(there.open("a/b", bytes.into()).is_err());
        prop_assert!(there.open("a/b", with_magic.into()).is_err());
    }
}
