//! Envelopes: the vectors that other code has made, and everything that must not open.

use hive_proto::channel::NetworkName;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::trust::{hex, ring::Ring, secret::Secret};

/// By `tests/vectors/envelope.py`.
const VECTORS: &str = include_str!("../../../../tests/vectors/envelope.json");
const NOW: u64 = 1_763_769_600_000;

#[derive(Deserialize)]
struct Vectors {
    envelopes: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    what: String,
    network: String,
    secret: String,
    epoch: u32,
    seed: String,
    boot: String,
    counter: u64,
    live: Option<VectorLive>,
    position: Option<u64>,
    plain: String,
    origin: String,
    sealing_key: String,
    associated: String,
    envelope: String,
}

#[derive(Deserialize)]
struct VectorLive {
    incarnation: u64,
    sequence: u64,
    time: u64,
    expires_ms: Option<u64>,
    channel: String,
}

fn bytes(text: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    text.as_bytes().chunks(2).map(pair).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("so many bytes")
}

fn name(text: &str) -> NetworkName {
    NetworkName::parse(text).expect("a network")
}

/// The key of the network `vault` with this secret as its only epoch.
fn key_of(network: &str, secret: &str, epoch: u32) -> NetworkKey {
    let line = match epoch {
        0 => format!("hive-secret-{secret}"),
        later => format!("hive-epoch-{later}-{secret}-{}", "00".repeat(32)),
    };
    NetworkKey::from_ring(&name(network), &Ring::parse(&line).expect("a ring")).expect("a key")
}

#[test]
fn what_other_code_has_sealed_is_opened_and_sealed_the_same() {
    let vectors: Vectors = serde_json::from_str(VECTORS).expect("the vectors");
    assert_eq!(vectors.envelopes.len(), 4);
    for vector in vectors.envelopes {
        let what = &vector.what;
        let key = key_of(&vector.network, &vector.secret, vector.epoch);
        let identity = Identity::of_seed(&array(&vector.seed));
        let origin = identity.node_id();
        assert_eq!(origin.to_string(), vector.origin, "{what}");
        let material = key.sealing(vector.epoch).expect("the epoch");
        assert_eq!(hex(material.as_ref()), vector.sealing_key, "{what}");

        let channel = vector.live.as_ref().map(|live| Channel::parse(&live.channel).expect("a channel"));
        let live = vector.live.as_ref().zip(channel.as_ref()).map(|(live, channel)| Live {
            origin,
            incarnation: Incarnation(live.incarnation),
            sequence: live.sequence,
            time: Hlc(live.time),
            expires_ms: live.expires_ms,
            channel,
        });
        let header = match (&live, vector.position) {
            (Some(live), None) => Header::Live(live),
            (None, Some(position)) => Header::Record { origin, position },
            _ => panic!("{what}: one of the two"),
        };
        let (envelope, plain) = (bytes(&vector.envelope), bytes(&vector.plain));
        assert_eq!(hex(&associated(&envelope[..PREFIX_BYTES], &header)), vector.associated, "{what}");
        assert_eq!(Opener::new(&key).open(&header, &envelope).expect(what), plain, "{what}");

        let sealer = Sealer::new(&key, &identity).expect("a secret");
        let cipher = Arc::new(cipher(&material, array(&vector.boot), origin));
        let sending =
            Sending { epoch: vector.epoch, boot: array(&vector.boot), cipher, counter: vector.counter };
        *sealer.sending.lock().expect("nobody else") = Some(sending);
        assert_eq!(hex(&sealer.seal(&header, &plain)), vector.envelope, "{what}");
    }
}

/// A network of one epoch, a node in it, and what it seals with.
fn sealing() -> (NetworkKey, Identity, Sealer) {
    let key = NetworkKey::from_secret(&name("vault"), &Secret::generate());
    let identity = Identity::ephemeral();
    let sealer = Sealer::new(&key, &identity).expect("a secret");
    (key, identity, sealer)
}

fn live<'a>(origin: NodeId, sequence: u64, channel: &'a Channel) -> Live<'a> {
    let time = Hlc::from_unix_ms(NOW + sequence);
    Live { origin, incarnation: Incarnation(1), sequence, time, expires_ms: None, channel }
}

#[test]
fn another_place_origin_network_or_epoch_does_not_open() {
    let (key, identity, sealer) = sealing();
    let (opener, origin) = (Opener::new(&key), identity.node_id());
    let record = sealer.seal_record(7, b"a record");
    assert_eq!(opener.open_record(origin, 7, &record).expect("it opens"), "a record");
    assert_eq!(opener.open_record(origin, 7, &record).expect("as often as one likes"), "a record");
    assert_eq!(opener.open_record(origin, 8, &record), Err(OpenError::Altered), "another position");
    assert_eq!(opener.open_record(NodeId([1; 32]), 7, &record), Err(OpenError::Altered), "another origin");
    let other = NetworkKey::from_secret(&name("vault"), &Secret::generate());
    assert_eq!(Opener::new(&other).open_record(origin, 7, &record), Err(OpenError::Altered));

    let [door, window] = ["door/open", "window/open"].map(|text| Channel::parse(text).expect("a channel"));
    let sealed = sealer.seal_live(&live(origin, 1, &door), b"open");
    let open = |live: &Live<'_>| opener.open_live(live, &sealed, NOW);
    assert_eq!(open(&live(origin, 1, &window)), Err(OpenError::Altered), "another channel");
    assert_eq!(open(&live(origin, 2, &door)), Err(OpenError::Altered), "another number and time");
    let expiring = Live { expires_ms: Some(NOW + 1), ..live(origin, 1, &door) };
    assert_eq!(open(&expiring), Err(OpenError::Altered), "another expiry");
    assert_eq!(opener.open_record(origin, 1, &sealed), Err(OpenError::Altered), "another use");
    assert_eq!(open(&live(origin, 1, &door)).expect("it opens"), "open");
    assert_eq!(open(&live(origin, 1, &door)), Err(OpenError::Duplicate));
    let late = sealer.seal_live(&live(origin, 3, &door), b"late");
    assert_eq!(opener.open_live(&live(origin, 3, &door), &late, NOW + 120_004), Err(OpenError::TooOld));
    assert_eq!(opener.open_live(&live(origin, 3, &door), &late, NOW - 120_001), Err(OpenError::Ahead));
    assert_eq!(opener.open_live(&live(origin, 3, &door), &late, NOW).expect("it opens"), "late");
}

#[test]
fn a_member_cannot_speak_for_another() {
    let (key, identity, _) = sealing();
    let origin = identity.node_id();
    // It knows the secret, and so every key; but it signs with its own.
    let mallory = Identity::ephemeral();
    let sealer = Sealer::new(&key, &mallory).expect("a secret");
    let (epoch, material) = key.newest_sealing();
    let boot = [4; 16];
    let cipher = Arc::new(cipher(&material, boot, origin));
    *sealer.sending.lock().expect("nobody else") = Some(Sending { epoch, boot, cipher, counter: 0 });
    let forged = sealer.seal(&Header::Record { origin, position: 1 }, b"forged");
    assert_eq!(Opener::new(&key).open_record(origin, 1, &forged), Err(OpenError::Forged));
}

#[test]
fn the_newest_epoch_seals_and_older_ones_open_until_they_are_forgotten() {
    let name = name("vault");
    let zero = Ring::from(Secret::generate());
    let mut one = zero.rotated(&name).expect("epoch 1");
    let key = NetworkKey::from_ring(&name, &zero).expect("a key");
    let late = NetworkKey::from_ring(&name, &zero).expect("a key");
    let identity = Identity::ephemeral();
    let (origin, sealer) = (identity.node_id(), Sealer::new(&key, &identity).expect("a secret"));
    let opener = Opener::new(&key);
    let old = sealer.seal_record(1, b"old");
    key.renew(&one).expect("renewed");
    let new = sealer.seal_record(2, b"new");
    assert_eq!(opener.open_record(origin, 1, &old).expect("still known"), "old");
    assert_eq!(opener.open_record(origin, 2, &new).expect("known"), "new");
    assert_eq!(Opener::new(&late).open_record(origin, 2, &new), Err(OpenError::Epoch(1)));
    one.forget(0).expect("forgotten");
    key.renew(&one).expect("renewed");
    assert_eq!(opener.open_record(origin, 1, &old), Err(OpenError::Epoch(0)), "also by who had opened it");
    assert_eq!(opener.open_record(origin, 2, &new).expect("known"), "new");
}

#[test]
fn a_number_is_used_once_and_a_key_is_replaced_when_it_has_none_left() {
    let (key, identity, mut sealer) = sealing();
    sealer.per_key = 10;
    let sealer = Arc::new(sealer);
    let sealed: Vec<Bytes> = std::thread::scope(|scope| {
        let seal = |from: u64| {
            let sealer = Arc::clone(&sealer);
            scope.spawn(move || (from..from + 25).map(|at| sealer.seal_record(at, b"x")).collect::<Vec<_>>())
        };
        let threads = [seal(0), seal(25), seal(50), seal(75)];
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let opener = Opener::new(&key);
    let mut used = std::collections::BTreeSet::new();
    for (position, envelope) in (0..).zip(&sealed) {
        opener.open_record(identity.node_id(), position, envelope).expect("it opens");
        assert!(used.insert(envelope[5..PREFIX_BYTES].to_vec()), "boot and counter were used twice");
    }
    let boots: std::collections::BTreeSet<_> = used.iter().map(|used| used[..16].to_vec()).collect();
    assert_eq!((used.len(), boots.len()), (100, 10));
}

#[test]
fn without_a_secret_nothing_is_sealed() {
    assert!(Sealer::new(&NetworkKey::open(&name("hive")), &Identity::ephemeral()).is_none());
}

#[test]
fn envelopes_of_another_layout_are_named() {
    let (key, identity, sealer) = sealing();
    let opener = Opener::new(&key);
    let open = |envelope: &[u8]| opener.open_record(identity.node_id(), 1, envelope);
    let mut envelope = sealer.seal_record(1, b"x").to_vec();
    assert_eq!(envelope.len(), 1 + OVERHEAD_BYTES);
    assert_eq!(open(&envelope[..OVERHEAD_BYTES - 1]), Err(OpenError::Short(OVERHEAD_BYTES - 1)));
    envelope[0] = 2;
    assert_eq!(open(&envelope), Err(OpenError::Version(2)));
    envelope[0] = 1;
    envelope[4] = 9;
    assert_eq!(open(&envelope), Err(OpenError::Epoch(9)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_sealed_opens_and_with_any_bit_flipped_it_does_not(
        plain in prop::collection::vec(any::<u8>(), 0..200),
        position in any::<u64>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (key, identity, sealer) = sealing();
        let (opener, origin) = (Opener::new(&key), identity.node_id());
        let mut envelope = sealer.seal_record(position, &plain).to_vec();
        prop_assert_eq!(opener.open_record(origin, position, &envelope).expect("it opens"), plain);
        let bit = bit.index(envelope.len() * 8);
        envelope[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(opener.open_record(origin, position, &envelope).is_err());
        let shorter = opener.open_record(origin, position, &envelope[..envelope.len() - 1]);
        prop_assert!(shorter.is_err());
    }

    #[test]
    fn any_bytes_are_refused(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        is_known_layout in any::<bool>(),
    ) {
        let (key, identity, _) = sealing();
        if is_known_layout && bytes.len() > 5 {
            bytes[..5].copy_from_slice(&[1, 0, 0, 0, 0]);
        }
        prop_assert!(Opener::new(&key).open_record(identity.node_id(), 1, &bytes).is_err());
        let channel = Channel::parse("a/b").expect("a channel");
        let live = live(identity.node_id(), 1, &channel);
        prop_assert!(Opener::new(&key).open_live(&live, &bytes, NOW).is_err());
    }
}
