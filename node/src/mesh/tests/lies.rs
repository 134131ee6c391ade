//! A member of the network that lies: it is cut or not believed, with a reason, and nobody else notices.

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::{
        control::{Control, Greeting},
        gossip::Gossip,
    },
    id::{Incarnation, NodeId},
    interest::{InterestOp, Wanted},
    pattern::Pattern,
    record::{Change, Head, Own, Root, Statement},
};

use super::*;
use crate::{
    transport::{Endpoint, Membership, Session},
    trust::{identity::Identity, network::NetworkKey, sign::Signer},
};

const HOME: NetworkIndex = NetworkIndex::HOME;

/// Somebody with a key of its own who was let in and says what a test wants.
struct Liar {
    _endpoint: Endpoint,
    session: Session,
    node: NodeId,
    signer: Signer,
    own: Own,
}

impl Liar {
    async fn join(node: &Node) -> Self {
        let identity = Identity::ephemeral();
        let endpoint = Endpoint::bind(Listen::Loopback, &identity).expect("an endpoint");
        let key = NetworkKey::open(&NetworkName::parse("hive").expect("a network"));
        let membership = Membership::new(HOME, key);
        let mut session = endpoint.dial(addr(node), &membership, None).await.expect("admitted");
        let life = Incarnation(1);
        let greeting =
            Greeting { minor: 0, features: 0, incarnation: life, dial: 1, unix_ms: 0, name: "liar".into() };
        let greeting = Control::Greeting(greeting).encode();
        session.control_send.write_all(&greeting).await.expect("a greeting");
        let node = identity.node_id();
        let own = Own::new(node, HOME, life);
        Self { _endpoint: endpoint, session, node, signer: Signer::new(&identity, &[membership]), own }
    }

    /// Statements that are signed as they should be, whatever they say.
    fn states(&mut self, changes: impl IntoIterator<Item = Change>) -> Vec<Bytes> {
        changes.into_iter().for_each(|change| self.own.note(change));
        self.own.say(&self.signer).into_iter().map(|statement| statement.bytes).collect()
    }

    async fn sends(&mut self, statements: Vec<Bytes>) {
        let mut frames = bytes::BytesMut::new();
        for statement in statements {
            Gossip::Statements { answer: false, statements: vec![statement] }.put(&mut frames);
        }
        // It may be cut in the middle of it.
        let _ = self.session.control_send.write_all(&frames).await;
    }

    /// Why it was cut.
    async fn cut(&self) -> String {
        let closed = tokio::time::timeout(SOON, self.session.connection.closed()).await.expect("cut");
        match closed {
            quinn::ConnectionError::ApplicationClosed(close) => String::from_utf8_lossy(&close.reason).into(),
            other => other.to_string(),
        }
    }
}

fn wants(text: &str) -> Change {
    Change::Interest(InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false)))
}

/// Two honest nodes, one event from the second to the first, and how often they lost each other.
struct Honest {
    node: Node,
    member: Node,
    events: crate::Subscription,
    sent: u32,
}

impl Honest {
    async fn start() -> Self {
        let (node, member) = pair().await;
        let events = node.subscribe("a/*").await.expect("subscribed");
        Self { node, member, events, sent: 0 }
    }

    /// Whatever was done to the first: the two are together, nobody else is there, and events pass.
    async fn go_on(&mut self, what: &str) {
        until(what, || self.node.boards().peers.read().len() == 1).await;
        self.sent += 1;
        let receipt = self.member.publish("a/b", self.sent.to_string()).await.expect("published");
        assert_eq!(receipt.peers, 1, "{what}");
        let event = tokio::time::timeout(SOON, self.events.next()).await.expect("in time").expect("an event");
        assert_eq!(event.event.message.payload, self.sent.to_string(), "{what}");
        // A slow machine may have lost the link for a moment.
        let alone = format!("{what}: the member sees the node and nobody else");
        until(&alone, || self.member.boards().peers.read().len() == 1).await;
    }

    async fn end(self) {
        self.member.shutdown().await;
        self.node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_or_malformed_is_cut_with_its_reason() {
    let mut honest = Honest::start().await;
    let member = honest.member.id();

    let mut liar = Liar::join(&honest.node).await;
    let mut forged = Own::new(member, HOME, Incarnation(u64::MAX));
    forged.note(wants("stolen/*"));
    let forged = forged.say(&liar.signer).into_iter().map(|statement| statement.bytes).collect();
    liar.sends(forged).await;
    assert_eq!(liar.cut().await, format!("a statement of node {} that it did not sign", member.short()));
    honest.go_on("after a forged statement").await;

    let mut liar = Liar::join(&honest.node).await;
    let cut_off = liar.states([wants("a/b")]).into_iter().map(|statement| statement.slice(..20)).collect();
    liar.sends(cut_off).await;
    let reason = liar.cut().await;
    assert!(reason.contains("malformed"), "{reason}");
    honest.go_on("after a malformed statement").await;

    let mut liar = Liar::join(&honest.node).await;
    let _ = liar.session.control_send.write_all(&hive_proto::frame::frame(0x7f, b"?")).await;
    let reason = liar.cut().await;
    assert!(reason.contains("127"), "{reason}");
    honest.go_on("after garbage").await;
    honest.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_patterns_are_too_many() {
    let mut honest = Honest::start().await;
    let mut liar = Liar::join(&honest.node).await;
    let flood = (0..500).map(|part| {
        let head = Head { incarnation: Incarnation(1), version: part + 1 };
        let changes = (0..2_000).map(|number| wants(&format!("flood/{part}/{number}"))).collect();
        // Nobody comes to compare its root.
        Statement::sign(&liar.signer, HOME, (liar.node, head), changes, Root([0; 32])).bytes
    });
    liar.sends(flood.collect()).await;
    assert_eq!(liar.cut().await, "more than 20000 patterns");
    honest.go_on("after the flood").await;
    honest.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_replayed_or_is_said_of_others_changes_nothing() {
    let mut honest = Honest::start().await;
    let member = honest.member.id();
    let mut liar = Liar::join(&honest.node).await;
    let first = liar.states([wants("first/*")]);
    let second = liar.states([Change::Interest(InterestOp::Remove(Pattern::parse("first/*").expect("one")))]);
    // A link that the other end does not confirm, and one to a node that nobody knows, lead nowhere.
    let links = liar.states([Change::Link(member), Change::Link(NodeId([9; 32])), wants("second/*")]);
    liar.sends([first.clone(), second, links].concat()).await;
    let patterns = |node: &Node| {
        let peers = node.boards().peers.read();
        peers.values().filter(|card| card.name == "liar").map(|card| card.patterns).collect::<Vec<_>>()
    };
    until("the liar is heard", || patterns(&honest.node) == [1]).await;
    for _ in 0..100 {
        liar.sends(first.clone()).await;
    }
    let last = liar.states([wants("third/*")]);
    liar.sends(last).await;
    until("what came after the old statements", || patterns(&honest.node) == [2]).await;
    assert_eq!(honest.node.publish("first/x", "old").await.expect("published").peers, 0);
    liar.session.connection.close(0_u32.into(), b"");
    honest.go_on("after replays and invented links").await;
    honest.end().await;
}
