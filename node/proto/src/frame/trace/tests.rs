//! Traces come back as they were sent, and what is no way is refused.

use proptest::prelude::*;

use super::*;
use crate::{frame::split_frame, limits::CONTROL_FRAME_BYTES_MAX};

fn body(put: impl FnOnce(&mut BytesMut)) -> (u8, Bytes) {
    let mut whole = BytesMut::new();
    put(&mut whole);
    let frame = split_frame(&mut whole, CONTROL_FRAME_BYTES_MAX).expect("a frame").expect("whole");
    assert!(whole.is_empty());
    frame
}

fn read_trace(trace: &Trace) -> Result<Trace, WireError> {
    let (kind, body) = body(|out| trace.put(out));
    assert!(Trace::is_kind(kind) && super::super::is_optional(kind));
    Trace::decode(&body)
}

fn read_traced(traced: &Traced) -> Result<Traced, WireError> {
    let (kind, body) = body(|out| traced.put(out));
    assert!(Traced::is_kind(kind) && super::super::is_optional(kind));
    Traced::decode(&body)
}

fn node(first: u8) -> NodeId {
    NodeId([first; 32])
}

/// A way over these nodes; the last one has given the trace on to 99.
fn way(nodes: &[u8]) -> Vec<Hop> {
    let next = nodes.iter().skip(1).copied().chain([99]);
    let hop = |(at, to): (&u8, u8)| Hop {
        node: node(*at),
        name: format!("node {at}"),
        took_us: 7,
        onward: Some(Onward {
            to: node(to),
            addr: SocketAddr::from(([192, 0, 2, to], 7182)),
            rtt_us: Some(250),
            queued_bytes: 1 << 20,
            queued_events: 3,
        }),
    };
    nodes.iter().zip(next).map(hop).collect()
}

fn trace(channel: &str, hops: Vec<Hop>) -> Trace {
    let channel = Channel::parse(channel).expect("a channel");
    Trace { number: 5, destination: node(99), channel, hops }
}

#[test]
fn only_a_way_that_hangs_together_is_one() {
    let check = |channel: &str, change: fn(&mut Vec<Hop>), want: Result<(), WireError>| {
        let mut hops = way(&[1, 2, 3]);
        change(&mut hops);
        assert_eq!(read_trace(&trace(channel, hops)).map(drop), want, "{channel}");
    };
    let wrong = |what| Err(WireError::Value(what));
    check("a/b", |_| {}, Ok(()));
    check("bee", |_| {}, wrong("channel"));
    check("$dead/x", |_| {}, wrong("channel"));
    check("a/b", Vec::clear, wrong("way"));
    check("a/b", |hops| drop(hops.remove(1)), wrong("way"));
    check("a/b", |hops| hops.swap(0, 1), wrong("way"));
    check("a/b", |hops| hops[1].onward = None, wrong("way"));
    check("a/b", |hops| hops[2].onward = None, wrong("way"));
    check("a/b", |hops| hops[0].name = "two\nlines".into(), wrong("name"));
    let nine = way(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let over = WireError::OverLimit { value: 9, max: 8 };
    assert_eq!(read_trace(&trace("a/b", nine)), Err(over));
    let mut circle = way(&[1, 2, 1]);
    circle[0].onward.as_mut().expect("it goes on").to = node(2);
    assert_eq!(read_trace(&trace("a/b", circle)), Err(WireError::Value("way")));
}

#[test]
fn an_end_of_a_later_version_is_read() {
    let traced = Traced { number: 1, hops: way(&[1]), end: End::Other(77) };
    let (_, body) = body(|out| traced.put(out));
    let mut later = BytesMut::from(&body[..]);
    later.put_slice(b"more");
    assert_eq!(Traced::decode(&later.freeze()), Ok(traced));
}

fn hops(most: u8) -> impl Strategy<Value = Vec<Hop>> {
    let facts = (any::<u64>(), 1..u64::MAX, any::<u64>(), any::<u64>(), any::<u16>(), "[^\\pC]{0,16}");
    prop::collection::vec(facts, 1..=usize::from(most)).prop_map(|facts| {
        let nodes: Vec<u8> = (1..).take(facts.len()).collect();
        let mut hops = way(&nodes);
        for (hop, (took_us, rtt, bytes, events, port, name)) in hops.iter_mut().zip(facts) {
            (hop.took_us, hop.name) = (took_us, name);
            let Some(onward) = &mut hop.onward else { continue };
            (onward.queued_bytes, onward.queued_events) = (bytes, events);
            onward.rtt_us = Some(rtt).filter(|rtt| rtt % 3 > 0);
            if port % 2 == 0 {
                onward.addr = SocketAddr::from(([0xfd77, 0, 0, 0, 0, 0, 0, port], port));
            }
        }
        hops
    })
}

fn end() -> impl Strategy<Value = End> {
    let patterns = prop::collection::vec(
        prop_oneof![Just("a/*"), Just("**"), Just("a/b"), Just("only-here")],
        0..=PATTERNS_NAMED_MAX,
    );
    let matches = (any::<u64>(), any::<u64>(), patterns).prop_map(|(subscribers, more, patterns)| {
        let patterns = patterns.into_iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
        End::Delivered(Matches { subscribers, patterns, more })
    });
    let plain = [End::Passed, End::NoMatch, End::NoRoute, End::Back, End::Circle, End::HopLimit];
    prop_oneof![
        matches,
        prop::sample::select(plain.to_vec()),
        Just(End::OldNode(node(3))),
        (8_u8..).prop_map(End::Other)
    ]
}

proptest! {
    #[test]
    fn traces_come_back(number: u64, hops in hops(8)) {
        let trace = Trace { number, ..trace("a/b/c", hops) };
        prop_assert_eq!(read_trace(&trace), Ok(trace));
    }

    #[test]
    fn reports_come_back(number: u64, mut hops in hops(9), last: bool, end in end()) {
        if let Some(hop) = hops.last_mut().filter(|_| last) {
            hop.onward = None;
        }
        let traced = Traced { number, hops, end };
        prop_assert_eq!(read_traced(&traced), Ok(traced));
    }

    /// One wrong byte reaches further into the decoders than noise does.
    #[test]
    fn damaged_frames_decode_or_are_refused(
        hops in hops(8),
        end in end(),
        at in any::<prop::sample::Index>(),
        byte: u8,
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (_, there) = body(|out| trace("a/b", hops.clone()).put(out));
        let (_, back) = body(|out| Traced { number: 1, hops: hops.clone(), end: end.clone() }.put(out));
        for good in [there, back] {
            let mut bytes = good.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = (Trace::decode(&bytes.clone().into()), Traced::decode(&bytes.into()));
        }
        let _ = (Trace::decode(&noise.clone().into()), Traced::decode(&noise.into()));
    }
}
