//! Announcing from a few patterns to more than may be listed: nothing that is wanted is ever missed, and
//! what is said stays small.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    channel::Channel,
    group::GroupName,
    interest::{Joined, Wanted},
    limits::PATTERNS_MAX,
    pattern::{Pattern, filter::Asked},
};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn add(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(pattern(text), false))
}

fn answer(text: &str) -> InterestOp {
    InterestOp::Add(Wanted::new(pattern(text), true))
}

fn remove(text: &str) -> InterestOp {
    InterestOp::Remove(pattern(text))
}

/// A node and a peer that hears what it says.
struct Pair {
    announced: Announced,
    heard: Wants,
}

impl Pair {
    fn new() -> Self {
        Self { announced: Announced::new(), heard: Wants::default() }
    }

    /// Makes the changes and checks that the peer follows, and hears nothing for nothing.
    fn say(&mut self, ops: impl IntoIterator<Item = InterestOp>) -> Revision {
        let revision = self.announced.apply(ops.into_iter().collect());
        for op in &revision.ops {
            assert!(self.heard.apply(op), "{op:?} changes nothing");
        }
        assert_eq!(self.heard.ops().collect::<Vec<_>>(), self.announced.wants().ops().collect::<Vec<_>>());
        assert!(self.heard.len() <= PATTERNS_MAX);
        assert!(self.heard.wanted().all(|w| w.pattern.as_str() != "**" && !(w.approximate && w.answers)));
        revision
    }

    fn sends(&self, name: &str) -> bool {
        let channel = Channel::parse(name).expect("a channel");
        let by_pattern = self.heard.wanted().any(|wanted| wanted.pattern.matches(&channel));
        by_pattern || self.heard.filter().matches(&Asked::new(&channel))
    }

    fn filter_bytes(&self) -> usize {
        self.heard.filter().blocks().map(|block| block.bytes().len()).sum()
    }
}

#[test]
fn a_version_is_a_change() {
    let mut announced = Announced::new();
    assert_eq!(announced.apply(vec![add("a/b"), add("local"), add("a/b")]).ops, [add("a/b")]);
    assert_eq!(announced.version(), 1);
    assert_eq!(announced.apply(vec![add("a/b"), remove("x/y")]).ops, []);
    assert_eq!(announced.apply(vec![remove("a/b"), add("a/b")]).ops, []);
    assert_eq!(announced.version(), 1);
    assert_eq!(announced.apply(vec![remove("a/b"), answer("a/c")]).ops, [answer("a/c"), remove("a/b")]);
    assert_eq!(announced.version(), 2);
}

#[test]
fn a_cover_says_it_all() {
    let mut pair = Pair::new();
    pair.say(["a/b", "a/*/c", "x/y"].map(add));
    assert_eq!(pair.say([add("a/**")]).ops, [add("a/**"), remove("a/*/c"), remove("a/b")]);
    assert_eq!(pair.say([add("a/q")]).ops, []);
    assert_eq!(pair.say([answer("a/q")]).ops, [answer("a/q")]);
    assert_eq!(pair.say([remove("a/**")]).ops, [add("a/*/c"), add("a/b"), remove("a/**")]);
}

#[test]
fn many_channels_become_a_filter_and_channels_again() {
    let mut pair = Pair::new();
    let name = |n: usize| format!("w{n}/x");
    pair.say([answer("q/a"), add("q/*/b"), add("*/z")]);
    pair.say((0..PATTERNS_MAX - 3).map(|n| add(&name(n))));
    assert!(!pair.announced.is_approximate());
    pair.say([add(&name(PATTERNS_MAX - 3))]);
    assert!(pair.announced.is_approximate());
    assert_eq!(pair.heard.len(), 3);
    assert!((0..PATTERNS_MAX - 2).all(|n| pair.sends(&name(n))));
    assert!((0..1000).filter(|n| pair.sends(&format!("v{n}/x"))).count() < 10);
    // One change more is one block.
    let revision = pair.say([add("one/more")]);
    assert!(matches!(revision.ops.as_slice(), [InterestOp::Block(block)] if block.bytes().len() < 40));
    // Hovering at the limit says one thing at a time.
    for _ in 0..3 {
        assert_eq!(pair.say([remove("one/more"), remove(&name(0))]).ops.len(), 2);
        assert_eq!(pair.say([add("one/more"), add(&name(0))]).ops.len(), 2);
    }
    pair.say((0..PATTERNS_MAX / 4 + 2).map(|n| remove(&name(n))));
    assert!(!pair.announced.is_approximate() && pair.heard.filter().is_empty());
    assert_eq!(pair.heard.len(), PATTERNS_MAX / 4 * 3);
}

#[test]
fn many_patterns_become_their_beginnings_and_these_a_filter() {
    let mut pair = Pair::new();
    pair.say((0..=PATTERNS_MAX).map(|n| add(&format!("sensors/r{}/*/t{n}", n % 10))));
    let said: Vec<_> = pair.heard.wanted().collect();
    assert_eq!((said.len(), pair.heard.filter().is_empty()), (10, true));
    assert!(said.iter().all(|wanted| wanted.approximate), "{said:?}");
    assert_eq!(said[3].pattern, pattern("sensors/r3/**"));
    // A pattern that is its own beginning is not approximate, and not when it becomes one.
    assert_eq!(pair.say([add("own/**")]).ops, [add("own/**")]);
    assert_eq!(pair.say([add("sensors/r3/**")]).ops, [add("sensors/r3/**")]);
    pair.say((0..PATTERNS_MAX).map(|n| add(&format!("app{n}/*/x"))));
    assert_eq!((pair.heard.len(), pair.heard.filter().is_empty()), (0, false));
    assert!(["app77/a/x", "sensors/r3/x", "own/a/b", "sensors/r4/q/t4"].iter().all(|name| pair.sends(name)));
    assert!((0..1000).filter(|n| pair.sends(&format!("v{n}/a/x"))).count() < 10);
    pair.say((0..PATTERNS_MAX).map(|n| remove(&format!("app{n}/*/x"))));
    assert!(pair.heard.filter().is_empty());
    assert_eq!(pair.heard.len(), 11);
}

#[test]
fn what_answers_or_begins_with_a_wildcard_waits_for_room() {
    let mut pair = Pair::new();
    assert_eq!(pair.say((0..PATTERNS_MAX).map(|n| answer(&format!("n/{n:06}")))).refused, 0);
    let revision = pair.say([answer("o/1"), add("*/o/2"), add("p/3")]);
    assert_eq!((revision.refused, pair.heard.len()), (2, PATTERNS_MAX));
    assert!(pair.sends("p/3") && !pair.sends("o/1"));
    let revision = pair.say([remove("n/000007")]);
    assert_eq!(revision.ops, [add("*/o/2"), remove("n/000007")]);
    assert_eq!(pair.say([remove("o/1"), remove("n/000008")]).ops, [remove("n/000008")]);
    assert_eq!(pair.heard.len(), PATTERNS_MAX - 1);
}

#[test]
fn a_hundred_thousand_subscriptions_fit() {
    let mut pair = Pair::new();
    pair.say((0..100_000).map(|n| add(&format!("w{}/x{n}", n % 977))));
    assert_eq!(pair.heard.len(), 0);
    assert!(pair.filter_bytes() <= 200_000, "{}", pair.filter_bytes());
    assert!((0..100_000).step_by(97).all(|n| pair.sends(&format!("w{}/x{n}", n % 977))));
    pair.say((0..100_000).map(|n| remove(&format!("w{}/x{n}", n % 977))));
    assert!(pair.heard.is_empty() && pair.announced.is_empty());
}

#[test]
fn what_is_wanted_in_a_group_is_told_as_it_is_and_never_covered() {
    let mut pair = Pair::new();
    let group = GroupName::parse("g").expect("a group");
    let join = |text: &str, answers| {
        InterestOp::Join(Joined { group: group.clone(), pattern: pattern(text), answers })
    };
    let leave = |text: &str| InterestOp::Leave(group.clone(), pattern(text));
    pair.say([add("a/**")]);
    assert_eq!(
        pair.say([join("a/*", false), join("a/b", true)]).ops,
        [join("a/*", false), join("a/b", true)]
    );
    // Left and joined again at once is nothing to tell.
    assert_eq!(pair.say([leave("a/*"), join("a/*", false)]).ops, []);
    assert_eq!(pair.say([leave("a/b"), join("c/d", false)]).ops, [join("c/d", false), leave("a/b")]);
    assert_eq!(pair.say([join("bee", false), leave("x/y")]).ops, []);
    assert_eq!(pair.heard.joined().count(), 2);
    assert!(!pair.sends("c/d"), "what is wanted in a group is wanted by nobody else");
}

/// Patterns in a few families that together go past the limit and back.
fn bulk() -> impl Strategy<Value = (bool, usize, usize, usize, bool)> {
    (prop::bool::weighted(0.6), 0..4_usize, 0..3_usize, 0..6_usize, prop::bool::weighted(0.1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever came and went, through all levels: what is wanted is sent, unless it waits.
    #[test]
    fn what_is_wanted_is_sent(steps in prop::collection::vec(bulk(), 1..14)) {
        let mut pair = Pair::new();
        let mut wanted = BTreeMap::new();
        for (keep, family, from, thousands, answers) in steps {
            let numbers = from * 3000..(from + thousands) * 3000;
            let ops: Vec<InterestOp> = numbers.map(|n| {
                let text = match family {
                    0 => format!("a{n}/x"),
                    1 => format!("b{}/*/c{n}", n % 50),
                    2 => format!("c{n}/*"),
                    _ => format!("b{}/**", n % 60),
                };
                match keep {
                    true => InterestOp::Add(Wanted::new(pattern(&text), answers && n % 7 == 0)),
                    false => remove(&text),
                }
            }).collect();
            for op in &ops {
                match op {
                    InterestOp::Add(one) => _ = wanted.insert(one.pattern.clone(), one.answers),
                    InterestOp::Remove(pattern) => _ = wanted.remove(pattern),
                    InterestOp::Join(_) | InterestOp::Leave(..) | InterestOp::Block(_) => {}
                }
            }
            pair.say(ops);
            prop_assert_eq!(pair.announced.len(), wanted.len());
            for (pattern, answers) in wanted.iter().step_by(wanted.len() / 50 + 1) {
                let name = pattern.as_str().replace("**", "deep/down").replace('*', "one");
                prop_assert!(pair.sends(&name), "{} for {}", name, pattern);
                let channel = Channel::parse(&name).expect("a channel");
                let asked = pair.heard.wanted().any(|w| w.answers && w.pattern.matches(&channel));
                prop_assert!(!answers || asked, "{} answers", pattern);
            }
        }
    }
}
