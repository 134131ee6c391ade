//! The persistent trie: who holds which patterns, asked with a channel on every publish.
//!
//! A clone is a snapshot: it costs nothing, and later changes copy only the path they touch. Readers of
//! old snapshots are never disturbed. What a holder is, and what is done for it, is not known here.

mod cover;
mod holders;
mod level;
mod name;
mod tree;
mod walk;

use std::fmt;

use crate::{channel::Channel, pattern::Pattern};

use holders::Holders;
pub(crate) use tree::Tree;
use walk::Word;

/// Patterns and their holders.
///
/// ```
/// use hive_proto::{channel::Channel, pattern::Pattern, trie::Trie};
///
/// let mut trie = Trie::new();
/// trie.insert(&Pattern::parse("worker/*").unwrap(), 7);
/// let mut holders = Vec::new();
/// trie.matches(&Channel::parse("worker/action").unwrap(), &mut holders);
/// assert_eq!(holders, [7]);
/// ```
#[derive(Clone)]
pub struct Trie<H> {
    tree: Tree<Holders<H>>,
    /// Pairs of a pattern and a holder.
    len: usize,
}

impl<H: Clone + Ord> Trie<H> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { tree: Tree::new(), len: 0 }
    }

    /// Adds a holder of a pattern; false when it was one already.
    pub fn insert(&mut self, pattern: &Pattern, holder: H) -> bool {
        if self.contains(pattern, &holder) {
            return false;
        }
        self.tree.upsert(pattern, Holders::One(holder), |known, new| {
            if let Holders::One(holder) = new {
                known.insert(holder);
            }
        });
        self.len += 1;
        true
    }

    /// Takes a holder of a pattern away; false when it was none.
    pub fn remove(&mut self, pattern: &Pattern, holder: &H) -> bool {
        if !self.contains(pattern, holder) {
            return false;
        }
        if self.tree.get_mut(pattern).is_some_and(|holders| !holders.remove(holder)) {
            self.tree.remove(pattern);
        }
        self.len -= 1;
        true
    }

    /// Whether it holds exactly this pattern.
    #[must_use]
    pub fn contains(&self, pattern: &Pattern, holder: &H) -> bool {
        self.tree.get(pattern).is_some_and(|holders| holders.contains(holder))
    }

    /// Puts the holders of all patterns that match into `holders`, each once and sorted; what was in it
    /// is cleared.
    ///
    /// Reserved channels (`$…`) are not matched by patterns that begin with a wildcard. It takes at most
    /// segments × nodes that match so far steps, whatever the patterns; it does not allocate while `holders`
    /// has room.
    pub fn matches(&self, channel: &Channel, holders: &mut Vec<H>) {
        holders.clear();
        let mut sources = 0;
        self.tree.find(&Word::new(channel.segments()), &mut |found| {
            holders.extend(found.iter().cloned());
            sources += 1;
        });
        if sources > 1 {
            holders.sort_unstable();
            holders.dedup();
        }
    }

    /// The patterns that match, each with its holders in order: why [`Trie::matches`] says what it says, for people.
    #[must_use]
    pub fn matching(&self, channel: &Channel) -> Vec<(Pattern, Vec<H>)> {
        let found = self.tree.matching(Word::new(channel.segments()));
        found.into_iter().map(|(pattern, holders)| (pattern, holders.iter().cloned().collect())).collect()
    }

    /// How many pairs of a pattern and a holder there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody holds anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Shows all patterns somebody holds, each once, with their holders. The order is the same whenever the
    /// content is.
    pub fn for_each(&self, mut visit: impl FnMut(&str, &mut dyn Iterator<Item = &H>)) {
        self.tree.for_each(|pattern, holders| visit(pattern, &mut holders.iter()));
    }
}

impl<H: Clone + Ord> Default for Trie<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Clone + Ord + fmt::Debug> fmt::Debug for Trie<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.for_each(|pattern, holders| {
            map.entry(&pattern, &holders.collect::<Vec<_>>());
        });
        map.finish()
    }
}

#[cfg(test)]
mod tests;
