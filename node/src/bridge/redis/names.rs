//! Names as Redis writes them: channels are the same text, and patterns are globs that know no segments.
//!
//! What it owns: the globs for a pattern, and which names are channels. A glob may match more than its pattern does,
//! because its `*` does not end at a `/`: who uses it asks the pattern again. It must not know rules or prefixes.

use hive_proto::{
    channel::Channel,
    pattern::{Pattern, Segment},
};

use crate::bridge::names::NameError;

/// What is to be subscribed for a pattern. No name is matched by two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// One channel by its name: `SUBSCRIBE`.
    pub exact: Option<String>,
    /// A glob: `PSUBSCRIBE`.
    pub glob: Option<String>,
}

/// A name as a channel.
///
/// # Errors
/// When the grammar of channels does not have it.
pub fn channel(name: &str) -> Result<Channel, NameError> {
    Channel::parse(name).map_err(|error| NameError::new(name, format!("it is no channel: {error}")))
}

/// What matches at least what a pattern matches.
#[must_use]
pub fn wanted(pattern: &Pattern) -> Wanted {
    if pattern.is_literal() {
        return Wanted { exact: Some(pattern.as_str().to_owned()), glob: None };
    }
    let segments: Vec<Segment<'_>> = pattern.segments().collect();
    if let Some((Segment::Many, before)) = segments.split_last()
        && !before.is_empty()
        && before.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    {
        // `a*` would bring `ab`, too, and there may be much of it.
        let exact = pattern.as_str().trim_end_matches("/**").to_owned();
        return Wanted { glob: Some(format!("{}/*", escaped(&exact))), exact: Some(exact) };
    }
    let mut glob = String::new();
    // Whether a `/` stands between what was written and what comes.
    let mut is_apart = false;
    for segment in segments {
        match segment {
            // It stands for nothing, too, and then for no `/` either.
            Segment::Many => glob.push('*'),
            Segment::One => glob.push_str(if is_apart { "/*" } else { "*" }),
            Segment::Literal(name) => {
                if is_apart {
                    glob.push('/');
                }
                glob.push_str(&escaped(name));
            }
        }
        is_apart = segment != Segment::Many;
    }
    Wanted { exact: None, glob: Some(glob) }
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bridge::names::cases::{channels, patterns};

    /// What of Redis's globs is used here: `*` and `\`.
    fn matches(glob: &[char], name: &[char]) -> bool {
        match glob {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|at| matches(rest, &name[at..])),
            ['\\', c, rest @ ..] | [c, rest @ ..] => {
                name.split_first().is_some_and(|(first, name)| first == c && matches(rest, name))
            }
        }
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn each_pattern_is_said_so() {
        let check = |text: &str, exact: Option<&str>, glob: Option<&str>| {
            let want = Wanted { exact: exact.map(str::to_owned), glob: glob.map(str::to_owned) };
            assert_eq!(wanted(&pattern(text)), want, "{text}");
        };
        check("a/b", Some("a/b"), None);
        check("a/*/b", None, Some("a/*/b"));
        check("a/**", Some("a"), Some("a/*"));
        check("**", None, Some("*"));
        check("a/**/b", None, Some("a*b"));
        check("**/b", None, Some("*b"));
        check("*/**", None, Some("**"));
        check("a[1]/?/**", Some("a[1]/?"), Some("a\\[1\\]/\\?/*"));
        check("a?/*", None, Some("a\\?/*"));
        assert!(channel("a//b").is_err());
    }

    proptest! {
        #[test]
        fn what_the_pattern_matches_comes_once(text in patterns(), name in channels()) {
            let (pattern, at) = (pattern(&text), Channel::parse(&name).expect("a channel"));
            let wanted = wanted(&pattern);
            let by_name = wanted.exact.as_deref() == Some(name.as_str());
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let by_glob = wanted.glob.is_some_and(|glob| matches(&chars(&glob), &chars(&name)));
            prop_assert!(!(by_name && by_glob));
            prop_assert!(!pattern.matches(&at) || by_name || by_glob);
        }

        #[test]
        fn no_name_is_too_strange(name in ".{0,300}") {
            if let Ok(channel) = channel(&name) {
                prop_assert_eq!(channel.as_str(), name);
            }
        }
    }
}
