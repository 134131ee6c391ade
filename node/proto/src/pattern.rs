//! Patterns: channels with `*` (exactly one segment) and `**` (any number, also none), whole segments only.
//!
//! A value is valid and normalised by construction. Interest is made of them: what is wanted, and how that
//! changes. The set of all patterns somebody holds is the trie's, and whose it is, interest's.

mod cover;
pub mod filter;
mod overlap;
mod wanted;

use std::{fmt, sync::Arc};

use crate::{
    channel::{Channel, ChannelError, check_lengths, check_segment},
    limits::DEEP_WILDCARDS_MAX,
};

pub(crate) use cover::States;
pub use filter::{Filter, FilterBlock, FilterError};
pub use wanted::{InterestOp, Joined, Wanted};

/// A valid pattern in its normal form: in a run of wildcards every `*` stands before one `**`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

/// One segment of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Exactly this segment.
    Literal(&'a str),
    /// `*`: exactly one segment, whichever.
    One,
    /// `**`: any number of segments, also none.
    Many,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A literal segment breaks the channel grammar.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// `a*`: a wildcard with something beside it.
    #[error("`{0}` mixes a wildcard with other characters; `*` and `**` stand for whole segments")]
    PartialWildcard(String),
    /// More than four `**`.
    #[error("more than {DEEP_WILDCARDS_MAX} `**`")]
    TooManyDeepWildcards,
}

impl Pattern {
    /// Checks and normalises a pattern.
    ///
    /// # Errors
    /// Says which rule of the grammar it breaks.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        check_lengths(text)?;
        let mut normal = Vec::new();
        let mut pending_deep = false;
        for segment in text.split('/') {
            match segment {
                "**" => pending_deep = true,
                "*" => normal.push(segment),
                _ => {
                    check_literal(segment)?;
                    normal.extend(pending_deep.then_some("**"));
                    pending_deep = false;
                    normal.push(segment);
                }
            }
        }
        normal.extend(pending_deep.then_some("**"));
        if normal.iter().filter(|s| **s == "**").count() > DEEP_WILDCARDS_MAX {
            return Err(PatternError::TooManyDeepWildcards);
        }
        Ok(Self(normal.join("/").into()))
    }

    /// Takes what is in its normal form already, because it was a pattern before.
    pub(crate) fn from_normal(text: &str) -> Self {
        Self(text.into())
    }

    /// The normal form as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, at least one.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        segments(&self.0)
    }

    /// Whether it has no wildcard, and so is a channel.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.segments().all(|segment| matches!(segment, Segment::Literal(_)))
    }

    /// Whether no channel that leaves its node can match: one literal segment, or a reserved first segment.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.starts_with('$') || (!self.0.contains('/') && self.0.as_ref() != "**")
    }

    /// Whether the channel matches. Walks a set of states, so it takes segments × states steps at most.
    #[must_use]
    pub fn matches(&self, channel: &Channel) -> bool {
        if channel.is_reserved() && !self.0.starts_with('$') {
            return false;
        }
        let pattern: Vec<Segment<'_>> = self.segments().collect();
        // states[i]: the first i segments of the pattern have matched what was read so far.
        let mut states = vec![false; pattern.len() + 1];
        states[0] = true;
        skip_empty_runs(&pattern, &mut states);
        for name in channel.segments() {
            let mut next = vec![false; pattern.len() + 1];
            for (at, segment) in pattern.iter().enumerate().filter(|(at, _)| states[*at]) {
                match segment {
                    Segment::Literal(literal) => next[at + 1] |= *literal == name,
                    Segment::One => next[at + 1] = true,
                    Segment::Many => next[at] = true,
                }
            }
            skip_empty_runs(&pattern, &mut next);
            states = next;
        }
        states[pattern.len()]
    }
}

/// The segments of a pattern, or of the end of one.
pub(crate) fn segments(text: &str) -> impl Iterator<Item = Segment<'_>> {
    text.split('/').map(|segment| match segment {
        "*" => Segment::One,
        "**" => Segment::Many,
        literal => Segment::Literal(literal),
    })
}

impl<'a> Segment<'a> {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Self::Literal(name) => name,
            Self::One => "*",
            Self::Many => "**",
        }
    }
}

/// `**` may match nothing: whoever stands before it stands after it too.
fn skip_empty_runs(pattern: &[Segment<'_>], states: &mut [bool]) {
    for (at, segment) in pattern.iter().enumerate() {
        if states[at] && *segment == Segment::Many {
            states[at + 1] = true;
        }
    }
}

fn check_literal(segment: &str) -> Result<(), PatternError> {
    let bare = segment.replace('*', "");
    if bare.len() != segment.len() && (bare.is_empty() || check_segment(&bare).is_ok()) {
        return Err(PatternError::PartialWildcard(segment.into()));
    }
    Ok(check_segment(segment)?)
}

impl From<&Channel> for Pattern {
    fn from(channel: &Channel) -> Self {
        Self(channel.as_str().into())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    fn channel(text: &str) -> Channel {
        Channel::parse(text).expect("a channel")
    }

    #[test]
    fn wildcards_match_whole_segments() {
        let check = |text: &str, yes: &[&str], no: &[&str]| {
            for name in yes {
                assert!(pattern(text).matches(&channel(name)), "{text} should match {name}");
            }
            for name in no {
                assert!(!pattern(text).matches(&channel(name)), "{text} should not match {name}");
            }
        };
        check("a/b", &["a/b"], &["a", "a/b/c", "b"]);
        check("a/*", &["a/b"], &["a", "a/b/c"]);
        check("a/**", &["a", "a/b", "a/b/c"], &["b"]);
        check("**/b", &["b", "a/b", "x/y/b"], &["b/a"]);
        check("**", &["a", "a/b/c"], &["$dead/x"]);
        check("*/x", &["a/x"], &["$dead/x"]);
        check("$dead/*", &["$dead/x"], &["dead/x"]);
        check("a/**/z/*", &["a/z/1", "a/b/z/1", "a/z/z/z"], &["a/z", "a/b/z"]);
    }

    #[test]
    fn runs_of_wildcards_have_one_normal_form() {
        assert_eq!(pattern("**/*").as_str(), "*/**");
        assert_eq!(pattern("a/**/*/**/b").as_str(), "a/*/**/b");
        assert_eq!(pattern("**/**").as_str(), "**");
    }

    #[test]
    fn bad_patterns_are_refused() {
        let error = |text: &str| Pattern::parse(text).expect_err("no pattern");
        assert_eq!(error("a*"), PatternError::PartialWildcard("a*".into()));
        assert_eq!(error("a/***"), PatternError::PartialWildcard("***".into()));
        assert_eq!(error("a//b"), PatternError::Channel(ChannelError::EmptySegment));
        assert_eq!(error("{x}/b"), PatternError::Channel(ChannelError::Character('{')));
        assert_eq!(error("**/a/**/a/**/a/**/a/**"), PatternError::TooManyDeepWildcards);
    }

    /// The obvious exponential matcher, as the thing to agree with.
    fn naive(pattern: &[Segment<'_>], name: &[&str]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((Segment::Many, rest)), _) if naive(rest, name) => true,
            (Some((Segment::Many, _)), Some((_, name))) => naive(pattern, name),
            (Some((Segment::One, rest)), Some((_, name))) => naive(rest, name),
            (Some((Segment::Literal(a), rest)), Some((b, name))) => a == b && naive(rest, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_naive_matcher(
            segments in prop::collection::vec(prop_oneof!["a", "b", "\\*", "\\*\\*"], 1..7),
            name in prop::collection::vec("[ab]", 1..8),
        ) {
            let Ok(pattern) = Pattern::parse(&segments.join("/")) else { return Ok(()) };
            let channel = channel(&name.join("/"));
            let raw: Vec<_> = segments.iter().map(|s| match s.as_str() {
                "*" => Segment::One,
                "**" => Segment::Many,
                literal => Segment::Literal(literal),
            }).collect();
            let names: Vec<_> = name.iter().map(String::as_str).collect();
            prop_assert_eq!(pattern.matches(&channel), naive(&raw, &names));
        }

        #[test]
        fn any_text_parses_or_is_refused_and_the_normal_form_is_stable(text in "\\PC{0,40}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(Pattern::parse(pattern.as_str()), Ok(pattern.clone()));
            }
        }
    }
}
