//! Relays over random graphs whose links die at random moments: nobody gets two, what can arrive does, in order, and
//! whatever does not is counted.

mod world;

use proptest::prelude::*;

use self::world::{Plan, World};
use super::*;
use crate::frame::{
    relay::{DATA_RELAY, Leg, SIGNATURE_BYTES, put_set, relay_head},
    split_frame,
};

const ZERO: Now = Now(std::time::Duration::ZERO);

fn node(number: u8) -> NodeId {
    NodeId([number; 32])
}

fn after_ms(ms: u64) -> Now {
    Now(std::time::Duration::from_millis(ms))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Every pair stays connected, though most links die and others come: everything arrives, but for the little
    /// that two breaks in a row hold up for too long or send in circles.
    #[test]
    fn what_stays_reachable_gets_everything_once_and_in_order(seed: u64, nodes in 3_usize..20) {
        let mut world = World::new(Plan { seed, nodes, keep_connected: true });
        world.run();
        prop_assert_eq!(world.wrong(), Vec::<String>::new());
        let dropped = world.dropped();
        let late = [DropReason::Late, DropReason::HopLimit].map(|reason| dropped.get(&reason).copied().unwrap_or(0));
        let late: u64 = late.iter().sum();
        // What goes in circles may be the second copy of something that arrived.
        let (delivered, published) = (world.delivered(), world.published());
        prop_assert!(delivered <= published && delivered + late >= published, "{delivered} of {published}: {:?}", dropped);
        prop_assert!(late * 50 <= world.published(), "{:?}", dropped);
    }

    /// Any link may die, also for good: what does not arrive is counted, and nobody gets two.
    #[test]
    fn what_is_lost_is_counted(seed: u64, nodes in 3_usize..20) {
        let mut world = World::new(Plan { seed, nodes, keep_connected: false });
        world.run();
        prop_assert_eq!(world.wrong(), Vec::<String>::new());
        let dropped = world.dropped();
        let lost = dropped.iter().filter(|(reason, _)| **reason != DropReason::Duplicate);
        let lost: u64 = lost.map(|(_, copies)| copies).sum();
        prop_assert!(world.published() <= world.delivered() + lost, "{:?}", world.dropped());
    }
}

/// Seeds that were hard once.
#[test]
fn what_was_found_stays_mended() {
    for (seed, nodes) in [(9_387_380_342_662_003_718, 7), (17_187_901_344_599_694_870, 8)] {
        let mut world = World::new(Plan { seed, nodes, keep_connected: true });
        world.run();
        assert_eq!(world.wrong(), [""; 0]);
        assert_eq!(world.dropped().get(&DropReason::HopLimit), None);
    }
}

/// A relay with two neighbours, 1 and 2, and whatever ways are set.
struct Lone {
    relay: Relay,
    account: Account,
}

impl Lone {
    fn new() -> Self {
        let account = Account::default();
        let mut relay = Relay::new(node(9), Incarnation(1), &Budget::new(1 << 30));
        let at = Moment { now: ZERO, account: &account };
        relay.neighbour_up(at, node(1));
        relay.neighbour_up(at, node(2));
        relay.route(at, &[(node(1), Some(node(1))), (node(2), Some(node(2)))]);
        relay.begin_stream(&node(1));
        relay.begin_stream(&node(2));
        Self { relay, account }
    }

    fn at(&mut self, ms: u64) -> (Moment<'_>, &mut Relay) {
        (Moment { now: after_ms(ms), account: &self.account }, &mut self.relay)
    }

    fn send(&mut self, to: &[u8]) {
        let set = self.relay.set(Destinations::new(to.iter().map(|n| node(*n))).expect("a set"));
        let inner = Inner { kind: 2, body: Bytes::from_static(b"body") };
        let sealed = self.relay.seal(&set, &inner, 1).sign(&[0; SIGNATURE_BYTES]);
        let (at, relay) = self.at(0);
        relay.send(at, &set, sealed);
    }

    /// The frames a neighbour gets.
    fn take(&mut self, peer: u8) -> u64 {
        self.relay.take(ZERO, &node(peer), usize::MAX, &mut Vec::new())
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.account
            .counts()
            .dropped
            .iter()
            .find(|(each, _)| *each == reason)
            .map_or(0, |(_, copies)| *copies)
    }
}

fn arrival(origin: u8, incarnation: u64, sequence: u64, after: u64) -> Sealed {
    let to = None;
    let incarnation = Incarnation(incarnation);
    let (origin, except) = (node(origin), Vec::new());
    let envelope = Envelope { origin, incarnation, sequence, after, except, events: 1, to };
    Unsigned::new(envelope, &Inner { kind: 2, body: Bytes::from_static(b"x") }).sign(&[0; SIGNATURE_BYTES])
}

fn sequences(sealed: &[Sealed]) -> Vec<u64> {
    sealed.iter().map(|sealed| sealed.envelope().sequence).collect()
}

#[test]
fn a_lost_neighbours_frames_take_another_way() {
    let mut lone = Lone::new();
    let (at, relay) = lone.at(0);
    relay.route(at, &[(node(5), Some(node(1)))]);
    lone.send(&[5, 2]);
    assert_eq!((lone.take(1), lone.take(2)), (1, 1));
    lone.send(&[5]);
    let (at, relay) = lone.at(10);
    let counts = relay.neighbour_down(at, node(1)).expect("it was one");
    assert_eq!(counts, LineCounts { sent: 1, taken_back: 1, again: 1, ..LineCounts::default() });
    assert_eq!(lone.take(2), 0);
    let (at, relay) = lone.at(20);
    relay.route(at, &[(node(5), Some(node(2)))]);
    assert_eq!(lone.take(2), 2);
}

#[test]
fn a_confirmed_frame_is_never_sent_again() {
    let mut lone = Lone::new();
    lone.send(&[1]);
    lone.send(&[1]);
    assert_eq!(lone.take(1), 2);
    lone.relay.confirmed(&node(1), &Taken { stream: 1, frames: 1, events: 0 }).expect("it was sent");
    assert!(lone.relay.confirmed(&node(1), &Taken { stream: 1, frames: 3, events: 0 }).is_err());
    assert!(lone.relay.confirmed(&node(1), &Taken { stream: 2, frames: 0, events: 0 }).is_err());
    lone.relay.stream_broke(&node(1));
    lone.relay.begin_stream(&node(1));
    assert_eq!(lone.take(1), 1);
    let counts = LineCounts { sent: 3, confirmed: 1, in_flight: 1, taken_back: 1, again: 1 };
    assert_eq!(lone.relay.counts(&node(1)), Some(counts));
}

#[test]
fn what_finds_no_way_is_counted_after_a_while() {
    let mut lone = Lone::new();
    lone.send(&[7]);
    let (at, relay) = lone.at(3_000);
    relay.tick(at);
    assert_eq!(lone.dropped(DropReason::NoRoute), 0);
    let (at, relay) = lone.at(4_000);
    relay.tick(at);
    assert_eq!(relay.next_due(), None);
    assert_eq!(lone.dropped(DropReason::NoRoute), 1);
}

#[test]
fn a_suspect_neighbour_is_not_waited_for_when_another_way_turns_up() {
    let mut lone = Lone::new();
    let (at, relay) = lone.at(0);
    relay.route(at, &[(node(5), Some(node(1))), (node(6), Some(node(1)))]);
    lone.send(&[5, 6]);
    assert_eq!(lone.take(1), 2);
    let (at, relay) = lone.at(100);
    relay.route(at, &[(node(5), Some(node(2)))]);
    assert_eq!(lone.take(2), 0, "it may still confirm");
    let (at, relay) = lone.at(1_000);
    relay.route(at, &[(node(5), Some(node(2)))]);
    assert_eq!(lone.take(2), 1);
    let (at, relay) = lone.at(2_000);
    relay.neighbour_down(at, node(1));
    relay.route(at, &[(node(6), Some(node(2)))]);
    assert_eq!(lone.take(2), 1, "only what had not gone another way");
}

/// Brings a frame of node 3 for a set over neighbour 1.
fn bring(lone: &mut Lone, hops: u8, to: &[u8]) -> Relayed {
    let set = Destinations::new(to.iter().map(|n| node(*n))).expect("a set");
    let mut incoming = Incoming::new(node(1));
    let mut declaration = bytes::BytesMut::new();
    put_set(&mut declaration, 0, &set);
    let (_, body) = split_frame(&mut declaration, usize::MAX).expect("a frame").expect("whole");
    lone.relay.declare(&mut incoming, &body).expect("a set");
    let sealed = arrival(3, 1, 1, 0);
    let mut frame = bytes::BytesMut::from(&relay_head(Leg { set: 0, hops }, &sealed)[..]);
    frame.extend_from_slice(sealed.bytes());
    let (_, body) = split_frame(&mut frame, usize::MAX).expect("a frame").expect("whole");
    let (at, relay) = lone.at(0);
    relay.arrived(at, &mut incoming, &body).expect("a relayed frame")
}

#[test]
fn nothing_goes_back_at_once_and_nothing_goes_on_for_ever() {
    let mut lone = Lone::new();
    let (at, relay) = lone.at(0);
    relay.route(at, &[(node(5), Some(node(1)))]);
    let relayed = bring(&mut lone, 3, &[2, 5, 9]);
    assert!(relayed.here.is_some());
    assert_eq!((lone.take(1), lone.take(2)), (0, 1));
    let (at, relay) = lone.at(200);
    relay.tick(at);
    assert_eq!(lone.take(1), 1, "after a while it may go back");
    bring(&mut lone, 0, &[2, 5, 9]);
    assert_eq!((lone.take(1), lone.take(2)), (0, 0));
    assert_eq!(lone.dropped(DropReason::HopLimit), 2);
}

/// A frame crosses as many links as it may, and not one more.
#[test]
fn frames_of_nodes_that_are_not_listed_go_nowhere_and_are_counted() {
    let mut lone = Lone::new();
    lone.relay =
        std::mem::replace(&mut lone.relay, Relay::new(node(9), Incarnation(1), &Budget::new(1 << 30)))
            .listing(Some(Arc::new([node(1)].into())));
    assert!(bring(&mut lone, 3, &[2, 9]).here.is_none(), "its origin is node 3");
    assert_eq!((lone.take(2), lone.dropped(DropReason::NotListed)), (0, 2), "neither here nor there");
    assert_eq!(lone.account.counts().relayed, 0);
}

#[test]
fn a_frame_crosses_eight_links() {
    let mut lone = Lone::new();
    lone.send(&[2]);
    let mut out = Vec::new();
    lone.relay.take(ZERO, &node(2), usize::MAX, &mut out);
    let mut frames = bytes::BytesMut::from(&out.concat()[..]);
    let mut hops = None;
    while let Some((kind, body)) = split_frame(&mut frames, usize::MAX).expect("frames") {
        if kind == DATA_RELAY {
            hops = Some(crate::frame::relay::read_relay(&body).expect("a relayed frame").0.hops);
        }
    }
    // This link is the first of them.
    assert_eq!(hops, Some(HOPS_MAX - 1));
}

#[test]
fn a_queue_that_is_full_loses_its_oldest() {
    let mut lone = Lone::new();
    let set = lone.relay.set(Destinations::one(node(1)));
    let inner = Inner { kind: 2, body: Bytes::from(vec![0; 1 << 20]) };
    for _ in 0..9 {
        let sealed = lone.relay.seal(&set, &inner, 1).sign(&[0; SIGNATURE_BYTES]);
        let (at, relay) = lone.at(0);
        relay.send(at, &set, sealed);
    }
    assert_eq!(lone.dropped(DropReason::SlowConsumer), 2);
    assert!(lone.relay.is_crowded(&node(1)));
    let (bytes, copies) = lone.relay.queued(&node(1));
    assert!(copies == 7 && bytes > 7 << 20 && bytes < 8 << 20, "{copies} in {bytes}");
    assert_eq!(lone.take(1), 7);
    assert_eq!((lone.relay.queued(&node(1)), lone.relay.queued(&node(9))), ((0, 0), (0, 0)));
    assert!(!lone.relay.is_crowded(&node(1)));
}

#[test]
fn arrivals_are_taken_once_and_in_order() {
    let mut lone = Lone::new();
    let mut admit = |ms, sealed| {
        let (at, relay) = lone.at(ms);
        sequences(&relay.admit(at, sealed))
    };
    assert_eq!(admit(0, arrival(3, 5, 10, 0)), [10]);
    assert_eq!(admit(0, arrival(3, 5, 10, 0)), [], "a second time");
    assert_eq!(admit(0, arrival(3, 5, 13, 12)), [], "it waits");
    assert_eq!(admit(0, arrival(3, 5, 14, 13)), [], "and so do the next");
    assert_eq!(admit(0, arrival(3, 5, 11, 0)), [11], "it waits for nothing");
    assert_eq!(admit(0, arrival(3, 5, 12, 11)), [12, 13, 14]);
    assert_eq!(admit(0, arrival(3, 5, 17, 16)), []);
    let past = |sequence| lone.relay.is_past(&node(3), Incarnation(5), sequence);
    assert_eq!([14, 15, 17].map(past), [true, false, false]);
    let (at, relay) = lone.at(2_000);
    assert_eq!(sequences(&relay.tick(at)), [17], "not for ever");
    assert_eq!(relay.next_due(), None);
    assert_eq!(lone.dropped(DropReason::Duplicate), 1);
}

#[test]
fn a_later_life_begins_anew_and_an_earlier_one_is_late() {
    let mut lone = Lone::new();
    let (at, relay) = lone.at(0);
    assert_eq!(sequences(&relay.admit(at, arrival(3, 5, 10, 0))), [10]);
    assert_eq!(sequences(&relay.admit(at, arrival(3, 5, 12, 11))), []);
    assert_eq!(sequences(&relay.admit(at, arrival(3, 6, 1, 0))), [12, 1]);
    assert_eq!(sequences(&relay.admit(at, arrival(3, 5, 11, 0))), []);
    assert_eq!(lone.dropped(DropReason::Late), 1);
}

#[test]
fn what_is_not_for_this_node_is_forged() {
    let lone = Lone::new();
    let mut envelope = arrival(3, 1, 1, 0).envelope().clone();
    envelope.to = Some(node(8));
    assert_eq!(lone.relay.check(&envelope), Err(DropReason::Forged));
    envelope.to = Some(node(9));
    assert_eq!(lone.relay.check(&envelope), Ok(()));
    envelope.origin = node(9);
    assert_eq!(lone.relay.check(&envelope), Err(DropReason::Duplicate));
}

#[test]
fn what_comes_behind_a_later_event_of_its_channel_is_late() {
    let mut lone = Lone::new();
    let channels = ["a/b", "a/c"].map(|name| Channel::parse(name).expect("a channel"));
    let (at, relay) = lone.at(0);
    for sequence in [1, 2, 3] {
        relay.admit(at, arrival(3, 1, sequence, 0));
    }
    let envelope = |sequence| arrival(3, 1, sequence, 0).envelope().clone();
    assert!(relay.in_order(&envelope(2), &channels[0]));
    assert!(!relay.in_order(&envelope(1), &channels[0]));
    assert!(relay.in_order(&envelope(1), &channels[1]));
    assert!(relay.in_order(&envelope(3), &channels[0]));
}

#[test]
fn numbers_out_of_turn_break_the_stream() {
    let mut lone = Lone::new();
    let mut incoming = Incoming::new(node(1));
    let mut declaration = bytes::BytesMut::new();
    put_set(&mut declaration, 1, &Destinations::one(node(2)));
    let (_, body) = split_frame(&mut declaration, usize::MAX).expect("a frame").expect("whole");
    assert_eq!(lone.relay.declare(&mut incoming, &body), Err(RelayError::Set(1)));
    assert_eq!(incoming.stream(1), Ok(()));
    assert_eq!(incoming.stream(2), Err(RelayError::Stream(2)));
}
