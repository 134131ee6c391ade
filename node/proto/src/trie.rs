//! The persistent trie: who holds which patterns, asked with a channel on every publish.
//!
//! A clone is a snapshot: it costs nothing, and later changes copy only the path they touch. Readers of
//! old snapshots are never disturbed. What a holder is, and what is done for it, is not known here.

mod level;
mod states;

use std::{fmt, sync::Arc};

use crate::{
    channel::Channel,
    pattern::{Pattern, Segment},
};

use level::Level;
use states::States;

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
    /// The node of the empty pattern.
    root: Arc<Node<H>>,
    /// Pairs of a pattern and a holder.
    len: usize,
}

/// What is known of one beginning of a pattern.
#[derive(Clone)]
struct Node<H> {
    /// The whole pattern, when somebody holds it.
    pattern: Option<Pattern>,
    /// Who does.
    holders: Level<H, ()>,
    /// The patterns that go on with a literal segment.
    literals: Level<Arc<str>, Arc<Self>>,
    /// Those that go on with `*`.
    one: Option<Arc<Self>>,
    /// Those that go on with `**`. A node below `**` has neither of the two: patterns are normalised.
    many: Option<Arc<Self>>,
}

impl<H: Clone + Ord> Trie<H> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { root: Arc::default(), len: 0 }
    }

    /// Adds a holder of a pattern; false when it was one already.
    pub fn insert(&mut self, pattern: &Pattern, holder: H) -> bool {
        if self.contains(pattern, &holder) {
            return false;
        }
        let mut node = Arc::make_mut(&mut self.root);
        for segment in pattern.segments() {
            let next = match segment {
                Segment::Literal(name) => node.literals.get_or_insert_with(name, Arc::default),
                Segment::One => node.one.get_or_insert_default(),
                Segment::Many => node.many.get_or_insert_default(),
            };
            node = Arc::make_mut(next);
        }
        node.pattern = Some(pattern.clone());
        node.holders.insert(holder, ());
        self.len += 1;
        true
    }

    /// Takes a holder of a pattern away; false when it was none.
    pub fn remove(&mut self, pattern: &Pattern, holder: &H) -> bool {
        if !self.contains(pattern, holder) {
            return false;
        }
        Arc::make_mut(&mut self.root).remove(&mut pattern.segments(), holder);
        self.len -= 1;
        true
    }

    /// Whether it holds exactly this pattern.
    #[must_use]
    pub fn contains(&self, pattern: &Pattern, holder: &H) -> bool {
        let mut node = &self.root;
        for segment in pattern.segments() {
            let next = match segment {
                Segment::Literal(name) => node.literals.get(name),
                Segment::One => node.one.as_ref(),
                Segment::Many => node.many.as_ref(),
            };
            let Some(next) = next else { return false };
            node = next;
        }
        node.holders.get(holder).is_some()
    }

    /// Puts the holders of all patterns that match into `holders`, each once and sorted; what was in it
    /// is cleared.
    ///
    /// Reserved channels (`$…`) are not matched by patterns that begin with a wildcard. It takes at most
    /// segments × nodes that match so far steps, whatever the patterns; it does not allocate while no more
    /// than a few patterns are followed at once and `holders` has room.
    pub fn matches(&self, channel: &Channel, holders: &mut Vec<H>) {
        holders.clear();
        let mut segments = channel.segments();
        let mut states = match channel.is_reserved().then(|| segments.next()).flatten() {
            Some(first) => States::start_reserved(&self.root, first),
            None => States::start(&self.root),
        };
        for name in segments {
            states.step(name);
            if states.is_dead() {
                return;
            }
        }
        let mut sources = 0;
        for node in states.nodes().filter(|node| node.pattern.is_some()) {
            holders.extend(node.holders.iter().map(|(holder, ())| holder.clone()));
            sources += 1;
        }
        if sources > 1 {
            holders.sort_unstable();
            holders.dedup();
        }
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

    /// All patterns somebody holds, each once, with their holders. The order is the same whenever the
    /// content is.
    pub fn patterns(&self) -> impl Iterator<Item = (&Pattern, impl Iterator<Item = &H>)> {
        let mut pending = vec![&self.root];
        std::iter::from_fn(move || {
            loop {
                let node = pending.pop()?;
                pending.extend(node.many.iter().chain(&node.one));
                pending.extend(node.literals.iter().map(|(_, child)| child));
                if let Some(pattern) = &node.pattern {
                    return Some((pattern, node.holders.iter().map(|(holder, ())| holder)));
                }
            }
        })
    }
}

impl<H: Clone + Ord> Default for Trie<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Clone + Ord + fmt::Debug> fmt::Debug for Trie<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.patterns().map(|(pattern, holders)| (pattern, holders.collect::<Vec<_>>()));
        f.debug_map().entries(entries).finish()
    }
}

impl<H: Clone + Ord> Node<H> {
    /// Takes the holder from the node the segments lead to, and every node away that is left empty. The
    /// caller knows that it is there.
    fn remove<'a>(&mut self, segments: &mut impl Iterator<Item = Segment<'a>>, holder: &H) {
        match segments.next() {
            None => {
                self.holders.remove(holder);
                if self.holders.is_empty() {
                    self.pattern = None;
                }
            }
            Some(Segment::Literal(name)) => {
                let Some(child) = self.literals.get_mut(name) else { return };
                if remove_below(child, segments, holder) {
                    self.literals.remove(name);
                }
            }
            Some(Segment::One) => {
                self.one.take_if(|child| remove_below(child, segments, holder));
            }
            Some(Segment::Many) => {
                self.many.take_if(|child| remove_below(child, segments, holder));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.pattern.is_none() && self.literals.is_empty() && self.one.is_none() && self.many.is_none()
    }
}

/// Whether the child is empty after the holder was taken from the node the segments lead to.
fn remove_below<'a, H: Clone + Ord>(
    child: &mut Arc<Node<H>>,
    segments: &mut impl Iterator<Item = Segment<'a>>,
    holder: &H,
) -> bool {
    let node = Arc::make_mut(child);
    node.remove(segments, holder);
    node.is_empty()
}

impl<H> Default for Node<H> {
    fn default() -> Self {
        Self { pattern: None, holders: Level::default(), literals: Level::default(), one: None, many: None }
    }
}

#[cfg(test)]
mod tests;
