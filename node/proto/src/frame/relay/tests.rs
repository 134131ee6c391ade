//! Relayed frames are read as they were written, and nothing else is.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::{
    channel::Channel,
    event::Message,
    frame::{
        batch::{Call, Entry},
        split_frame,
    },
    id::Incarnation,
    limits::FRAME_BYTES_MAX,
    time::Hlc,
};

fn node() -> impl Strategy<Value = NodeId> {
    any::<[u8; 32]>().prop_map(NodeId)
}

fn set() -> impl Strategy<Value = Destinations> {
    prop::collection::vec(node(), 1..20).prop_map(|nodes| Destinations::new(nodes).expect("a set"))
}

fn sealed() -> impl Strategy<Value = (Envelope, Inner, [u8; SIGNATURE_BYTES])> {
    let numbers = (any::<u64>(), 1..=u64::MAX, any::<u64>(), any::<u64>());
    let inner = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200));
    let except = prop::collection::vec((node(), any::<u64>()), 0..3);
    (node(), numbers, except, prop::option::of(node()), inner, any::<[u8; 64]>()).prop_map(
        |(origin, (incarnation, sequence, after, events), except, to, (kind, body), signature)| {
            let envelope = Envelope {
                origin,
                incarnation: Incarnation(incarnation),
                sequence,
                after: after % sequence,
                except: except.into_iter().map(|(node, after)| (node, after % sequence)).collect(),
                events: events.min(body.len() as u64),
                to,
            };
            (envelope, Inner { kind, body: body.into() }, signature)
        },
    )
}

fn body_of(frame: &[u8]) -> (u8, Bytes) {
    let mut buffer = BytesMut::from(frame);
    let split = split_frame(&mut buffer, FRAME_BYTES_MAX).expect("a frame").expect("a whole frame");
    assert!(buffer.is_empty());
    split
}

proptest! {
    #[test]
    fn sets_are_read_as_written(set in set(), number in 0..SETS_MAX) {
        let mut out = BytesMut::new();
        put_set(&mut out, number, &set);
        let (kind, body) = body_of(&out);
        prop_assert_eq!(kind, DATA_SET);
        prop_assert_eq!(read_set(&body), Ok((number, set.clone())));
        let cut = body.slice(..body.len() - 1);
        prop_assert!(read_set(&cut).is_err());
    }

    #[test]
    fn sealed_frames_are_read_as_written(
        (envelope, inner, signature) in sealed(),
        set in 0..SETS_MAX,
        hops in 0..HOPS_MAX,
        cut in any::<prop::sample::Index>(),
    ) {
        let unsigned = Unsigned::new(envelope.clone(), &inner);
        let message = unsigned.message().to_vec();
        let sealed = unsigned.sign(&signature);
        let leg = Leg { set, hops };
        let frame = [relay_head(leg, &sealed), sealed.bytes().clone()].concat();
        let (kind, body) = body_of(&frame);
        prop_assert_eq!(kind, DATA_RELAY);
        let (read_leg, read) = read_relay(&body).expect("a relayed frame");
        prop_assert_eq!(read_leg, leg);
        prop_assert_eq!(read.envelope(), &envelope);
        prop_assert_eq!(read.message(), message);
        prop_assert_eq!(read.signature(), signature);
        prop_assert_eq!(read.open(), Ok(inner.clone()));
        // Cut anywhere it is an error, or the same envelope around less.
        if let Ok((_, less)) = read_relay(&body.slice(..cut.index(body.len()))) {
            prop_assert_eq!(less.envelope(), &envelope);
            prop_assert!(less.open().expect("an inner frame").body.len() < inner.body.len());
        }
    }

    #[test]
    fn confirmations_and_streams_are_read_as_written(stream: u64, frames: u64, events: u64) {
        let taken = Taken { stream, frames, events };
        prop_assert_eq!(read_confirm(&body_of(&put_confirm(&taken)).1), Ok(taken));
        prop_assert_eq!(read_stream(&body_of(&put_stream(stream)).1), Ok(stream));
        prop_assert_eq!(read_fence(&body_of(&put_fence(frames)).1), Ok(frames));
    }

    #[test]
    fn named_batches_carry_their_channels(
        events in prop::collection::vec((0_usize..6, any::<u64>(), any::<bool>()), 0..40),
    ) {
        let names: Vec<_> = (0..6).map(|n| Channel::parse(&format!("a/{n}")).expect("a channel")).collect();
        let message = Message::new("x");
        let mut batch = NamedBatch::default();
        for (channel, sequence, asked) in &events {
            let call = asked.then_some(Call { number: *sequence, time_left_ms: 5, all: false });
            let entry = Entry { sequence: *sequence, time: Hlc(*sequence), depth: 0, message: &message, call, handout: None };
            batch.push(&names[*channel], &entry);
        }
        let (inner, count) = batch.take();
        prop_assert_eq!(count as usize, events.len());
        prop_assert!(batch.is_empty());
        let mut reader = NamedReader::new(&inner.body);
        for (channel, sequence, asked) in &events {
            let (name, _, arrived) = reader.next_entry().expect("an entry").expect("not the end");
            prop_assert_eq!(&name, &names[*channel]);
            prop_assert_eq!(arrived.sequence, *sequence);
            prop_assert_eq!(arrived.call.is_some(), *asked);
        }
        prop_assert_eq!(reader.next_entry(), Ok(None));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = Bytes::from(bytes);
        let _ = read_set(&bytes);
        let _ = read_stream(&bytes);
        let _ = read_confirm(&bytes);
        if let Ok((_, sealed)) = read_relay(&bytes) {
            prop_assert!(sealed.open().is_ok());
            prop_assert!(sealed.envelope().events <= bytes.len() as u64);
        }
        let mut reader = NamedReader::new(&bytes);
        while let Ok(Some(_)) = reader.next_entry() {}
    }
}

#[test]
fn a_set_has_one_form() {
    let (low, high) = (NodeId([1; 32]), NodeId([2; 32]));
    let body = |nodes: &[NodeId]| {
        let bytes: Vec<u8> = nodes.iter().flat_map(|node| node.0).collect();
        Bytes::from([&[0][..], &bytes].concat())
    };
    assert!(read_set(&body(&[low, high])).is_ok());
    let order = WireError::Value("order of a destination set");
    for bad in [&[][..], &[high, low], &[low, low]] {
        assert_eq!(read_set(&body(bad)), Err(order));
    }
    let many: Vec<_> = (0..=DESTINATIONS_MAX).map(|_| low).collect();
    assert_eq!(read_set(&body(&many)), Err(WireError::Value("size of a destination set")));
}

#[test]
fn numbers_run_out_and_begin_again_on_both_sides() {
    let set = Destinations::new((0..100).map(|n| NodeId([n; 32]))).expect("a set");
    let (mut ours, mut theirs) = (SetBudget::default(), SetBudget::default());
    let mut begun_again = 0;
    for _ in 0..2 * SETS_MAX {
        let (number, again) = ours.take(&set);
        assert_eq!(theirs.declared(number, &set), Some(again));
        begun_again += u32::from(again);
    }
    assert!(begun_again > 0);
    assert_eq!(theirs.declared(SETS_MAX - 1, &set), None);
}

#[test]
fn hops_and_sequences_have_limits() {
    let frame = |hops: u8, sequence: u8, behind: u8| {
        let mut bytes = vec![0, hops];
        bytes.extend([7; SIGNATURE_BYTES]);
        bytes.extend([1; 32]);
        bytes.extend([1, sequence, behind, 0, 0, 0, 2]);
        read_relay(&Bytes::from(bytes)).map(|(_, sealed)| sealed.envelope().after)
    };
    assert_eq!(frame(HOPS_MAX - 1, 3, 2), Ok(1));
    assert_eq!(frame(0, 1, 0), Ok(0));
    assert!(frame(HOPS_MAX, 1, 0).is_err());
    assert!(frame(0, 0, 0).is_err());
    assert!(frame(0, 3, 3).is_err());
}
