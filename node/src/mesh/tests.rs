//! Whole nodes over real links on the loopback.

mod ends;
mod lies;

use std::{net::SocketAddr, time::Duration};

use hive_proto::{channel::NetworkName, plane::account::DropReason};

use crate::{Builder, CallError, Event, Message, Node, transport::Listen, trust::secret::Secret};

const SOON: Duration = Duration::from_secs(10);

fn builder(name: &str) -> Builder {
    Node::builder().name(name).listen(Listen::Loopback).mdns(false)
}

async fn start(builder: Builder) -> Node {
    builder.start().await.expect("a node")
}

fn addr(node: &Node) -> SocketAddr {
    node.local_addr().expect("it listens")
}

/// Two nodes that are connected.
async fn pair() -> (Node, Node) {
    let here = start(builder("here")).await;
    let there = start(builder("there").peer(addr(&here))).await;
    here.connected(SOON).await.expect("connected");
    there.connected(SOON).await.expect("connected");
    (here, there)
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

fn dropped(node: &Node) -> Vec<(DropReason, u64)> {
    node.bus().counts().dropped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_and_a_call_cross_a_link() {
    let (here, there) = pair().await;
    let mut events = there.subscribe("a/**").await.expect("subscribed");
    let receipt = here.publish("a/b/c", "hi").await.expect("published");
    assert_eq!((receipt.local, receipt.peers), (0, 1));
    let event = tokio::time::timeout(SOON, events.next()).await.expect("in time").expect("an event").event;
    assert_eq!((event.id, event.message.payload.as_ref()), (receipt.id, b"hi".as_slice()));

    let echo = there.respond("echo/*", async |event: Event| Ok(event.message)).await.expect("registered");
    let answer = here.call("echo/x", Message::from("hi").with_content_type("text/plain"), SOON).await;
    assert_eq!(answer, Ok(Message::from("hi").with_content_type("text/plain")));
    drop(echo);
    until("the responder is withdrawn", || {
        here.boards().peers.read().values().all(|card| card.patterns == 1)
    })
    .await;
    assert_eq!(here.call("echo/x", "hi", SOON).await, Err(CallError::NoResponder));
    here.shutdown().await;
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialling_each_other_at_once_leaves_one_link_and_loses_nothing() {
    let here = start(builder("here")).await;
    // Both know the other's address; there is no order between their dials.
    let there = start(builder("there").peer(addr(&here))).await;
    let third = start(builder("third").peer(addr(&here)).peer(addr(&there))).await;
    for node in [&here, &there, &third] {
        until("everybody has two peers", || node.boards().peers.read().len() == 2).await;
    }
    let mut events = third.subscribe("a/*").await.expect("subscribed");
    let mut publisher = here.publisher();
    let to = here.address("a/b").expect("a channel");
    for number in 0..1000_u32 {
        let receipt = publisher.publish(&to, number.to_string().into()).await.expect("published");
        assert_eq!(receipt.peers, 1);
    }
    for number in 0..1000_u32 {
        let event =
            tokio::time::timeout(SOON, events.next()).await.expect("in time").expect("an event").event;
        assert_eq!(event.message.payload, number.to_string());
    }
    assert_eq!(dropped(&here), []);
    for node in [here, there, third] {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_leaves_first_delivers_what_it_has() {
    let (here, there) = pair().await;
    let mut events = there.subscribe("a/*").await.expect("subscribed");
    let payload = Message::from(vec![7; 1000]);
    let mut publisher = here.publisher();
    let to = here.address("a/b").expect("a channel");
    for _ in 0..5000 {
        publisher.publish(&to, payload.clone()).await.expect("published");
    }
    here.shutdown().await;
    for number in 0..5000 {
        let event = tokio::time::timeout(SOON, events.next()).await;
        assert!(matches!(event, Ok(Some(_))), "only {number} events came");
    }
    until("it is gone", || there.boards().peers.read().is_empty()).await;
    assert_eq!(dropped(&there), []);
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_or_none_is_not_let_in() {
    let name = || NetworkName::parse("hive").expect("a network");
    let closed = |secret: &Secret| builder("closed").closed_network(name(), secret.clone());
    let (ours, other) = (Secret::generate(), Secret::generate());
    let inside = start(closed(&ours)).await;
    let mut events = inside.subscribe("**").await.expect("subscribed");
    let wrong = start(closed(&other).peer(addr(&inside))).await;
    let none = start(builder("open").peer(addr(&inside))).await;
    let member = start(closed(&ours).peer(addr(&inside))).await;
    member.connected(SOON).await.expect("who knows the secret is let in");
    for stranger in [&wrong, &none] {
        let receipt = stranger.publish("a/b", "from a stranger").await.expect("published");
        assert_eq!(receipt.peers, 0);
        assert!(stranger.boards().peers.read().is_empty());
    }
    until("what it wants is known", || member.boards().peers.read().values().all(|card| card.patterns == 1))
        .await;
    member.publish("a/b", "from a member").await.expect("published");
    let event = tokio::time::timeout(SOON, events.next()).await.expect("in time").expect("an event").event;
    assert_eq!(event.message.payload, "from a member");
    assert_eq!(inside.boards().peers.read().len(), 1);
    for node in [inside, wrong, none, member] {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_comes_back_under_its_address_is_found_again() {
    let here = start(builder("here")).await;
    let at = addr(&here);
    let there = start(builder("there").peer(at)).await;
    there.connected(SOON).await.expect("connected");
    here.shutdown().await;
    until("it is gone", || there.boards().peers.read().is_empty()).await;
    // The socket is given back a moment after the node has ended.
    let again = loop {
        match builder("again").listen(Listen::Exact(at)).start().await {
            Ok(node) => break node,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    again.connected(SOON).await.expect("found again");
    for node in [there, again] {
        node.shutdown().await;
    }
}
