//! Covering: of all that is wanted, what has to be said so that others send it.
//!
//! A pattern is left out while another one that is wanted matches all that it matches, and answers if it
//! does. Whoever needs no more than this set of tops may be told it as it is; how more than fits is said is
//! not known here.

use crate::{
    pattern::{Pattern, Wanted},
    trie::Tree,
};

/// Everything that is wanted, and what of it is a top.
#[derive(Clone)]
pub(super) struct Cover {
    wanted: Tree<Held>,
}

#[derive(Clone, Copy)]
struct Held {
    answers: bool,
    /// No other one covers it.
    top: bool,
}

/// What became of one top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) pattern: Pattern,
    pub(super) answers: bool,
    /// It is a top now; it was one before otherwise.
    pub(super) top: bool,
}

impl Cover {
    pub(super) fn new() -> Self {
        Self { wanted: Tree::new() }
    }

    /// Wants a pattern from now on, or under other terms. What changes among the tops goes to `changes`.
    pub(super) fn add(&mut self, wanted: Wanted, changes: &mut Vec<Change>) {
        let Wanted { pattern, answers, .. } = wanted;
        match self.wanted.get(&pattern) {
            Some(held) if held.answers == answers => return,
            Some(_) => self.remove(&pattern, changes),
            None => {}
        }
        // It is not among them yet.
        let top = !self.wanted.is_covered(&pattern, |held| held.answers >= answers);
        self.wanted.upsert(&pattern, Held { answers, top }, |held, new| *held = new);
        if !top {
            return;
        }
        // First, so that no two tops ever cover each other on the way.
        for covered in self.wanted.covered_by(&pattern, |held| held.top && held.answers <= answers) {
            self.set_top(covered, false, changes);
        }
        changes.push(Change { pattern, answers, top });
    }

    /// Does not want a pattern any more.
    pub(super) fn remove(&mut self, pattern: &Pattern, changes: &mut Vec<Change>) {
        let Some(Held { answers, top }) = self.wanted.remove(pattern) else { return };
        // What it covered is covered by what covers it.
        if !top {
            return;
        }
        changes.push(Change { pattern: pattern.clone(), answers, top: false });
        for covered in self.wanted.covered_by(pattern, |held| !held.top && held.answers <= answers) {
            let terms = self.wanted.get(&covered).is_some_and(|held| held.answers);
            if !self.wanted.is_covered_by_other(&covered, |held| held.answers >= terms) {
                self.set_top(covered, true, changes);
            }
        }
    }

    /// How many patterns are wanted.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// All tops, with whether each answers.
    pub(super) fn for_each_top(&self, mut visit: impl FnMut(Pattern, bool)) {
        self.wanted.for_each(|text, held| {
            if held.top {
                visit(Pattern::from_normal(text), held.answers);
            }
        });
    }

    fn set_top(&mut self, pattern: Pattern, top: bool, changes: &mut Vec<Change>) {
        let Some(held) = self.wanted.get_mut(&pattern) else { return };
        held.top = top;
        let answers = held.answers;
        changes.push(Change { pattern, answers, top });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    /// The tops, kept up to date by the changes alone.
    fn follow(tops: &mut BTreeMap<Pattern, bool>, changes: Vec<Change>) {
        for Change { pattern, answers, top } in changes {
            let before = if top { tops.insert(pattern, answers) } else { tops.remove(&pattern) };
            assert_eq!(before, (!top).then_some(answers));
        }
    }

    #[test]
    fn what_is_covered_comes_back_when_the_cover_goes() {
        let mut cover = Cover::new();
        let mut tops = BTreeMap::new();
        let mut say = |cover: &mut Cover, text: &str, answers: Option<bool>| {
            let mut changes = Vec::new();
            match answers {
                Some(answers) => cover.add(Wanted::new(pattern(text), answers), &mut changes),
                None => cover.remove(&pattern(text), &mut changes),
            }
            follow(&mut tops, changes);
            tops.keys().map(Pattern::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(say(&mut cover, "a/b", Some(false)), "a/b");
        assert_eq!(say(&mut cover, "a/c", Some(true)), "a/b a/c");
        assert_eq!(say(&mut cover, "a/*", Some(false)), "a/* a/c");
        assert_eq!(say(&mut cover, "a/**", Some(true)), "a/**");
        assert_eq!(say(&mut cover, "a/**", Some(false)), "a/** a/c");
        assert_eq!(say(&mut cover, "a/*", None), "a/** a/c");
        assert_eq!(say(&mut cover, "a/**", None), "a/b a/c");
    }

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 2 => Just("*"), 2 => Just("**")];
        prop::collection::vec(segment, 1..5)
            .prop_filter_map("too many runs", |segments| Pattern::parse(&segments.join("/")).ok())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// The tops are what nothing else covers, after every step.
        #[test]
        fn tops_are_what_nothing_else_covers(
            steps in prop::collection::vec((prop::bool::weighted(0.6), any_pattern(), any::<bool>()), 1..60),
        ) {
            let (mut cover, mut wanted, mut tops) = (Cover::new(), BTreeMap::new(), BTreeMap::new());
            for (at, (add, pattern, answers)) in steps.into_iter().enumerate() {
                let mut changes = Vec::new();
                if add {
                    cover.add(Wanted::new(pattern.clone(), answers), &mut changes);
                    wanted.insert(pattern, answers);
                } else if let Some(pattern) = wanted.keys().nth(at % (wanted.len() + 1)).cloned() {
                    cover.remove(&pattern, &mut changes);
                    wanted.remove(&pattern);
                }
                follow(&mut tops, changes);
                let covered = |(p, a): &(&Pattern, &bool)| {
                    wanted.iter().any(|(q, b)| q != *p && b >= *a && q.covers(p))
                };
                let plain: BTreeMap<_, _> =
                    wanted.iter().filter(|w| !covered(w)).map(|(p, a)| (p.clone(), *a)).collect();
                prop_assert_eq!(&tops, &plain);
                let mut all = BTreeMap::new();
                cover.for_each_top(|pattern, answers| _ = all.insert(pattern, answers));
                prop_assert_eq!((all, cover.len()), (plain, wanted.len()));
            }
        }
    }
}
