//! The trie against the plain matcher and against a plain set, over random patterns.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn channel(text: &str) -> Channel {
    Channel::parse(text).expect("a channel")
}

fn holders(trie: &Trie<u32>, name: &str) -> Vec<u32> {
    let mut holders = vec![99];
    trie.matches(&channel(name), &mut holders);
    holders
}

fn trie(entries: &[(&str, u32)]) -> Trie<u32> {
    let mut trie = Trie::new();
    for (text, holder) in entries {
        assert!(trie.insert(&pattern(text), *holder), "{text} {holder}");
    }
    trie
}

/// What a trie should say, by asking every pattern.
type Plain = BTreeSet<(Pattern, u32)>;

fn plain_holders(plain: &Plain, channel: &Channel) -> Vec<u32> {
    let matching = plain.iter().filter(|(pattern, _)| pattern.matches(channel));
    matching.map(|(_, holder)| *holder).collect::<BTreeSet<_>>().into_iter().collect()
}

fn content(trie: &Trie<u32>) -> Plain {
    let mut content = Plain::new();
    trie.for_each(|text, holders| content.extend(holders.map(|holder| (pattern(text), *holder))));
    content
}

/// The holders of all matching patterns by name, sorted.
fn by_name(trie: &Trie<u32>, channel: &Channel) -> Vec<(Pattern, u32)> {
    let found = trie.matching(channel).into_iter();
    let mut all: Vec<_> = found
        .flat_map(|(pattern, holders)| holders.into_iter().map(move |holder| (pattern.clone(), holder)))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn each_holder_comes_once_and_in_order() {
    let trie = trie(&[("a/*", 3), ("a/b", 1), ("**", 3), ("a/**", 2), ("b/*", 9)]);
    assert_eq!(holders(&trie, "a/b"), [1, 2, 3]);
    assert_eq!(holders(&trie, "a"), [2, 3]);
    assert_eq!(holders(&trie, "x/y/z"), [3]);
    assert_eq!(trie.len(), 5);
}

#[test]
fn wildcards_never_stand_for_a_reserved_segment() {
    let trie = trie(&[("**", 1), ("*/x", 2), ("$dead/*", 3), ("$dead/**", 4), ("$dead/x", 5), ("x", 6)]);
    assert_eq!(holders(&trie, "$dead/x"), [3, 4, 5]);
    assert_eq!(holders(&trie, "$dead"), [4]);
    assert_eq!(holders(&trie, "$timer/x"), []);
}

#[test]
fn a_node_may_have_many_children_and_holders_and_lose_them_again() {
    let mut trie = Trie::new();
    for n in 0..200 {
        assert!(trie.insert(&pattern(&format!("device/{n}/up")), n));
        assert!(trie.insert(&pattern("all/of/us"), n));
        assert!(!trie.insert(&pattern("all/of/us"), n));
    }
    assert_eq!(holders(&trie, "device/137/up"), [137]);
    assert_eq!(holders(&trie, "all/of/us"), (0..200).collect::<Vec<_>>());
    for n in 0..200 {
        assert!(trie.remove(&pattern(&format!("device/{n}/up")), &n));
        assert!(trie.remove(&pattern("all/of/us"), &n));
        assert!(!trie.remove(&pattern("all/of/us"), &n));
        assert_eq!(holders(&trie, "device/199/up"), if n == 199 { vec![] } else { vec![199] });
    }
    assert!(trie.is_empty());
    assert!(trie.tree.root.children().next().is_none(), "emptied nodes stay behind");
}

/// How many values a channel is followed to, and how many of them are different ones.
fn followed(trie: &Trie<u32>, channel: &Channel) -> (usize, usize) {
    let mut found = Vec::new();
    trie.tree.find(&Word::new(channel.segments()), &mut |holders| {
        found.push(std::ptr::from_ref(holders).addr());
    });
    (found.len(), found.into_iter().collect::<BTreeSet<_>>().len())
}

/// A run may end in many places; what lies behind it must not be walked once for each of them. If it were, this
/// would not end.
#[test]
fn no_node_is_followed_twice() {
    let trie = trie(&[("**/a/**/a/**/a/**/b", 1), ("**/a/*/**/a/*/**/b", 2), ("a/**/a/b/**", 3)]);
    let (all, different) = followed(&trie, &channel(&["a"; 32].join("/")));
    assert_eq!(all, different);
    assert_eq!(holders(&trie, &(["a"; 31].join("/") + "/b")), [1, 2, 3]);
}

/// What a million patterns cost hangs on these.
#[test]
fn entries_stay_small() {
    assert_eq!(size_of::<(name::Name, tree::Child<Holders<u64>>)>(), 32);
    assert_eq!(size_of::<tree::Node<Holders<u64>>>(), 56);
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("a"), 3 => Just("b"), 1 => Just("$x"), 2 => Just("*"), 2 => Just("**"),
    ]
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let text = prop::collection::vec(segment(), 1..7).prop_map(|segments| segments.join("/"));
    text.prop_filter_map("too many runs", |text| Pattern::parse(&text).ok())
}

fn any_channel() -> impl Strategy<Value = Channel> {
    let segment = prop_oneof![4 => Just("a"), 4 => Just("b"), 1 => Just("$x")];
    prop::collection::vec(segment, 1..8).prop_map(|segments| channel(&segments.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn matching_agrees_with_every_single_pattern(
        entries in prop::collection::vec((any_pattern(), 0..6_u32), 0..40),
        channels in prop::collection::vec(any_channel(), 1..12),
    ) {
        let (mut trie, mut plain) = (Trie::new(), Plain::new());
        for (pattern, holder) in entries {
            prop_assert_eq!(trie.insert(&pattern, holder), plain.insert((pattern, holder)));
        }
        let mut holders = Vec::new();
        for channel in channels {
            trie.matches(&channel, &mut holders);
            prop_assert_eq!(&holders, &plain_holders(&plain, &channel), "{}", channel);
            let (all, different) = followed(&trie, &channel);
            prop_assert_eq!(all, different, "{}", channel);
            let named: Vec<_> = plain.iter().filter(|(pattern, _)| pattern.matches(&channel)).cloned().collect();
            prop_assert_eq!(by_name(&trie, &channel), named, "{}", channel);
        }
    }

    #[test]
    fn changes_are_symmetric_and_leave_snapshots_alone(
        changes in prop::collection::vec((any::<bool>(), any_pattern(), 0..4_u32), 1..60),
        snapshot_every in 1_usize..10,
    ) {
        let (mut trie, mut plain, mut snapshots) = (Trie::new(), Plain::new(), Vec::new());
        for (at, (insert, pattern, holder)) in changes.into_iter().enumerate() {
            if at % snapshot_every == 0 {
                snapshots.push((trie.clone(), plain.clone()));
            }
            // Half of the removals are of something that is there.
            let chosen = plain.iter().nth(at % (plain.len() + 1)).cloned();
            let (pattern, holder) = match chosen {
                Some(chosen) if !insert => chosen,
                _ => (pattern, holder),
            };
            if insert {
                prop_assert_eq!(trie.insert(&pattern, holder), plain.insert((pattern, holder)));
            } else {
                prop_assert_eq!(trie.remove(&pattern, &holder), plain.remove(&(pattern, holder)));
            }
        }
        snapshots.push((trie.clone(), plain.clone()));
        for (snapshot, plain) in &snapshots {
            prop_assert_eq!(&content(snapshot), plain);
            prop_assert_eq!(snapshot.len(), plain.len());
        }
        for (pattern, holder) in &plain {
            prop_assert!(trie.remove(pattern, holder));
        }
        prop_assert!(trie.is_empty() && trie.tree.root.children().next().is_none());
    }
}
