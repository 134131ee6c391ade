//! Kept values between buses that are joined by hand: everybody has them in the end, and each subscriber each once.

use std::collections::BTreeMap;

use hive_proto::{channel::NetworkIndex, plane::account::DropReason};

use crate::bus::{
    Actor, Bus, Event, Holder, Message, Page, PublishError, Subscription, Wanted, relay::tests::Lines,
};

const HOME: NetworkIndex = NetworkIndex::HOME;

async fn subscribe(bus: &Bus, patterns: &[&str]) -> Subscription {
    let wanted = patterns.iter().map(|pattern| wanted(bus, pattern)).collect::<Vec<_>>();
    bus.subscribe(Holder::Client("test".into()), wanted).await.expect("a subscription")
}

fn wanted(bus: &Bus, pattern: &str) -> Wanted {
    Wanted { scope: bus.names().scope(pattern).expect("a pattern"), answers: false, group: None }
}

fn keep(bus: &Bus, channel: &str, text: &str) {
    let to = bus.names().address(channel).expect("a channel");
    bus.publisher().keep(&to, Some(Message::from(text)), 0).expect("kept");
}

fn clear(bus: &Bus, channel: &str) {
    let to = bus.names().address(channel).expect("a channel");
    bus.publisher().keep(&to, None, 0).expect("cleared");
}

/// What is there now: channel, text, and `*` for a kept value.
fn taken(subscription: &Subscription) -> Vec<String> {
    let mut taken = Vec::new();
    assert_eq!(subscription.take(usize::MAX, &mut taken), 0, "none is missed");
    let line = |delivery: crate::bus::Delivery| {
        let event = delivery.event;
        let text = String::from_utf8_lossy(&event.message.payload).into_owned();
        format!("{} {text}{}", event.channel, if event.retained { "*" } else { "" })
    };
    taken.into_iter().map(line).collect()
}

/// 0 — 1 — 2.
async fn line() -> Lines {
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1), (2, 0, 1)] {
        lines.way(at, to, next, &[]);
    }
    lines
}

fn values(bus: &Bus) -> Vec<String> {
    page(bus, None, Page::ALL)
}

fn page(bus: &Bus, after: Option<&str>, page: Page) -> Vec<String> {
    let scope = bus.names().scope("**").expect("a pattern");
    let after = after.map(|name| bus.names().address(name).expect("a channel").channel);
    let text =
        |event: Event| format!("{} {}", event.channel, String::from_utf8_lossy(&event.message.payload));
    bus.kept_values(&Actor::Local, &scope, after.as_ref(), page).into_iter().map(text).collect()
}

#[tokio::test]
async fn values_are_read_page_by_page_and_those_of_this_node_stand_among_the_others() {
    let bus = Lines::new(1).buses.remove(0);
    for channel in ["room/2", "lamp", "room/1", "zoo", "room/10", "attic/x"] {
        keep(&bus, channel, "12345678");
    }
    clear(&bus, "zoo");
    let all = ["attic/x", "lamp", "room/1", "room/10", "room/2"];
    for small in [Page { values: 2, ..Page::ALL }, Page { bytes: 9, ..Page::ALL }] {
        let (mut seen, mut after) = (Vec::<String>::new(), None::<String>);
        loop {
            let values = page(&bus, after.as_deref(), small);
            assert!(values.len() <= 2, "{values:?}");
            let channels = values.iter().filter_map(|value| value.split(' ').next()).map(str::to_owned);
            seen.extend(channels);
            match (values.is_empty(), seen.last()) {
                (false, Some(last)) => after = Some(last.clone()),
                _ => break,
            }
        }
        assert_eq!(seen, all, "{small:?}");
    }
    assert_eq!(page(&bus, Some("room/3"), Page::ALL), Vec::<String>::new());
    assert_eq!(page(&bus, None, Page { bytes: 1, ..Page::ALL }).len(), 1, "a large value comes alone");
}

#[tokio::test]
async fn a_new_subscriber_gets_the_values_first_and_each_once() {
    let lines = Lines::new(1);
    let bus = &lines.buses[0];
    for (channel, text) in [("a/1", "x"), ("a/1", "one"), ("a/2", "two"), ("b/1", "three"), ("lamp", "on")] {
        keep(bus, channel, text);
    }
    let early = subscribe(bus, &["a/*", "**", "a/1"]).await;
    keep(bus, "a/1", "later");
    assert_eq!(taken(&early), ["a/1 one*", "a/2 two*", "b/1 three*", "lamp on*", "a/1 later"]);
    // A pattern more brings only what the others did not.
    early.set(["a/*", "**", "$x/*"].map(|pattern| wanted(bus, pattern))).await.expect("set");
    assert_eq!(taken(&early), [""; 0]);
    let narrow = subscribe(bus, &["a/1"]).await;
    assert_eq!(taken(&narrow), ["a/1 later*"]);
    narrow.set(["a/1", "a/*"].map(|pattern| wanted(bus, pattern))).await.expect("set");
    assert_eq!(taken(&narrow), ["a/2 two*"]);
    clear(bus, "a/2");
    assert_eq!(taken(&narrow), ["a/2 "], "an empty event says so");
    assert_eq!(taken(&subscribe(bus, &["a/*"]).await), ["a/1 later*"]);
}

/// A bridge asks with each try; else a broker that is away for a day would be told everything a thousand times.
#[tokio::test]
async fn values_that_are_given_again_and_were_not_taken_come_once() {
    let lines = Lines::new(1);
    let bus = &lines.buses[0];
    keep(bus, "a/1", "one");
    let subscription = subscribe(bus, &["a/*"]).await;
    for _ in 0..3 {
        subscription.kept_again();
    }
    assert_eq!(taken(&subscription), ["a/1 one*"]);
    subscription.kept_again();
    assert_eq!(taken(&subscription), ["a/1 one*"], "and again where they were taken");
}

#[tokio::test]
async fn values_reach_every_node_and_its_subscribers_as_they_are_published() {
    let mut lines = line().await;
    let (near, far) = (subscribe(&lines.buses[1], &["a/*"]).await, subscribe(&lines.buses[2], &["**"]).await);
    let ordered = lines.address("a/1");
    keep(&lines.buses[0], "a/1", "one");
    lines.buses[0].publish(&ordered, "plain".into()).await.expect("published");
    keep(&lines.buses[0], "a/1", "two");
    keep(&lines.buses[0], "b/1", "three");
    keep(&lines.buses[0], "lamp", "stays here");
    lines.settle().await;
    assert_eq!(taken(&near), ["a/1 one", "a/1 two"], "nobody told 0 that 1 wants plain events");
    assert_eq!(taken(&far), ["a/1 one", "a/1 two", "b/1 three"]);
    assert_eq!(taken(&subscribe(&lines.buses[2], &["*/1"]).await), ["a/1 two*", "b/1 three*"]);
    clear(&lines.buses[2], "b/1");
    lines.settle().await;
    assert_eq!(values(&lines.buses[0]), ["a/1 two", "lamp stays here"]);
    assert_eq!(values(&lines.buses[1]), ["a/1 two"]);
}

#[tokio::test]
async fn after_a_partition_all_agree_and_each_subscriber_has_each_once() {
    let mut lines = line().await;
    let watching = [
        subscribe(&lines.buses[0], &["**"]).await,
        subscribe(&lines.buses[1], &["**"]).await,
        subscribe(&lines.buses[2], &["**"]).await,
    ];
    keep(&lines.buses[0], "a/shared", "before");
    keep(&lines.buses[0], "a/gone", "before");
    lines.settle().await;
    lines.cut(0, 1);
    for n in 0..20 {
        keep(&lines.buses[0], &format!("left/{n}"), "l");
        keep(&lines.buses[2], &format!("right/{n}"), "r");
    }
    clear(&lines.buses[0], "a/gone");
    keep(&lines.buses[0], "a/shared", "left");
    // The clock counts milliseconds, and the later writer wins.
    lines.settle().await;
    keep(&lines.buses[2], "a/shared", "right");
    lines.settle().await;
    lines.link(0, 1).await;
    lines.settle().await;
    let all = values(&lines.buses[0]);
    assert_eq!(all.len(), 41);
    assert!(all.contains(&"a/shared right".to_owned()));
    for bus in &lines.buses[1..] {
        assert_eq!(values(bus), all);
    }
    for watching in &watching {
        let mut times = BTreeMap::new();
        for line in taken(watching) {
            *times.entry(line.trim_end_matches('*').to_owned()).or_insert(0) += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(all.iter().all(|value| times.contains_key(value)), "{times:?}");
        assert!(times.contains_key("a/gone "), "cleared: {times:?}");
    }
    // What the left wrote is older, and who had the later one already never sees it.
    assert_eq!(lines.dropped(2, DropReason::Superseded), 0);
}

/// Publishing and subscribing at the same time: whoever subscribes sees each channel's last value, and no version twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscriber_in_the_middle_misses_none_and_sees_none_twice() {
    let lines = Lines::new(1);
    let bus = lines.buses[0].clone();
    let writing = bus.clone();
    let writer = tokio::task::spawn_blocking(move || {
        for n in 0..2_000 {
            keep(&writing, &format!("a/{}", n % 7), &n.to_string());
        }
    });
    let mut subscriptions = Vec::new();
    while !writer.is_finished() && subscriptions.len() < 300 {
        subscriptions.push(subscribe(&bus, &["a/*"]).await);
    }
    writer.await.expect("written");
    assert!(subscriptions.len() > 3, "only {} came in between", subscriptions.len());
    for subscription in &subscriptions {
        let mut last = BTreeMap::new();
        for line in taken(subscription) {
            let (channel, number) = line.trim_end_matches('*').split_once(' ').expect("a line");
            let number: u32 = number.parse().expect("a number");
            let before = last.insert(channel.to_owned(), number);
            // Each version of a channel is seven after the one before: none is left out, none comes again.
            assert!(before.is_none_or(|before| number == before + 7), "{channel}: {before:?} then {number}");
        }
        assert_eq!(last.values().min(), Some(&1993), "{last:?}");
    }
}

#[tokio::test]
async fn too_large_values_and_foreign_signatures_are_refused() {
    let mut lines = line().await;
    let bus = lines.buses[0].clone();
    let to = lines.address("a/b");
    let large = Message::new(vec![b'x'; hive_proto::limits::KEPT_BYTES_MAX + 1]);
    let refused = bus.publisher().keep(&to, Some(large), 0);
    assert_eq!(refused, Err(PublishError::KeptTooLarge(hive_proto::limits::KEPT_BYTES_MAX + 1)));
    let reserved = bus.names().address("$node/x").expect("a channel");
    assert!(matches!(bus.publisher().keep(&reserved, None, 0), Err(PublishError::Reserved(_))));
    // 1 says that 0 has published something, and 0 has not.
    keep(&bus, "a/b", "true");
    lines.settle().await;
    let later = hive_proto::time::Hlc::from_unix_ms(super::wall_ms() + 1_000);
    let forged = hive_proto::frame::kept::Kept::sign(
        None,
        HOME,
        (bus.publish(&to, "x".into()).await.expect("published").id, later, 0),
        to.channel.clone(),
        Some("false".into()),
    );
    let said = hive_proto::frame::kept::KeptSaid::Values(vec![forged.bytes]);
    lines.buses[2].0.heard_of_kept(HOME, lines.id(1), &said);
    assert_eq!(lines.dropped(2, DropReason::Forged), 1);
    assert_eq!(values(&lines.buses[2]), ["a/b true"]);
}

#[tokio::test]
async fn a_clock_that_is_off_keeps_nothing_and_right_ones_do() {
    let lines = line().await;
    let bus = lines.buses[1].clone();
    let hear = |from: usize, ahead_ms: i64| {
        let theirs = super::wall_ms().saturating_add_signed(ahead_ms);
        let said = hive_proto::frame::kept::KeptSaid::Root([0; 16], theirs);
        bus.0.heard_of_kept(HOME, lines.id(from), &said);
    };
    let to = lines.address("a/b");
    hear(0, 4_000);
    assert!(bus.publisher().keep(&to, None, 0).is_ok(), "of two clocks nobody knows which is wrong");
    hear(2, 4_100);
    let refused = bus.publisher().keep(&to, None, 0).expect_err("the clock is off");
    assert_eq!(refused.code(), "clock");
    assert!(refused.to_string().contains("ahead of this host's"), "{refused}");
    hear(0, 30);
    hear(2, -30);
    assert!(bus.publisher().keep(&to, None, 0).is_ok());
}
