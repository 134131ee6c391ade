//! Whether two patterns have a channel in common.

use super::{Pattern, Segment};

impl Pattern {
    /// Whether some channel is matched by both, of however many segments, also of none at all.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (ours, theirs): (Vec<_>, Vec<_>) = (self.segments().collect(), other.segments().collect());
        // What begins with `$` is matched by no wildcard in front.
        let is_wild = |segments: &[Segment<'_>]| !matches!(segments.first(), Some(Segment::Literal(_)));
        let is_reserved = |pattern: &Self| pattern.0.starts_with('$');
        if is_reserved(self) && is_wild(&theirs) || is_reserved(other) && is_wild(&ours) {
            return false;
        }
        overlap(&ours, &theirs)
    }
}

/// Row by row from the ends: `next[n]` says whether what is behind our segment overlaps their segments from `n` on.
fn overlap(ours: &[Segment<'_>], theirs: &[Segment<'_>]) -> bool {
    let mut next = vec![false; theirs.len() + 1];
    for (at, is_there) in next.iter_mut().enumerate() {
        *is_there = theirs.iter().skip(at).all(|segment| *segment == Segment::Many);
    }
    for our in ours.iter().rev() {
        let mut row = vec![false; theirs.len() + 1];
        for at in (0..=theirs.len()).rev() {
            let behind = |rows: &[bool], at: usize| rows.get(at).copied().unwrap_or(false);
            let their = theirs.get(at);
            // Either `**` may stand for nothing, or for what the other says next.
            row[at] = (*our == Segment::Many && (behind(&next, at) || (at < theirs.len() && row[at + 1])))
                || (their == Some(&Segment::Many) && (row[at + 1] || next[at]))
                || their.is_some_and(|their| may_be_same(our, their) && next[at + 1]);
        }
        next = row;
    }
    next.first().copied().unwrap_or(false)
}

fn may_be_same(one: &Segment<'_>, other: &Segment<'_>) -> bool {
    match (one, other) {
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::channel::Channel;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn what_overlaps_what() {
        let check = |one: &str, yes: &[&str], no: &[&str]| {
            let overlaps = |other: &str| {
                let (ours, theirs) = (pattern(one), pattern(other));
                assert_eq!(ours.overlaps(&theirs), theirs.overlaps(&ours), "{one} {other}");
                ours.overlaps(&theirs)
            };
            yes.iter().for_each(|other| assert!(overlaps(other), "{one} overlaps {other}"));
            no.iter().for_each(|other| assert!(!overlaps(other), "{one} does not overlap {other}"));
        };
        check("a/*", &["a/b", "*/b", "**", "**/b", "a/**", "a/*/**"], &["a", "b/*", "a/b/c", "a/*/*"]);
        check("a/**/z", &["a/z", "a/b/**", "**", "*/z", "a/**/y/z"], &["a", "b/**", "a/**/y", "a/z/y"]);
        check("**", &["*", "a/b/c", "**/a"], &["$dead/x", "$dead/**"]);
        check("$dead/*", &["$dead/x", "$dead/**"], &["*/x", "$timer/x"]);
    }

    fn name(segments: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(segments), 1..6).prop_map(|segments| segments.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_both_match_they_have_in_common(
            one in name(&["a", "b", "*", "**"]),
            other in name(&["a", "b", "*", "**"]),
            channel in name(&["a", "b"]),
        ) {
            if let (Ok(one), Ok(other)) = (Pattern::parse(&one), Pattern::parse(&other)) {
                let channel = Channel::parse(&channel).expect("a channel");
                let both = one.matches(&channel) && other.matches(&channel);
                prop_assert!(!both || one.overlaps(&other), "{} {} {}", one, other, channel);
                prop_assert!(!one.covers(&other) || one.overlaps(&other), "{} covers {}", one, other);
            }
        }
    }
}
