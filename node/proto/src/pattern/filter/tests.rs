//! What filters must never forget, how rarely they are wrong, and that nothing a peer sends harms them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

fn channel(text: &str) -> Channel {
    Channel::parse(text).expect("a channel")
}

fn filter(patterns: &[Pattern]) -> Filter {
    let prints: BTreeSet<Print> = patterns.iter().filter_map(Print::of).collect();
    let mut filter = Filter::default();
    for number in 0..BLOCKS_MAX {
        let mine = prints.range(Print { block: number, rest: 0 }..=Print { block: number, rest: u16::MAX });
        filter.set(&FilterBlock::of(number, mine.map(|print| print.rest)).expect("a block"));
    }
    filter
}

/// Other programs have to come to the same prints.
#[test]
fn prints_are_fixed() {
    let check = |text: &str, block, rest| {
        assert_eq!(Print::of(&pattern(text)), Some(Print { block, rest }), "{text}");
    };
    check("a/b", 379, 22622);
    check("a/b/**", 3399, 18846);
    check("a/b/*/c", 3399, 18846);
    check("wörker/action", 2777, 3009);
    assert_eq!(Print::of(&pattern("*/b")), None);
}

#[test]
fn a_beginning_stands_for_all_below_and_a_channel_for_itself() {
    let filter = filter(&[pattern("a/b/*/c"), pattern("x/y/z")]);
    let check =
        |name: &str, wanted| assert_eq!(filter.matches(&Asked::new(&channel(name))), wanted, "{name}");
    check("a/b", true);
    check("a/b/c", true);
    check("a/b/d/e/f", true);
    check("a/bb", false);
    check("a", false);
    check("x/y/z", true);
    check("x/y", false);
    check("x/y/z/q", false);
}

#[test]
fn a_large_filter_is_rarely_wrong_and_bounded() {
    let wanted: Vec<Pattern> = (0..100_000).map(|n| pattern(&format!("w{n}/x"))).collect();
    let large = filter(&wanted);
    assert!(wanted.iter().all(|p| large.matches(&Asked::new(&channel(p.as_str())))));
    let wrong = (0..100_000).filter(|n| large.matches(&Asked::new(&channel(&format!("n{n}/x"))))).count();
    assert!(wrong < 200, "{wrong} of 100,000");
    let bytes: usize = large.blocks().map(|block| block.bytes().len()).sum();
    assert!(bytes <= 200_000, "{bytes} bytes");
    let huge = filter(&(0..500_000).map(|n| pattern(&format!("w{n}/x"))).collect::<Vec<_>>());
    assert!(wanted.iter().all(|p| huge.matches(&Asked::new(&channel(p.as_str())))));
    let bytes: usize = huge.blocks().map(|block| block.bytes().len()).sum();
    assert!(bytes <= usize::from(BLOCKS_MAX) * BLOCK_BYTES_MAX);
    let wrong = (0..100_000).filter(|n| huge.matches(&Asked::new(&channel(&format!("n{n}/x"))))).count();
    assert!(wrong < 50_000, "{wrong} of 100,000");
}

#[test]
fn bad_blocks_are_refused() {
    let error = |number, bytes: &[u8]| FilterBlock::parse(number, bytes).expect_err("no block");
    assert_eq!(error(4096, &[]), FilterError::Number(4096));
    assert_eq!(error(u64::MAX, &[]), FilterError::Number(u64::MAX));
    assert_eq!(error(1, &[0]), FilterError::Length(1));
    assert_eq!(error(1, &[0; 98]), FilterError::Length(98));
    assert_eq!(error(1, &[0, 2, 0, 1]), FilterError::Order);
    assert_eq!(error(1, &[0, 2, 0, 2]), FilterError::Order);
}

#[test]
fn an_empty_block_takes_itself_away() {
    let mut filter = filter(&[pattern("a/b")]);
    let print = Print::of(&pattern("a/b")).expect("a print");
    let empty = FilterBlock::of(print.block, []).expect("a block");
    assert!(empty.is_empty() && filter.set(&empty) && filter.is_empty());
    assert!(!filter.set(&empty));
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let segment = prop_oneof![4 => "[a-d]", 1 => Just("*".to_owned()), 1 => Just("**".to_owned())];
    let segments = ("[a-d]", prop::collection::vec(segment, 0..5));
    segments.prop_filter_map("too many runs", |(first, rest)| {
        Pattern::parse(&[vec![first], rest].concat().join("/")).ok()
    })
}

proptest! {
    #[test]
    fn what_is_wanted_is_never_missed(
        patterns in prop::collection::vec(any_pattern(), 1..20),
        names in prop::collection::vec(prop::collection::vec("[a-d]", 1..6), 1..20),
    ) {
        let filter = filter(&patterns);
        for name in names {
            let channel = channel(&name.join("/"));
            let wanted = patterns.iter().any(|pattern| pattern.matches(&channel));
            prop_assert!(!wanted || filter.matches(&Asked::new(&channel)), "{}", channel);
        }
    }

    #[test]
    fn any_bytes_are_a_block_or_refused(
        number in 0..5000_u64,
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..100), prop::collection::vec(any::<u8>(), 96)],
        name in "[a-z]{1,8}(/[a-z]{1,8}){0,3}",
    ) {
        let Ok(block) = FilterBlock::parse(number, &bytes) else { return Ok(()) };
        prop_assert_eq!(block.bytes(), &bytes);
        let mut filter = Filter::default();
        prop_assert_eq!(filter.set(&block), !bytes.is_empty());
        let _ = filter.matches(&Asked::new(&channel(&name)));
        prop_assert!(filter.blocks().eq((!bytes.is_empty()).then_some(block)));
    }

    #[test]
    fn a_block_is_read_as_it_was_written(number in 0..BLOCKS_MAX, prints in prop::collection::vec(any::<u16>(), 0..120)) {
        let block = FilterBlock::of(number, prints.iter().copied()).expect("a block");
        prop_assert_eq!(FilterBlock::parse(number.into(), block.bytes()), Ok(block.clone()));
        let mut filter = Filter::default();
        filter.set(&block);
        let missing = prints.iter().find(|rest| !filter.contains(Print { block: number, rest: **rest }));
        prop_assert_eq!(missing, None);
    }
}
