//! The book over what members of groups have: nothing is forgotten, nothing is kept for ever.

use proptest::prelude::*;

use super::*;
use crate::{
    channel::{Channel, NetworkIndex},
    event::Message,
    id::{EventId, Incarnation},
    time::Hlc,
};

const A: NodeId = NodeId([1; 32]);
const B: NodeId = NodeId([2; 32]);

fn event(sequence: u64) -> Event {
    Event {
        id: EventId { origin: A, incarnation: Incarnation(1), sequence },
        channel: Channel::parse("a/b").expect("a channel"),
        network: NetworkIndex::HOME,
        time: Hlc(sequence),
        attempt: 1,
        depth: 0,
        retained: false,
        message: Message::from("x"),
    }
}

fn group() -> GroupName {
    GroupName::parse("g").expect("a group")
}

fn at(ms: u64) -> Now {
    Now(Duration::from_millis(ms))
}

fn offered(due: Option<Due>) -> Option<(u64, u32)> {
    match due? {
        Due::Offer(again) => {
            assert_eq!(again.event.attempt, again.handout.attempt);
            Some((again.handout.ticket, again.handout.attempt))
        }
        Due::Dead(again) => panic!("dead: {again:?}"),
    }
}

#[test]
fn what_a_lost_member_had_goes_to_another_and_what_is_done_goes_nowhere() {
    let mut book = Handouts::default();
    let one = book.enter(at(0), event(1), &group(), B).expect("room").ticket;
    let two = book.enter(at(0), event(2), &group(), B).expect("room").ticket;
    assert_eq!((book.load(&B), book.len()), (2, 2));
    assert!(!book.settled(at(1), A, one, Settled::Done), "only who has it may say so");
    assert!(book.settled(at(1), B, one, Settled::Done));
    assert!(!book.settled(at(1), B, one, Settled::Done));
    assert_eq!(book.next_due(at(2)), None);
    book.lost(at(3), B);
    assert_eq!(offered(book.next_due(at(3))), Some((two, 2)));
    assert_eq!(book.next_due(at(3)), None, "it is offered once");
    assert!(book.given(at(3), two, A));
    assert!(!book.settled(at(4), B, two, Settled::Done), "it is with another now");
    assert!(book.settled(at(4), A, two, Settled::Dead));
    assert!(book.is_empty() && book.next_time().is_none() && book.load(&A) == 0);
}

#[test]
fn what_nobody_takes_waits_longer_each_time_and_keeps_its_attempt() {
    let mut book = Handouts::default();
    let ticket = book.enter(at(0), event(1), &group(), B).expect("room").ticket;
    let mut now = at(0);
    for wait in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        assert!(book.settled(now, B, ticket, Settled::Refused));
        let due = now.after(Duration::from_millis(wait));
        assert_eq!(book.next_time(), Some(due));
        assert_eq!(offered(book.next_due(due)), Some((ticket, 1)));
        assert!(book.given(due, ticket, B));
        now = due;
    }
    // A newcomer need not wait.
    assert!(book.settled(now, B, ticket, Settled::Refused));
    book.hurry(now);
    assert_eq!(offered(book.next_due(now)), Some((ticket, 1)));
}

#[test]
fn without_any_member_it_is_given_up_after_a_while_and_with_too_many_it_is_dead() {
    let mut book = Handouts::default();
    let ticket = book.enter(at(0), event(1), &group(), B).expect("room").ticket;
    book.lost(at(0), B);
    let (mut now, mut kept) = (at(0), true);
    while kept {
        assert_eq!(offered(book.next_due(now)), Some((ticket, 2)));
        kept = book.nobody(now, ticket);
        now = book.next_time().unwrap_or(now);
    }
    assert_eq!((now, book.len()), (at(30_000), 0));
    let ticket = book.enter(now, event(2), &group(), B).expect("room").ticket;
    for attempt in 2..=ATTEMPTS_MAX {
        book.lost(now, B);
        assert_eq!(offered(book.next_due(now)), Some((ticket, attempt)));
        assert!(book.given(now, ticket, B));
    }
    book.lost(now, B);
    assert!(matches!(book.next_due(now), Some(Due::Dead(again)) if again.handout.ticket == ticket));
    assert!(book.is_empty());
}

#[test]
fn the_book_is_bounded_and_a_silent_member_loses_what_it_has() {
    let mut book = Handouts::default();
    for n in 0..EVENTS_MAX as u64 {
        book.enter(at(0), event(n), &group(), B).expect("room");
    }
    assert_eq!(book.enter(at(0), event(0), &group(), B), Err(Full));
    assert!(book.settled(at(0), B, 1, Settled::Done));
    assert!(book.enter(at(5), event(0), &group(), A).is_ok());
    let late = Now(SILENT_MAX);
    assert_eq!(offered(book.next_due(late)), Some((2, 2)));
}

proptest! {
    /// Whatever happens in whatever order: loads are what is with each, and nothing leaves the book but by an end.
    #[test]
    fn the_sums_are_right(steps in prop::collection::vec((0..6_u8, 0..8_u64, any::<bool>()), 1..80)) {
        let (mut book, mut now, mut open) = (Handouts::default(), at(0), 0_usize);
        for (step, ticket, side) in steps {
            let node = if side { A } else { B };
            let before = book.len();
            now = now.after(Duration::from_millis(3));
            match step {
                0 => open += usize::from(book.enter(now, event(1), &group(), node).is_ok()),
                1 => open -= usize::from(book.settled(now, node, ticket, Settled::Done)),
                2 => _ = book.settled(now, node, ticket, Settled::Refused),
                3 => book.lost(now, node),
                4 => while let Some(due) = book.next_due(now) {
                    match due {
                        Due::Offer(again) => prop_assert!(book.given(now, again.handout.ticket, node)),
                        Due::Dead(_) => open -= 1,
                    }
                },
                _ => book.hurry(now),
            }
            prop_assert_eq!(book.len(), open, "before {}", before);
            prop_assert_eq!(book.due.len(), open);
            let held = |node| book.held.values().filter(|held| held.with == Some(node)).count();
            prop_assert_eq!((book.load(&A), book.load(&B)), (held(A), held(B)));
            prop_assert_eq!(book.bytes, open);
        }
    }
}
