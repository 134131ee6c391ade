//! event-engine's messages: a type's name, and right behind it a payload of any kind.
//!
//! What it owns: telling the one from the other where nothing stands between them, by the types that are known; and the
//! two words that a plugin may say instead of an event. It must not know channels.

/// Asks for the next event.
pub const NEXT: &[u8] = b"plugin_command: next_msg";
/// Says goodbye.
pub const QUIT: &[u8] = b"plugin_command: quit";
/// What an event is answered with.
pub const PUBLISHED: &[u8] = b"event-engine: msg published";

/// What a plugin says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// It waits for an event.
    Next,
    /// It leaves.
    Quit,
    /// An event.
    Event(&'a [u8]),
}

/// Reads what a plugin says. Whatever is none of its words is an event.
#[must_use]
pub fn said(message: &[u8]) -> Said<'_> {
    match message {
        NEXT => Said::Next,
        QUIT => Said::Quit,
        event => Said::Event(event),
    }
}

/// The types that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types {
    /// The longest first, so that `TypeAB` is not taken for a `TypeA`.
    names: Vec<String>,
}

impl Types {
    /// These, in any order.
    #[must_use]
    pub fn new(mut names: Vec<String>) -> Self {
        names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        names.dedup();
        Self { names }
    }

    /// The type of a message, and its payload. None for types that are not known.
    #[must_use]
    pub fn split<'m>(&self, message: &'m [u8]) -> Option<(&str, &'m [u8])> {
        self.names.iter().find_map(|name| Some((name.as_str(), message.strip_prefix(name.as_bytes())?)))
    }

    /// The types whose messages begin with some bytes, which is what a subscription means there.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.names.iter().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_type_is_meant() {
        let types = Types::new(["TypeA", "TypeAB", "TypeA", "Other"].map(str::to_owned).to_vec());
        let check = |message: &str, want: Option<(&str, &str)>| {
            let want = want.map(|(name, payload)| (name, payload.as_bytes()));
            assert_eq!(types.split(message.as_bytes()), want, "{message}");
        };
        check("TypeAThis", Some(("TypeA", "This")));
        check("TypeAB", Some(("TypeAB", "")));
        check("TypeABC", Some(("TypeAB", "C")));
        check("Type", None);
        check("", None);
        assert_eq!(types.beginning("TypeA").collect::<Vec<_>>(), ["TypeAB", "TypeA"]);
        assert_eq!(types.beginning("").count(), 3);
    }

    #[test]
    fn only_the_exact_words_are_words() {
        assert_eq!(said(b"plugin_command: next_msg"), Said::Next);
        assert_eq!(said(b"plugin_command: quit"), Said::Quit);
        assert_eq!(said(b"plugin_command: quit "), Said::Event(b"plugin_command: quit "));
        assert_eq!(said(b"\xff"), Said::Event(b"\xff"));
    }

    proptest! {
        #[test]
        fn a_type_and_its_payload_are_told_apart(names in prop::collection::vec("[a-b]{1,3}", 1..5), payload in any::<Vec<u8>>()) {
            let types = Types::new(names.clone());
            for name in &names {
                let message = [name.as_bytes(), &payload].concat();
                let (found, rest) = types.split(&message).expect("a type");
                prop_assert_eq!([found.as_bytes(), rest].concat(), message);
                prop_assert!(found.len() >= name.len());
            }
        }
    }
}
