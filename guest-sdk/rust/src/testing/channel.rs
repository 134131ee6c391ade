//! Channels and patterns, as far as a fake node needs them: what is one, and which belongs to which.

use crate::Error;

/// Checks the grammar of a channel's name.
pub(super) fn check(channel: &str) -> Result<(), Error> {
    let well_formed = channel.len() <= 255
        && channel.split('/').count() <= 32
        && channel.split('/').all(|segment| {
            (1..=64).contains(&segment.len())
                && !segment
                    .contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '*' | '{' | '}'))
        });
    match well_formed {
        true => Ok(()),
        false => Err(Error::Invalid(format!("`{channel}` is not a channel"))),
    }
}

/// Whether the pattern matches the channel. Names that begin with `$` are not for wildcards.
pub(super) fn matches(pattern: &str, channel: &str) -> bool {
    matches_segments(pattern, &channel.split('/').collect::<Vec<_>>())
}

/// Whether the pattern matches whatever the other matches: the other's wildcards become segments that nobody names,
/// `**` as many of them as the pattern could tell apart.
pub(super) fn covers(pattern: &str, other: &str) -> bool {
    let most = pattern.split('/').count() + 1;
    let mut shapes: Vec<Vec<&str>> = vec![Vec::new()];
    for segment in other.split('/') {
        let runs: Vec<Vec<&str>> = match segment {
            "**" => (0..=most).map(|n| vec!["\0"; n]).collect(),
            "*" => vec![vec!["\0"]],
            literal => vec![vec![literal]],
        };
        let mut longer = Vec::new();
        for shape in &shapes {
            longer.extend(runs.iter().map(|run| [shape.as_slice(), run].concat()));
        }
        shapes = longer;
    }
    shapes.iter().all(|shape| matches_segments(pattern, shape))
}

fn matches_segments(pattern: &str, channel: &[&str]) -> bool {
    if channel.first().is_some_and(|first| first.starts_with('$')) && pattern.starts_with('*') {
        return false;
    }
    // `reached[n]`: the part of the pattern read so far covers the first n segments.
    let mut reached = vec![false; channel.len() + 1];
    reached[0] = true;
    for segment in pattern.split('/') {
        let mut next = vec![false; channel.len() + 1];
        for n in 0..=channel.len() {
            next[n] = match segment {
                "**" => reached[n] || (n > 0 && next[n - 1]),
                "*" => n > 0 && reached[n - 1],
                literal => n > 0 && reached[n - 1] && channel[n - 1] == literal,
            };
        }
        reached = next;
    }
    reached[channel.len()]
}

#[cfg(test)]
mod tests {
    use hive_proto::{channel::Channel, pattern::Pattern};
    use proptest::prelude::*;

    use super::*;

    /// Few different segments, so that matches are frequent.
    fn name(segments: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(segments), 1..7).prop_map(|segments| segments.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn matches_what_the_mesh_matches(
            pattern in name(&["a", "b", "$a", "*", "*", "**"]),
            channel in name(&["a", "a", "b", "$a"]),
        ) {
            // More than four `**` are refused, and so nothing to compare.
            if let (Ok(known), Ok(on)) = (Pattern::parse(&pattern), Channel::parse(&channel)) {
                prop_assert_eq!(matches(&pattern, &channel), known.matches(&on), "{} {}", pattern, channel);
            }
        }

        #[test]
        fn covers_what_the_mesh_says_is_covered(
            pattern in name(&["a", "b", "*", "*", "**"]),
            other in name(&["a", "b", "*", "**"]),
        ) {
            if let (Ok(known), Ok(of)) = (Pattern::parse(&pattern), Pattern::parse(&other)) {
                prop_assert_eq!(covers(&pattern, &other), known.covers(&of), "{} {}", pattern, other);
            }
        }

        #[test]
        fn accepts_what_the_mesh_accepts(
            channel in name(&["a", "$a", "", "a b", "a\u{a0}", "x*", "**", "{a}", "ä", "\u{7f}"]),
        ) {
            prop_assert_eq!(check(&channel).is_ok(), Channel::parse(&channel).is_ok(), "{}", channel);
        }

        #[test]
        fn takes_any_text(pattern in ".*", channel in ".*") {
            prop_assert_eq!(check(&channel).is_ok(), Channel::parse(&channel).is_ok());
            matches(&pattern, &channel);
        }
    }
}
