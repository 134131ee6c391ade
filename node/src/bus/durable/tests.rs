//! Durable channels with a real journal: what was acknowledged comes to every group, once it was handled never again.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use hive_proto::{
    channel::{Names, NetworkIndex, NetworkName},
    group::GroupName,
    id::{Incarnation, NodeId},
    interest::{InterestOp, Joined},
    pattern::Pattern,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Journalled;
use crate::{
    bus::{Bus, Delivery, Holder, Message, Shelf, Subscription, Wanted, relay::tests::Lines},
    journal::{self, Journal, disk::DiskJournal},
};

const HOME: NetworkIndex = NetworkIndex::HOME;
const SOON: Duration = Duration::from_secs(10);
const NODE: NodeId = NodeId([9; 32]);

/// One life of a node with a journal.
struct Life {
    bus: Bus,
    journal: Arc<DiskJournal>,
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

fn name() -> NetworkName {
    NetworkName::parse("hive").expect("a network")
}

/// Makes `orders/**` durable there.
fn journal_in(bus: &Bus, dir: &Path) -> Arc<DiskJournal> {
    let journal = DiskJournal::open(dir, &name(), bus.node(), journal::Settings::default());
    let journal = Arc::new(journal.expect("a journal"));
    let patterns = vec![Pattern::parse("orders/**").expect("a pattern")];
    let journalled = Journalled::new(Arc::clone(&journal) as Arc<dyn Journal>, patterns);
    bus.journal_in(BTreeMap::from([(HOME, journalled)]));
    journal
}

impl Life {
    fn begin(dir: &Path, incarnation: u64) -> Self {
        let bus = Bus::new(NODE, Incarnation(incarnation), Names::new(vec![name()]));
        bus.confirmed(u64::MAX);
        let (journal, stop) = (journal_in(&bus, dir), CancellationToken::new());
        let (dealing, pumping) = (bus.clone(), bus.clone());
        let (stop_dealing, stop_pumping) = (stop.clone(), stop.clone());
        let tasks = vec![
            tokio::spawn(async move { dealing.deal(stop_dealing).await }),
            tokio::spawn(async move { pumping.pump(stop_pumping).await }),
        ];
        Self { bus, journal, stop, tasks }
    }

    /// Ends it. What was acknowledged is on disk then; that is all a node's end does.
    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.expect("an end");
        }
        self.journal.close().await;
    }

    async fn publish(&self, numbers: std::ops::Range<u32>) {
        let to = self.bus.names().address("orders/new").expect("a channel");
        let mut publisher = self.bus.publisher();
        for number in numbers {
            let receipt = publisher.publish(&to, Message::from(number.to_string())).await.expect("published");
            assert!(receipt.durable);
        }
    }

    async fn until_registered(&self, group: &str) {
        let wait = async {
            let mut look = tokio::time::interval(Duration::from_millis(5));
            while !self.journal.status().cursors.iter().any(|cursor| cursor.name.as_str() == group) {
                look.tick().await;
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("a cursor in time");
    }
}

async fn join(bus: &Bus, group: GroupName) -> Subscription {
    let scope = bus.names().scope("orders/**").expect("a pattern");
    let wanted = Wanted { scope, answers: false, group: Some(group) };
    bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("a subscription")
}

fn workers() -> GroupName {
    GroupName::parse("workers").expect("a group")
}

async fn next(member: &mut Subscription) -> Delivery {
    tokio::time::timeout(SOON, member.next()).await.expect("an event in time").expect("an event")
}

fn number(delivery: &Delivery) -> u32 {
    str::from_utf8(&delivery.event.message.payload).expect("text").parse().expect("a number")
}

/// Handles so many events. Returns their numbers.
async fn handle(member: &mut Subscription, count: usize) -> Vec<u32> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let mut delivery = next(member).await;
        numbers.push(number(&delivery));
        delivery.ticket.take().expect("a ticket").done();
    }
    numbers
}

#[tokio::test]
async fn a_group_gets_all_that_was_acknowledged_across_lives_and_nothing_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = Life::begin(dir.path(), 1);
    let mut member = join(&first.bus, workers()).await;
    first.until_registered("workers").await;
    first.publish(0..30).await;
    assert_eq!(handle(&mut member, 10).await, (0..10).collect::<Vec<_>>());
    // Ten more are in hand and five of them done, when the member and then the node go.
    let mut hand = Vec::new();
    for at in 0..10 {
        let mut delivery = next(&mut member).await;
        match at % 2 {
            0 => delivery.ticket.take().expect("a ticket").done(),
            _ => hand.push(delivery),
        }
    }
    drop((member, hand));
    first.publish(30..40).await;
    first.end().await;

    let second = Life::begin(dir.path(), 2);
    second.publish(40..45).await;
    let mut member = join(&second.bus, workers()).await;
    let mut rest = handle(&mut member, 30).await;
    rest.sort_unstable();
    let want: Vec<u32> = (10..20).filter(|n| n % 2 == 1).chain(20..45).collect();
    assert_eq!(rest, want);
    let mut late = tokio::time::interval(Duration::from_millis(5));
    while second.journal.status().cursors[0].lag > 0 {
        late.tick().await;
    }
    second.end().await;

    let third = Life::begin(dir.path(), 3);
    let mut member = join(&third.bus, workers()).await;
    third.until_registered("workers").await;
    third.publish(45..46).await;
    assert_eq!(handle(&mut member, 1).await, [45], "all else was handled");
    let event = third.bus.publish(&third.bus.address("orders/x").expect("a channel"), "46".into()).await;
    assert!(event.expect("published").durable);
    third.end().await;
}

#[tokio::test]
async fn who_asks_for_the_past_gets_it_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::begin(dir.path(), 1);
    life.publish(0..20).await;
    let listening = {
        let scope = life.bus.names().scope("orders/**").expect("a pattern");
        let wanted = Wanted { scope, answers: false, group: None };
        life.bus.subscribe(Holder::Client("live".into()), [wanted]).await.expect("a subscription")
    };
    let mut past = join(&life.bus, GroupName::replay(0, 7)).await;
    assert_eq!(handle(&mut past, 20).await, (0..20).collect::<Vec<_>>());
    life.publish(20..25).await;
    assert_eq!(handle(&mut past, 5).await, (20..25).collect::<Vec<_>>());
    let mut live = Vec::new();
    listening.take(usize::MAX, &mut live);
    assert_eq!(live.iter().map(number).collect::<Vec<_>>(), (20..25).collect::<Vec<_>>());
    let mut from_now = join(&life.bus, GroupName::replay(u64::MAX >> 17, 8)).await;
    life.until_registered("~7fffffffffff-8").await;
    drop(past);
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while life.journal.status().cursors.len() > 1 {
        look.tick().await;
    }
    life.publish(25..26).await;
    assert_eq!(handle(&mut from_now, 1).await, [25]);
    life.end().await;
}

#[tokio::test]
async fn a_member_on_another_node_gets_it_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1), (2, 0, 1)] {
        lines.way(at, to, next, &[]);
    }
    let bus = lines.buses[0].clone();
    let journal = journal_in(&bus, dir.path());
    let (pumping, stop) = (bus.clone(), CancellationToken::new());
    let stopping = stop.clone();
    let pump = tokio::spawn(async move { pumping.pump(stopping).await });
    let far = join(&lines.buses[2], workers()).await;
    let pattern = Pattern::parse("orders/**").expect("a pattern");
    let joined = InterestOp::Join(Joined { group: workers(), pattern, answers: false });
    bus.peer_interest(HOME, lines.id(2), false, &[joined]);
    let registered = async {
        while journal.status().cursors.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    lines.until("a cursor", registered).await;
    let to = lines.address("orders/new");
    for number in 0..100 {
        assert!(bus.publish(&to, Message::from(number.to_string())).await.expect("published").durable);
    }
    let (mut got, mut taken) = (Vec::new(), Vec::new());
    let began = std::time::Instant::now();
    while got.len() < 100 || journal.status().cursors[0].lag > 0 {
        assert!(began.elapsed() < SOON, "{got:?}");
        lines.until("a round", tokio::task::yield_now()).await;
        far.take(usize::MAX, &mut taken);
        for mut delivery in taken.drain(..) {
            got.push(number(&delivery));
            delivery.ticket.take().expect("a ticket").done();
        }
    }
    assert_eq!(got, (0..100).collect::<Vec<_>>());
    stop.cancel();
    pump.await.expect("an end");
}

/// A place for letters that says when one is to be there for sure, and waits to be told what came of it.
#[derive(Debug)]
struct Slow(tokio::sync::mpsc::Sender<(bool, oneshot::Sender<bool>)>);

impl Shelf for Slow {
    fn put(&self, _: &str, _: u64, _: Vec<u8>, sure: bool) -> Option<BoxFuture<'static, bool>> {
        let (tell, told) = oneshot::channel();
        self.0.try_send((sure, tell)).ok()?;
        Some(async move { told.await.unwrap_or(false) }.boxed())
    }

    fn remove(&self, _: &str, _: u64) {}

    fn read(&self, _: &str, _: u64) -> Option<Vec<u8>> {
        None
    }
}

#[tokio::test]
async fn a_cursor_passes_what_ended_its_members_when_the_letter_is_on_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let life = Life::begin(dir.path(), 1);
    let (put, mut puts) = tokio::sync::mpsc::channel(8);
    life.bus.letters_in(Arc::new(Slow(put)), Vec::new());
    let mut member = join(&life.bus, workers()).await;
    life.until_registered("workers").await;
    life.publish(0..1).await;
    // Whatever the member is given, it goes with.
    let mut buried = async || loop {
        tokio::select! {
            given = next(&mut member) => drop(given),
            put = puts.recv() => return put.expect("a letter"),
        }
    };
    let lag = || life.journal.status().cursors[0].lag;
    let (sure, fails) = buried().await;
    assert!(sure && lag() == 1, "{sure} {}", lag());
    // What is nowhere is given again.
    fails.send(false).expect("somebody waits");
    let (sure, works) = buried().await;
    assert!(sure && lag() == 1, "{sure} {}", lag());
    works.send(true).expect("somebody waits");
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while lag() > 0 {
        look.tick().await;
    }
    life.end().await;
}
