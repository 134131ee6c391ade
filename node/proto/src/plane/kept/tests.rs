//! Two sets of kept values become one by what they say to each other, and the last writer wins in both.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::{
    channel::NetworkIndex,
    event::Message,
    id::{EventId, Incarnation, NodeId},
};

const NOW_MS: u64 = 1_000_000;

fn kept(channel: &str, ms: u64, origin: u8, text: Option<&str>) -> Kept {
    let id = EventId { origin: NodeId([origin; 32]), incarnation: Incarnation(1), sequence: ms };
    let channel = Channel::parse(channel).expect("a channel");
    let when = (id, Hlc::from_unix_ms(ms), 0);
    Kept::sign(None, NetworkIndex::HOME, when, channel, text.map(Message::from))
}

fn texts(values: &KeptValues, pattern: &str) -> Vec<String> {
    let pattern = Pattern::parse(pattern).expect("a pattern");
    let text = |kept: &Kept| {
        let payload = kept.message.as_ref().expect("a value").payload.clone();
        format!("{} {}", kept.channel, String::from_utf8_lossy(&payload))
    };
    values.matching(&pattern).map(text).collect()
}

/// Lets two compare until neither has anything to say. Returns how many frames that took.
fn compare(one: &mut KeptValues, other: &mut KeptValues) -> usize {
    let mut said: VecDeque<(bool, KeptSaid)> = [(true, one.root(NOW_MS))].into();
    let mut frames = 0;
    while let Some((to_other, frame)) = said.pop_front() {
        frames += 1;
        assert!(frames < 1000, "they never end");
        let (kind, body) =
            crate::frame::split_frame(&mut bytes::BytesMut::from(&frame.encode()[..]), 1 << 20)
                .expect("a frame")
                .expect("a whole one");
        let heard = KeptSaid::decode(kind, &body).expect("well-formed").expect("known");
        let to = if to_other { &mut *other } else { &mut *one };
        if let KeptSaid::Values(values) = &heard {
            for value in values {
                to.take(Kept::read(value).expect("a value"), NOW_MS);
            }
        }
        said.extend(to.answer(&heard).into_iter().map(|frame| (!to_other, frame)));
    }
    frames
}

#[test]
fn the_last_writer_wins_and_a_cleared_channel_stays_cleared() {
    let mut values = KeptValues::new();
    let mut take = |value| values.take(value, NOW_MS);
    assert_eq!(take(kept("a/b", 10, 1, Some("one"))), KeptOutcome::New);
    assert_eq!(take(kept("a/b", 10, 1, Some("one"))), KeptOutcome::Known);
    let same_tick = EventId { origin: NodeId([1; 32]), incarnation: Incarnation(1), sequence: 11 };
    let channel = Channel::parse("a/b").expect("a channel");
    let when = (same_tick, Hlc::from_unix_ms(10), 0);
    let again = Kept::sign(None, NetworkIndex::HOME, when, channel, Some(Message::from("one more")));
    assert_eq!(take(again), KeptOutcome::New);
    assert_eq!(take(kept("a/b", 9, 9, Some("older"))), KeptOutcome::Older);
    assert_eq!(take(kept("a/b", 10, 2, Some("two"))), KeptOutcome::New);
    assert_eq!(take(kept("a/c", 11, 1, Some("three"))), KeptOutcome::New);
    assert_eq!(take(kept("a/c", NOW_MS + FUTURE_MS_MAX + 1, 1, Some("never"))), KeptOutcome::Future);
    assert_eq!(take(kept("ab/c", 12, 1, Some("four"))), KeptOutcome::New);
    assert_eq!(take(kept("a/c", 12, 1, None)), KeptOutcome::New);
    assert_eq!(take(kept("a/c", 11, 7, Some("late"))), KeptOutcome::Older);
    assert_eq!(texts(&values, "a/**"), ["a/b two"]);
    assert_eq!(texts(&values, "*/c"), ["ab/c four"]);
    assert_eq!(texts(&values, "**").len(), 2);
    assert_eq!(values.size().0, 2);
    assert_eq!(values.forget_cleared(12 + CLEARED_KEPT_MS), []);
    assert_eq!(values.forget_cleared(13 + CLEARED_KEPT_MS), [Channel::parse("a/c").expect("a channel")]);
    assert_eq!(values.take(kept("a/c", 11, 7, Some("late")), NOW_MS), KeptOutcome::New);
}

#[test]
fn the_budget_is_the_publishers_and_has_an_end_for_all() {
    let mut values = KeptValues::new();
    let large = "x".repeat(crate::limits::KEPT_BYTES_MAX);
    let mut outcomes = Vec::new();
    for n in 0..2100 {
        let value = kept(&format!("a/{n}"), 1, 1, Some(&large));
        if n == 1000 {
            assert!(values.has_room(&value.channel, value.bytes.len()));
        }
        outcomes.push(values.take(value, NOW_MS));
    }
    let channel = Channel::parse("b/c").expect("a channel");
    assert!(!values.has_room(&channel, 1));
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == KeptOutcome::Full).count(), 56);
}

#[test]
fn many_values_cross_in_bounded_frames_and_equal_sets_say_one() {
    let (mut one, mut other) = (KeptValues::new(), KeptValues::new());
    for n in 0..3_000 {
        one.take(kept(&format!("room/{n}/temperature"), n + 1, 1, Some("a value of some length")), NOW_MS);
    }
    let frames = compare(&mut one, &mut other);
    assert!(frames < 40, "{frames}");
    assert_eq!(texts(&one, "**"), texts(&other, "**"));
    assert_eq!(compare(&mut one, &mut other), 1);
}

proptest! {
    #[test]
    fn two_become_one(
        values in prop::collection::vec((0..12_u8, 0..20_u64, 0..3_u8, any::<bool>(), 0..3_u8), 0..60),
    ) {
        let (mut one, mut other, mut all) = (KeptValues::new(), KeptValues::new(), KeptValues::new());
        for (channel, ms, origin, cleared, whose) in values {
            let text = format!("{ms} {origin}");
            let value = kept(&format!("a/{channel}"), ms, origin, (!cleared).then_some(text.as_str()));
            // Of one version there is one value.
            if all.head(&value.channel) == Some(value.head()) {
                continue;
            }
            if whose != 1 {
                one.take(value.clone(), NOW_MS);
            }
            if whose != 0 {
                other.take(value.clone(), NOW_MS);
            }
            all.take(value, NOW_MS);
        }
        compare(&mut one, &mut other);
        prop_assert_eq!(one.all().collect::<Vec<_>>(), all.all().collect::<Vec<_>>());
        prop_assert_eq!(other.all().collect::<Vec<_>>(), all.all().collect::<Vec<_>>());
        prop_assert_eq!(compare(&mut other, &mut one), 1);
        prop_assert_eq!(one.bytes, one.values.values().map(|kept| kept.bytes.len()).sum::<usize>());
    }
}
