//! Matching: every node is looked at once, with all the places of the channel that lead there at once.

use super::tree::{Child, Node, Tree};
use crate::pattern::{Segment, segments};

/// Segments a word may have: a place behind each of them is a bit.
const WORD_MAX: usize = 63;

/// What is matched: names, each of which stands for itself.
pub(super) struct Word<'a> {
    names: [&'a str; WORD_MAX],
    /// The place behind the last name.
    end: u64,
    /// Whether no wildcard stands for the first name.
    reserved: bool,
}

impl<'a> Word<'a> {
    /// What is past [`WORD_MAX`] names is left out; channels and patterns are half as long at most.
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let mut word = Self { names: [""; WORD_MAX], end: 1, reserved: false };
        for (place, name) in word.names.iter_mut().zip(names) {
            *place = name;
            word.end <<= 1;
        }
        word.reserved = word.names[0].starts_with('$');
        word
    }

    /// Where a walk begins: before the first name.
    pub(super) fn start(&self) -> u64 {
        1
    }

    pub(super) fn is_end(&self, places: u64) -> bool {
        places & self.end != 0
    }

    /// Behind one name more, whichever it is.
    pub(super) fn behind_one(&self, places: u64) -> u64 {
        (places & (self.end - 1)) << 1
    }

    /// Behind any number of names more, also none.
    pub(super) fn behind_many(&self, places: u64) -> u64 {
        let first = places & places.wrapping_neg();
        (self.end | (self.end - 1)) & !first.wrapping_sub(1)
    }

    /// The names that come next, each once, with the places behind it.
    pub(super) fn next(&self, places: u64) -> impl Iterator<Item = (&'a str, u64)> {
        let mut left = places & (self.end - 1);
        std::iter::from_fn(move || {
            let name = *self.names.get(left.trailing_zeros() as usize)?;
            let mut behind = 0;
            let mut rest = left;
            while rest != 0 {
                let lowest = rest & rest.wrapping_neg();
                if self.names[rest.trailing_zeros() as usize] == name {
                    behind |= lowest << 1;
                    left ^= lowest;
                }
                rest ^= lowest;
            }
            Some((name, behind))
        })
    }

    /// Behind the rest of a pattern.
    pub(super) fn behind(&self, mut places: u64, rest: &str) -> u64 {
        for segment in segments(rest) {
            places = match segment {
                Segment::One => self.behind_one(places),
                Segment::Many => self.behind_many(places),
                Segment::Literal(name) => self.behind_name(places, name),
            };
        }
        places
    }

    fn behind_name(&self, places: u64, name: &str) -> u64 {
        let (mut left, mut behind) = (places & (self.end - 1), 0);
        while left != 0 {
            let lowest = left & left.wrapping_neg();
            if self.names[left.trailing_zeros() as usize] == name {
                behind |= lowest << 1;
            }
            left ^= lowest;
        }
        behind
    }

    /// Whether wildcards of the first segment are passed over.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved
    }
}

impl<V: Clone> Tree<V> {
    /// Shows the values of all patterns that match the word, each once.
    ///
    /// It takes at most segments × nodes that match a beginning steps and does not allocate.
    pub(super) fn find<'t>(&'t self, word: &Word<'_>, found: &mut impl FnMut(&'t V)) {
        if !word.is_reserved() {
            return look(&self.root, word, word.start(), found);
        }
        for (name, places) in word.next(word.start()) {
            if let Some(child) = self.root.literals.get(name) {
                go_on(child, word, places, found);
            }
        }
    }
}

fn look<'t, V: Clone>(node: &'t Node<V>, word: &Word<'_>, places: u64, found: &mut impl FnMut(&'t V)) {
    if word.is_end(places)
        && let Some(value) = &node.here
    {
        found(value);
    }
    if !node.literals.is_empty() {
        for (name, places) in word.next(places) {
            if let Some(child) = node.literals.get(name) {
                go_on(child, word, places, found);
            }
        }
    }
    let Some(wild) = &node.wild else { return };
    if let Some(one) = &wild.one {
        go_on(one, word, word.behind_one(places), found);
    }
    if let Some(many) = &wild.many {
        go_on(many, word, word.behind_many(places), found);
    }
}

fn go_on<'t, V: Clone>(child: &'t Child<V>, word: &Word<'_>, places: u64, found: &mut impl FnMut(&'t V)) {
    match child {
        Child::Leaf(value) if word.is_end(places) => found(value),
        Child::Tail(tail) if word.is_end(word.behind(places, tail.rest.as_str())) => found(&tail.value),
        Child::Inner(node) if places != 0 => look(node, word, places, found),
        _ => {}
    }
}
