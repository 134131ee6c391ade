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
use tokio_util::sync::CancellationToken;

use super::*;
use crate::bus::{Holder, Wanted};

/// What takes another's place is there when that was waited for.
#[derive(Debug, Default)]
struct InMemory(Arc<Mutex<Letterbox>>);

/// Letters by whose they are, and their number.
type Letterbox = BTreeMap<(String, u64), Vec<u8>>;

impl Shelf for InMemory {
    fn put(&self, name: &str, number: u64, letter: Vec<u8>, _: bool) -> Option<BoxFuture<'static, bool>> {
        let (letters, key) = (Arc::clone(&self.0), (name.to_owned(), number));
        let is_new = !letters.lock().expect("not poisoned").contains_key(&key);
        let put =
            async move { letters.lock().expect("not poisoned").insert(key, letter).is_none() || !is_new };
        let mut put = put.boxed();
        if is_new {
            return put.as_mut().now_or_never().map(|there| std::future::ready(there).boxed());
        }
        Some(put)
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
    let [(1, Ok(read))] = kept.as_slice() else { panic!("{kept:?}") };
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
    assert!(matches!(kept.as_slice(), [(1, Ok(letter))] if letter.reason == "it trapped again"), "{kept:?}");

    drop(bus.letter_again("x", 1).expect("in hand"));
    assert_eq!(bus.letter_counts("x").letters, 1);
    assert_eq!(bus.forget_letter("x", 1), Ok(()));
    assert_eq!(bus.forget_letter("x", 1), Err(LetterError::Unknown { name: "x".into(), number: 1 }));
}

/// Of every member that has it, the event comes back; in the end it is a letter of the group.
#[tokio::test]
async fn a_letter_of_a_group_goes_to_a_member_again_and_with_it() {
    let (bus, shelf) = bus();
    bus.confirmed(u64::MAX);
    let scope = bus.names().scope("jobs/*").expect("a pattern");
    let wanted = Wanted { scope, answers: false, group: GroupName::parse("workers").ok() };
    let joins =
        async || bus.subscribe(Holder::Client("test".into()), [wanted.clone()]).await.expect("a member");
    let (mut member, stop) = (joins().await, CancellationToken::new());
    let dealing = tokio::spawn({
        let (bus, stop) = (bus.clone(), stop.clone());
        async move { bus.deal(stop).await }
    });
    let to = bus.address("jobs/new").expect("a channel");
    assert_eq!(bus.publish(&to, "x".into()).await.expect("published").local, 1);
    let mut went = 0;
    let until_it_is_dead = async {
        while bus.letter_counts("workers").letters == 0 {
            tokio::select! {
                delivery = member.next() => went += u32::from(delivery.is_some()),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), until_it_is_dead).await.expect("in time");
    assert_eq!(went, 16, "each went with it");
    let letter = bus.letter("workers", 1).expect("a letter");
    assert_eq!(letter.reason, "16 members had it and went");

    // One that is handled is gone, here and for who asked.
    let outcome = bus.letter_to_group("workers", 1).expect("on its way");
    assert_eq!(bus.letter_to_group("workers", 1).err(), Some(LetterError::InHand(1)));
    let again = member.next().await.expect("the event again");
    assert_eq!((again.event.id, again.event.attempt), (letter.event.id, 1));
    again.ticket.expect("a ticket").done();
    assert_eq!(outcome.await, Ok(Settled::Done));
    assert!(shelf.0.lock().expect("not poisoned").is_empty());

    // One that died at a member stays as well.
    bus.bury("workers", letter.clone(), None).await;
    let outcome = bus.letter_to_group("workers", 2).expect("on its way");
    member.next().await.expect("the event").ticket.expect("a ticket").dead();
    assert_eq!((outcome.await, bus.letter_counts("workers").letters), (Ok(Settled::Dead), 1));
    bus.forget_letter("workers", 2).expect("it is there");

    // One that nobody can be given stays, as do those of others.
    bus.bury("workers", letter.clone(), None).await;
    drop(member);
    assert_eq!(bus.letter_to_group("workers", 3).err(), Some(LetterError::NoMember("workers".into())));
    let foreign = Letter { group: GroupName::parse("others").ok(), ..letter };
    bus.bury("workers", foreign, None).await;
    let not_its = LetterError::NotOfGroup { name: "workers".into(), number: 4 };
    assert_eq!(bus.letter_to_group("workers", 4).err(), Some(not_its));
    let mut member = joins().await;
    let outcome = bus.letter_to_group("workers", 3).expect("it was put back");
    member.next().await.expect("the event").ticket.expect("a ticket").done();
    assert_eq!(outcome.await, Ok(Settled::Done));
    stop.cancel();
    dealing.await.expect("it ends");
}

proptest! {
    #[test]
    fn bytes_that_are_no_letter_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        prop_assert!(Letter::read(&bytes, &names).is_err());
    }
}
