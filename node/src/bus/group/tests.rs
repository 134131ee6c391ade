//! Groups between buses that are joined by hand: one member gets each event, and none is lost with a member.

use std::time::{Duration, Instant};

use hive_proto::{
    channel::{Names, NetworkIndex, NetworkName},
    group::GroupName,
    id::Incarnation,
    interest::{InterestOp, Joined},
    pattern::Pattern,
    plane::account::DropReason,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Delivery, Holder, Message, Subscription, Wanted, relay::tests::Lines},
    trust::{identity::Identity, may::Rules},
};

const HOME: NetworkIndex = NetworkIndex::HOME;
const SOON: Duration = Duration::from_secs(10);

fn group() -> GroupName {
    GroupName::parse("workers").expect("a group")
}

async fn join(bus: &Bus, pattern: &str) -> Subscription {
    let scope = bus.names().scope(pattern).expect("a pattern");
    let wanted = Wanted { scope, answers: false, group: Some(group()) };
    bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("a subscription")
}

/// 0, 1 and 2 in a line, where 0 knows members on these.
async fn line(members: &[usize]) -> Lines {
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1), (2, 0, 1)] {
        lines.way(at, to, next, &[]);
    }
    for at in members {
        joins(&lines, *at);
    }
    lines
}

/// 0 learns that another has members.
fn joins(lines: &Lines, at: usize) {
    let pattern = Pattern::parse("jobs/*").expect("a pattern");
    let join = InterestOp::Join(Joined { group: group(), pattern, answers: false });
    lines.buses[0].peer_interest(HOME, lines.id(at), false, &[join]);
}

async fn publish(lines: &Lines, numbers: std::ops::Range<u32>, key: impl Fn(u32) -> Option<String>) {
    let mut publisher = lines.buses[0].publisher();
    let to = lines.address("jobs/new");
    for number in numbers {
        let message = Message::from(number.to_string());
        let message = key(number).map_or(message.clone(), |key| message.with_key(key));
        let receipt = publisher.publish(&to, message).await.expect("published");
        assert_eq!(receipt.local + receipt.peers, 1, "one member");
    }
}

fn number(delivery: &Delivery) -> u32 {
    str::from_utf8(&delivery.event.message.payload).expect("text").parse().expect("a number")
}

/// What a member has, finished or kept in hand.
fn take(member: &Subscription, finish: bool, hand: &mut Vec<Delivery>) -> Vec<u32> {
    let mut taken = Vec::new();
    member.take(usize::MAX, &mut taken);
    let numbers = taken.iter().map(number).collect();
    for mut delivery in taken {
        match delivery.ticket.take() {
            Some(ticket) if finish => ticket.done(),
            Some(ticket) => hand.push(Delivery { ticket: Some(ticket), ..delivery }),
            None => panic!("an event for everybody"),
        }
    }
    numbers
}

/// Carries frames until the members have finished so many events together.
async fn finish(lines: &mut Lines, members: &[&Subscription], count: usize) -> Vec<Vec<u32>> {
    let mut got = vec![Vec::new(); members.len()];
    let began = Instant::now();
    while got.iter().map(Vec::len).sum::<usize>() < count || lines.buses[0].handed_out() > 0 {
        assert!(began.elapsed() < SOON, "{got:?} and {} open", lines.buses[0].handed_out());
        lines.until("a round", tokio::task::yield_now()).await;
        for (member, got) in members.iter().zip(&mut got) {
            got.extend(take(member, true, &mut Vec::new()));
        }
    }
    got
}

fn all(got: &[Vec<u32>]) -> Vec<u32> {
    let mut all = got.concat();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn one_member_gets_each_event_and_the_near_one_first() {
    let mut lines = line(&[1, 2]).await;
    let (there, beyond) = (join(&lines.buses[1], "jobs/*").await, join(&lines.buses[2], "jobs/*").await);
    publish(&lines, 0..200, |_| None).await;
    let got = finish(&mut lines, &[&there, &beyond], 200).await;
    assert_eq!(all(&got), (0..200).collect::<Vec<_>>());
    assert!(got.iter().all(|got| got.len() > 50), "both have a share: {got:?}");
    let here = join(&lines.buses[0], "jobs/*").await;
    for at in 0..50 {
        publish(&lines, at..at + 1, |_| None).await;
        assert_eq!(take(&here, true, &mut Vec::new()), [at]);
    }
    assert_eq!(lines.buses[0].handed_out(), 0);
}

#[tokio::test]
async fn a_key_stays_with_its_member() {
    let mut lines = line(&[1, 2]).await;
    let members = [
        join(&lines.buses[0], "jobs/*").await,
        join(&lines.buses[0], "**").await,
        join(&lines.buses[1], "jobs/*").await,
        join(&lines.buses[2], "jobs/*").await,
    ];
    publish(&lines, 0..400, |number| Some(format!("customer {}", number % 20))).await;
    let got = finish(&mut lines, &members.each_ref(), 400).await;
    assert_eq!(all(&got), (0..400).collect::<Vec<_>>());
    for key in 0..20 {
        let with: Vec<_> = got.iter().filter(|got| got.iter().any(|number| number % 20 == key)).collect();
        assert_eq!(with.len(), 1, "key {key}");
        let numbers: Vec<_> = with[0].iter().filter(|number| *number % 20 == key).collect();
        assert!(numbers.is_sorted(), "in order: {numbers:?}");
    }
    assert!(got.iter().filter(|got| !got.is_empty()).count() >= 3, "{got:?}");
}

#[tokio::test]
async fn what_a_member_had_in_hand_goes_to_another_when_its_node_is_lost() {
    let mut lines = line(&[2]).await;
    let (near, far) = (join(&lines.buses[1], "jobs/*").await, join(&lines.buses[2], "jobs/*").await);
    publish(&lines, 0..50, |_| None).await;
    let mut hand = Vec::new();
    let began = Instant::now();
    while hand.len() < 50 {
        assert!(began.elapsed() < SOON, "{} came", hand.len());
        lines.until("a round", tokio::task::yield_now()).await;
        take(&far, false, &mut hand);
    }
    // Ten are done, and the node is lost before it can say so of the others.
    hand.drain(..10).filter_map(|delivery| delivery.ticket).for_each(crate::bus::Ticket::done);
    lines.settle().await;
    assert_eq!(lines.buses[0].handed_out(), 40);
    lines.cut(1, 2);
    lines.buses[0].peer_down(HOME, lines.id(2));
    joins(&lines, 1);
    let began = Instant::now();
    let mut got = Vec::new();
    while got.len() < 40 {
        assert!(began.elapsed() < SOON, "{got:?}");
        lines.until("a round", tokio::task::yield_now()).await;
        let mut taken = Vec::new();
        near.take(usize::MAX, &mut taken);
        for mut delivery in taken {
            assert_eq!(delivery.event.attempt, 2, "another had it");
            got.push(number(&delivery));
            delivery.ticket.take().expect("a ticket").done();
        }
    }
    got.sort_unstable();
    assert_eq!(got, (10..50).collect::<Vec<_>>());
    finish(&mut lines, &[], 0).await;
}

#[tokio::test]
async fn a_member_that_leaves_gives_back_what_it_has() {
    let mut lines = line(&[]).await;
    let leaving = join(&lines.buses[0], "jobs/*").await;
    publish(&lines, 0..20, |_| None).await;
    let mut hand = Vec::new();
    take(&leaving, false, &mut hand);
    publish(&lines, 20..40, |_| None).await;
    drop((leaving, hand));
    assert_eq!(lines.buses[0].handed_out(), 40, "kept while there is no member");
    let staying = join(&lines.buses[0], "jobs/*").await;
    let got = finish(&mut lines, &[&staying], 40).await;
    assert_eq!(all(&got), (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_does_not_take_is_passed_over() {
    let mut lines = line(&[1]).await;
    // 0 believes that 1 has a member, and it has none.
    publish(&lines, 0..10, |_| None).await;
    lines.settle().await;
    assert_eq!(lines.buses[0].handed_out(), 10);
    let late = join(&lines.buses[2], "jobs/*").await;
    joins(&lines, 2);
    let got = finish(&mut lines, &[&late], 10).await;
    assert_eq!(all(&got), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn in_an_open_network_others_are_given_nothing_unless_a_rule_says_so() {
    let name = NetworkName::parse("hive").expect("a network");
    let identity = Identity::ephemeral();
    let rules = Rules::new(Vec::new(), vec![HOME]);
    let bus = Bus::ruled(identity.node_id(), Incarnation(1), Names::new(vec![name]), rules);
    bus.confirmed(u64::MAX);
    let other = Identity::ephemeral().node_id();
    bus.peer_up(HOME, other, "other");
    let pattern = Pattern::parse("jobs/*").expect("a pattern");
    let joined = InterestOp::Join(Joined { group: group(), pattern, answers: false });
    bus.peer_interest(HOME, other, false, &[joined]);
    let to = bus.address("jobs/new").expect("a channel");
    let receipt = bus.publish(&to, "x".into()).await.expect("published");
    assert_eq!((receipt.local, receipt.peers, bus.handed_out()), (0, 0, 0));
    assert_eq!(bus.counts().dropped, [(DropReason::Denied, 1)], "counted, not silent");
    let mut here = join(&bus, "jobs/*").await;
    assert_eq!(bus.publish(&to, "y".into()).await.expect("published").local, 1);
    assert_eq!(here.next().await.expect("a delivery").event.message.payload, "y");
    // Nobody runs the dealer here; what was dropped without a word waits for it.
    assert_eq!(bus.handed_out(), 1);
    let stop = CancellationToken::new();
    stop.cancel();
    bus.deal(stop).await;
}
