//! Trails as they are written and read, and who is let in.

use hive_proto::{
    channel::{Names, NetworkName},
    id::{Incarnation, NodeId},
};
use proptest::prelude::*;

use super::{
    trail::{FOREIGN_ID_BYTES_MAX, MARKS_MAX},
    *,
};
use crate::bus::{Actor, Holder, Wanted};

fn bus() -> Bus {
    let name = |name| NetworkName::parse(name).expect("a network");
    let bus = Bus::new(NodeId([7; 32]), Incarnation(1), Names::new(vec![name("hive"), name("far")]));
    // There is no control plane here to wait for.
    bus.confirmed(u64::MAX);
    bus
}

fn crossing(bus: &Bus) -> Publisher {
    bus.publisher_of(Actor::Bridge("bridge:test".into()))
}

fn trail(id: &str, marks: &[Mark]) -> Trail {
    let begun = Trail::begun(Some(id)).expect("an id");
    marks.iter().fold(begun, |trail, mark| trail.from(*mark).expect("not too long"))
}

proptest! {
    #[test]
    fn trails_are_read_as_they_are_written(
        marks in prop::collection::btree_set(any::<[u8; 8]>(), 0..MARKS_MAX),
        id in prop::option::of("[!-~]{1,160}"),
    ) {
        let begun = Trail::begun(id.as_deref()).expect("an id");
        let trail = marks.into_iter().try_fold(begun, |trail, mark| trail.from(Mark(mark))).expect("short");
        prop_assert_eq!(trail.to_string().parse(), Ok(trail));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[0-9a-f, é-]{0,300}") {
        if let Ok(trail) = text.parse::<Trail>() {
            prop_assert!(trail.marks.len() <= MARKS_MAX);
        }
    }
}

#[test]
fn what_is_no_trail_is_refused() {
    let check = |text: &str, want| assert_eq!(text.parse::<Trail>(), Err(want), "{text}");
    check("12", TrailError::Mark);
    check("+123456789abcdef", TrailError::Mark);
    check("0123456789abcdef,", TrailError::Mark);
    check(&["0123456789abcdef"; 17].join(","), TrailError::TooLong);
    check("0123456789abcdef ", TrailError::Id);
    check("0123456789abcdef a b", TrailError::Id);
    check(&format!(" {}", "x".repeat(FOREIGN_ID_BYTES_MAX + 1)), TrailError::Id);
}

#[tokio::test]
async fn one_copy_is_let_in_and_none_where_it_has_been() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let wanted = Wanted { scope: bus.scope("a/*").expect("a pattern"), answers: false, group: None };
    let mut subscriber = bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("subscribed");
    let let_in = async |trail: &Trail| {
        crossing(&bus).publish_bridged(&to, Message::from("x"), (trail, 0)).await.expect("no error")
    };
    let far = bus.mark(NetworkIndex(1));
    let once = trail("n-1", &[far]);
    assert!(matches!(let_in(&once).await, LetIn::Published(Receipt { local: 1, .. })));
    assert_eq!(let_in(&once).await, LetIn::Duplicate);
    assert_eq!(let_in(&trail("n-2", &[far, bus.mark(NetworkIndex::HOME)])).await, LetIn::Looped);
    let event = subscriber.next().await.expect("an event").event;
    assert_eq!(Trail::of(&event), once);
    assert_eq!(subscriber.queued(), 0);
    // An event of this mesh is known by its own id.
    bus.publish(&to, Message::from("y")).await.expect("published");
    let event = subscriber.next().await.expect("an event").event;
    assert_eq!(Trail::of(&event), trail(&event.id.to_string(), &[]));
}

/// The last trail is remembered with what it was put on: what differs in either is not taken for it.
#[test]
fn each_message_has_its_own_trail_and_parts() {
    let mut stamp = Stamp::default();
    let [one, other] = ["one", "other"].map(|name| Trail::default().from(Mark::of(name)).expect("a trail"));
    let typed = Message::default().with_content_type("text/plain");
    let with = |message: Message, trail: &Trail| message.with_header(TRAIL_HEADER, trail.to_string());
    for (message, trail) in [
        (Message::from("a"), &one),
        (Message::from("b"), &one),
        (Message::from("c"), &other),
        (typed.with_payload("d".into()), &other),
        (typed.with_payload("e".into()), &other),
        (Message::from("f").with_content_type("text/html"), &other),
        (Message::from("g"), &trail("n-1", &[Mark::of("one")])),
        (typed.with_payload("h".into()), &one),
        (Message::default(), &one),
    ] {
        assert_eq!(stamp.put(trail, message.clone()), with(message, trail));
    }
    let shared = |text: &'static str, stamp: &mut Stamp| stamp.put(&one, Message::from(text));
    let (first, second) = (shared("x", &mut stamp), shared("y", &mut stamp));
    assert!(first.shares_parts(&second) && !first.shares_parts(&typed));
}

#[tokio::test]
async fn clients_cannot_say_where_their_events_have_been() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let forged = Message::from("x").with_header(TRAIL_HEADER, trail("n-1", &[]).to_string());
    assert!(bus.publish(&to, forged.clone()).await.is_err());
    assert_eq!(without_mesh_headers(forged), Message::from("x"));
}

#[tokio::test]
async fn a_later_value_stays_kept() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let keep = |id: &str, since: Hlc, text: Option<&str>| {
        let (trail, message) = (trail(id, &[]), text.map(Message::from));
        crossing(&bus).keep_bridged(&to, message, (&trail, 0, since)).expect("no error")
    };
    let at = Hlc::from_unix_ms;
    assert!(matches!(keep("n-1", at(1_000), Some("first")), LetIn::Published(_)));
    assert!(matches!(keep("n-2", at(2_000), Some("second")), LetIn::Published(_)));
    assert_eq!(keep("n-3", at(2_000), Some("of the same time")), LetIn::Superseded);
    assert_eq!(keep("n-4", at(1_500), None), LetIn::Superseded);
    assert!(matches!(keep("n-5", Hlc(u64::MAX), Some("new")), LetIn::Published(_)));
    assert!(matches!(keep("n-6", Hlc(u64::MAX), None), LetIn::Published(_)));
    assert_eq!(bus.kept().0, 0);
}

/// What comes together is handed over together, in its order, and what cannot wait for that is given back.
#[tokio::test]
async fn what_is_gathered_is_handed_over_at_once() {
    let bus = bus();
    let (to, other) = (bus.address("a/b").expect("a channel"), bus.address("a/c").expect("a channel"));
    let wanted = || [Wanted { scope: bus.scope("a/*").expect("a pattern"), answers: false, group: None }];
    let holder = |name: &str| Holder::Client(name.into());
    let mut one = bus.subscribe(holder("one"), wanted()).await.expect("subscribed");
    let mut two = bus.subscribe(holder("two"), wanted()).await.expect("subscribed");
    let (mut publisher, plain) = (crossing(&bus), Trail::default());
    for (number, to) in [&to, &other, &to].into_iter().enumerate() {
        let let_in = publisher.gather_bridged(to, Message::from(number.to_string()), (&plain, 0));
        assert!(matches!(let_in, Ok(LetIn::Published(Receipt { local: 2, .. }))), "{let_in:?}");
    }
    assert_eq!((one.queued(), two.queued()), (0, 0));
    publisher.hand_over().await;
    for subscriber in [&mut one, &mut two] {
        for text in ["0", "1", "2"] {
            assert_eq!(subscriber.next().await.expect("an event").event.message.payload, text);
        }
        assert_eq!(subscriber.queued(), 0);
    }
    // No more than a bound waits, in events and in bytes.
    let gathered = |publisher: &mut Publisher, message: Message| {
        (0..10_000)
            .take_while(|_| publisher.gather_bridged(&to, message.clone(), (&plain, 0)).is_ok())
            .count()
    };
    assert_eq!(gathered(&mut publisher, Message::from("x")), 256);
    publisher.hand_over().await;
    assert_eq!(gathered(&mut publisher, Message::from("x".repeat(100 << 10))), 2);
    publisher.hand_over().await;
    assert_eq!((one.queued(), two.queued()), (258, 258));
    let too_large = Message::new(vec![0; hive_proto::limits::PAYLOAD_BYTES_MAX + 1]);
    let alone = publisher.gather_bridged(&to, too_large, (&plain, 0));
    assert!(matches!(alone, Err(NotGathered::Alone(_))), "{alone:?}");
}

/// What is broken off before everybody has it did not get in: it does when it comes again.
#[tokio::test(start_paused = true)]
async fn a_publish_that_is_broken_off_did_not_come() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let wanted = Wanted { scope: bus.scope("a/*").expect("a pattern"), answers: false, group: None };
    let limits = hive_proto::plane::queue::QueueLimits { events: 1, bytes: 1 << 20 };
    let mut subscriber = bus.holding(Holder::Client("slow".into()), limits);
    subscriber.want([wanted]).expect("wanted");
    let mut publisher = crossing(&bus);
    publisher.publish_bridged(&to, Message::from("first"), (&trail("n-1", &[]), 0)).await.expect("published");
    let second = trail("n-2", &[]);
    let waits = std::time::Duration::from_millis(10);
    let broken =
        tokio::time::timeout(waits, publisher.publish_bridged(&to, Message::from("second"), (&second, 0)));
    assert!(broken.await.is_err(), "there was room");
    assert_eq!(subscriber.next().await.expect("an event").event.message.payload, "first");
    let mut again = async || {
        let message = Message::from("second");
        publisher.publish_bridged(&to, message, (&second, 0)).await.expect("published")
    };
    assert!(matches!(again().await, LetIn::Published(_)));
    assert_eq!(subscriber.next().await.expect("an event").event.message.payload, "second");
    assert_eq!(again().await, LetIn::Duplicate);
}

/// The same for what was gathered for a group that has no room for it: it goes the next time.
#[tokio::test(start_paused = true)]
async fn a_hand_over_to_a_group_that_is_broken_off_goes_on() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let group = hive_proto::group::GroupName::parse("workers").ok();
    let wanted = Wanted { scope: bus.scope("a/*").expect("a pattern"), answers: false, group };
    let mut member = bus.subscribe(Holder::Client("member".into()), [wanted]).await.expect("subscribed");
    let (mut publisher, plain) = (crossing(&bus), Trail::default());
    let large = Message::new(vec![0; 200 << 10]);
    let mut gathered = 0;
    let waits = std::time::Duration::from_millis(10);
    loop {
        assert!(publisher.gather_bridged(&to, large.clone(), (&plain, 0)).is_ok());
        gathered += 1;
        if tokio::time::timeout(waits, publisher.hand_over()).await.is_err() {
            break;
        }
        assert!(gathered < 1_000, "there is room for more than a group may have");
    }
    assert_eq!(bus.0.groups.len(), gathered - 1, "all but the last");
    let mut first = member.next().await.expect("an event");
    first.ticket.take().expect("a ticket").done();
    publisher.hand_over().await;
    assert_eq!(bus.0.groups.len(), gathered - 1, "the last for the first");
}

/// A full queue holds up who hands over, and nobody else; what was not handed over when that was broken off goes the next
/// time, before what came later.
#[tokio::test(start_paused = true)]
async fn a_hand_over_that_is_broken_off_goes_on() {
    let bus = bus();
    let to = bus.address("a/b").expect("a channel");
    let wanted = Wanted { scope: bus.scope("a/*").expect("a pattern"), answers: false, group: None };
    let limits = hive_proto::plane::queue::QueueLimits { events: 2, bytes: 1 << 20 };
    let mut subscriber = bus.holding(Holder::Client("slow".into()), limits);
    subscriber.want([wanted]).expect("wanted");
    let (mut publisher, plain) = (crossing(&bus), Trail::default());
    for number in 0..4 {
        let message = Message::from(number.to_string());
        assert!(publisher.gather_bridged(&to, message, (&plain, 0)).is_ok());
    }
    let waits = std::time::Duration::from_millis(10);
    assert!(tokio::time::timeout(waits, publisher.hand_over()).await.is_err(), "there was room for all");
    let mut texts = Vec::new();
    let mut take = async |count: usize| {
        for _ in 0..count {
            let next = tokio::time::timeout(std::time::Duration::from_secs(5), subscriber.next()).await;
            let event = next.expect("no event is lost").expect("an event").event;
            texts.push(String::from_utf8_lossy(&event.message.payload).into_owned());
        }
    };
    take(2).await;
    publisher.hand_over().await;
    take(2).await;
    publisher.publish_bridged(&to, Message::from("last"), (&plain, 0)).await.expect("published");
    take(1).await;
    assert_eq!(texts, ["0", "1", "2", "3", "last"]);
}
