//! How links end: in the middle of a stream of events, by a crash, by a peer that breaks the rules.

use hive_proto::{
    channel::NetworkIndex,
    frame::{
        control::{Control, Greeting},
        frame,
    },
    id::Incarnation,
};

use super::*;
use crate::{
    transport::{Endpoint, Membership, Session},
    trust::{identity::Identity, network::NetworkKey},
};

/// The silence after which a link is dead, and a second for a busy machine.
const SILENCE: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_in_the_middle_of_it_loses_nothing() {
    const EVENTS: u32 = 20_000;
    let (here, there) = pair().await;
    let mut events = there.subscribe("a/*").await.expect("subscribed");
    let receiving = tokio::spawn(async move {
        for number in 0..EVENTS {
            let next = tokio::time::timeout(SOON, events.next()).await;
            let event = next.unwrap_or_else(|_| panic!("only {number} came")).expect("an event").event;
            assert_eq!(event.message.payload, number.to_string(), "in order and without a gap");
        }
    });
    let to = here.address("a/b").expect("a channel");
    let mut publisher = here.publisher();
    for number in 0..EVENTS {
        let receipt = publisher.publish(&to, number.to_string().into()).await.expect("published");
        assert_eq!(receipt.peers, 1);
    }
    here.shutdown().await;
    receiving.await.expect("all of it");
    there.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_arrived_is_delivered_however_long_that_takes() {
    // They arrive in a moment; putting each into every queue takes much longer than leaving does.
    const EVENTS: usize = 20_000;
    const CONSUMERS: usize = 24;
    let (here, there) = pair().await;
    let mut consumers = Vec::new();
    for _ in 0..CONSUMERS {
        consumers.push(there.subscribe("a/*").await.expect("subscribed"));
    }
    let to = here.address("a/b").expect("a channel");
    let mut publisher = here.publisher();
    for _ in 0..EVENTS {
        publisher.publish(&to, "x".into()).await.expect("published");
    }
    here.shutdown().await;
    until("it is gone", || there.boards().peers.read().is_empty()).await;
    let queued: Vec<_> = consumers.iter().map(crate::Subscription::queued).collect();
    assert_eq!(queued, [EVENTS; CONSUMERS]);
    there.shutdown().await;
}

#[test]
fn a_crash_is_noticed_by_the_silence_and_harms_nobody_else() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let (ours, theirs) = (runtime().expect("a runtime"), runtime().expect("a runtime"));
    let (here, third) = ours.block_on(async {
        let here = start(builder("here")).await;
        let third = start(builder("third").peer(addr(&here))).await;
        third.connected(SOON).await.expect("connected");
        (here, third)
    });
    let doomed = theirs.block_on(start(builder("doomed").peer(addr(&here))));
    ours.block_on(async {
        until("both are there", || here.boards().peers.read().len() == 2).await;
        let mut events = third.subscribe("a/*").await.expect("subscribed");
        // Every task of it stops where it stands and the socket closes: nobody says goodbye.
        theirs.shutdown_background();
        drop(doomed);
        here.publish("a/b", "still here").await.expect("published");
        let event = tokio::time::timeout(SOON, events.next()).await.expect("in time").expect("an event");
        assert_eq!(event.event.message.payload, "still here");
        let noticed = async { until("the silence", || here.boards().peers.read().len() == 1).await };
        tokio::time::timeout(SILENCE, noticed).await.expect("a dead link is dead after three seconds");
        here.shutdown().await;
        third.shutdown().await;
    });
}

/// Somebody who knows the network and speaks for itself.
async fn intruder(node: &Node) -> (Endpoint, Session) {
    let endpoint = Endpoint::bind(Listen::Loopback, &Identity::ephemeral()).expect("an endpoint");
    let key = NetworkKey::open(&NetworkName::parse("hive").expect("a network"));
    let membership = Membership::new(NetworkIndex::HOME, key);
    let session = endpoint.dial(addr(node), &membership, None).await.expect("admitted");
    (endpoint, session)
}

fn greeting() -> bytes::Bytes {
    let name = "intruder".into();
    let life = Greeting { minor: 0, features: 0, incarnation: Incarnation(1), dial: 1, unix_ms: 0, name };
    Control::Greeting(life).encode()
}

async fn closed(session: &Session, what: &str) {
    tokio::time::timeout(SOON, session.connection.closed())
        .await
        .unwrap_or_else(|_| panic!("not closed: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_breaks_the_rules_is_cut_off_and_the_node_goes_on() {
    let node = start(builder("node")).await;
    let after_greeting = |bytes: &[u8]| [&greeting(), bytes].concat();
    let cases = [
        ("garbage in the place of a greeting", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("an unknown frame that may not be skipped", after_greeting(&frame(0x7f, b"?"))),
        ("a frame over the limit", after_greeting(&[0x11, 0xff, 0xff, 0xff, 0x7f])),
        ("two greetings", after_greeting(&greeting())),
    ];
    for (what, bytes) in cases {
        let (_endpoint, mut session) = intruder(&node).await;
        // It may hang up in the middle of it.
        let _ = session.control_send.write_all(&bytes).await;
        closed(&session, what).await;
    }
    let (_endpoint, mut session) = intruder(&node).await;
    session.control_send.write_all(&greeting()).await.expect("a greeting");
    session.control_send.finish().expect("the end of control");
    closed(&session, "control that ends without a word").await;

    let (_endpoint, mut session) = intruder(&node).await;
    session.control_send.write_all(&greeting()).await.expect("a greeting");
    until("it is greeted", || node.boards().peers.read().len() == 1).await;
    let mut data = session.connection.open_uni().await.expect("a data stream");
    data.write_all(&[0x7f, 0x01, 0x00]).await.expect("garbage");
    closed(&session, "garbage on a data stream").await;

    let member = start(builder("member").peer(addr(&node))).await;
    member.connected(SOON).await.expect("others are let in");
    until("only they are there", || node.boards().peers.read().len() == 1).await;
    member.shutdown().await;
    node.shutdown().await;
}
