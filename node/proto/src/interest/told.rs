//! What the others are told of the tops: as they are while that is little, and in coarser words when it grows.
//!
//! Coarser means that more events come than are wanted, never fewer. What is answered cannot be said coarsely,
//! and neither can what begins with a wildcard: there is nothing shorter to say than everything.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    FilterBlock, InterestOp, Joined, Wanted, Wants,
    cover::{Change, Cover},
};
use crate::{
    group::GroupName,
    limits::PATTERNS_MAX,
    pattern::{Pattern, filter::Print},
};

/// A finer level is taken again when no more patterns than this would be said then, so that hovering at the
/// limit does not say everything anew each time.
const PATTERNS_AGAIN: usize = PATTERNS_MAX / 4 * 3;

/// How coarse the words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Everything as it is.
    Exact,
    /// Channels in the filter.
    Channels,
    /// And of patterns everything below what is before their first wildcard, as one approximate pattern.
    Beginnings,
    /// And these in the filter too.
    Filter,
}

/// What is said, and how it came about.
pub(super) struct Told {
    level: Level,
    wants: Wants,
    /// Tops that are said as they are at every level, with those that wait.
    fixed: usize,
    /// Other tops that are channels.
    channels: usize,
    /// Other tops that are not.
    patterns: usize,
    /// Those of `fixed` there is no room for; the value says whether they answer.
    waiting: BTreeMap<Pattern, bool>,
    /// What is before the first wildcard, with a `**` behind it, of the other tops; kept from
    /// [`Level::Beginnings`] on.
    beginnings: BTreeMap<Pattern, Behind>,
    /// What is in the filter, by block: what the block keeps of each print, in order, and for how many tops.
    prints: BTreeMap<u16, Vec<(u16, u32)>>,
    /// What was said of the patterns that changed since the last [`Self::finish`].
    before: BTreeMap<Pattern, Option<Wanted>>,
    /// The blocks that changed since.
    dirty: BTreeSet<u16>,
    /// How many had to wait since.
    refused: usize,
    /// What was said of what is wanted as a member, where that changed since.
    joined_before: BTreeMap<(GroupName, Pattern), Option<Joined>>,
}

/// For whom a beginning stands.
#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    tops: usize,
    /// It is a top itself, and so not approximate.
    exact: bool,
}

impl Told {
    pub(super) fn new() -> Self {
        Self {
            level: Level::Exact,
            wants: Wants::default(),
            fixed: 0,
            channels: 0,
            patterns: 0,
            waiting: BTreeMap::new(),
            beginnings: BTreeMap::new(),
            prints: BTreeMap::new(),
            before: BTreeMap::new(),
            dirty: BTreeSet::new(),
            refused: 0,
            joined_before: BTreeMap::new(),
        }
    }

    /// All that is said, as of the last [`Self::finish`].
    pub(super) fn wants(&self) -> &Wants {
        &self.wants
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// What is wanted as a member of a group is told as it is: it is never covered, nor said more coarsely.
    pub(super) fn join(&mut self, op: InterestOp) {
        let (InterestOp::Join(Joined { group, pattern, .. }) | InterestOp::Leave(group, pattern)) = &op
        else {
            return;
        };
        let key = (group.clone(), pattern.clone());
        let before = self.wants.joined_in(group, pattern);
        if self.wants.apply(&op) {
            self.joined_before.entry(key).or_insert(before);
        }
    }

    /// A top came or went.
    pub(super) fn change(&mut self, change: Change) {
        let Change { pattern, answers, top } = change;
        if is_fixed(&pattern, answers) {
            return if top { self.put_fixed(pattern, answers) } else { self.take_fixed(pattern) };
        }
        let count = if pattern.is_literal() { &mut self.channels } else { &mut self.patterns };
        if top {
            *count += 1;
            self.put(pattern);
        } else {
            *count = count.saturating_sub(1);
            self.take(pattern);
        }
    }

    /// Takes the level that fits, and returns what to say, and how many have to wait that did not before.
    /// What is wanted more comes before what is wanted no longer.
    pub(super) fn finish(&mut self, cover: &Cover) -> (Vec<InterestOp>, usize) {
        while let Some(level) = self.better() {
            self.turn_to(level, cover);
        }
        let (mut more, mut less) = (Vec::new(), Vec::new());
        for ((group, pattern), before) in std::mem::take(&mut self.joined_before) {
            match self.wants.joined_in(&group, &pattern) {
                now if now == before => {}
                Some(now) => more.push(InterestOp::Join(now)),
                None => less.push(InterestOp::Leave(group, pattern)),
            }
        }
        for (pattern, before) in std::mem::take(&mut self.before) {
            match self.wants.get(&pattern) {
                now if now == before => {}
                Some(now) => more.push(InterestOp::Add(now)),
                None => less.push(InterestOp::Remove(pattern)),
            }
        }
        for number in std::mem::take(&mut self.dirty) {
            let prints = self.prints.get(&number).map_or(&[][..], Vec::as_slice);
            let Ok(block) = FilterBlock::of(number, prints.iter().map(|(rest, _)| *rest)) else { continue };
            let is_less = block.is_empty();
            let op = InterestOp::Block(block);
            if self.wants.apply(&op) {
                if is_less { &mut less } else { &mut more }.push(op);
            }
        }
        more.append(&mut less);
        (more, std::mem::take(&mut self.refused))
    }

    /// The level to go to, if this one does not fit or a finer one does.
    fn better(&self) -> Option<Level> {
        let fixed = self.fixed.min(PATTERNS_MAX);
        let (finer, said_then, coarser) = match self.level {
            Level::Exact => (None, 0, Some(Level::Channels)),
            Level::Channels => {
                (Some(Level::Exact), fixed + self.channels + self.patterns, Some(Level::Beginnings))
            }
            Level::Beginnings => (Some(Level::Channels), fixed + self.patterns, Some(Level::Filter)),
            Level::Filter => (Some(Level::Beginnings), fixed + self.beginnings.len(), None),
        };
        if self.wants.len() > PATTERNS_MAX { coarser } else { finer.filter(|_| said_then <= PATTERNS_AGAIN) }
    }

    /// Says everything anew that is not fixed.
    fn turn_to(&mut self, level: Level, cover: &Cover) {
        let said: Vec<Wanted> = self.wants.wanted().collect();
        for Wanted { pattern, answers, .. } in said {
            if !is_fixed(&pattern, answers) {
                self.unsay(pattern);
            }
        }
        self.dirty.extend(self.prints.keys());
        self.prints.clear();
        self.beginnings.clear();
        self.level = level;
        cover.for_each_top(|pattern, answers| {
            if !is_fixed(&pattern, answers) {
                self.put(pattern);
            }
        });
    }

    fn put_fixed(&mut self, pattern: Pattern, answers: bool) {
        let said = self.fixed.saturating_sub(self.waiting.len());
        self.fixed += 1;
        if said >= PATTERNS_MAX {
            self.waiting.insert(pattern, answers);
            self.refused += 1;
        } else {
            self.say(Wanted::new(pattern, answers));
        }
    }

    fn take_fixed(&mut self, pattern: Pattern) {
        self.fixed = self.fixed.saturating_sub(1);
        if self.waiting.remove(&pattern).is_some() {
            return;
        }
        self.unsay(pattern);
        if let Some((pattern, answers)) = self.waiting.pop_first() {
            self.say(Wanted::new(pattern, answers));
        }
    }

    fn put(&mut self, pattern: Pattern) {
        let is_channel = pattern.is_literal();
        match self.level {
            Level::Exact => return self.say(Wanted::new(pattern, false)),
            Level::Channels if !is_channel => return self.say(Wanted::new(pattern, false)),
            Level::Beginnings if !is_channel => {}
            _ => self.count_print(&pattern, true),
        }
        if !is_channel && self.level >= Level::Beginnings {
            self.count_beginning(pattern, true);
        }
    }

    fn take(&mut self, pattern: Pattern) {
        let is_channel = pattern.is_literal();
        match self.level {
            Level::Exact => return self.unsay(pattern),
            Level::Channels if !is_channel => return self.unsay(pattern),
            Level::Beginnings if !is_channel => {}
            _ => self.count_print(&pattern, false),
        }
        if !is_channel && self.level >= Level::Beginnings {
            self.count_beginning(pattern, false);
        }
    }

    fn count_print(&mut self, pattern: &Pattern, more: bool) {
        let Some(print) = Print::of(pattern) else { return };
        let block = self.prints.entry(print.block).or_default();
        match (block.binary_search_by_key(&print.rest, |(rest, _)| *rest), more) {
            (Err(at), true) => block.insert(at, (print.rest, 1)),
            (Err(_), false) => return,
            (Ok(at), _) => {
                let (_, count) = &mut block[at];
                *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
                if *count > 0 {
                    return;
                }
                block.remove(at);
            }
        }
        if block.is_empty() {
            self.prints.remove(&print.block);
        }
        self.dirty.insert(print.block);
    }

    fn count_beginning(&mut self, pattern: Pattern, more: bool) {
        let beginning = Pattern::from_normal(&format!("{}/**", pattern.literal_prefix()));
        let behind = self.beginnings.entry(beginning.clone()).or_default();
        behind.tops = if more { behind.tops.saturating_add(1) } else { behind.tops.saturating_sub(1) };
        if pattern == beginning {
            behind.exact = more;
        }
        let Behind { tops, exact } = *behind;
        if tops == 0 {
            self.beginnings.remove(&beginning);
        }
        match self.level {
            Level::Beginnings if tops == 0 => self.unsay(beginning),
            Level::Beginnings => self.say(Wanted { pattern: beginning, answers: false, approximate: !exact }),
            _ => {}
        }
    }

    fn say(&mut self, wanted: Wanted) {
        self.remember(&wanted.pattern);
        self.wants.apply(&InterestOp::Add(wanted));
    }

    fn unsay(&mut self, pattern: Pattern) {
        self.remember(&pattern);
        self.wants.apply(&InterestOp::Remove(pattern));
    }

    fn remember(&mut self, pattern: &Pattern) {
        if !self.before.contains_key(pattern) {
            self.before.insert(pattern.clone(), self.wants.get(pattern));
        }
    }
}

/// Whether there is no coarser word for it.
pub(super) fn is_fixed(pattern: &Pattern, answers: bool) -> bool {
    answers || pattern.as_str().starts_with('*')
}
