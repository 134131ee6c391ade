//! The nodes of the trie: values by pattern, of which a clone is a snapshot.
//!
//! A pattern nothing goes on from costs an entry of its parent and no node, and what is left of one that is
//! alone is kept as text. What the values are is not known here.

use std::sync::Arc;

use super::{level::Level, name::Name};
use crate::pattern::{Pattern, Segment, segments};

/// Values by pattern.
#[derive(Clone)]
pub(crate) struct Tree<V> {
    /// The node of the empty pattern; it has no value.
    pub(super) root: Arc<Node<V>>,
    /// Patterns with a value.
    len: usize,
}

/// What is known of one beginning of a pattern.
#[derive(Clone)]
pub(super) enum Child<V> {
    /// It is a whole pattern, and no longer one begins with it.
    Leaf(V),
    /// Exactly one longer pattern begins with it.
    Tail(Arc<Tail<V>>),
    Inner(Arc<Node<V>>),
}

/// What is left of a pattern that goes its way alone.
#[derive(Clone)]
pub(super) struct Tail<V> {
    /// One segment or more, as text.
    pub(super) rest: Name,
    pub(super) value: V,
}

/// A beginning of longer patterns.
#[derive(Clone)]
pub(super) struct Node<V> {
    /// The value when it is a whole pattern too.
    pub(super) here: Option<V>,
    /// The patterns that go on with a literal segment.
    pub(super) literals: Level<Child<V>>,
    /// Those that go on with a wildcard, which is rare. Never there without either.
    pub(super) wild: Option<Box<Wild<V>>>,
}

#[derive(Clone)]
pub(super) struct Wild<V> {
    /// The patterns that go on with `*`.
    pub(super) one: Option<Child<V>>,
    /// Those that go on with `**`. A node below `**` has no wildcards: patterns are normalised.
    pub(super) many: Option<Child<V>>,
}

impl<V: Clone> Tree<V> {
    pub(crate) fn new() -> Self {
        Self { root: Arc::default(), len: 0 }
    }

    /// Patterns with a value.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, pattern: &Pattern) -> Option<&V> {
        let mut segments = pattern.segments();
        let mut node = &*self.root;
        while let Some(segment) = segments.next() {
            match node.child(segment)? {
                Child::Leaf(value) => return segments.next().is_none().then_some(value),
                Child::Tail(tail) => return tail.is(segments).then_some(&tail.value),
                Child::Inner(inner) => node = inner,
            }
        }
        node.here.as_ref()
    }

    /// As [`Self::get`]; what other snapshots share of the way there is copied.
    pub(crate) fn get_mut(&mut self, pattern: &Pattern) -> Option<&mut V> {
        let mut segments = pattern.segments();
        let mut node = Arc::make_mut(&mut self.root);
        while let Some(segment) = segments.next() {
            match node.child_mut(segment)? {
                Child::Leaf(value) => return segments.next().is_none().then_some(value),
                Child::Tail(tail) => {
                    return tail.is(segments).then(|| &mut Arc::make_mut(tail).value);
                }
                Child::Inner(inner) => node = Arc::make_mut(inner),
            }
        }
        node.here.as_mut()
    }

    /// Gives the pattern a value, or changes the one it has.
    pub(crate) fn upsert(&mut self, pattern: &Pattern, value: V, change: impl FnOnce(&mut V, V)) {
        let mut segments = pattern.segments();
        let mut value = Some(value);
        let mut node = Arc::make_mut(&mut self.root);
        while let Some(segment) = segments.next() {
            let child = node.child_or(segment, || Child::chain(&mut segments, value.take()));
            if value.is_none() {
                self.len += 1;
                return;
            }
            if let Child::Leaf(known) = child {
                let Some(next) = segments.next() else {
                    return change(known, value.take().unwrap_or_else(|| known.clone()));
                };
                let mut inner = Node { here: Some(known.clone()), ..Node::default() };
                inner.child_or(next, || Child::chain(&mut segments, value.take()));
                *child = Child::Inner(Arc::new(inner));
                self.len += 1;
                return;
            }
            if let Child::Tail(tail) = child {
                *child = Child::Inner(Arc::new(tail.unfold()));
            }
            let Child::Inner(inner) = child else { return };
            node = Arc::make_mut(inner);
        }
        match (&mut node.here, value) {
            (Some(known), Some(value)) => change(known, value),
            (here, value) => {
                *here = value;
                self.len += 1;
            }
        }
    }

    /// Takes the value away, and every node that is left empty.
    pub(crate) fn remove(&mut self, pattern: &Pattern) -> Option<V> {
        // Looked at first, so that nothing is copied for nothing.
        self.get(pattern)?;
        let value = Arc::make_mut(&mut self.root).remove(&mut pattern.segments())?;
        self.len -= 1;
        Some(value)
    }

    /// Shows all patterns and their values, in an order that is the same whenever the content is.
    pub(crate) fn for_each<'a>(&'a self, mut visit: impl FnMut(&str, &'a V)) {
        self.root.for_each(&mut String::new(), &mut visit);
    }
}

impl<V: Clone> Node<V> {
    pub(super) fn child(&self, segment: Segment<'_>) -> Option<&Child<V>> {
        match segment {
            Segment::Literal(name) => self.literals.get(name),
            Segment::One => self.wild.as_ref()?.one.as_ref(),
            Segment::Many => self.wild.as_ref()?.many.as_ref(),
        }
    }

    fn child_mut(&mut self, segment: Segment<'_>) -> Option<&mut Child<V>> {
        match segment {
            Segment::Literal(name) => self.literals.get_mut(name),
            Segment::One => self.wild.as_mut()?.one.as_mut(),
            Segment::Many => self.wild.as_mut()?.many.as_mut(),
        }
    }

    fn child_or(&mut self, segment: Segment<'_>, new: impl FnOnce() -> Child<V>) -> &mut Child<V> {
        match segment {
            Segment::Literal(name) => self.literals.get_or_insert_with(name, new),
            Segment::One => self.wild.get_or_insert_default().one.get_or_insert_with(new),
            Segment::Many => self.wild.get_or_insert_default().many.get_or_insert_with(new),
        }
    }

    fn take_child(&mut self, segment: Segment<'_>) {
        let Some(wild) = &mut self.wild else {
            if let Segment::Literal(name) = segment {
                self.literals.remove(name);
            }
            return;
        };
        match segment {
            Segment::Literal(name) => self.literals.remove(name),
            Segment::One => wild.one = None,
            Segment::Many => wild.many = None,
        }
        if wild.one.is_none() && wild.many.is_none() {
            self.wild = None;
        }
    }

    /// Takes the value the segments lead to.
    fn remove<'a>(&mut self, segments: &mut impl Iterator<Item = Segment<'a>>) -> Option<V> {
        let Some(segment) = segments.next() else { return self.here.take() };
        let child = self.child_mut(segment)?;
        let Child::Inner(inner) = child else {
            // The caller knows that the pattern is there, so it is this one.
            let value = match child {
                Child::Leaf(value) => value.clone(),
                Child::Tail(tail) => tail.value.clone(),
                Child::Inner(_) => return None,
            };
            self.take_child(segment);
            return Some(value);
        };
        let node = Arc::make_mut(inner);
        let value = node.remove(segments);
        let goes_on = !node.literals.is_empty() || node.wild.is_some();
        match node.here.take() {
            here if goes_on => node.here = here,
            Some(here) => *child = Child::Leaf(here),
            None => self.take_child(segment),
        }
        value
    }

    fn for_each<'a>(&'a self, path: &mut String, visit: &mut impl FnMut(&str, &'a V)) {
        if let Some(value) = &self.here {
            visit(path, value);
        }
        for (name, child) in self.children() {
            let length = path.len();
            enter(path, name);
            match child {
                Child::Leaf(value) => visit(path, value),
                Child::Tail(tail) => {
                    enter(path, tail.rest.as_str());
                    visit(path, &tail.value);
                }
                Child::Inner(node) => node.for_each(path, visit),
            }
            path.truncate(length);
        }
    }

    /// All children with their segments as text.
    pub(super) fn children(&self) -> impl Iterator<Item = (&str, &Child<V>)> {
        let wild = self.wild.as_deref();
        let one = wild.and_then(|wild| wild.one.as_ref()).map(|child| ("*", child));
        let many = wild.and_then(|wild| wild.many.as_ref()).map(|child| ("**", child));
        self.literals.iter().map(|(name, child)| (name.as_str(), child)).chain(one).chain(many)
    }
}

impl<V: Clone> Child<V> {
    /// What the rest of a pattern leads to; the value is there.
    fn chain<'a>(segments: &mut impl Iterator<Item = Segment<'a>>, value: Option<V>) -> Self {
        let Some(value) = value else { return Self::Inner(Arc::default()) };
        let Some(first) = segments.next() else { return Self::Leaf(value) };
        let mut rest = first.as_str().to_owned();
        segments.for_each(|segment| enter(&mut rest, segment.as_str()));
        Self::Tail(Arc::new(Tail { rest: Name::from(rest.as_str()), value }))
    }
}

impl<V: Clone> Tail<V> {
    /// Whether these segments are what is left.
    fn is<'a>(&self, others: impl Iterator<Item = Segment<'a>>) -> bool {
        self.rest.as_str().split('/').eq(others.map(Segment::as_str))
    }

    /// The node that says the same, for another pattern to join.
    fn unfold(&self) -> Node<V> {
        let mut segments = segments(self.rest.as_str());
        let mut node = Node::default();
        if let Some(first) = segments.next() {
            node.child_or(first, || Child::chain(&mut segments, Some(self.value.clone())));
        }
        node
    }
}

/// Goes one segment further.
pub(super) fn enter(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { here: None, literals: Level::default(), wild: None }
    }
}

impl<V> Default for Wild<V> {
    fn default() -> Self {
        Self { one: None, many: None }
    }
}
