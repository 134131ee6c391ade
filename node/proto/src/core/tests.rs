//! The state machine, one input at a time: what a peer may do, and what it is cut off for.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::{
    frame::{
        control::{Bye, ByeReason, Control, Greeting, Interest},
        split_frame,
    },
    interest::{InterestOp, Wanted},
    io::DialFailure,
    limits::{CONTROL_FRAME_BYTES_MAX, PATTERNS_MAX},
    pattern::Pattern,
};

const HOME: NetworkIndex = NetworkIndex::HOME;

/// The node under test; peers with a smaller first byte have smaller ids.
struct Rig {
    core: Core,
    now: Now,
    out: Outbox,
}

impl Rig {
    fn new() -> Self {
        let (now, mut out) = (Now::default(), Outbox::new());
        let config = CoreConfig {
            node: node(100),
            incarnation: Incarnation(1),
            name: "rig".into(),
            networks: 1,
            unix_ms: 1_000,
            seed: 1,
        };
        let core = Core::new(now, config, &mut out);
        while out.pop().is_some() {}
        Self { core, now, out }
    }

    fn feed(&mut self, input: Input) -> Vec<Output> {
        self.core.handle(self.now, input, &mut self.out);
        std::iter::from_fn(|| self.out.pop()).collect()
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    fn found(&mut self, who: Option<u8>, ports: &[u16], persistent: bool) -> Vec<Output> {
        let addrs = ports.iter().map(|port| addr(*port)).collect();
        self.feed(Input::Found { network: HOME, node: who.map(node), addrs, persistent })
    }

    /// A link is up; the peer has not greeted yet.
    fn up(&mut self, link: u64, peer: u8, dialled: Option<u64>) -> Vec<Output> {
        let (link, peer, dialled) = (LinkId(link), node(peer), dialled.map(Attempt));
        self.feed(Input::LinkUp { link, network: HOME, peer, dialled, addr: addr(1) })
    }

    fn frame(&mut self, link: u64, control: &Control) -> Vec<Output> {
        let mut buffer = BytesMut::from(&control.encode()[..]);
        let (kind, body) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX).unwrap().unwrap();
        self.feed(Input::Frame { link: LinkId(link), kind, body })
    }

    fn greet(&mut self, link: u64, incarnation: u64, dial: u64) -> Vec<Output> {
        self.frame(link, &greeting(incarnation, dial))
    }

    /// A link that the peer dialled, greeted and with the peer's whole interest.
    fn neighbour(&mut self, link: u64, peer: u8, dial: u64) {
        self.up(link, peer, None);
        self.greet(link, 1, dial);
        self.frame(link, &interest(0, true, &[]));
    }

    fn down(&mut self, link: u64) -> Vec<Output> {
        self.feed(Input::LinkDown { link: LinkId(link), end: LinkEnd::TimedOut })
    }

    fn want(&mut self, ops: Vec<InterestOp>, ticket: u64) -> Vec<Output> {
        self.feed(Input::Interest { network: HOME, ops, ticket: Some(ticket) })
    }
}

fn node(first: u8) -> NodeId {
    NodeId(std::array::from_fn(|at| if at == 0 { first } else { 0 }))
}

fn addr(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn greeting(incarnation: u64, dial: u64) -> Control {
    let incarnation = Incarnation(incarnation);
    Control::Greeting(Greeting { minor: 0, features: 0, incarnation, dial, unix_ms: 0, name: "peer".into() })
}

fn add(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
}

fn interest(version: u64, reset: bool, ops: &[InterestOp]) -> Control {
    Control::Interest(Interest { version, reset, last: true, ops: ops.to_vec() })
}

fn bye(reason: ByeReason) -> Control {
    Control::Bye(Bye { reason, text: "bye".into() })
}

/// What happened to peers and links, and what was dialled and confirmed, in short words.
fn story(outputs: &[Output]) -> Vec<String> {
    let tell = |output: &Output| match output {
        Output::Dial { attempt, addr, expect, .. } => {
            let whom = expect.map_or("anybody".into(), |node| node.0[0].to_string());
            Some(format!("dial {} {} {whom}", attempt.0, addr.port()))
        }
        Output::Abandon { attempt } => Some(format!("abandon {}", attempt.0)),
        Output::Close { link, reason } => Some(format!("close {}: {reason}", link.0)),
        Output::PeerUp { peer, link, .. } => Some(format!("up {} on {}", peer.0[0], link.0)),
        Output::PeerMoved { peer, link, .. } => Some(format!("moved {} to {}", peer.0[0], link.0)),
        Output::PeerDown { peer, reason, .. } => Some(format!("down {}: {reason}", peer.0[0])),
        Output::PeerInterest { peer, reset, ops, .. } => {
            Some(format!("interest {}{}: {}", peer.0[0], if *reset { " reset" } else { "" }, ops.len()))
        }
        Output::Confirmed { ticket } => Some(format!("confirmed {ticket}")),
        Output::Ready { .. } => Some("ready".into()),
        Output::Send { .. } | Output::Arm { .. } | Output::Note { .. } => None,
    };
    outputs.iter().filter_map(tell).collect()
}

fn sent(outputs: &[Output], to: u64) -> Vec<Control> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Send { link, frame } if link.0 == to => Some(BytesMut::from(&frame[..])),
        _ => None,
    });
    let decode = |mut frame: BytesMut| {
        let (kind, body) = split_frame(&mut frame, CONTROL_FRAME_BYTES_MAX).unwrap().unwrap();
        Control::decode(kind, &body).unwrap().unwrap()
    };
    frames.map(decode).collect()
}

fn armed(outputs: &[Output], wanted: Timer) -> Option<Now> {
    outputs.iter().rev().find_map(|output| match output {
        Output::Arm { timer, at } if *timer == wanted => Some(*at),
        _ => None,
    })
}

#[test]
fn a_peer_is_greeted_told_and_confirmed() {
    let mut rig = Rig::new();
    assert_eq!(story(&rig.want(vec![add("a/b")], 1)), ["confirmed 1"], "nobody has to confirm");
    let out = rig.up(7, 50, None);
    assert!(matches!(&sent(&out, 7)[..], [Control::Greeting(g)] if g.dial == 0 && g.name == "rig"));
    let out = rig.greet(7, 1, 3);
    assert_eq!(story(&out), ["up 50 on 7"]);
    assert_eq!(sent(&out, 7), [interest(1, true, &[add("a/b")])]);
    let out = rig.frame(7, &interest(4, true, &[add("x/y"), add("x/*")]));
    assert_eq!(story(&out), ["interest 50 reset: 2", "ready"]);
    assert_eq!(sent(&out, 7), [Control::InterestAck { version: 4 }]);

    let out = rig.want(vec![add("a/c")], 2);
    assert_eq!(sent(&out, 7), [interest(2, false, &[add("a/c")])]);
    assert_eq!(story(&out), [""; 0]);
    assert_eq!(story(&rig.frame(7, &Control::InterestAck { version: 1 })), [""; 0]);
    assert_eq!(story(&rig.frame(7, &Control::InterestAck { version: 2 })), ["confirmed 2"]);
    assert_eq!(story(&rig.want(vec![add("a/c")], 3)), ["confirmed 3"], "nothing has changed");
}

#[test]
fn who_is_gone_has_not_to_confirm() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.neighbour(2, 51, 1);
    assert_eq!(story(&rig.want(vec![add("a/b")], 9)), [""; 0]);
    rig.frame(1, &Control::InterestAck { version: 1 });
    assert_eq!(story(&rig.down(2)), ["down 51: nothing heard for too long", "confirmed 9"]);
}

#[test]
fn of_two_links_the_one_dialled_by_the_smaller_id_stays() {
    let mut rig = Rig::new();
    let dials = rig.found(Some(50), &[1], false);
    assert_eq!(story(&dials), ["dial 1 1 50"]);
    rig.up(1, 50, Some(1));
    assert_eq!(story(&rig.greet(1, 1, 0)), ["up 50 on 1"]);
    rig.up(2, 50, None);
    let out = rig.greet(2, 1, 1);
    assert_eq!(story(&out), ["moved 50 to 2", "close 1: another link to this node is used"]);
    assert_eq!(sent(&out, 2).len(), 1, "the whole interest on the new link");
    assert!(matches!(&sent(&out, 1)[..], [Control::Bye(bye)] if bye.reason == ByeReason::Duplicate));
    assert_eq!(story(&rig.down(1)), [""; 0]);
    // And the other way round: the larger one's link comes late.
    rig.up(3, 50, Some(99));
    assert_eq!(story(&rig.greet(3, 1, 0)), ["close 3: another link to this node is used"]);
}

#[test]
fn of_two_links_from_one_dialler_the_later_stays() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 5);
    rig.up(2, 50, None);
    rig.up(3, 50, None);
    assert_eq!(story(&rig.greet(2, 1, 4)), ["close 2: another link to this node is used"]);
    let moved = ["moved 50 to 3", "close 1: another link to this node is used"];
    assert_eq!(story(&rig.greet(3, 1, 6)), moved);
}

#[test]
fn a_dismissed_link_serves_until_there_is_another() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    assert_eq!(story(&rig.frame(1, &bye(ByeReason::Duplicate))), [""; 0]);
    rig.up(2, 50, Some(7));
    let moved = ["moved 50 to 2", "close 1: another link to this node is used"];
    assert_eq!(story(&rig.greet(2, 1, 0)), moved);
}

#[test]
fn a_later_life_replaces_an_earlier_one_at_once() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 9);
    rig.frame(1, &interest(1, false, &[add("old/wish")]));
    rig.up(2, 50, None);
    let out = story(&rig.greet(2, 2, 1));
    let later = "close 1: a later life of this node is connected";
    assert_eq!(out, ["down 50: it was started again", later, "up 50 on 2"]);
    assert_eq!(story(&rig.frame(2, &interest(0, true, &[]))), ["interest 50 reset: 0"]);
    rig.up(3, 50, None);
    let out = rig.greet(3, 1, 10);
    assert_eq!(story(&out), ["close 3: a later life of this node is connected"]);
    let twice =
        |o: &Output| matches!(o, Output::Note { level: Level::Error, text } if text.contains("twice"));
    assert!(out.iter().any(twice), "{out:?}");
}

#[test]
fn whoever_leaves_is_drained_and_not_dialled_again() {
    let mut rig = Rig::new();
    rig.found(Some(50), &[1], false);
    rig.up(1, 50, Some(1));
    rig.greet(1, 1, 0);
    rig.frame(1, &interest(0, true, &[add("a/b")]));
    let out = story(&rig.frame(1, &bye(ByeReason::Leaving)));
    assert_eq!(out, ["interest 50 reset: 0", "close 1: leaving"]);
    let out = rig.feed(Input::LinkDown { link: LinkId(1), end: LinkEnd::Closed });
    assert_eq!(story(&out), ["down 50: leaving"]);
    assert_eq!(armed(&out, Timer::Dial), None);
    rig.wait(60);
    assert_eq!(story(&rig.feed(Input::Timer(Timer::Dial))), [""; 0]);
}

#[test]
fn leaving_says_goodbye_and_takes_nobody_in() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.found(Some(51), &[1], true);
    let out = rig.feed(Input::Leave);
    assert_eq!(story(&out), ["abandon 1", "close 1: leaving"]);
    assert!(matches!(&sent(&out, 1)[..], [Control::Bye(bye)] if bye.reason == ByeReason::Leaving));
    assert_eq!(story(&rig.down(1)), ["down 50: leaving"]);
    assert_eq!(story(&rig.up(2, 52, None)), ["close 2: leaving"]);
    assert_eq!(story(&rig.found(Some(53), &[1], true)), [""; 0]);
}

#[test]
fn bad_frames_close_their_link_and_only_that() {
    let too_many: Vec<_> = (0..=PATTERNS_MAX).map(|n| add(&format!("n/{n}"))).collect();
    let halves = too_many.chunks(PATTERNS_MAX / 2).collect::<Vec<_>>();
    let cases = [
        (vec![interest(0, false, &[])], "the first interest on a link is not the whole set"),
        (vec![interest(3, true, &[]), interest(5, false, &[])], "interest version 5 came where 4 was due"),
        (vec![greeting(1, 2)], "a second greeting"),
        (vec![Control::InterestAck { version: 8 }], "interest version 8 is confirmed and was never sent"),
        (
            vec![interest(0, true, halves[0]), interest(1, false, halves[1]), interest(2, false, halves[2])],
            "more than 10000 patterns",
        ),
    ];
    for (frames, reason) in cases {
        let mut rig = Rig::new();
        rig.neighbour(1, 50, 1);
        rig.up(2, 51, None);
        rig.greet(2, 1, 1);
        let out: Vec<_> = frames.iter().flat_map(|frame| rig.frame(2, frame)).collect();
        let story = story(&out);
        assert_eq!(story[story.len() - 2..], [format!("close 2: {reason}"), format!("down 51: {reason}")]);
        assert!(matches!(sent(&out, 2).last(), Some(Control::Bye(bye)) if bye.reason == ByeReason::Protocol));
        assert_eq!(rig.frame(2, &greeting(1, 1)), [], "nothing of a closed link is looked at");
    }
}

#[test]
fn links_begin_with_a_greeting() {
    let mut rig = Rig::new();
    rig.up(1, 50, None);
    let first = ["close 1: the first frame is no greeting"];
    assert_eq!(story(&rig.frame(1, &Control::InterestAck { version: 0 })), first);
    let out = rig.up(2, 50, None);
    assert_eq!(armed(&out, Timer::Greeting(LinkId(2))), Some(Now(GREETING_LIMIT)));
    rig.wait(5);
    assert_eq!(
        story(&rig.feed(Input::Timer(Timer::Greeting(LinkId(2))))),
        ["close 2: no greeting within 5 s"]
    );
    rig.up(3, 50, None);
    assert_eq!(story(&rig.greet(3, 1, 0)), ["close 3: a dialler's greeting without its number"]);
    let unknown = rig.feed(Input::Frame { link: LinkId(9), kind: 0x10, body: Bytes::new() });
    assert_eq!(story(&unknown), ["close 9: a frame on an unknown link"]);
    assert_eq!(story(&rig.up(4, 100, None)), ["close 4: a link of this node to itself"]);
}

#[test]
fn neighbours_say_what_they_want_and_confirm_what_they_are_told_in_time() {
    let timer = Timer::Exchange(HOME, node(50));
    let mut rig = Rig::new();
    rig.up(1, 50, None);
    assert_eq!(armed(&rig.greet(1, 1, 1), timer), Some(Now(EXCHANGE_LIMIT)));
    rig.wait(15);
    let out = story(&rig.feed(Input::Timer(timer)));
    assert_eq!(out[0], "close 1: no interest within 15 s");

    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.frame(1, &Control::InterestAck { version: 0 });
    rig.wait(20);
    assert_eq!(story(&rig.feed(Input::Timer(timer))), [""; 0], "nothing is owed");
    assert_eq!(armed(&rig.want(vec![add("a/b")], 1), timer), Some(rig.now.after(EXCHANGE_LIMIT)));
    rig.wait(10);
    assert_eq!(armed(&rig.want(vec![add("a/c")], 2), timer), None, "the first debt counts");
    rig.frame(1, &Control::InterestAck { version: 1 });
    rig.wait(5);
    let out = rig.feed(Input::Timer(timer));
    assert_eq!(armed(&out, timer), Some(rig.now.after(EXCHANGE_LIMIT - Duration::from_secs(5))));
    rig.wait(10);
    let out = story(&rig.feed(Input::Timer(timer)));
    let why = "interest is not confirmed within 15 s";
    assert_eq!(out, [format!("close 1: {why}"), format!("down 50: {why}"), "confirmed 2".into()]);
}

#[test]
fn many_tickets_are_waited_for_together() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    for n in 1..=5000 {
        let op = match n % 2 {
            0 => InterestOp::Remove(Pattern::parse("n/1").expect("a pattern")),
            _ => add("n/1"),
        };
        rig.want(vec![op], n);
    }
    let out = story(&rig.frame(1, &Control::InterestAck { version: 5000 }));
    assert_eq!(out.len(), 5000, "every one is confirmed");
}

#[test]
fn one_peer_has_a_bounded_number_of_links() {
    let mut rig = Rig::new();
    for link in 0..LINKS_PER_PEER_MAX as u64 {
        assert_eq!(story(&rig.up(link, 50, None)), [""; 0]);
    }
    assert_eq!(story(&rig.up(77, 50, None)), ["close 77: too many links at once"]);
}

#[test]
fn all_addresses_are_tried_and_the_first_link_ends_the_others() {
    let mut rig = Rig::new();
    assert_eq!(
        story(&rig.found(None, &[1, 2, 3], true)),
        ["dial 1 1 anybody", "dial 2 2 anybody", "dial 3 3 anybody"]
    );
    let failure = DialFailure::Unreachable("nobody there".into());
    rig.feed(Input::DialFailed { attempt: Attempt(1), failure });
    assert_eq!(story(&rig.up(1, 50, Some(2))), ["abandon 3"]);
    assert_eq!(story(&rig.found(None, &[1, 2, 3], true)), [""; 0]);
}

#[test]
fn pauses_grow_and_refusals_pause_longer() {
    let refused = || DialFailure::Refused("wrong secret".into());
    let unreachable = || DialFailure::Unreachable("nobody there".into());
    let cases: [(fn() -> DialFailure, _, _); 2] = [(unreachable, 125, 22_500), (refused, 2_000, 45_000)];
    for (failure, first_ms, longest_ms) in cases {
        let mut rig = Rig::new();
        rig.found(None, &[1], true);
        let (mut pauses, mut notes) = (Vec::new(), 0);
        for attempt in 1..20 {
            let out = rig.feed(Input::DialFailed { attempt: Attempt(attempt), failure: failure() });
            notes += out.iter().filter(|output| matches!(output, Output::Note { .. })).count();
            let due = armed(&out, Timer::Dial).expect("it is dialled again");
            pauses.push((due.0 - rig.now.0).as_millis());
            rig.now = due;
            assert_eq!(
                story(&rig.feed(Input::Timer(Timer::Dial))),
                [format!("dial {} 1 anybody", attempt + 1)]
            );
        }
        assert!(pauses[0] >= first_ms && pauses[0] <= first_ms * 3, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= longest_ms), "{pauses:?}");
        assert!(pauses[12..].iter().all(|pause| *pause >= longest_ms / 3), "{pauses:?}");
        assert_eq!(notes, 1, "the same complaint is said once");
    }
}

#[test]
fn nobody_dials_himself() {
    let mut rig = Rig::new();
    assert_eq!(story(&rig.found(Some(100), &[1], false)), [""; 0]);
    rig.found(None, &[1], true);
    let out = rig.feed(Input::DialFailed { attempt: Attempt(1), failure: DialFailure::Myself });
    assert_eq!(armed(&out, Timer::Dial), None);
}

#[test]
fn a_lost_node_is_not_dialled_any_more() {
    let mut rig = Rig::new();
    rig.found(Some(50), &[1], false);
    assert_eq!(story(&rig.feed(Input::Lost { network: HOME, node: node(50) })), ["abandon 1"]);
    rig.found(Some(51), &[1], true);
    assert_eq!(story(&rig.feed(Input::Lost { network: HOME, node: node(51) })), [""; 0]);
}

#[test]
fn a_node_is_ready_with_its_neighbours_or_alone() {
    let mut alone = Rig::new();
    alone.wait(2);
    assert_eq!(story(&alone.feed(Input::Timer(Timer::Ready(HOME)))), ["ready"]);
    assert_eq!(story(&alone.feed(Input::Timer(Timer::Ready(HOME)))), [""; 0]);

    let mut rig = Rig::new();
    rig.found(Some(50), &[1], false);
    rig.found(Some(51), &[2], false);
    rig.up(1, 50, Some(1));
    rig.greet(1, 1, 0);
    let out = rig.frame(1, &interest(0, true, &[]));
    assert_eq!(story(&out), ["interest 50 reset: 0"], "the other may still come");
    let failure = DialFailure::Unreachable("nobody there".into());
    assert_eq!(story(&rig.feed(Input::DialFailed { attempt: Attempt(2), failure })), ["ready"]);
}

proptest! {
    /// Whatever a member of the network sends, the node neither panics nor takes it for somebody else.
    #[test]
    fn noise_closes_a_link_at_worst(
        frames in prop::collection::vec(
            (prop_oneof![0x10_u8..0x14, any::<u8>()], prop::collection::vec(any::<u8>(), 0..40)), 1..20,
        ),
        greeted in any::<bool>(),
    ) {
        let mut rig = Rig::new();
        rig.neighbour(1, 50, 1);
        rig.up(2, 51, None);
        if greeted {
            rig.greet(2, 1, 1);
        }
        for (kind, body) in frames {
            let out = rig.feed(Input::Frame { link: LinkId(2), kind, body: body.into() });
            let harms = |o: &Output| matches!(o, Output::Close { link, .. } if link.0 == 1);
            prop_assert!(!out.iter().any(harms));
        }
        prop_assert!(story(&rig.want(vec![add("a/b")], 1)).is_empty(), "the good neighbour has to confirm");
    }
}
