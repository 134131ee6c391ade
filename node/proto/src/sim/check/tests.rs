//! The judge sees what is wrong: each test tells it of a run in which one thing is not as it must be.

use std::net::SocketAddr;

use super::*;
use crate::{
    channel::NetworkIndex,
    frame::trace::{End, Hop, Matches},
    interest::Wanted,
    io::{Ending, Step, Trail},
    pattern::Pattern,
    sim::{chance::Chance, node::incarnation, scenario::Discovery},
};

const NETWORK: NetworkIndex = NetworkIndex::HOME;
const LATER: Now = Now(Duration::from_secs(60));

/// Two nodes with a link between them; node 0 wants `a/b`.
struct Pair {
    judge: Judge,
    ids: [NodeId; 2],
}

impl Pair {
    /// Both live and are linked by connection 7; none has said a word.
    fn linked() -> Self {
        let ids = [NodeId([1; 32]), NodeId([2; 32])];
        let heard = Heard::draw(2, Discovery::Everyone, &mut Chance::new(1));
        let mut judge = Judge::new(&ids, heard, &[Phase::quiet("rest", LATER.0)]);
        (0..2).for_each(|node| judge.started(Now::default(), node, 1));
        judge.link_up((0, LinkId(1)), 7, None);
        judge.link_up((1, LinkId(5)), 7, Some((1, 0)));
        judge.wants(Now::default(), 0, &[add("a/b"), add("local")], 1);
        Self { judge, ids }
    }

    /// And both have said all that is to be said.
    fn at_rest() -> Self {
        let mut pair = Self::linked();
        pair.up(0, LinkId(1), 1);
        pair.up(1, LinkId(5), 1);
        pair.interest(0, true, &[]);
        pair.interest(1, true, &[add("a/b")]);
        (0..2).for_each(|node| pair.say(node, &Output::Ready { network: NETWORK }));
        pair.say(0, &Output::Confirmed { ticket: 1 });
        assert_eq!(pair.judge.verdict.problems, Vec::<String>::new());
        pair
    }

    fn say(&mut self, node: usize, output: &Output) {
        self.judge.said(LATER, node, output);
    }

    fn up(&mut self, node: usize, link: LinkId, life: u64) {
        let (peer, addr) = (self.ids[1 - node], SocketAddr::from(([10, 0, 0, 1], 1)));
        let incarnation = incarnation(life);
        let name = String::new();
        let (network, addrs) = (NETWORK, vec![addr]);
        self.say(node, &Output::NeighbourUp { network, peer, link, name: name.clone(), incarnation, addr });
        self.say(node, &Output::PeerUp { network, peer, name, incarnation, addrs });
        self.say(node, &Output::Routes { network, changes: vec![(peer, Some(peer))] });
    }

    fn interest(&mut self, node: usize, reset: bool, ops: &[InterestOp]) {
        let (peer, ops) = (self.ids[1 - node], ops.to_vec());
        self.say(node, &Output::PeerInterest { network: NETWORK, peer, reset, ops });
    }

    fn down(&mut self, node: usize) {
        let peer = self.ids[1 - node];
        self.say(node, &Output::NeighbourDown { network: NETWORK, peer, reason: String::new() });
        self.say(node, &Output::PeerDown { network: NETWORK, peer, reason: String::new() });
    }

    /// What is wrong in the end.
    fn wrong(mut self) -> String {
        self.judge.end(LATER);
        self.judge.verdict().problems.join("\n")
    }
}

fn add(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
}

#[test]
fn what_is_right_is_right() {
    let mut pair = Pair::at_rest();
    pair.judge.look(LATER);
    assert!(pair.judge.settled.is_some());
    assert_eq!(pair.wrong(), "");
}

#[test]
fn what_is_missing_at_rest_is_seen() {
    let check = |want: &str, change: fn(&mut Pair)| {
        let mut pair = Pair::at_rest();
        change(&mut pair);
        let wrong = pair.wrong();
        assert!(wrong.contains(want), "{want}: {wrong}");
    };
    check("node 1 does not know of node 0", |pair| pair.down(1));
    check("node 1 knows [] of node 0, which wants [a/b]", |pair| pair.interest(1, true, &[]));
    check("node 0 knows [x/y] of node 1, which wants []", |pair| pair.interest(0, false, &[add("x/y")]));
    check("ticket 2 of node 0 was never confirmed", |pair| pair.judge.wants(LATER, 0, &[], 2));
    check("node 0 believes in node 1", |pair| pair.judge.stopped(LATER, 1));
    check("node 0 believes in node 1", |pair| pair.judge.leaves(LATER, 1));
    check("node 0 believes in node 1", |pair| {
        pair.judge.groups(LATER, &[true, false]);
        pair.judge.parted(7);
    });
    check("the way from node 0 leads nowhere near node 1", |pair| {
        let (network, changes) = (NETWORK, vec![(pair.ids[1], None)]);
        pair.say(0, &Output::Routes { network, changes });
    });
    check("node 0 knows life 1 of node 1, which is in Some(2)", |pair| pair.judge.started(LATER, 1, 2));
    check("node 1 is not ready", |pair| pair.judge.views[1].ready = false);
    check("node 1 has no way to node 0", |pair| pair.judge.parted(7));
    check("node 0 uses Some(7) to node 1, open is None", |pair| pair.judge.parted(7));
    check("nodes 0 and 1 have the links [7, 8]", |pair| {
        pair.judge.link_up((0, LinkId(2)), 8, None);
        pair.judge.link_up((1, LinkId(6)), 8, Some((0, 1)));
    });
}

#[test]
fn what_is_said_out_of_order_is_seen() {
    let check = |want: &str, change: fn(&mut Pair)| {
        let mut pair = Pair::at_rest();
        change(&mut pair);
        let wrong = pair.judge.verdict().problems.join("\n");
        assert!(wrong.contains(want), "{want}: {wrong}");
    };
    check("out of order: PeerUp", |pair| pair.up(0, LinkId(1), 1));
    check("out of order: NeighbourUp", |pair| {
        pair.down(0);
        pair.up(0, LinkId(99), 1);
    });
    check("out of order: PeerDown", |pair| (0..2).for_each(|_| pair.down(0)));
    check("out of order: PeerInterest", |pair| {
        pair.down(0);
        pair.interest(0, true, &[]);
    });
    check("says the way to", |pair| {
        let (network, changes) = (NETWORK, vec![(pair.ids[1], Some(pair.ids[0]))]);
        pair.say(0, &Output::Routes { network, changes });
    });
    check("ready twice", |pair| pair.say(0, &Output::Ready { network: NETWORK }));
    check("ticket 1, which nobody waits for", |pair| pair.say(0, &Output::Confirmed { ticket: 1 }));
}

/// What node 1 says of the way to node 0 on `a/b`.
fn told(pair: &Pair, nodes: &[usize], end: Ending) -> Output {
    let hop = |node: &usize| Hop { node: pair.ids[*node], name: String::new(), took_us: 0, onward: None };
    let steps = nodes.iter().map(|node| Step { hop: hop(node), heard: Duration::ZERO }).collect();
    Output::Traced { ask: 9, trail: Trail { destination: pair.ids[0], steps, end } }
}

#[test]
fn a_trace_that_is_not_the_way_is_seen() {
    let delivered = || Ending::At(End::Delivered(Matches::default()));
    let check = |nodes: &[usize], end: Ending, change: fn(&mut Pair), right: bool| {
        let mut pair = Pair::at_rest();
        change(&mut pair);
        pair.judge.asks_way(9, (1, 0), &Channel::parse("a/b").expect("a channel"));
        let said = told(&pair, nodes, end.clone());
        pair.say(1, &said);
        let wrong = pair.judge.verdict().problems.join("\n");
        assert_eq!(wrong.is_empty(), right, "{nodes:?} {end:?}: {wrong}");
    };
    let calm: fn(&mut Pair) = |_| {};
    check(&[1, 0], delivered(), calm, true);
    check(&[1, 0], Ending::At(End::NoMatch), calm, false);
    check(&[1], delivered(), calm, false);
    check(&[0, 1], delivered(), calm, false);
    check(&[1], Ending::Silent, calm, false);
    check(&[1], Ending::At(End::NoRoute), calm, false);
    let unwanted: fn(&mut Pair) = |pair| {
        let remove = InterestOp::Remove(Pattern::parse("a/b").expect("a pattern"));
        pair.judge.wants(LATER, 0, &[remove], 3);
    };
    check(&[1, 0], Ending::At(End::NoMatch), unwanted, true);
    check(&[1, 0], delivered(), unwanted, false);
    let dead: fn(&mut Pair) = |pair| pair.judge.stopped(LATER, 0);
    check(&[1], Ending::Silent, dead, true);
    check(&[1, 0], delivered(), dead, false);
    let apart: fn(&mut Pair) = |pair| pair.down(1);
    check(&[1], Ending::At(End::NoRoute), apart, true);
    check(&[1], Ending::Silent, apart, false);
    let cut: fn(&mut Pair) = |pair| pair.judge.parted(7);
    check(&[1], Ending::Silent, cut, true);
    check(&[0], Ending::Silent, cut, false);
    let mut pair = Pair::at_rest();
    let said = told(&pair, &[1, 0], delivered());
    pair.say(1, &said);
    assert!(pair.wrong().contains("which nobody waits for"));
}

#[test]
fn a_confirmation_that_is_a_lie_is_seen() {
    let mut pair = Pair::at_rest();
    pair.judge.wants(LATER, 0, &[add("c/d")], 2);
    pair.say(0, &Output::Confirmed { ticket: 2 });
    let wrong = pair.judge.verdict().problems.join("\n");
    assert!(wrong.contains("node 1 does not know of pattern"), "{wrong}");
}

#[test]
fn a_change_is_known_when_the_last_has_heard_of_it() {
    let mut pair = Pair::at_rest();
    pair.judge.changes(LATER, 0, &add("c/d"));
    pair.judge.wants(LATER, 0, &[add("c/d")], 2);
    let late = Now(Duration::from_secs(62));
    let news =
        Output::PeerInterest { network: NETWORK, peer: pair.ids[0], reset: false, ops: vec![add("c/d")] };
    pair.judge.said(late, 1, &news);
    pair.say(0, &Output::Confirmed { ticket: 2 });
    pair.judge.end(late);
    let figures = pair.judge.verdict().whole;
    assert_eq!((figures.changes, figures.changes_known), (1, 1));
    assert_eq!(figures.known_all, Some(Duration::from_secs(2)));
}

#[test]
fn a_change_that_somebody_never_hears_of_has_no_time() {
    let mut pair = Pair::at_rest();
    pair.judge.changes(LATER, 0, &add("c/d"));
    pair.judge.wants(LATER, 0, &[add("c/d")], 2);
    pair.judge.end(LATER);
    let figures = pair.judge.verdict().whole;
    assert_eq!((figures.changes, figures.changes_known, figures.known_all), (1, 0, None));
}
