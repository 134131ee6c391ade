//! Whether one pattern matches whatever another one matches, decided exactly.
//!
//! The covering pattern is walked as a set of states. What stands for a wildcard of the covered one is a
//! name that nobody has written down: a pattern that takes this one takes every other one too.

use std::collections::BTreeSet;

use super::{Pattern, Segment};

impl Pattern {
    /// Whether every channel that `other` matches is matched by this pattern; each pattern covers itself.
    ///
    /// Channels of any number of segments count, also of more than there may be and of none at all, so
    /// that of two different patterns at most one covers the other: `**` covers `*/**`, and not the
    /// reverse. It takes at most segments × sets of states steps; a set is rarely larger than two.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let reserved = other.0.starts_with('$');
        if reserved && !self.0.starts_with('$') {
            return false;
        }
        let states = States::new(self);
        let other: Vec<Segment<'_>> = other.segments().collect();
        Cover { states: &states, other: &other, covered: BTreeSet::new() }.holds(0, states.start())
    }
}

/// The positions of a pattern as bits: bit n is set when its first n segments have matched what was read.
pub(crate) struct States<'a> {
    segments: Vec<Segment<'a>>,
}

impl<'a> States<'a> {
    pub(crate) fn new(pattern: &'a Pattern) -> Self {
        // At most 32 segments, so the bits fit.
        Self { segments: pattern.segments().collect() }
    }

    /// Before the first segment.
    pub(crate) fn start(&self) -> u64 {
        self.enter_runs(1)
    }

    /// Behind one segment more; none is a name that is in no pattern.
    pub(crate) fn step(&self, states: u64, name: Option<&str>) -> u64 {
        let mut next = 0;
        for (at, segment) in self.segments.iter().enumerate().filter(|(at, _)| states >> at & 1 == 1) {
            match segment {
                Segment::Literal(literal) if name == Some(*literal) => next |= 2 << at,
                Segment::Literal(_) => {}
                Segment::One => next |= 2 << at,
                Segment::Many => next |= 1 << at,
            }
        }
        self.enter_runs(next)
    }

    /// Behind so many segments of no pattern that more of them change nothing.
    pub(crate) fn step_far(&self, mut states: u64) -> u64 {
        for _ in 0..=self.segments.len() {
            states = self.step(states, None);
        }
        states
    }

    /// Whether the whole pattern has matched.
    pub(crate) fn is_end(&self, states: u64) -> bool {
        states >> self.segments.len() & 1 == 1
    }

    /// Whether a wildcard comes next in one of the states: if not, only the literals of [`Self::next`] lead on.
    pub(crate) fn is_open(&self, states: u64) -> bool {
        self.waiting(states).any(|segment| !matches!(segment, Segment::Literal(_)))
    }

    /// The literals that come next.
    pub(crate) fn next(&self, states: u64) -> impl Iterator<Item = &'a str> {
        self.waiting(states).filter_map(|segment| match segment {
            Segment::Literal(name) => Some(name),
            _ => None,
        })
    }

    fn waiting(&self, states: u64) -> impl Iterator<Item = Segment<'a>> {
        self.segments.iter().enumerate().filter(move |(at, _)| states >> at & 1 == 1).map(|(_, s)| *s)
    }

    /// `**` may match nothing: whoever stands before it stands after it too.
    fn enter_runs(&self, mut states: u64) -> u64 {
        for (at, segment) in self.segments.iter().enumerate() {
            if states >> at & 1 == 1 && *segment == Segment::Many {
                states |= 2 << at;
            }
        }
        states
    }
}

/// A question and what of it is answered.
struct Cover<'a> {
    states: &'a States<'a>,
    other: &'a [Segment<'a>],
    /// What was asked before. The first no ends everything, so these are all yes, or still being asked.
    covered: BTreeSet<(usize, u64)>,
}

impl Cover<'_> {
    /// Whether what the segments from `at` on match leads from these states to the end.
    fn holds(&mut self, at: usize, states: u64) -> bool {
        if states == 0 {
            return false;
        }
        let Some(segment) = self.other.get(at) else { return self.states.is_end(states) };
        if !self.covered.insert((at, states)) {
            return true;
        }
        match segment {
            Segment::Literal(name) => self.holds(at + 1, self.states.step(states, Some(name))),
            Segment::One => self.holds(at + 1, self.states.step(states, None)),
            Segment::Many => self.holds(at + 1, states) && self.holds(at, self.states.step(states, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::channel::Channel;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn what_covers_what() {
        let check = |cover: &str, yes: &[&str], no: &[&str]| {
            for other in yes {
                assert!(pattern(cover).covers(&pattern(other)), "{cover} should cover {other}");
            }
            for other in no {
                assert!(!pattern(cover).covers(&pattern(other)), "{cover} should not cover {other}");
            }
        };
        check("a/**", &["a", "a/b", "a/*/c", "a/**", "a/**/x/**"], &["**", "*", "b/a", "*/**"]);
        check("a/*", &["a/b", "a/*"], &["a/**", "a", "*/b"]);
        check("**", &["*", "**", "*/**", "a/**/b"], &["$dead/x", "$dead/**"]);
        check("*/**", &["a/**", "a/b", "**/a"], &["**"]);
        // The `*` of the first may be what is before `b`, or `b` itself.
        check("*/**/a", &["**/b/a", "b/**/a"], &["**/a", "a"]);
        check("$dead/**", &["$dead/x", "$dead"], &["$timer/x", "dead/x"]);
        check("**/a/**/b/**", &["a/b", "**/a/**/a/b", "x/a/y/b/z"], &["b/a", "**/a/**"]);
    }

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 3 => Just("*"), 3 => Just("**")];
        let segments = (prop::bool::weighted(0.1), prop::collection::vec(segment, 1..6));
        segments.prop_filter_map("too many runs", |(reserved, segments)| {
            let text = segments.join("/");
            Pattern::parse(&if reserved { format!("$x/{text}") } else { text }).ok()
        })
    }

    /// Every channel of up to seven segments of this alphabet, also reserved ones; `f` is in no pattern.
    static CHANNELS: LazyLock<Vec<Channel>> = LazyLock::new(|| {
        let mut names = vec![String::new()];
        let mut all = vec!["$x".to_owned()];
        for _ in 0..7 {
            let longer = |name: &String| {
                ["a", "b", "f"].map(|segment| format!("{name}/{segment}").trim_matches('/').to_owned())
            };
            names = names.iter().flat_map(longer).collect();
            all.extend(names.iter().flat_map(|name| [name.clone(), format!("$x/{name}")]));
        }
        all.iter().map(|name| Channel::parse(name).expect("a channel")).collect()
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Sound, and complete as far as a small alphabet and short channels tell. The one thing that is
        /// left out is the channel of no segment, which nobody has.
        #[test]
        fn covering_is_matching_all_the_same_channels(cover in any_pattern(), other in any_pattern()) {
            let escaped = CHANNELS.iter().find(|c| other.matches(c) && !cover.matches(c));
            let covers = cover.covers(&other);
            match escaped {
                Some(channel) => prop_assert!(!covers, "{} {} {}", cover, other, channel),
                None => prop_assert!(covers || other.as_str() == "**", "{} {}", cover, other),
            }
        }

        #[test]
        fn two_patterns_cover_each_other_only_when_they_are_the_same(a in any_pattern(), b in any_pattern()) {
            prop_assert_eq!(a.covers(&b) && b.covers(&a), a == b);
        }
    }
}
