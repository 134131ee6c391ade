//! What is said when a name of one side cannot be said on the other.
//!
//! Each kind of bridge has its own translation beside its codec; how their failures read is one.

use std::fmt;

/// A name that the other side cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NameError {
    name: String,
    why: String,
}

impl NameError {
    /// The name, shortened for people, and why not.
    #[must_use]
    pub fn new(name: &str, why: impl Into<String>) -> Self {
        const SHOWN: usize = 100;
        let mut shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        if name.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self { name: shown, why: why.into() }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name `{}` cannot be translated: {}", self.name, self.why)
    }
}

/// Names for the property tests of translations: few letters, so that they meet, and what is special somewhere.
#[cfg(test)]
pub(super) mod cases {
    use proptest::prelude::*;

    const SEGMENTS: &[&str] =
        &["a", "b", "ab", "b/a", "x.y", "+", "a+", "#", ">", "a>", "?", "[a]", "\\", "é", "$a"];

    /// Channels.
    pub(crate) fn channels() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(SEGMENTS), 1..5).prop_map(|segments| segments.join("/"))
    }

    /// Patterns.
    pub(crate) fn patterns() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            4 => prop::sample::select(&SEGMENTS[..3]),
            1 => prop::sample::select(SEGMENTS),
            2 => Just("*"),
            2 => Just("**"),
        ];
        let some = prop::collection::vec(segment, 1..5).prop_map(|segments| segments.join("/"));
        some.prop_filter("at most four `**`", |text| text.matches("**").count() <= 4)
    }
}
