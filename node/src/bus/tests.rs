//! The bus alone, and two of them joined by hand: what one's outbox holds is fed to the other.

mod expiry;
mod rules;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use hive_proto::{
    channel::{Address, Names, NetworkIndex, NetworkName},
    frame::split_frame,
    id::{Incarnation, NodeId},
    interest::{InterestOp, Wanted as RemoteWanted},
    limits::{FRAME_BYTES_MAX, PAYLOAD_BYTES_MAX, PEER_QUEUE_BYTES, SUBSCRIPTION_QUEUE_EVENTS},
    pattern::Pattern,
    plane::account::{ConsumerCounts, DropReason},
};

use super::*;
use crate::trust::may::{Action, Allowed, Rule};

const HOME: NetworkIndex = NetworkIndex::HOME;
const SOON: Duration = Duration::from_secs(5);

fn bus(number: u8) -> Bus {
    let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
    let bus = Bus::new(NodeId([number; 32]), Incarnation(1), names);
    // There is no control plane here to wait for.
    bus.confirmed(u64::MAX);
    bus
}

fn address(bus: &Bus, name: &str) -> Address {
    bus.names().address(name).expect("a channel")
}

fn wanted(bus: &Bus, pattern: &str, answers: bool) -> Wanted {
    Wanted { scope: bus.names().scope(pattern).expect("a pattern"), answers, group: None }
}

async fn subscribe(bus: &Bus, patterns: &[&str], answers: bool) -> Subscription {
    let wanted: Vec<_> = patterns.iter().map(|pattern| wanted(bus, pattern, answers)).collect();
    bus.subscribe(Holder::Client("test".into()), wanted).await.expect("a subscription")
}

async fn next(subscription: &mut Subscription) -> Delivery {
    tokio::time::timeout(SOON, subscription.next()).await.expect("in time").expect("a delivery")
}

/// What became of everything that a subscriber was to get.
fn counts(matched: u64, handed_over: u64, queued: u64, dropped: u64) -> ConsumerCounts {
    ConsumerCounts { matched, handed_over, queued, dropped }
}

/// Nothing is queued. Delivery is synchronous here, so there is nothing to wait for.
fn assert_empty(subscription: &Subscription) {
    assert_eq!(subscription.queued(), 0);
}

fn dropped(bus: &Bus, reason: DropReason) -> u64 {
    bus.counts().dropped.iter().find(|(each, _)| *each == reason).map_or(0, |(_, copies)| *copies)
}

/// `from` sees `to` as a peer that wants the given patterns; the ends of the one-way link.
fn join(from: &Bus, to: &Bus, patterns: &[(&str, bool)]) -> Arc<Outbox> {
    from.peer_up(HOME, to.node(), "peer");
    let (outbox, _) = from.neighbour_up(HOME, to.node(), "peer");
    let ops: Vec<_> = patterns
        .iter()
        .map(|(pattern, answers)| {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            InterestOp::Add(RemoteWanted::new(pattern, *answers))
        })
        .collect();
    from.peer_interest(HOME, to.node(), true, &ops);
    outbox
}

fn inbound(at: &Bus, from: &Bus, answers_to: Arc<Outbox>) -> Inbound {
    let peer = PeerRef { network: HOME, node: from.node(), incarnation: Incarnation(1) };
    Inbound::new(at.clone(), peer, answers_to)
}

/// Carries what an outbox holds, which is something, to the other end.
async fn carry(outbox: &Outbox, to: &mut Inbound) -> Result<(), InboundError> {
    let mut more = Some(tokio::time::timeout(SOON, outbox.next()).await.expect("in time").expect("open"));
    while let Some(outgoing) = more {
        let mut stream = BytesMut::new();
        outgoing.frames.iter().for_each(|part| stream.extend_from_slice(part));
        while let Some((kind, body)) = split_frame(&mut stream, FRAME_BYTES_MAX).expect("a frame") {
            to.frame(kind, body).await?;
        }
        assert!(stream.is_empty());
        more = outbox.next().now_or_never().flatten();
    }
    Ok(())
}

#[tokio::test]
async fn every_holder_gets_one_copy() {
    let bus = bus(1);
    let mut first = subscribe(&bus, &["a/*", "a/b", "**"], false).await;
    let mut second = subscribe(&bus, &["a/b"], false).await;
    let other = subscribe(&bus, &["x/y"], false).await;
    let receipt = bus.publish(&address(&bus, "a/b"), "hi".into()).await.expect("published");
    assert_eq!((receipt.local, receipt.peers), (2, 0));
    for subscription in [&mut first, &mut second] {
        let event = next(subscription).await.event;
        assert_eq!((event.id, event.message.payload), (receipt.id, Bytes::from("hi")));
        assert_empty(subscription);
    }
    assert_empty(&other);
}

#[tokio::test]
async fn a_publisher_sees_subscriptions_come_and_go() {
    let bus = bus(1);
    let to = address(&bus, "a/b");
    let mut publisher = bus.publisher();
    assert_eq!(publisher.publish(&to, "1".into()).await.expect("published").local, 0);
    let mut subscription = subscribe(&bus, &["a/b"], false).await;
    assert_eq!(publisher.publish(&to, "2".into()).await.expect("published").local, 1);
    assert_eq!(next(&mut subscription).await.event.message.payload, "2");
    subscription.set([wanted(&bus, "x/**", false)]).await.expect("set");
    assert_eq!(publisher.publish(&to, "3".into()).await.expect("published").local, 0);
    drop(subscription);
    assert_eq!(publisher.publish(&address(&bus, "x/y"), "4".into()).await.expect("published").local, 0);
}

#[tokio::test]
async fn what_may_not_be_published_is_refused() {
    let bus = bus(1);
    let why = async |name: &str, message: Message, depth: u8| {
        let outcome = bus.publisher().publish_from(&address(&bus, name), message, depth).await;
        outcome.expect_err("refused")
    };
    let refused = async |name: &str, message: Message, depth: u8| why(name, message, depth).await.code();
    assert_eq!(refused("$dead/x", "".into(), 0).await, "invalid");
    assert_eq!(refused("a/b", vec![0; PAYLOAD_BYTES_MAX + 1].into(), 0).await, "too-large");
    assert_eq!(refused("a/b", Message::from("").with_header("hive-id", "x"), 0).await, "invalid");
    assert_eq!(refused("a/b", "".into(), 65).await, "loop");
    assert!(why("a/b", "".into(), 65).await.to_string().contains("one more on `a/b`: it looks like a loop"));
    assert_eq!(dropped(&bus, DropReason::Loop), 2);
}

#[tokio::test]
async fn events_cross_a_link_whole_and_in_order() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("**", false)]);
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    let mut subscription = subscribe(&there, &["a/*"], false).await;
    let mut publisher = here.publisher();
    let mut sent = Vec::new();
    for round in 0..300_u32 {
        let to = address(&here, &format!("a/{}", round % 7));
        let message = Message::from(vec![7; round as usize * 10]).with_key("k").with_header("N", "v");
        let receipt = publisher.publish(&to, message.clone()).await.expect("published");
        assert_eq!((receipt.local, receipt.peers), (0, 1));
        sent.push((receipt.id, to.channel, message));
        if round % 50 == 0 {
            carry(&outbox, &mut inbound).await.expect("carried");
        }
    }
    carry(&outbox, &mut inbound).await.expect("carried");
    for (id, channel, message) in sent {
        let event = next(&mut subscription).await.event;
        assert_eq!((event.id, event.channel, event.message), (id, channel, message));
    }
    assert_empty(&subscription);
    assert_eq!((here.counts().sent, there.counts().received), (300, 300));
}

#[tokio::test]
async fn a_local_channel_neither_leaves_nor_enters() {
    let (here, there) = (bus(1), bus(2));
    let _outbox = join(&here, &there, &[("**", true), ("bee", true)]);
    let receipt = here.publish(&address(&here, "bee"), "x".into()).await.expect("published");
    assert_eq!(receipt.peers, 0);
    let outcome = here.call(&address(&here, "bee"), "x".into(), SOON).await;
    assert_eq!(outcome, Err(CallError::NoResponder));

    // A peer that does not keep to it is not listened to.
    let subscription = subscribe(&there, &["bee", "**"], false).await;
    let liar = Outbox::new();
    let channel = address(&here, "bee").channel;
    let entry = hive_proto::frame::batch::Entry {
        sequence: 1,
        time: Default::default(),
        depth: 0,
        message: &"x".into(),
        call: None,
        handout: None,
    };
    liar.append(liar.number(&channel), &channel, &entry);
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    carry(&liar, &mut inbound).await.expect("carried");
    assert_empty(&subscription);
    assert_eq!(dropped(&there, DropReason::LocalChannel), 1);
}

#[tokio::test]
async fn calls_are_answered_here_or_end_at_once() {
    let bus = bus(1);
    let to = address(&bus, "greet/hello");
    assert_eq!(bus.call(&to, "x".into(), SOON).await, Err(CallError::NoResponder));
    let _logger = subscribe(&bus, &["**"], false).await;
    assert_eq!(bus.call(&to, "x".into(), SOON).await, Err(CallError::NoResponder));

    let mut responder = subscribe(&bus, &["greet/*"], true).await;
    let serve = tokio::spawn(async move {
        for _ in 0..4 {
            let Delivery { event, request, .. } = next(&mut responder).await;
            let request = request.expect("a request");
            match &event.message.payload[..] {
                b"fail" => request.answer(Err(Failure::Failed("why".into()))),
                b"refuse" => request.answer(Err(Failure::Rejected("no".into()))),
                b"drop" => drop(request),
                _ => request.answer(Ok(event.message)),
            }
        }
        responder
    });
    assert_eq!(bus.call(&to, "echo".into(), SOON).await, Ok("echo".into()));
    assert_eq!(bus.call(&to, "fail".into(), SOON).await, Err(CallError::Failed("why".into())));
    assert_eq!(bus.call(&to, "refuse".into(), SOON).await, Err(CallError::Rejected("no".into())));
    assert_eq!(bus.call(&to, "drop".into(), SOON).await.map_err(|e| e.code()), Err("failed"));
    let responder = serve.await.expect("served");
    assert_eq!(bus.call(&to, "x".into(), Duration::from_millis(20)).await, Err(CallError::Timeout));
    drop(responder);
    assert_eq!(bus.call(&to, "x".into(), SOON).await, Err(CallError::NoResponder));
}

#[tokio::test]
async fn a_call_crosses_the_link_and_back() {
    let (here, there) = (bus(1), bus(2));
    let to = address(&here, "greet/hello");
    let forth = join(&here, &there, &[("greet/*", true)]);
    let back = join(&there, &here, &[]);
    let mut at_there = inbound(&there, &here, Arc::clone(&back));
    let mut at_here = inbound(&here, &there, Arc::clone(&forth));

    // The peer's interest is stale: it says so instead of leaving the caller to its timeout.
    let call = here.call(&to, "x".into(), SOON);
    let carried = async {
        carry(&forth, &mut at_there).await.expect("carried");
        carry(&back, &mut at_here).await.expect("carried");
    };
    assert_eq!(tokio::join!(call, carried).0, Err(CallError::NoResponder));

    let mut responder = subscribe(&there, &["greet/hello"], true).await;
    let call = here.call(&to, Message::from("Ada").with_content_type("text/plain"), SOON);
    let carried = async {
        carry(&forth, &mut at_there).await.expect("carried");
        let Delivery { event, request, .. } = next(&mut responder).await;
        let request = request.expect("a request");
        assert!(request.deadline() <= Instant::now() + SOON);
        request.answer(Ok(event.message.with_header("x", "y")));
        carry(&back, &mut at_here).await.expect("carried");
    };
    let answer = tokio::join!(call, carried).0.expect("an answer");
    assert_eq!(answer, Message::from("Ada").with_content_type("text/plain").with_header("x", "y"));
}

#[tokio::test]
async fn a_lost_peer_ends_its_calls_and_what_was_queued_is_counted() {
    let (here, there) = (bus(1), bus(2));
    let to = address(&here, "greet/hello");
    let _outbox = join(&here, &there, &[("greet/*", true)]);
    here.publish(&to, "x".into()).await.expect("published");
    let call = here.call(&to, "x".into(), SOON);
    let lose = async {
        here.peer_down(HOME, there.node());
        here.neighbour_down(HOME, there.node());
    };
    let outcome = tokio::join!(call, lose).0;
    assert_eq!(outcome.map_err(|error| error.code()), Err("unavailable"));
    assert_eq!(dropped(&here, DropReason::LostLink), 2);
    assert_eq!(here.call(&to, "x".into(), SOON).await, Err(CallError::NoResponder));
}

#[tokio::test]
async fn a_slow_subscriber_loses_its_oldest_alone_and_is_told() {
    let bus = bus(1);
    let to = address(&bus, "a/b");
    let mut slow = subscribe(&bus, &["a/b"], false).await;
    let mut quick = subscribe(&bus, &["a/b"], false).await;
    let mut publisher = bus.publisher();
    let extra = 100;
    let mut quick_got = 0;
    for number in 0..SUBSCRIPTION_QUEUE_EVENTS + extra {
        publisher.publish(&to, number.to_string().into()).await.expect("published");
        if number % 1000 == 0 {
            quick_got += quick.take(usize::MAX, &mut Vec::new());
        }
    }
    assert_eq!(quick_got + quick.missed(), 0);
    assert_eq!(next(&mut slow).await.event.message.payload, extra.to_string());
    assert_eq!(slow.missed(), extra as u64);
    assert_eq!(dropped(&bus, DropReason::SlowConsumer), extra as u64);

    // What each was to get it has, waits for it, or is counted; also when it has left.
    let (room, extra) = (SUBSCRIPTION_QUEUE_EVENTS as u64, extra as u64);
    let all = room + extra;
    let of = |at: usize| bus.consumers()[at].counts;
    assert_eq!(of(0), counts(all, room, 0, extra));
    publisher.publish(&to, "one more".into()).await.expect("published");
    assert_eq!(of(0), counts(all + 1, room, 1, extra));
    let waiting = of(1).queued;
    assert_eq!(of(1), counts(all + 1, all + 1 - waiting, waiting, 0));
    drop((slow, quick));
    assert_eq!(bus.consumers(), []);
    let unread = waiting + 1;
    assert_eq!(
        bus.counts().consumers,
        counts(2 * (all + 1), 2 * (all + 1) - extra - unread, 0, extra + unread)
    );
    assert_eq!(dropped(&bus, DropReason::Unread), unread);
}

#[tokio::test]
async fn many_who_are_slow_hold_no_more_than_the_budget_and_leave_room_for_the_others() {
    let bus = bus(1);
    let to = address(&bus, "a/b");
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(subscribe(&bus, &["a/*"], false).await);
    }
    let quick = subscribe(&bus, &["a/b"], false).await;
    let mut publisher = bus.publisher();
    let payload = Bytes::from(vec![7; 60 << 10]);
    let (mut got, mut missed) = (Vec::new(), 0);
    for _ in 0..200 {
        publisher.publish(&to, Message::from(payload.clone())).await.expect("published");
        missed += quick.take(usize::MAX, &mut got);
        let (held, limit) = bus.queues();
        assert!(held <= limit, "{held}");
    }
    assert_eq!((got.len(), missed), (200, 0));
    let held: u64 = bus.consumers().iter().map(|consumer| consumer.counts.queued).sum();
    let most = (QUEUES_BYTES + 41 * (128 << 10)) / payload.len();
    assert!(held <= most as u64 && held >= most as u64 / 2, "{held} of {most}");
    drop((slow, quick));
    assert_eq!(bus.queues().0, 0);
}

#[tokio::test]
async fn a_peer_that_reads_nothing_loses_whole_batches_and_the_rest_still_reads() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("**", false)]);
    let mut publisher = here.publisher();
    let payload = Bytes::from(vec![0; 10_000]);
    let total = 2 * PEER_QUEUE_BYTES / payload.len();
    for number in 0..total {
        let to = address(&here, &format!("a/{}", number % 100));
        publisher.publish(&to, payload.clone().into()).await.expect("published");
    }
    let subscription = subscribe(&there, &["**"], false).await;
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    carry(&outbox, &mut inbound).await.expect("carried");
    let mut got = Vec::new();
    let missed = subscription.take(usize::MAX, &mut got);
    assert!(got.len() * payload.len() <= PEER_QUEUE_BYTES, "{}", got.len());
    let dropped_here = dropped(&here, DropReason::SlowConsumer);
    assert!(dropped_here > 0);
    assert_eq!(got.len() as u64 + missed + dropped_here, total as u64);
    assert_eq!(got.last().map(|last| last.event.id.sequence), Some(total as u64));
}

#[tokio::test]
async fn a_new_stream_learns_the_channel_numbers_again() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("**", false)]);
    let mut subscription = subscribe(&there, &["**"], false).await;
    let to = address(&here, "a/b");
    let mut publisher = here.publisher();
    for _ in 0..2 {
        publisher.publish(&to, "x".into()).await.expect("published");
        let _turn = outbox.begin_stream().await;
        let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
        carry(&outbox, &mut inbound).await.expect("carried");
        assert_eq!(next(&mut subscription).await.event.channel, to.channel);
    }
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_gets_an_error() {
    let (here, there) = (bus(1), bus(2));
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    let mut broken = async |kind, body: &'static [u8]| {
        inbound.frame(kind, Bytes::from_static(body)).await.expect_err("refused").to_string()
    };
    assert_eq!(broken(9, b"").await, "a data frame of unknown kind 9");
    assert_eq!(broken(2, b"\x00\x05\x00\x00\x00").await, "the channel number 5 was never defined");
    assert_eq!(broken(1, b"\x02\x01a").await, "channel numbers from 2 on were defined, but 0 was next");
    assert!(broken(2, b"\x00").await.starts_with("a malformed data frame"));
    assert!(inbound.frame(0x90, Bytes::new()).await.is_ok());
}

#[tokio::test]
async fn interest_is_announced_once_and_withdrawn_with_its_last_holder() {
    let bus = bus(1);
    let first = subscribe(&bus, &["a/b", "bee"], false).await;
    let changes = bus.next_interest().await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].ops.len(), 1, "a local pattern is nobody else's business: {changes:?}");
    let second = subscribe(&bus, &["a/b"], false).await;
    drop(first);
    drop(second);
    let changes = bus.next_interest().await;
    let pattern = Pattern::parse("a/b").expect("a pattern");
    assert_eq!(changes[0].ops.last(), Some(&InterestOp::Remove(pattern)));
}

/// Sends numbered events, in batches as large as they get, and carries them over.
async fn send_numbered(
    here: &Bus,
    link: (&Outbox, &mut Inbound),
    names: &[&str],
    numbers: std::ops::Range<usize>,
) {
    let mut publisher = here.publisher();
    for number in numbers {
        let to = address(here, names[number % names.len()]);
        publisher.publish(&to, number.to_string().into()).await.expect("published");
    }
    carry(link.0, link.1).await.expect("carried");
}

fn numbers(deliveries: &[Delivery]) -> Vec<usize> {
    let text = |delivery: &Delivery| delivery.event.message.payload.to_vec();
    deliveries
        .iter()
        .map(|one| String::from_utf8(text(one)).expect("text").parse().expect("a number"))
        .collect()
}

#[tokio::test]
async fn what_lags_behind_a_link_loses_its_oldest_events_and_not_whole_batches() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("**", false)]);
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    let slow = subscribe(&there, &["a/*"], false).await;
    let total = SUBSCRIPTION_QUEUE_EVENTS + 1_234;
    send_numbered(&here, (&outbox, &mut inbound), &["a/b", "a/c"], 0..total).await;
    assert_eq!(slow.queued(), SUBSCRIPTION_QUEUE_EVENTS);
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    // A reader with little room cuts what came together, and loses nothing by it.
    assert_eq!(slow.take(7, &mut first), 1_234);
    assert_eq!((first.len(), slow.queued()), (7, SUBSCRIPTION_QUEUE_EVENTS - 7));
    assert_eq!(slow.take(usize::MAX, &mut rest), 0);
    first.append(&mut rest);
    assert_eq!(numbers(&first), (1_234..total).collect::<Vec<_>>());
    assert_eq!(dropped(&there, DropReason::SlowConsumer), 1_234);
    assert_eq!((there.counts().received, there.counts().consumers.matched), (total as u64, total as u64));
}

#[tokio::test]
async fn each_consumer_of_a_batch_gets_its_own_events_in_order() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("**", false)]);
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    let mut all = subscribe(&there, &["**"], false).await;
    let odd = subscribe(&there, &["a/odd"], false).await;
    let names = ["a/even", "a/odd"];
    send_numbered(&here, (&outbox, &mut inbound), &names, 0..100).await;
    there.publish(&address(&there, "a/odd"), "100".into()).await.expect("published");
    send_numbered(&here, (&outbox, &mut inbound), &names, 101..200).await;
    let mut odds = Vec::new();
    odd.take(usize::MAX, &mut odds);
    assert_eq!(numbers(&odds), (0..200).filter(|n| n % 2 == 1 || *n == 100).collect::<Vec<_>>());
    assert_eq!(all.queued(), 200);
    for number in 0..200 {
        let delivery = next(&mut all).await;
        let channel = delivery.event.channel.to_string();
        assert_eq!(channel, if number == 100 { "a/odd" } else { names[number % 2] });
        assert_eq!(numbers(&[delivery]), [number]);
        assert_eq!(all.queued(), 199 - number);
    }
}

#[tokio::test]
async fn what_came_before_a_malformed_entry_is_delivered_and_the_link_ends() {
    let (here, there) = (bus(1), bus(2));
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    let subscription = subscribe(&there, &["a/b"], false).await;
    inbound.frame(1, Bytes::from_static(b"\x00\x03a/b")).await.expect("defined");
    // Two good entries; then an unknown flag, an undefined channel, a payload that is cut off.
    for (bad, says) in [
        (&b"\x40"[..], "a malformed data frame"),
        (b"\x00\x05\x02\x00\x00", "the channel number 5"),
        (b"\x00\x00\x02\x00\x09x", "a malformed data frame"),
    ] {
        let body = [&b"\x00\x00\x02\x00\x011\x00\x00\x02\x00\x012"[..], bad].concat();
        let error = inbound.frame(2, body.into()).await.expect_err("refused").to_string();
        assert!(error.starts_with(says), "{error}");
        let mut got = Vec::new();
        subscription.take(usize::MAX, &mut got);
        assert_eq!(numbers(&got), [1, 2], "{says}");
    }
}

#[tokio::test]
async fn rules_say_what_is_published_kept_and_asked_here_and_taken_from_there() {
    let rule = |pattern: &str, action, allowed: Vec<Allowed>| Rule {
        scope: Scope { network: HOME, pattern: Pattern::parse(pattern).expect("a pattern") },
        allows: vec![(action, allowed)],
    };
    let rules = vec![
        rule("shut/**", Action::Publish, Vec::new()),
        rule("mine/**", Action::Publish, vec![Allowed::Local]),
        rule("shut/**", Action::Call, Vec::new()),
        rule("live/**", Action::Retain, Vec::new()),
    ];
    let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
    let ruled = Bus::ruled(NodeId([2; 32]), Incarnation(1), names, Rules::new(rules, Vec::new()));
    ruled.confirmed(u64::MAX);
    let to = |name: &str| address(&ruled, name);
    let denied = |action: Action, name: &str| {
        let rule = name.replace("/a", "/**");
        let line = format!(r#"channels: [{{pattern: "{rule}", {}: [local]}}]"#, action.key());
        let denial = Denial { action, channel: to(name).channel, other: None, line };
        PublishError::Denied(Box::new(denial))
    };
    let mut publisher = ruled.publisher();
    assert_eq!(publisher.publish(&to("shut/a"), "x".into()).await, Err(denied(Action::Publish, "shut/a")));
    assert_eq!(publisher.keep(&to("shut/a"), None, 0), Err(denied(Action::Publish, "shut/a")));
    assert_eq!(publisher.keep(&to("live/a"), None, 0), Err(denied(Action::Retain, "live/a")));
    assert!(publisher.publish(&to("mine/a"), "x".into()).await.is_ok());
    let refused = ruled.call(&to("shut/a"), "x".into(), SOON).await;
    assert_eq!(refused, Err(denied(Action::Call, "shut/a").into()));
    // From elsewhere nothing of it is taken, and that is counted.
    let there = bus(1);
    let outbox = join(&there, &ruled, &[("**", false)]);
    let subscription = subscribe(&ruled, &["**"], false).await;
    for name in ["mine/a", "shut/a", "open/a"] {
        there.publish(&address(&there, name), "x".into()).await.expect("published");
    }
    let mut inbound = inbound(&ruled, &there, Arc::new(Outbox::new()));
    carry(&outbox, &mut inbound).await.expect("carried");
    let mut got = Vec::new();
    subscription.take(usize::MAX, &mut got);
    assert_eq!(got.iter().map(|one| one.event.channel.as_str()).collect::<Vec<_>>(), ["open/a"]);
    assert_eq!(dropped(&ruled, DropReason::Denied), 2);
}
