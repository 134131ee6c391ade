//! Patterns and sets of them by numbers, so that a thousand views of a thousand nodes are small and
//! compared at once: the same set has the same number, whoever holds it.

use std::collections::BTreeMap;

use crate::{
    interest::{InterestOp, Wanted},
    pattern::Pattern,
    sim::trace::Fingerprint,
};

/// A set of patterns, each answered or not.
pub(super) type SetId = u32;

/// A pattern is answered.
const ANSWERS: u32 = 1;
/// A pattern stands for several others.
const APPROXIMATE: u32 = 2;
/// Bits below a pattern's number.
const BITS: u32 = 2;

/// Nothing is wanted.
pub(super) const EMPTY: SetId = 0;

/// All patterns and sets of a run.
#[derive(Debug)]
pub(super) struct Words {
    patterns: BTreeMap<Pattern, u32>,
    /// The same by number, segment by segment.
    texts: Vec<Vec<String>>,
    /// Each set in order: a pattern's number above the bits of [`ANSWERS`] and [`APPROXIMATE`].
    sets: Vec<Box<[u32]>>,
    numbers: BTreeMap<Box<[u32]>, SetId>,
    /// What came of a set by operations with this fingerprint.
    steps: BTreeMap<(SetId, u64), SetId>,
    /// By the number of a pattern of a set that has a wildcard, the pattern.
    wild: BTreeMap<u32, Pattern>,
    /// What others have to be told of each set, once somebody asked.
    told: Vec<Option<SetId>>,
}

impl Words {
    pub(super) fn new() -> Self {
        let empty: Box<[u32]> = Box::default();
        Self {
            patterns: BTreeMap::new(),
            texts: Vec::new(),
            sets: vec![empty.clone()],
            numbers: BTreeMap::from([(empty, EMPTY)]),
            steps: BTreeMap::new(),
            wild: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern) -> u32 {
        if let Some(number) = self.patterns.get(pattern) {
            return *number;
        }
        let number = u32::try_from(self.patterns.len()).unwrap_or(u32::MAX);
        self.patterns.insert(pattern.clone(), number);
        if !pattern.is_literal() {
            self.wild.insert(number, pattern.clone());
        }
        self.texts.push(pattern.as_str().split('/').map(String::from).collect());
        number
    }

    /// What a set becomes.
    pub(super) fn changed(&mut self, set: SetId, ops: &[InterestOp]) -> SetId {
        let step = (set, Fingerprint::of(&ops));
        if let Some(known) = self.steps.get(&step) {
            return *known;
        }
        let mut codes = self.sets[set as usize].to_vec();
        for op in ops {
            // No scenario has groups, or a node want so much that it needs a filter: none of these is ever right.
            if matches!(op, InterestOp::Join(_) | InterestOp::Leave(..)) {
                continue;
            }
            let Some(pattern) = op.pattern() else { continue };
            let pattern = self.pattern(pattern);
            let at = codes.partition_point(|code| code >> BITS < pattern);
            let there = codes.get(at).is_some_and(|code| code >> BITS == pattern);
            match op {
                InterestOp::Add(Wanted { answers, approximate, .. }) => {
                    let flags =
                        if *answers { ANSWERS } else { 0 } | if *approximate { APPROXIMATE } else { 0 };
                    let code = pattern << BITS | flags;
                    if there { codes[at] = code } else { codes.insert(at, code) }
                }
                InterestOp::Remove(_) if there => _ = codes.remove(at),
                _ => {}
            }
        }
        let after = self.number(codes.into());
        self.steps.insert(step, after);
        after
    }

    fn number(&mut self, codes: Box<[u32]>) -> SetId {
        if let Some(number) = self.numbers.get(&codes) {
            return *number;
        }
        let number = SetId::try_from(self.sets.len()).unwrap_or(SetId::MAX);
        self.sets.push(codes.clone());
        self.numbers.insert(codes, number);
        number
    }

    /// How a pattern is wanted in a set; none when it is not.
    pub(super) fn state(&self, set: SetId, pattern: u32) -> Option<u32> {
        let codes = &self.sets[set as usize];
        let at = codes.partition_point(|code| code >> BITS < pattern);
        codes.get(at).copied().filter(|code| code >> BITS == pattern)
    }

    /// What others have to be told of a set: what nothing else in it covers that answers as well.
    pub(super) fn told(&mut self, set: SetId) -> SetId {
        if let Some(Some(told)) = self.told.get(set as usize) {
            return *told;
        }
        let codes = self.sets[set as usize].clone();
        let names: BTreeMap<u32, &Pattern> =
            match codes.iter().any(|code| self.wild.contains_key(&(code >> BITS))) {
                true => self.patterns.iter().map(|(pattern, number)| (*number, pattern)).collect(),
                false => BTreeMap::new(),
            };
        let alone = codes.iter().filter(|code| {
            let own = names.get(&(**code >> BITS));
            !own.is_some_and(|own| self.covers(&codes, own, **code))
        });
        let alone = alone.copied().collect();
        let told = self.number(alone);
        self.told.resize(self.sets.len(), None);
        self.told[set as usize] = Some(told);
        told
    }

    /// Whether who is told this set knows how the pattern is wanted, from it or from a cover of it.
    pub(super) fn tells(&self, told: SetId, pattern: u32, state: Option<u32>) -> bool {
        let Some(code) = state else { return self.state(told, pattern).is_none() };
        let known = self.state(told, pattern).is_some_and(|known| known & ANSWERS >= code & ANSWERS);
        let own = self.patterns.iter().find(|(_, number)| **number == pattern).map(|(own, _)| own);
        known || own.is_some_and(|own| self.covers(&self.sets[told as usize], own, code))
    }

    /// Whether another pattern of the set covers this one, and answers if it does.
    fn covers(&self, codes: &[u32], own: &Pattern, code: u32) -> bool {
        let others = codes.iter().filter(|other| **other >> BITS != code >> BITS);
        others
            .filter(|other| **other & ANSWERS >= code & ANSWERS)
            .any(|other| self.wild.get(&(other >> BITS)).is_some_and(|cover| cover.covers(own)))
    }

    /// Whether a set matches a channel, which is a pattern without wildcards.
    pub(super) fn matches(&self, set: SetId, channel: u32) -> bool {
        let channel = &self.texts[channel as usize];
        self.sets[set as usize].iter().any(|code| matches(&self.texts[(code >> BITS) as usize], channel))
    }

    /// A set for people.
    pub(super) fn tell(&self, set: SetId) -> String {
        let name = |code: &u32| {
            let text = self.texts[(code >> BITS) as usize].join("/");
            format!("{text}{}", if code & ANSWERS > 0 { " (answers)" } else { "" })
        };
        let codes = &self.sets[set as usize];
        let most: Vec<String> = codes.iter().take(8).map(name).collect();
        format!("[{}]{}", most.join(", "), if codes.len() > 8 { " and more" } else { "" })
    }
}

/// Whether a pattern matches a channel, segment by segment: the judge's own reckoning.
fn matches(pattern: &[String], channel: &[String]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return channel.is_empty() };
    if first == "**" {
        return (0..=channel.len()).any(|skipped| matches(rest, &channel[skipped..]));
    }
    let Some((segment, channel)) = channel.split_first() else { return false };
    (first == "*" || first == segment) && matches(rest, channel)
}

/// Whether the pattern can match what another node publishes: two segments or more, not the node's own.
pub(super) fn leaves_its_node(pattern: &Pattern) -> bool {
    let text = pattern.as_str();
    !text.starts_with('$') && (text.contains('/') || text == "**")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(text: &str) -> InterestOp {
        let pattern = |text| Pattern::parse(text).expect("a pattern");
        match text.strip_prefix('-') {
            Some(text) => InterestOp::Remove(pattern(text)),
            None => {
                let answers = text.ends_with('!');
                InterestOp::Add(Wanted::new(pattern(text.trim_end_matches('!')), answers))
            }
        }
    }

    #[test]
    fn the_same_set_has_the_same_number_whatever_led_there() {
        let mut words = Words::new();
        let mut go = |ops: &[&str]| {
            let ops: Vec<InterestOp> = ops.iter().map(|text| op(text)).collect();
            words.changed(EMPTY, &ops)
        };
        assert_eq!(go(&["a/b", "c/d"]), go(&["c/d!", "x/y", "c/d", "a/b", "-x/y"]));
        assert_ne!(go(&["a/b"]), go(&["a/b!"]));
        assert_eq!(go(&["a/b", "-a/b"]), EMPTY);
        let set = words.changed(EMPTY, &[op("a/b!")]);
        let [known, unknown] = ["a/b", "no/no"].map(|text| Pattern::parse(text).expect("a pattern"));
        let (known, unknown) = (words.pattern(&known), words.pattern(&unknown));
        assert_eq!(
            (words.state(set, known), words.state(set, unknown)),
            (Some(known << BITS | ANSWERS), None)
        );
        assert_eq!(words.tell(set), "[a/b (answers)]");
        let all = words.changed(set, &[op("a/*"), op("c/d"), op("c/**!")]);
        let told = words.told(all);
        assert_eq!(words.tell(told), "[a/b (answers), a/*, c/** (answers)]");
        assert!(words.tells(told, known, words.state(all, known)) && words.tells(told, unknown, None));
        let less = words.changed(EMPTY, &[op("a/*")]);
        assert!(!words.tells(less, known, words.state(all, known)));
    }

    #[test]
    fn wildcards_stand_for_segments() {
        let check = |pattern: &str, channel: &str, want: bool| {
            let mut words = Words::new();
            let channel = words.pattern(&Pattern::parse(channel).expect("a channel"));
            let set = words.changed(EMPTY, &[op(pattern)]);
            assert_eq!(words.matches(set, channel), want, "{pattern}");
        };
        check("a/b", "a/b", true);
        check("a/*", "a/b", true);
        check("a/*", "a/b/c", false);
        check("a/**", "a/b/c", true);
        check("a/**", "a", true);
        check("**/c", "a/b/c", true);
        check("*/b/**", "a/c/b", false);
        check("**", "a/b", true);
    }
}
