//! Nodes that are known through others: who is believed, who is reached by whom, and who is cut for lying.

use super::*;

/// What a chain of nodes states: each is linked to the one before and the one after.
fn chain(nodes: &[u8]) -> Vec<Bytes> {
    let mut statements = Vec::new();
    for (at, who) in nodes.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| nodes[at]);
        let linked = [before, nodes.get(at + 1).copied()].into_iter().flatten();
        let mut changes: Vec<Change> = linked.map(|other| Change::Link(node(other))).collect();
        changes.push(wants(&format!("of/{who}")));
        statements.extend(Voice::new(*who, 1).statements(changes));
    }
    statements
}

fn pushed(statements: Vec<Bytes>) -> Control {
    Control::Gossip(Frame::Statements { answer: true, statements })
}

/// The node under test, with neighbours 50 and 51 who both lead to 60.
fn crossroads() -> Rig {
    let mut rig = Rig::new();
    for (link, peer) in [(1, 50), (2, 51)] {
        rig.up(link, peer, None);
        rig.greet(link, 1, 1);
        let linked = vec![Change::Link(node(100)), Change::Link(node(60))];
        rig.frame(link, &Voice::new(peer, 1).states(linked));
    }
    rig.pass(100);
    rig
}

#[test]
fn who_is_linked_to_a_neighbour_is_reached_through_it() {
    let mut rig = Rig::new();
    let mut near = rig.neighbour(1, 50, 1);
    let far = pushed(chain(&[50, 60, 61])[1..].to_vec());
    assert_eq!(story(&rig.frame(1, &far)), [""; 0], "the neighbour does not say that it leads there");
    rig.frame(1, &near.states(vec![Change::Link(node(60))]));
    let out = story(&rig.pass(100));
    let reached =
        ["up 60", "up 61", "way 60 by 50, 61 by 50", "interest 60 reset: 1", "interest 61 reset: 1"];
    assert_eq!(out, reached);
    let places: Vec<_> =
        rig.core.places(HOME).into_iter().map(|place| (place.node.0[0], place.via)).collect();
    let by = Some(node(50));
    assert_eq!(places, [(50, by), (60, by), (61, by), (100, None)]);
    let out = story(&rig.down(1));
    let gone = "nobody leads to it any more";
    assert!(
        out.contains(&format!("down 60: {gone}")) && out.contains(&format!("down 61: {gone}")),
        "{out:?}"
    );
}

/// It left before it had stated anything, and its next life is heard of through others.
#[test]
fn who_left_and_was_started_again_is_listened_to() {
    let mut rig = crossroads();
    rig.up(3, 60, None);
    rig.greet(3, 1, 1);
    rig.frame(3, &bye(ByeReason::Leaving));
    rig.down(3);
    let mut reborn = Voice::new(60, 2);
    rig.frame(1, &reborn.states(vec![Change::Link(node(50)), wants("a/b")]));
    assert_eq!(story(&rig.pass(100)), ["up 60", "way 60 by 50", "interest 60 reset: 1"]);
    assert_eq!(story(&rig.frame(1, &reborn.states(vec![wants("a/c")]))), ["interest 60: 1"]);
}

/// It was greeted, had not stated anything, and its next life is heard of through others.
#[test]
fn who_was_started_again_is_said_to_be() {
    let mut rig = crossroads();
    rig.up(3, 60, None);
    rig.greet(3, 1, 1);
    let mut reborn = Voice::new(60, 2);
    let mut out = story(&rig.frame(1, &reborn.states(vec![Change::Link(node(50)), wants("a/b")])));
    out.extend(story(&rig.pass(100)));
    let [down, up, interest] = ["down 60: it was started again", "up 60", "interest 60 reset: 1"]
        .map(|line| out.iter().position(|told| told == line));
    assert!(down.is_some() && down < up && up < interest, "{out:?}");
}

fn described(ports: &[u16]) -> Change {
    let addrs = ports.iter().map(|port| addr(*port)).collect();
    Change::Describe(Description { name: "far".into(), addrs, features: 0 })
}

#[test]
fn who_is_somewhere_else_is_dialled_there() {
    let mut rig = crossroads();
    let mut far = Voice::new(60, 1);
    rig.frame(1, &far.states(vec![Change::Link(node(50)), described(&[7])]));
    assert!(story(&rig.pass(100)).contains(&"dial 1 7 60".to_owned()));
    rig.feed(Input::DialFailed { attempt: Attempt(1), failure: DialFailure::Unreachable("no".into()) });
    assert_eq!(story(&rig.frame(1, &far.states(vec![described(&[7])]))), [""; 0], "nothing is new");
    assert_eq!(story(&rig.frame(1, &far.states(vec![described(&[8])]))), ["dial 2 8 60"]);
}

#[test]
fn new_addresses_of_this_node_are_stated_once() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    rig.pass(400);
    assert_eq!(rig.feed(Input::Addresses(vec![addr(9)])), [], "they are the old ones");
    rig.feed(Input::Addresses(vec![addr(10)]));
    let stated = said(&rig.pass(100), 1);
    let addrs: Vec<_> = stated
        .iter()
        .flatten()
        .filter_map(|change| match change {
            Change::Describe(description) => Some(description.addrs.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(addrs, [vec![addr(10)]]);
}

#[test]
fn a_second_way_takes_over_and_a_working_way_is_kept() {
    let mut rig = crossroads();
    let mut far = Voice::new(60, 1);
    rig.frame(1, &far.states(vec![Change::Link(node(50)), wants("a/b")]));
    assert_eq!(story(&rig.pass(100)), ["up 60", "way 60 by 50", "interest 60 reset: 1"]);
    rig.frame(1, &far.states(vec![Change::Link(node(51))]));
    assert_eq!(story(&rig.pass(100)), [""; 0], "another way as short is no reason to leave the first");
    let out = story(&rig.down(1));
    assert!(out.contains(&"way 50 by 51, 60 by 51".to_owned()), "{out:?}");
    assert!(!out.iter().any(|line| line.starts_with("down 60")), "it is reached all the time: {out:?}");
}

fn head(version: u64) -> crate::frame::gossip::HeadRef {
    crate::frame::gossip::HeadRef { prefix: 60 << 24, incarnation: Incarnation(1), version }
}

#[test]
fn what_is_new_goes_on_to_those_who_asked_and_is_mentioned_to_others() {
    let mut rig = crossroads();
    rig.pass(300);
    let mut far = Voice::new(60, 1);
    let first = far.states(vec![Change::Link(node(50))]);
    rig.frame(1, &first);
    let out = rig.pass(200);
    assert_eq!(sent(&out, 2), [Control::Gossip(Frame::Have(vec![head(1)]))]);
    assert_eq!(sent(&out, 1), [], "not back");
    let nothing = crate::frame::gossip::HeadRef { incarnation: Incarnation(0), ..head(0) };
    let out = rig.frame(2, &Control::Gossip(Frame::Pull { graft: true, known: vec![nothing] }));
    assert_eq!(said(&out, 2).len(), 1, "what it missed");
    let second = far.states(vec![wants("a/b")]);
    let out = rig.frame(1, &second);
    assert_eq!((said(&out, 2).len(), said(&out, 1).len()), (1, 0), "and what follows, at once");
    let out = rig.frame(2, &second);
    assert!(sent(&out, 2).contains(&Control::Gossip(Frame::Prune(vec![60 << 24]))), "one sender is enough");
    rig.frame(2, &Control::Gossip(Frame::Prune(vec![60 << 24])));
    let out = rig.frame(1, &far.states(vec![wants("a/c")]));
    assert_eq!(said(&out, 2).len(), 0, "it asked not to be pushed this");
    assert_eq!(sent(&rig.pass(200), 2), [Control::Gossip(Frame::Have(vec![head(3)]))]);
}

#[test]
fn what_is_only_mentioned_is_asked_for() {
    let asked = |known: u64| move |control: &Control| matches!(control, Control::Gossip(Frame::Pull { graft: true, known: heads }) if heads[0].version == known);
    let mut rig = crossroads();
    let mut far = Voice::new(60, 1);
    let out = rig.frame(1, &Control::Gossip(Frame::Have(vec![head(1)])));
    assert!(sent(&out, 1).iter().any(asked(0)), "nobody pushes what nobody asked for: {out:?}");
    let out = rig.pass(1100);
    assert!(!sent(&out, 2).iter().any(asked(0)), "the other did not say that it has it");
    let out = story(&rig.frame(1, &far.states(vec![Change::Link(node(50))])));
    assert_eq!(out, ["up 60", "way 60 by 50", "interest 60 reset: 0"]);
    let out = rig.frame(2, &Control::Gossip(Frame::Have(vec![head(2)])));
    assert_eq!(sent(&out, 2), [], "it may be on its way by the first");
    assert!(sent(&rig.pass(200), 2).iter().any(asked(1)));
}

#[test]
fn when_who_pushed_is_gone_whoever_mentions_is_asked_at_once() {
    let mut rig = crossroads();
    rig.frame(1, &Voice::new(60, 1).states(vec![Change::Link(node(50)), Change::Link(node(51))]));
    rig.down(1);
    let out = rig.frame(2, &Control::Gossip(Frame::Have(vec![head(2)])));
    let asked = |control: &Control| matches!(control, Control::Gossip(Frame::Pull { graft: true, known }) if known[0].version == 1);
    assert!(sent(&out, 2).iter().any(asked), "{out:?}");
}

#[test]
fn a_gap_is_filled_and_old_statements_change_nothing() {
    let mut rig = crossroads();
    let mut far = Voice::new(60, 1);
    let first = far.statements(vec![Change::Link(node(50)), wants("a/b")]);
    let second = far.statements(vec![Change::Interest(InterestOp::Remove(Pattern::parse("a/b").unwrap()))]);
    let out = rig.frame(1, &pushed(second.clone()));
    let asked = |control: &Control| matches!(control, Control::Gossip(Frame::Pull { .. }));
    assert!(sent(&out, 1).iter().any(asked), "the first one is missing: {out:?}");
    rig.frame(1, &pushed([first.clone(), second].concat()));
    assert_eq!(story(&rig.pass(100)), ["up 60", "way 60 by 50", "interest 60 reset: 0"]);
    assert_eq!(story(&rig.frame(2, &pushed(first))), [""; 0], "played again");
}

#[test]
fn a_later_life_of_a_far_node_voids_the_former() {
    let mut rig = crossroads();
    rig.frame(1, &Voice::new(60, 1).states(vec![Change::Link(node(50)), wants("a/b")]));
    rig.pass(100);
    let mut again = Voice::new(60, 2);
    let out = story(&rig.frame(2, &again.states(vec![wants("x/y")])));
    assert_eq!(out, ["down 60: it was started again"]);
    rig.frame(2, &again.states(vec![Change::Link(node(51))]));
    assert_eq!(story(&rig.pass(100)), ["up 60", "way 60 by 51", "interest 60 reset: 1"]);
}

#[test]
fn all_facts_of_a_node_are_believed_when_they_are_those_it_signed() {
    let facts = [Change::Link(node(50)), wants("a/b"), wants("a/c")];
    let serve = |facts: &[Change], statement: Bytes| {
        let mut body = BytesMut::new();
        facts.iter().for_each(|fact| fact.put(&mut body));
        Control::Gossip(Frame::Snapshot { statement: Some(statement), last: true, facts: body.freeze() })
    };
    let mut far = Voice::new(60, 1);
    for fact in &facts {
        far.statements(vec![fact.clone()]);
    }
    let last = far.statements(vec![wants("a/d")]).remove(0);
    let all = [&facts[..], &[wants("a/d")]].concat();

    let mut rig = crossroads();
    rig.frame(1, &serve(&all, last.clone()));
    assert_eq!(story(&rig.pass(100)), ["up 60", "way 60 by 50", "interest 60 reset: 3"]);

    let mut rig = crossroads();
    let out = story(&rig.frame(1, &serve(&all[..3], last)));
    assert_eq!(out[0], "close 1: the facts of node 3c000000 are not those it signed");
}

#[test]
fn who_lies_is_cut_with_a_reason_and_nobody_else_notices() {
    let (honest, mut liar) =
        (|| Voice::new(60, 1).statements(vec![wants("a/b")]).remove(0), Voice::new(51, 1));
    liar.statements(vec![Change::Link(node(100)), Change::Link(node(60))]);
    let forged = {
        let mut bytes = honest().to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        Bytes::from(bytes)
    };
    let many: Vec<Change> = (0..=2 * PATTERNS_MAX).map(|n| wants(&format!("n/{n}"))).collect();
    let local = Statement::sign(
        &TestKeys(node(51)),
        HOME,
        (node(51), Head { incarnation: Incarnation(1), version: 2 }),
        vec![wants("bee_stuff")],
        Merkle::new().root(),
    );
    let cases = [
        (vec![greeting(1, 2)], "a second greeting"),
        (vec![ack(80)], "statement 80 is confirmed and was never made"),
        (vec![pushed(vec![forged])], "a statement of node 3c000000 that it did not sign"),
        (
            vec![pushed(vec![honest().slice(..9)])],
            "a malformed statement: the bytes end in the middle of a value",
        ),
        (vec![pushed(vec![local.bytes])], "a wish for the local pattern `bee_stuff`"),
        (vec![liar.states(many)], "more than 20000 patterns"),
        (
            vec![Control::Gossip(Frame::Snapshot { statement: None, last: true, facts: Bytes::new() })],
            "a part of a node's facts without its statement",
        ),
    ];
    for (frames, reason) in cases {
        let mut rig = crossroads();
        let out: Vec<_> = frames.iter().flat_map(|frame| rig.frame(2, frame)).collect();
        let story = story(&out);
        assert!(story.contains(&format!("close 2: {reason}")), "{reason}: {story:?}");
        assert!(story.contains(&format!("unlinked 51: {reason}")), "{reason}: {story:?}");
        assert!(!story.iter().any(|line| line.contains(" 50")), "{story:?}");
        let farewell = sent(&out, 2).into_iter().rfind(|control| matches!(control, Control::Bye(_)));
        assert!(matches!(farewell, Some(Control::Bye(bye)) if bye.reason == ByeReason::Protocol));
        assert_eq!(rig.frame(2, &greeting(1, 1)), [], "nothing of a closed link is looked at");
    }
}

#[test]
fn another_holder_of_this_nodes_key_is_noticed() {
    let mut rig = crossroads();
    let out = rig.frame(1, &Voice::new(100, 7).states(vec![wants("a/b")]));
    let twice =
        |o: &Output| matches!(o, Output::Note { level: Level::Error, text } if text.contains("used twice"));
    assert!(out.iter().any(twice), "{out:?}");
    assert!(story(&out).is_empty());
}

#[test]
fn who_is_expelled_is_told_why_and_is_no_neighbour_any_more() {
    let mut rig = Rig::new();
    rig.neighbour(1, 50, 1);
    let out = rig.feed(Input::Expel { link: LinkId(1), why: "an old secret".into() });
    let byes = sent(&out, 1);
    let [Control::Bye(bye)] = &byes[..] else { panic!("{out:?}") };
    assert_eq!((bye.reason, bye.text.as_str()), (ByeReason::Expelled, "an old secret"));
    assert!(story(&out).contains(&"close 1: an old secret".to_owned()), "{out:?}");
    assert!(
        out.iter().any(|o| matches!(o, Output::NeighbourDown { reason, .. } if reason == "an old secret"))
    );
    assert_eq!(rig.feed(Input::Expel { link: LinkId(1), why: "again".into() }), []);
    let mut other = Rig::new();
    other.neighbour(1, 50, 1);
    let out =
        other.frame(1, &Control::Bye(Bye { reason: ByeReason::Expelled, text: "an old secret".into() }));
    let told = |o: &Output| matches!(o, Output::Note { level: Level::Warn, text } if text.ends_with("an old secret"));
    assert!(out.iter().any(told), "{out:?}");
}
