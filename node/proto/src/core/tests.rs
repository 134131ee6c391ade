//! The state machine, one input at a time: what a peer may do, and what it is cut off for.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::{
    frame::{
        control::{Bye, ByeReason, Control, Greeting},
        gossip::Gossip as Frame,
        split_frame,
    },
    interest::{InterestOp, Wanted},
    io::DialFailure,
    limits::{CONTROL_FRAME_BYTES_MAX, PATTERNS_MAX},
    pattern::Pattern,
    record::{Description, Head, Merkle, Signature, Statement},
};

mod others;
mod traces;

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
            addrs: vec![addr(9)],
            networks: 1,
            max_neighbours: 64,
            unix_ms: 1_000,
            seed: 1,
        };
        let core = Core::new(now, config, Box::new(TestKeys(node(100))), &mut out);
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
        let mut outputs = Vec::new();
        while let Some((kind, body)) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX).unwrap() {
            outputs.extend(self.feed(Input::Frame { link: LinkId(link), kind, body }));
        }
        outputs
    }

    fn greet(&mut self, link: u64, incarnation: u64, dial: u64) -> Vec<Output> {
        self.frame(link, &greeting(incarnation, dial))
    }

    /// A link that the peer dialled, greeted and with what the peer states: a link to this node.
    fn neighbour(&mut self, link: u64, peer: u8, dial: u64) -> Voice {
        self.up(link, peer, None);
        self.greet(link, 1, dial);
        let mut voice = Voice::new(peer, 1);
        self.frame(link, &voice.states(vec![Change::Link(node(100))]));
        voice
    }

    /// What is due so long afterwards.
    fn pass(&mut self, ms: u64) -> Vec<Output> {
        self.now = self.now.after(Duration::from_millis(ms));
        let timers = [Timer::Say(HOME), Timer::Reach(HOME), Timer::Gossip(HOME)];
        timers.into_iter().flat_map(|timer| self.feed(Input::Timer(timer))).collect()
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

/// Keys without cryptography.
#[derive(Debug)]
struct TestKeys(NodeId);

impl Keys for TestKeys {
    fn sign(&self, network: NetworkIndex, message: &[u8]) -> Signature {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&self.0.0);
        signature[32..].copy_from_slice(
            blake3::Hasher::new().update(&[network.0]).update(message).finalize().as_bytes(),
        );
        signature
    }

    fn verify(&self, network: NetworkIndex, node: NodeId, message: &[u8], signature: &Signature) -> bool {
        TestKeys(node).sign(network, message) == *signature
    }
}

/// What some node states.
struct Voice {
    own: Own,
    keys: TestKeys,
}

impl Voice {
    fn new(who: u8, life: u64) -> Self {
        Self { own: Own::new(node(who), HOME, Incarnation(life)), keys: TestKeys(node(who)) }
    }

    fn statements(&mut self, changes: Vec<Change>) -> Vec<Bytes> {
        changes.into_iter().for_each(|change| self.own.note(change));
        self.own.say(&self.keys).into_iter().map(|statement| statement.bytes).collect()
    }

    fn states(&mut self, changes: Vec<Change>) -> Control {
        let statements = self.statements(changes);
        Control::Gossip(Frame::Statements { answer: false, statements })
    }
}

fn add(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
}

fn wants(text: &str) -> Change {
    Change::Interest(add(text))
}

fn ack(version: u64) -> Control {
    Control::Gossip(Frame::Ack { version })
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
        Output::NeighbourUp { peer, link, .. } => Some(format!("linked {} by {}", peer.0[0], link.0)),
        Output::NeighbourMoved { peer, link, .. } => Some(format!("moved {} to {}", peer.0[0], link.0)),
        Output::NeighbourDown { peer, reason, .. } => Some(format!("unlinked {}: {reason}", peer.0[0])),
        Output::PeerUp { peer, .. } => Some(format!("up {}", peer.0[0])),
        Output::PeerDown { peer, reason, .. } => Some(format!("down {}: {reason}", peer.0[0])),
        Output::Routes { changes, .. } => {
            let way = |(to, via): &(NodeId, Option<NodeId>)| {
                format!("{} by {}", to.0[0], via.map_or("none".into(), |via| via.0[0].to_string()))
            };
            Some(format!("way {}", changes.iter().map(way).collect::<Vec<_>>().join(", ")))
        }
        Output::PeerInterest { peer, reset, ops, .. } => {
            Some(format!("interest {}{}: {}", peer.0[0], if *reset { " reset" } else { "" }, ops.len()))
        }
        Output::Confirmed { ticket } => Some(format!("confirmed {ticket}")),
        Output::Ready { .. } => Some("ready".into()),
        Output::Look { .. } | Output::Traced { .. } => None,
        Output::Send { .. } | Output::Arm { .. } | Output::Note { .. } => None,
    };
    outputs.iter().filter_map(tell).collect()
}

fn sent(outputs: &[Output], to: u64) -> Vec<Control> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Send { link, frame } if link.0 == to => Some(BytesMut::from(&frame[..])),
        _ => None,
    });
    let decode = |mut frames: BytesMut| {
        let mut controls = Vec::new();
        while let Some((kind, body)) = split_frame(&mut frames, CONTROL_FRAME_BYTES_MAX).unwrap() {
            controls.push(Control::decode(kind, &body).unwrap().unwrap());
        }
        controls
    };
    frames.flat_map(decode).collect()
}

/// The statements that were pushed on a link, by what they change.
fn said(outputs: &[Output], to: u64) -> Vec<Vec<Change>> {
    let read = |bytes: &Bytes| Statement::read(&TestKeys(node(0)), HOME, bytes).expect("a statement").changes;
    let statements = sent(outputs, to).into_iter().flat_map(|control| match control {
        Control::Gossip(Frame::Statements { statements, .. }) => statements,
        _ => Vec::new(),
    });
    statements.map(|bytes| read(&bytes)).collect()
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
    assert_eq!(story(&rig.want(vec![add("a/b")], 1)), [""; 0], "it is stated in a moment");
    assert_eq!(story(&rig.pass(10)), ["confirmed 1"], "nobody has to confirm");
    let out = rig.up(7, 50, None);
    assert!(matches!(&sent(&out, 7)[..], [Control::Greeting(g)] if g.dial == 0 && g.name == "rig"));
    let out = rig.greet(7, 1, 3);
    assert_eq!(story(&out), ["linked 50 by 7", "up 50", "way 50 by 50"]);
    assert_eq!(said(&out, 7)[0][1..], [wants("a/b"), Change::Link(node(50))], "all of it so far");
    let mut peer = Voice::new(50, 1);
    let out = rig.frame(7, &peer.states(vec![wants("x/y"), wants("x/*"), Change::Link(node(100))]));
    assert_eq!(story(&out), ["interest 50 reset: 2"]);
    assert_eq!(sent(&out, 7), [ack(1)]);

    assert_eq!(story(&rig.want(vec![add("a/c")], 2)), [""; 0]);
    let out = rig.pass(20);
    assert_eq!(said(&out, 7), [[wants("a/c")]]);
    assert_eq!(story(&out), [""; 0]);
    assert_eq!(story(&rig.frame(7, &ack(1))), [""; 0]);
    assert_eq!(story(&rig.frame(7, &ack(2))), ["confirmed 2"]);
    rig.pass(20);
    assert_eq!(story(&rig.want(vec![add("a/c")], 3)), ["confirmed 3"], "nothing has changed");
}

#[test]
fn new_links_are_stated_together_and_more_seldom_each_time() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    let mut late = |links: std::ops::Range<u8>, ms: u64| {
        links.clone().for_each(|n| _ = rig.neighbour(n.into(), 50 + n, 1));
        assert_eq!(said(&rig.pass(ms - 1), 1), [[]; 0], "not before {ms} ms");
        let stated: Vec<Change> = links.map(|n| Change::Link(node(50 + n))).collect();
        assert_eq!(said(&rig.pass(1), 1), [stated]);
    };
    late(2..4, 300);
    late(4..7, 600);
    late(7..8, 1200);
    late(8..9, 1200);
    rig.down(8);
    assert_eq!(said(&rig.pass(300), 1), [[Change::Unlink(node(58))]], "what is gone is said sooner");
}

#[test]
fn who_is_gone_has_not_to_confirm() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.neighbour(2, 51, 1);
    rig.pass(100);
    assert_eq!(story(&rig.want(vec![add("a/b")], 9)), [""; 0]);
    assert_eq!(story(&rig.pass(20)), [""; 0]);
    rig.frame(1, &ack(3));
    let gone = "nothing heard for too long";
    assert_eq!(
        story(&rig.down(2)),
        ["confirmed 9".to_owned(), format!("unlinked 51: {gone}"), format!("down 51: {gone}")]
    );
}

#[test]
fn of_two_links_the_one_dialled_by_the_smaller_id_stays() {
    let mut rig = Rig::new();
    let dials = rig.found(Some(50), &[1], false);
    assert_eq!(story(&dials), ["dial 1 1 50"]);
    rig.up(1, 50, Some(1));
    assert_eq!(story(&rig.greet(1, 1, 0)), ["linked 50 by 1", "up 50", "way 50 by 50"]);
    rig.up(2, 50, None);
    let out = rig.greet(2, 1, 1);
    assert_eq!(story(&out), ["moved 50 to 2", "close 1: another link to this node is used"]);
    let digest = |control: &Control| matches!(control, Control::Gossip(Frame::Digest(_)));
    assert!(sent(&out, 2).iter().any(digest), "what both know is compared again");
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
    let mut first = rig.neighbour(1, 50, 9);
    rig.frame(1, &first.states(vec![wants("old/wish")]));
    rig.up(2, 50, None);
    let out = story(&rig.greet(2, 2, 1));
    let again = "it was started again";
    let later = "close 1: a later life of this node is connected";
    assert_eq!(
        out,
        [
            format!("unlinked 50: {again}"),
            format!("down 50: {again}"),
            later.into(),
            "linked 50 by 2".into(),
            "up 50".into(),
            "way 50 by 50".into(),
        ]
    );
    assert_eq!(story(&rig.frame(2, &first.states(vec![wants("late/wish")]))), [""; 0], "of the first life");
    let mut second = Voice::new(50, 2);
    assert_eq!(story(&rig.frame(2, &second.states(vec![wants("a/b")]))), ["interest 50 reset: 1"]);
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
    rig.frame(1, &Voice::new(50, 1).states(vec![wants("a/b")]));
    let out = story(&rig.frame(1, &bye(ByeReason::Leaving)));
    assert_eq!(out, ["interest 50 reset: 0", "close 1: leaving"]);
    let out = rig.feed(Input::LinkDown { link: LinkId(1), end: LinkEnd::Closed });
    assert_eq!(story(&out), ["unlinked 50: leaving", "down 50: leaving"]);
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
    assert_eq!(story(&rig.down(1)), ["unlinked 50: leaving", "down 50: leaving"]);
    assert_eq!(story(&rig.up(2, 52, None)), ["close 2: leaving"]);
    assert_eq!(story(&rig.found(Some(53), &[1], true)), [""; 0]);
}

#[test]
fn links_begin_with_a_greeting() {
    let mut rig = Rig::new();
    rig.up(1, 50, None);
    let first = ["close 1: the first frame is no greeting"];
    assert_eq!(story(&rig.frame(1, &ack(0))), first);
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
fn neighbours_state_something_and_confirm_what_they_are_told_in_time() {
    let timer = Timer::Exchange(HOME, node(50));
    let mut rig = Rig::new();
    rig.up(1, 50, None);
    assert_eq!(armed(&rig.greet(1, 1, 1), timer), Some(Now(EXCHANGE_LIMIT)));
    rig.wait(15);
    let out = story(&rig.feed(Input::Timer(timer)));
    assert_eq!(out[0], "close 1: it states nothing of itself within 15 s");

    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.pass(100);
    rig.frame(1, &ack(1));
    rig.wait(20);
    assert_eq!(story(&rig.feed(Input::Timer(timer))), [""; 0], "nothing is owed");
    assert_eq!(armed(&rig.want(vec![add("a/b")], 1), timer), Some(rig.now.after(EXCHANGE_LIMIT)));
    rig.wait(10);
    assert_eq!(armed(&rig.want(vec![add("a/c")], 2), timer), None, "the first debt counts");
    rig.frame(1, &ack(2));
    rig.wait(5);
    let out = rig.feed(Input::Timer(timer));
    assert_eq!(armed(&out, timer), Some(rig.now.after(EXCHANGE_LIMIT - Duration::from_secs(5))));
    rig.wait(10);
    let out = story(&rig.feed(Input::Timer(timer)));
    let why = "it does not confirm what it is told within 15 s";
    assert_eq!(out[..2], [format!("close 1: {why}"), "confirmed 2".into()]);
    assert_eq!(out[2..], [format!("unlinked 50: {why}"), format!("down 50: {why}")]);
}

#[test]
fn many_tickets_are_waited_for_together() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    for n in 1..=5000 {
        let wish = add(&format!("n/{}", n % 2));
        let unwish = InterestOp::Remove(Pattern::parse(&format!("n/{}", n % 2)).expect("a pattern"));
        rig.want(vec![wish, unwish, add(&format!("m/{n}"))], n);
        rig.pass(10);
    }
    let said = rig.core.networks[&HOME].own.head().version;
    let out = story(&rig.frame(1, &ack(said)));
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
    let out = rig.frame(1, &Voice::new(50, 1).states(vec![Change::Link(node(100))]));
    assert_eq!(story(&out), ["interest 50 reset: 0"], "what else the peer knows was not compared");
    let root = rig.core.networks.get_mut(&HOME).map(|network| network.members.root().0).unwrap();
    let out = rig.frame(1, &Control::Gossip(Frame::Digest(root)));
    assert_eq!(story(&out), [""; 0], "the other may still come");
    let failure = DialFailure::Unreachable("nobody there".into());
    assert_eq!(story(&rig.feed(Input::DialFailed { attempt: Attempt(2), failure })), ["ready"]);
}

#[test]
fn a_greeting_says_what_the_clock_says_then() {
    let mut rig = Rig::new();
    let said = |out: &[Output]| match &sent(out, 1)[..] {
        [Control::Greeting(greeting)] => greeting.unix_ms,
        other => panic!("a greeting, not {other:?}"),
    };
    rig.wait(2);
    assert_eq!(said(&rig.up(1, 50, None)), 3_000, "the driver said 1000 at its time zero");
    rig.down(1);
    assert_eq!(rig.feed(Input::Clock { unix_ms: 90_000 }), []);
    rig.wait(1);
    assert_eq!(said(&rig.up(1, 50, None)), 91_000, "somebody has set it");
}

proptest! {
    /// Whatever a member of the network sends, the node neither panics nor takes it for somebody else.
    #[test]
    fn noise_closes_a_link_at_worst(
        frames in prop::collection::vec(
            (prop_oneof![0x10_u8..0x14, 0x20_u8..0x29, any::<u8>()], prop::collection::vec(any::<u8>(), 0..40)), 1..20,
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
