//! Bridges between the networks of one node: one copy, and nothing that goes in circles.

use std::{sync::Arc, time::Duration};

use hive_proto::{
    channel::{Names, NetworkIndex, NetworkName},
    id::{Incarnation, NodeId},
    pattern::Pattern,
};

use super::{
    sealed::tests::{SECRET, event, seals},
    *,
};
use crate::{
    bus::{Delivery, Holder, Message, PublishError, Subscription, Trail, Wanted, WhenFull},
    shutdown::Part,
    status::{Boards, BridgeCard, BridgeDrop, BridgeState, NodeCard},
};

const SOON: Duration = Duration::from_secs(5);

/// A bus in some networks, with bridges.
struct Stage {
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    bridges: Bridges,
}

impl Stage {
    async fn new(networks: &[&str], bridges: Vec<Settings>) -> Self {
        let names = networks.iter().map(|name| NetworkName::parse(name).expect("a network")).collect();
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), Names::new(names));
        // There is no control plane here to wait for.
        bus.confirmed(u64::MAX);
        let (boards, part) = (Boards::new(NodeCard::default()), Part::new("bridges"));
        let count = bridges.len();
        let config = Config { bridges, ..Config::default() };
        let bridges = Bridges::start(config, bus.clone(), Arc::clone(&boards), part.clone()).await;
        let up = async {
            while boards.bridges.read().values().filter(|card| card.state == BridgeState::Up).count() < count
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, up).await.expect("bridges that are up");
        Self { bus, boards, part, bridges }
    }

    async fn subscribe(&self, pattern: &str) -> Subscription {
        let wanted = Wanted { scope: self.bus.scope(pattern).expect(pattern), answers: false, group: None };
        self.bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("subscribed")
    }

    async fn publish(&self, channel: &str, text: &str) {
        let to = self.bus.address(channel).expect(channel);
        self.bus.publish(&to, Message::from(text)).await.expect("published");
    }

    fn dropped(&self, bridge: &str, reason: BridgeDrop) -> u64 {
        let bridges = self.boards.bridges.read();
        let drops = bridges.get(bridge).expect("a bridge").traffic.drops().collect::<Vec<_>>();
        drops.into_iter().find(|(each, _)| *each == reason).map_or(0, |(_, count)| count)
    }

    /// How much the bus and the bridges have carried.
    fn carried(&self) -> (u64, Vec<u64>) {
        let bridges = self.boards.bridges.read();
        let traffic = |card: &BridgeCard| {
            let drops: u64 = card.traffic.drops().map(|(_, count)| count).sum();
            card.traffic.exported.value() + card.traffic.imported.value() + drops
        };
        (self.bus.counts().published, bridges.values().map(traffic).collect())
    }

    /// Waits until nothing is carried any more: all queues are empty, and stay so while everybody had a turn.
    async fn rests(&self) {
        let resting = async {
            let mut quiet = 0;
            let mut before = self.carried();
            while quiet < 200 {
                tokio::task::yield_now().await;
                let now = self.carried();
                let waiting: u64 = self
                    .bus
                    .consumers()
                    .iter()
                    .filter(|c| matches!(c.holder, Holder::Bridge(_)))
                    .map(|c| c.counts.queued)
                    .sum();
                quiet = if now == before && waiting == 0 { quiet + 1 } else { 0 };
                before = now;
            }
        };
        tokio::time::timeout(SOON, resting).await.expect("rest");
    }
}

fn crossing(name: &str, (from, to): (u8, u8), export: &[&str], import: &[&str]) -> Settings {
    let (from, to) = (NetworkIndex(from), NetworkIndex(to));
    let rules = |patterns: &[&str]| {
        patterns.iter().map(|text| Rule::plain(from, Pattern::parse(text).expect(text))).collect()
    };
    let rules = Rules { export: rules(export), import: rules(import), ..Rules::default() };
    Settings {
        name: name.into(),
        rules,
        limits: Limits { payload_bytes: 1024, ..Limits::default() },
        seal: None,
        kind: Kind::Hive(hive::Config { from, to }),
    }
}

async fn next(subscription: &mut Subscription, what: &str) -> Delivery {
    tokio::time::timeout(SOON, subscription.next()).await.expect(what).expect("a delivery")
}

#[tokio::test]
async fn two_networks_have_each_others_events_once() {
    let both = |name| crossing(name, (0, 1), &["a/*"], &["b/*"]);
    let stage = Stage::new(&["one", "two"], vec![both("x"), both("y")]).await;
    let (mut there, mut here) = (stage.subscribe("two/**").await, stage.subscribe("**").await);
    for n in 0..100 {
        stage.publish("a/1", &n.to_string()).await;
        stage.publish("two/b/1", &n.to_string()).await;
        stage.publish("c/1", "stays").await;
    }
    for n in 0..100 {
        let event = next(&mut there, "delivery 1").await.event;
        assert!(event.channel.as_str() == "a/1" || event.channel.as_str() == "b/1", "{event:?}");
        let _ = n;
    }
    stage.rests().await;
    let mut seen = Vec::new();
    there.take(usize::MAX, &mut seen);
    assert_eq!(seen.len() + 100, 200, "100 of its own and 100 from the other");
    let mut home = Vec::new();
    here.take(usize::MAX, &mut home);
    let of = |name: &str| {
        home.iter().filter(|delivery: &&Delivery| delivery.event.channel.as_str() == name).count()
    };
    assert_eq!((of("a/1"), of("b/1"), of("c/1")), (100, 100, 100));
    assert!(stage.dropped("x", BridgeDrop::Duplicate) + stage.dropped("y", BridgeDrop::Duplicate) >= 200);
    let _ = here.missed();
}

#[tokio::test]
async fn a_ring_of_three_networks_delivers_one_copy_and_rests() {
    let all = ["**"];
    let ring = vec![
        crossing("ab", (0, 1), &all, &all),
        crossing("bc", (1, 2), &all, &all),
        crossing("ca", (2, 0), &all, &all),
    ];
    let stage = Stage::new(&["a", "b", "c"], ring).await;
    let mut subscribers = Vec::new();
    for pattern in ["**", "b/**", "c/**"] {
        subscribers.push(stage.subscribe(pattern).await);
    }
    for network in ["", "b/", "c/"] {
        stage.publish(&format!("{network}x/y"), network).await;
    }
    stage.rests().await;
    for subscriber in &subscribers {
        let mut seen: Vec<Delivery> = Vec::new();
        subscriber.take(usize::MAX, &mut seen);
        let mut texts: Vec<_> = seen.iter().map(|delivery| delivery.event.message.payload.clone()).collect();
        texts.sort();
        assert_eq!(texts, ["", "b/", "c/"], "each once");
    }
}

#[tokio::test]
async fn kept_values_cross() {
    let stage = Stage::new(&["one", "two"], vec![crossing("x", (0, 1), &["a/*"], &["a/*"])]).await;
    let to = stage.bus.address("a/1").expect("a channel");
    let mut there = stage.subscribe("two/a/*").await;
    let mut publisher = stage.bus.publisher();
    publisher.keep(&to, Some(Message::from("first")), 0).expect("kept");
    assert_eq!(next(&mut there, "delivery 2").await.event.message.payload, "first");
    let mut late = stage.subscribe("two/a/*").await;
    let event = next(&mut late, "delivery 3").await.event;
    assert!(event.retained && event.message.payload == "first");
}

#[tokio::test]
async fn a_channel_that_is_cleared_is_cleared_beyond() {
    let stage = Stage::new(&["one", "two"], vec![crossing("x", (0, 1), &["a/*"], &["a/*"])]).await;
    let to = stage.bus.address("a/1").expect("a channel");
    let mut there = stage.subscribe("two/a/*").await;
    let mut publisher = stage.bus.publisher();
    publisher.keep(&to, Some(Message::from("first")), 0).expect("kept");
    assert_eq!(next(&mut there, "the value").await.event.message.payload, "first");
    publisher.keep(&to, None, 0).expect("cleared");
    stage.rests().await;
    let said = format!("{:?} {:?}", stage.boards.bridges.read(), stage.bus.consumers());
    assert_eq!(there.queued(), 1, "{said}");
    assert!(next(&mut there, "its end").await.event.message.payload.is_empty());
    let later = stage.subscribe("two/a/*").await;
    assert_eq!(later.queued(), 0, "it is cleared there, too");
}

#[tokio::test]
async fn what_cannot_cross_is_a_dead_letter() {
    let mut bridge = crossing("x", (0, 1), &["b/*", "**"], &[]);
    bridge.rules.export[0].strip = 1;
    let stage = Stage::new(&["one", "two"], vec![bridge]).await;
    let mut dead = stage.subscribe("$dead/x").await;
    stage.publish("a/1", &"x".repeat(2_000)).await;
    let letter = next(&mut dead, "delivery 5").await.event;
    let reason = letter
        .message
        .headers()
        .iter()
        .find(|(name, _)| name == "hive-reason")
        .map(|(_, text)| text.as_str());
    assert_eq!(reason, Some("it has 2000 bytes; this bridge carries at most 1024"));
    stage.publish("local", "stays").await;
    stage.publish("b/local", "x").await;
    let letter = next(&mut dead, "delivery 6").await.event;
    let channel = letter
        .message
        .headers()
        .iter()
        .find(|(name, _)| name == "hive-channel")
        .map(|(_, text)| text.as_str());
    assert_eq!(channel, Some("b/local"));
    assert_eq!((stage.dropped("x", BridgeDrop::TooLarge), stage.dropped("x", BridgeDrop::Name)), (1, 1));
}

/// A bridge gets other rules while events flow: none of what both let out is lost or doubled, and another bridge goes on.
#[tokio::test]
async fn a_bridge_that_becomes_another_loses_nothing_and_others_are_not_touched() {
    let of = |export: &[&str]| crossing("x", (0, 1), export, &[]);
    let other = crossing("y", (1, 2), &["z/*"], &[]);
    let mut stage = Stage::new(&["one", "two", "three"], vec![of(&["a/*"]), other.clone()]).await;
    let there = stage.subscribe("two/**").await;
    let since = stage.boards.bridges.read().get("y").and_then(|card| card.since);
    for round in 0..20 {
        for n in 0..10 {
            stage.publish("a/1", &format!("{round} {n}")).await;
        }
        let exports: &[&str] = if round % 2 == 0 { &["a/*", "b/*"] } else { &["a/*"] };
        stage.bridges.configure(vec![of(exports), other.clone()]).await;
    }
    stage.bridges.configure(vec![of(&["a/*", "b/*"]), other.clone()]).await;
    stage.publish("b/1", "last").await;
    stage.rests().await;
    let mut seen: Vec<Delivery> = Vec::new();
    there.take(usize::MAX, &mut seen);
    let texts: Vec<_> = seen.iter().map(|one| one.event.message.payload.clone()).collect();
    let want = (0..20).flat_map(|round| (0..10).map(move |n| format!("{round} {n}")));
    assert_eq!(texts, want.chain(["last".to_owned()]).collect::<Vec<_>>(), "each once, in order");
    let now = stage.boards.bridges.read().get("y").and_then(|card| card.since);
    assert!(since.is_some() && now == since, "{since:?} {now:?}");
    stage.bridges.configure(vec![other]).await;
    assert_eq!(stage.boards.bridges.read().keys().collect::<Vec<_>>(), ["y"]);
    stage.publish("a/1", "nobody carries it").await;
    stage.rests().await;
    there.take(usize::MAX, &mut seen);
    assert_eq!(seen.len(), texts.len());
}

#[tokio::test]
async fn a_bridge_stops_when_its_part_does() {
    let stage = Stage::new(&["one", "two"], vec![crossing("x", (0, 1), &["**"], &["**"])]).await;
    stage.part.finish(SOON).await.expect("in time");
    assert_eq!(stage.boards.bridges.read().get("x").map(|card| card.state), Some(BridgeState::Stopped));
    assert!(stage.bus.consumers().is_empty(), "{:?}", stage.bus.consumers());
}

/// A desk that lets everything in below `far`.
fn desk_of(stage: &Stage, payload_bytes: usize, seals: Option<Seals>) -> Desk {
    let everything = Pattern::parse("**").expect("a pattern");
    let rule = Rule { prefix: "far".into(), ..Rule::plain(NetworkIndex::HOME, everything) };
    let setup = desk::Setup {
        name: "test".into(),
        kind: "nats",
        rules: Rules { import: vec![rule], ..Rules::default() },
        limits: Limits { payload_bytes, ..Limits::default() },
        seals: seals.map(|seals| Some(Arc::new(seals))),
        traffic: Arc::default(),
    };
    Desk::new(setup, (&stage.bus, &stage.boards, &stage.part))
}

/// An envelope that the node did not take now is taken when it comes again, and then no more.
#[tokio::test(start_paused = true)]
async fn an_envelope_that_was_not_taken_did_not_come() {
    let stage = Stage::new(&["one"], Vec::new()).await;
    let there = seals(SECRET);
    let mut importer = desk_of(&stage, 1_024, Some(seals(SECRET))).importer();
    let limits = QueueLimits { events: 1, bytes: 1 << 20 };
    let scope = |pattern: &str| stage.bus.scope(pattern).expect(pattern);
    let mut heard = stage.bus.holding(Holder::Client("slow".into()), limits);
    heard.want([Wanted { scope: scope("far/**"), answers: false, group: None }]).expect("wanted");
    stage.bus.policies(vec![(scope("far/refused"), WhenFull::Reject)]);
    for name in ["refused", "broken-off"] {
        let sealed = |text: &str, sequence| {
            let mut event = event(text);
            event.id.sequence = sequence;
            Message::new(there.seal(name, &event, &Trail::of(&event)).expect("a channel"))
        };
        let (first, second) = (sealed("first", 1), sealed("second", 2));
        let imported = importer.import(Incoming::new(name, first)).await;
        assert!(matches!(imported, Imported::Published(_)), "{imported:?}");
        let importing = importer.import(Incoming::new(name, second.clone()));
        match tokio::time::timeout(Duration::from_millis(10), importing).await {
            Ok(imported) => assert_eq!(imported, Imported::NotNow(PublishError::Overloaded)),
            Err(_) => assert_eq!(name, "broken-off"),
        }
        assert_eq!(next(&mut heard, "the first").await.event.message.payload, "first");
        let imported = importer.import(Incoming::new(name, second.clone())).await;
        assert!(matches!(imported, Imported::Published(_)), "{name}: {imported:?}");
        assert_eq!(next(&mut heard, "the second").await.event.message.payload, "second");
        let imported = importer.import(Incoming::new(name, second)).await;
        assert_eq!(imported, Imported::Dropped(BridgeDrop::Duplicate), "{name}");
    }
}

/// What comes together waits for its like, and nothing that comes alone comes before it.
#[tokio::test]
async fn what_comes_together_and_alone_keeps_its_order() {
    let stage = Stage::new(&["one"], Vec::new()).await;
    let desk = desk_of(&stage, 64, None);
    let (mut importer, mut heard) = (desk.importer(), stage.subscribe("far/**").await);
    let coming = |text: &str| Incoming::new("a/b", Message::from(text));
    // The first of a name is learnt from, alone.
    for text in ["first", "together", "together too"] {
        let imported = importer.import_among(coming(text)).await;
        assert!(matches!(imported, Imported::Published(_)), "{imported:?}");
    }
    assert_eq!(heard.queued(), 1);
    importer.import(coming("alone")).await;
    importer.import_among(coming("behind it")).await;
    let kept = Incoming { kept: Some(hive_proto::time::Hlc(u64::MAX)), ..coming("kept") };
    importer.import_among(kept).await;
    importer.import_among(coming("last")).await;
    let too_large = importer.import_among(coming(&"x".repeat(65))).await;
    assert_eq!(too_large, Imported::Dropped(BridgeDrop::TooLarge));
    importer.hand_over().await;
    for text in ["first", "together", "together too", "alone", "behind it", "kept", "last"] {
        assert_eq!(next(&mut heard, text).await.event.message.payload, text);
    }
    assert_eq!((heard.queued(), desk.traffic().imported.value()), (0, 7));
}
