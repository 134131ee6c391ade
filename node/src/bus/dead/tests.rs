//! Letters on a bus with a shelf in memory.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use hive_proto::{
    channel::{Names, NetworkName},
    event::Message,
    group::GroupName,
    id::{Incarnation, NodeId},
};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Default)]
struct InMemory(Mutex<BTreeMap<(String, u64), Vec<u8>>>);

impl Shelf for InMemory {
    fn put(&self, name: &str, number: u64, letter: Vec<u8>, _: bool) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().expect("not poisoned").insert((name.into(), number), letter);
        Some(std::future::ready(()).boxed())
    }

    fn remove(&self, name: &str, number: u64) {
        self.0.lock().expect("not poisoned").remove(&(name.into(), number));
    }

    fn read(&self, name: &str, number: u64) -> Option<Vec<u8>> {
        self.0.lock().expect("not poisoned").get(&(name.into(), number)).cloned()
    }
}

fn bus() -> (Bus, Arc<InMemory>) {
    let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
    let bus = Bus::new(NodeId([1; 32]), Incarnation(1), names);
    let shelf = Arc::new(InMemory::default());
    bus.letters_in(Arc::clone(&shelf) as Arc<dyn Shelf>, Vec::new());
    (bus, shelf)
}

fn letter(bus: &Bus, group: Option<&str>) -> Letter {
    let message = Message::new(vec![0, 159, 7]).with_key("k").with_header("h", "v").with_expiry(5);
    let mut event = bus.own_event(Channel::parse("orders/new").expect("a channel"), message);
    event.attempt = 5;
    let group = group.map(|name| GroupName::parse(name).expect("a group"));
    Letter::now(event, group, "it trapped", "the last words")
}

#[tokio::test]
async fn a_letter_is_kept_whole_and_goes_when_it_was_handled() {
    let (bus, shelf) = bus();
    let buried = letter(&bus, Some("billing"));
    bus.bury("x", buried.clone(), None).await;
    let kept = bus.letters("x").expect("letters");
    let [(1, read)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(read.event.message.expires_ms(), None, "it does not expire any more");
    assert_eq!(read.event.message.headers(), buried.event.message.headers());
    assert_eq!(
        (read.event.id, &read.event.message.payload),
        (buried.event.id, &buried.event.message.payload)
    );
    assert_eq!(
        (&read.reason, &read.last_words, &read.group),
        (&buried.reason, &buried.last_words, &buried.group)
    );

    let again = bus.letter_again("x", 1).expect("in hand");
    assert_eq!(again.delivery.event.attempt, 1);
    assert_eq!(bus.letter_again("x", 1).err(), Some(LetterError::InHand(1)));
    assert_eq!(bus.forget_letter("x", 1), Err(LetterError::InHand(1)));
    let ticket = again.delivery.ticket.expect("a ticket");
    assert_eq!(ticket.group(), buried.group.as_ref());
    ticket.done();
    assert_eq!(again.outcome.await, Ok(Settled::Done));
    assert_eq!(bus.letter_counts("x").letters, 0);
    assert!(shelf.0.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn a_letter_that_dies_again_or_finds_nobody_stays_under_its_number() {
    let (bus, _) = bus();
    bus.bury("x", letter(&bus, None), None).await;
    let again = bus.letter_again("x", 1).expect("in hand");
    let ticket = again.delivery.ticket.expect("a ticket");
    bus.bury("x", Letter { reason: "it trapped again".into(), ..letter(&bus, None) }, Some(&ticket)).await;
    ticket.dead();
    assert_eq!(again.outcome.await, Ok(Settled::Dead));
    let kept = bus.letters("x").expect("letters");
    assert!(matches!(kept.as_slice(), [(1, letter)] if letter.reason == "it trapped again"), "{kept:?}");

    drop(bus.letter_again("x", 1).expect("in hand"));
    assert_eq!(bus.letter_counts("x").letters, 1);
    assert_eq!(bus.forget_letter("x", 1), Ok(()));
    assert_eq!(bus.forget_letter("x", 1), Err(LetterError::Unknown { name: "x".into(), number: 1 }));
}

proptest! {
    #[test]
    fn bytes_that_are_no_letter_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        prop_assert!(Letter::read(&bytes, &names).is_err());
    }
}
