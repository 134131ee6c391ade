//! Buses that are joined by hand: a line and a ring, whose links can be cut at any frame.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use futures_util::FutureExt;
use hive_proto::{
    channel::{Address, Names, NetworkIndex, NetworkName},
    frame::split_frame,
    id::{Incarnation, NodeId},
    interest::{InterestOp, Wanted as RemoteWanted},
    limits::FRAME_BYTES_MAX,
    pattern::Pattern,
    plane::account::DropReason,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, CallError, Event, Holder, Inbound, Message, Outbox, PeerRef, Subscription, Wanted},
    transport::Membership,
    trust::{identity::Identity, network::NetworkKey, sign::Signer},
};

const HOME: NetworkIndex = NetworkIndex::HOME;
const SOON: Duration = Duration::from_secs(5);
/// Nothing comes any more after so long without anything.
const QUIET: Duration = Duration::from_millis(300);

/// Some buses and the links between them.
pub(in crate::bus) struct Lines {
    pub(in crate::bus) buses: Vec<Bus>,
    links: BTreeMap<(usize, usize), End>,
    stop: CancellationToken,
}

/// One direction of a link.
struct End {
    outbox: Arc<Outbox>,
    inbound: Inbound,
}

fn name() -> NetworkName {
    NetworkName::parse("hive").expect("a network")
}

impl Lines {
    /// So many buses, each with its sealing task.
    pub(in crate::bus) fn new(count: usize) -> Self {
        let stop = CancellationToken::new();
        let self_stop = stop.clone();
        let bus = |_| {
            let identity = Identity::ephemeral();
            let membership = Membership::new(HOME, NetworkKey::open(&name()));
            let signer = Signer::new(&identity, &[membership]);
            let bus = Bus::new(identity.node_id(), Incarnation(1), Names::new(vec![name()]));
            bus.confirmed(u64::MAX);
            bus.signed_by(signer.clone());
            let (sealing, stop) = (bus.clone(), stop.clone());
            tokio::spawn(async move { sealing.relay(signer, stop).await });
            let (dealing, stop) = (bus.clone(), self_stop.clone());
            tokio::spawn(async move { dealing.deal(stop).await });
            bus
        };
        Self { buses: (0..count).map(bus).collect(), links: BTreeMap::new(), stop }
    }

    pub(in crate::bus) fn id(&self, at: usize) -> NodeId {
        self.buses[at].node()
    }

    /// A link in both directions.
    pub(in crate::bus) async fn link(&mut self, a: usize, b: usize) {
        let up = |from: usize, to: usize| self.buses[from].neighbour_up(HOME, self.id(to), "neighbour").0;
        let (there, back) = (up(a, b), up(b, a));
        for (from, to, outbox, answers_to) in [(a, b, &there, &back), (b, a, &back, &there)] {
            let peer = PeerRef { network: HOME, node: self.id(from), incarnation: Incarnation(1) };
            let inbound = Inbound::new(self.buses[to].clone(), peer, Arc::clone(answers_to));
            drop(outbox.begin_stream().await);
            self.links.insert((from, to), End { outbox: Arc::clone(outbox), inbound });
        }
    }

    /// Both ends learn that a link is gone.
    pub(in crate::bus) fn cut(&mut self, a: usize, b: usize) {
        self.links.remove(&(a, b));
        self.links.remove(&(b, a));
        self.buses[a].neighbour_down(HOME, self.id(b));
        self.buses[b].neighbour_down(HOME, self.id(a));
    }

    /// `at` can reach `to` over `next`, and knows what it wants.
    pub(in crate::bus) fn way(&self, at: usize, to: usize, next: usize, wants: &[(&str, bool)]) {
        self.buses[at].peer_up(HOME, self.id(to), "peer");
        self.route(at, to, Some(next));
        let op = |(pattern, answers): &(&str, bool)| {
            InterestOp::Add(RemoteWanted::new(Pattern::parse(pattern).expect("a pattern"), *answers))
        };
        let ops: Vec<_> = wants.iter().map(op).collect();
        self.buses[at].peer_interest(HOME, self.id(to), true, &ops);
    }

    pub(in crate::bus) fn route(&self, at: usize, to: usize, next: Option<usize>) {
        self.buses[at].route(HOME, &[(self.id(to), next.map(|next| self.id(next)))]);
    }

    /// Carries frames over one direction, as many as are there. Returns how many.
    async fn carry(&mut self, from: usize, to: usize) -> usize {
        match self.links.get_mut(&(from, to)) {
            Some(end) => end.carry().await,
            None => 0,
        }
    }

    /// Carries frames everywhere until this has come.
    pub(in crate::bus) async fn until<T>(&mut self, what: &str, coming: impl Future<Output = T>) -> T {
        let mut coming = std::pin::pin!(coming);
        let began = Instant::now();
        loop {
            if let Some(came) = coming.as_mut().now_or_never() {
                return came;
            }
            assert!(began.elapsed() < SOON, "not in time: {what}");
            let directions: Vec<_> = self.links.keys().copied().collect();
            for (from, to) in directions {
                self.carry(from, to).await;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Carries frames until nothing has moved for a while.
    pub(in crate::bus) async fn settle(&mut self) {
        let mut last = Instant::now();
        while last.elapsed() < QUIET {
            let directions: Vec<_> = self.links.keys().copied().collect();
            for (from, to) in directions {
                if self.carry(from, to).await > 0 {
                    last = Instant::now();
                }
            }
            tokio::task::yield_now().await;
        }
    }

    async fn subscribe(&self, at: usize, pattern: &str, answers: bool) -> Subscription {
        let bus = &self.buses[at];
        let wanted = Wanted { scope: bus.names().scope(pattern).expect("a pattern"), answers, group: None };
        bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("a subscription")
    }

    pub(in crate::bus) fn address(&self, name: &str) -> Address {
        self.buses[0].names().address(name).expect("a channel")
    }

    pub(in crate::bus) fn dropped(&self, at: usize, reason: DropReason) -> u64 {
        let counts = self.buses[at].counts();
        counts.dropped.iter().find(|(each, _)| *each == reason).map_or(0, |(_, copies)| *copies)
    }
}

impl End {
    async fn carry(&mut self) -> usize {
        let Self { outbox, inbound } = self;
        let mut carried = 0;
        while let Some(outgoing) = outbox.next().now_or_never().flatten() {
            let mut stream = BytesMut::new();
            outgoing.frames.iter().for_each(|part| stream.extend_from_slice(part));
            while let Some((kind, body)) = split_frame(&mut stream, FRAME_BYTES_MAX).expect("a frame") {
                inbound.frame(kind, body).await.expect("a good frame");
                carried += 1;
            }
        }
        inbound.confirm();
        carried
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// 0 — 1 — 2, where 0 and 2 have no link, and each knows what the others want.
async fn line(wants: &[(&str, bool)]) -> Lines {
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1), (2, 0, 1)] {
        lines.way(at, to, next, if to == 2 { wants } else { &[] });
    }
    lines
}

async fn events(subscription: &mut Subscription, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(subscription.next().await.expect("a delivery").event);
    }
    events
}

fn numbers(events: &[Event]) -> Vec<u64> {
    let number = |event: &Event| String::from_utf8_lossy(&event.message.payload).parse().expect("a number");
    events.iter().map(number).collect()
}

#[tokio::test]
async fn events_cross_a_node_in_order_with_their_origin() {
    let mut lines = line(&[("a/**", false)]).await;
    let mut there = lines.subscribe(2, "a/**", false).await;
    let mut publisher = lines.buses[0].publisher();
    for number in 0..1000 {
        let to = lines.address(["a/b", "a/c"][number % 2]);
        let receipt = publisher.publish(&to, number.to_string().into()).await.expect("published");
        assert_eq!((receipt.local, receipt.peers), (0, 1));
    }
    let events = lines.until("all events", events(&mut there, 1000)).await;
    assert_eq!(numbers(&events), (0..1000).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.id.origin == lines.id(0)));
    assert_eq!(lines.buses[1].counts().relayed, 1000);
    assert_eq!(lines.buses[2].counts().received, 1000);
}

#[tokio::test]
async fn calls_and_answers_cross_a_node() {
    let mut lines = line(&[("echo/*", true)]).await;
    let mut there = lines.subscribe(2, "echo/*", true).await;
    let (caller, to) = (lines.buses[0].clone(), lines.address("echo/x"));
    let call = caller.call(&to, Message::from("hi"), SOON);
    let answer = async {
        let delivery = there.next().await.expect("a delivery");
        delivery.request.expect("a request").answer(Ok(delivery.event.message));
        std::future::pending::<()>().await;
    };
    let both = async {
        tokio::select! {
            outcome = call => outcome,
            () = answer => unreachable!("it waits for ever"),
        }
    };
    assert_eq!(lines.until("the answer", both).await, Ok(Message::from("hi")));
    // Who is out of reach answers nobody any more.
    let call = caller.call(&to, Message::from("hi"), SOON);
    let mut call = std::pin::pin!(call);
    assert!(call.as_mut().now_or_never().is_none());
    caller.peer_down(HOME, lines.id(2));
    assert!(matches!(call.await, Err(CallError::Unavailable(_))));
    assert_eq!(caller.call(&to, Message::from("hi"), SOON).await, Err(CallError::NoResponder));
}

/// A request may be faster than the news of who asks.
#[tokio::test]
async fn an_answer_waits_until_its_caller_is_known() {
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1)] {
        lines.way(at, to, next, if to == 2 { &[("echo/*", true)] } else { &[] });
    }
    let mut there = lines.subscribe(2, "echo/*", true).await;
    let (caller, to) = (lines.buses[0].clone(), lines.address("echo/x"));
    let mut call = std::pin::pin!(caller.call(&to, Message::from("hi"), SOON));
    assert!(call.as_mut().now_or_never().is_none());
    let delivery = lines.until("the request", there.next()).await.expect("a delivery");
    delivery.request.expect("a request").answer(Ok(delivery.event.message));
    lines.settle().await;
    lines.way(2, 0, 1, &[]);
    assert_eq!(lines.until("the answer", call).await, Ok(Message::from("hi")));
}

#[tokio::test]
async fn what_a_lost_relay_has_not_confirmed_takes_the_other_way() {
    let mut lines = Lines::new(4);
    for (a, b) in [(0, 1), (1, 2), (0, 3), (3, 2)] {
        lines.link(a, b).await;
    }
    for (at, next) in [(0, 1), (1, 2), (3, 2)] {
        lines.way(at, 2, next, &[("a/*", false)]);
    }
    let mut there = lines.subscribe(2, "a/*", false).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("a/b"));
    for number in 0..10 {
        bus.publish(&to, number.to_string().into()).await.expect("published");
    }
    // They reach the relay, and end there.
    while lines.carry(0, 1).await == 0 {
        tokio::task::yield_now().await;
    }
    for number in 10..20 {
        bus.publish(&to, number.to_string().into()).await.expect("published");
    }
    lines.cut(0, 1);
    lines.cut(1, 2);
    lines.route(0, 2, Some(3));
    let events = lines.until("all events", events(&mut there, 20)).await;
    assert_eq!(numbers(&events), (0..20).collect::<Vec<_>>());
    lines.settle().await;
    assert_eq!(there.queued(), 0, "nobody gets two");
}

#[tokio::test]
async fn what_is_queued_on_a_lost_link_takes_the_way_round() {
    let mut lines = Lines::new(3);
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        lines.link(a, b).await;
    }
    for (at, next) in [(0, 2), (1, 2)] {
        lines.way(at, 2, next, &[("a/*", false)]);
    }
    let mut there = lines.subscribe(2, "a/*", false).await;
    let mut publisher = lines.buses[0].publisher();
    let to = lines.address("a/b");
    for number in 0..5 {
        publisher.publish(&to, number.to_string().into()).await.expect("published");
    }
    lines.cut(0, 2);
    lines.route(0, 2, Some(1));
    for number in 5..10 {
        let receipt = publisher.publish(&to, number.to_string().into()).await.expect("published");
        assert_eq!(receipt.peers, 1, "its interest stays");
    }
    let events = lines.until("all events", events(&mut there, 10)).await;
    assert_eq!(numbers(&events), (0..10).collect::<Vec<_>>());
    assert_eq!(lines.dropped(0, DropReason::LostLink), 0);
}

#[tokio::test]
async fn a_new_link_does_not_overtake_what_is_on_its_way() {
    let mut lines = line(&[("a/*", false)]).await;
    let mut there = lines.subscribe(2, "a/*", false).await;
    let mut publisher = lines.buses[0].publisher();
    let to = lines.address("a/b");
    for number in 0..5 {
        publisher.publish(&to, number.to_string().into()).await.expect("published");
    }
    lines.link(0, 2).await;
    lines.route(0, 2, Some(2));
    for number in 5..10 {
        publisher.publish(&to, number.to_string().into()).await.expect("published");
    }
    let mut direct = lines.links.remove(&(0, 2)).expect("a link");
    let carried = tokio::spawn(async move { direct.carry().await });
    let events = lines.until("all events", events(&mut there, 10)).await;
    assert_eq!(numbers(&events), (0..10).collect::<Vec<_>>());
    assert!(carried.await.expect("it ends") > 0);
}

#[tokio::test]
async fn what_was_sent_and_not_confirmed_counts_as_lost_with_the_link() {
    let mut lines = Lines::new(2);
    lines.link(0, 1).await;
    lines.way(0, 1, 1, &[("a/*", false)]);
    let there = lines.subscribe(1, "a/*", false).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("a/b"));
    for number in 0..5 {
        bus.publish(&to, number.to_string().into()).await.expect("published");
    }
    lines.settle().await;
    assert_eq!(there.queued(), 5);
    // Taken from the outbox, and never read.
    bus.publish(&to, "6".into()).await.expect("published");
    let taken = lines.links[&(0, 1)].outbox.next().now_or_never().flatten().expect("a batch");
    assert_eq!(taken.events, 1);
    lines.cut(0, 1);
    assert_eq!(lines.dropped(0, DropReason::LostLink), 1);
}

#[tokio::test]
async fn a_frame_that_was_changed_on_the_way_is_forged() {
    let mut lines = line(&[("a/*", false)]).await;
    let there = lines.subscribe(2, "a/*", false).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("a/b"));
    // What is said at the beginning of a link is out of the way.
    lines.settle().await;
    bus.publish(&to, "true".into()).await.expect("published");
    while lines.carry(0, 1).await == 0 {
        tokio::task::yield_now().await;
    }
    let End { outbox, inbound } = lines.links.get_mut(&(1, 2)).expect("a link");
    let outgoing = outbox.next().now_or_never().flatten().expect("a frame");
    let mut stream = BytesMut::new();
    outgoing.frames.iter().for_each(|part| stream.extend_from_slice(part));
    let last = stream.len() - 1;
    stream[last] ^= 1;
    while let Some((kind, body)) = split_frame(&mut stream, FRAME_BYTES_MAX).expect("a frame") {
        inbound.frame(kind, body).await.expect("its envelope is good");
    }
    assert_eq!(there.queued(), 0);
    assert_eq!(lines.dropped(2, DropReason::Forged), 1);
}
