//! The neighbours gossip goes to, each at a place of its own; and who of them is pushed or to be told what.
//!
//! Sets of neighbours are a bit each, kept by member: a statement of one member then touches one word, not every
//! neighbour. Neighbours past the last bit are pushed and told nothing but this node's own statements; they compare.

use std::collections::BTreeSet;

use super::contact::Contact;
use crate::{id::NodeId, membership::MemberIx, time::Now};

/// Some of the neighbours, a bit each.
pub(super) type Few = u128;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Circle {
    contacts: Vec<Option<Contact>>,
    /// By place: the neighbour, and for a short search the beginning of its id; of who is gone, too.
    nodes: Vec<NodeId>,
    keys: Vec<u64>,
    /// The bits of those that are there.
    all: Few,
    /// By member: the way its statements take. All of it lies together, because most of it is looked at together.
    courses: Vec<Course>,
    /// The members of whom somebody is to be told, in the order of the first time; some of them may not be any more.
    mentioned: Vec<MemberIx>,
    /// Who may have something to send now.
    awake: Places,
    /// Who has something to send later, and when the first of them has.
    waiting: Places,
    wait_until: Option<Now>,
}

/// The way one member's statements take.
#[derive(Debug, Clone, Default)]
struct Course {
    /// Who is pushed them.
    eager: Few,
    /// Who is to be told that there is something new.
    mentions: Few,
    /// Who pushes them here, or was asked to.
    source: Option<usize>,
}

/// Places in a set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    few: Few,
    /// Those past the last bit.
    beyond: BTreeSet<usize>,
}

impl Circle {
    pub(super) fn find(&self, peer: NodeId) -> Option<usize> {
        let key = key(peer);
        let alike = self.keys.iter().enumerate().filter(|(_, known)| **known == key);
        let there = |at: &usize| {
            self.nodes.get(*at) == Some(&peer) && self.contacts.get(*at).is_some_and(Option::is_some)
        };
        alike.map(|(at, _)| at).find(there)
    }

    /// A neighbour's contact, which will have something to send.
    pub(super) fn wake(&mut self, at: usize) -> Option<&mut Contact> {
        let contact = self.contacts.get_mut(at)?.as_mut();
        if contact.is_some() {
            self.awake.insert(at);
        }
        contact
    }

    pub(super) fn contact(&mut self, at: usize) -> Option<&mut Contact> {
        self.contacts.get_mut(at)?.as_mut()
    }

    pub(super) fn of(&self, peer: NodeId) -> Option<&Contact> {
        self.contacts.get(self.find(peer)?)?.as_ref()
    }

    /// All of them, awake.
    pub(super) fn wake_all(&mut self) -> impl Iterator<Item = &mut Contact> {
        let there = self.contacts.iter().enumerate().filter(|(_, contact)| contact.is_some());
        there.for_each(|(at, _)| self.awake.insert(at));
        self.contacts.iter_mut().flatten()
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Contact> {
        self.contacts.iter_mut().flatten()
    }

    /// The place of a neighbour, made if there is none.
    pub(super) fn enter(&mut self, peer: NodeId, new: impl FnOnce() -> Contact) -> usize {
        if let Some(at) = self.find(peer) {
            return at;
        }
        let free = self.contacts.iter().position(Option::is_none);
        let at = free.unwrap_or(self.contacts.len());
        self.contacts.resize_with(self.contacts.len().max(at + 1), || None);
        self.nodes.resize(self.contacts.len(), peer);
        self.keys.resize(self.contacts.len(), 0);
        (self.contacts[at], self.nodes[at], self.keys[at]) = (Some(new()), peer, key(peer));
        self.all |= bit(at);
        at
    }

    /// A neighbour is gone; its place, which is free for another.
    pub(super) fn leave(&mut self, peer: NodeId) -> Option<usize> {
        let at = self.find(peer)?;
        self.awake.remove(at);
        self.waiting.remove(at);
        let own = !bit(at);
        self.all &= own;
        for course in &mut self.courses {
            course.eager &= own;
            course.mentions &= own;
            course.source = course.source.filter(|source| *source != at);
        }
        *self.contacts.get_mut(at)? = None;
        Some(at)
    }

    /// Who is pushed a member's statements.
    pub(super) fn eager(&self, ix: MemberIx) -> Few {
        self.course(ix).map_or(0, |course| course.eager)
    }

    /// Whether a neighbour is pushed a member's statements from now on.
    pub(super) fn set_eager(&mut self, at: usize, ix: MemberIx, eager: bool) {
        let some = &mut self.course_mut(ix).eager;
        *some = if eager { *some | bit(at) } else { *some & !bit(at) };
    }

    /// Whether somebody pushes a member's statements here.
    pub(super) fn has_source(&self, ix: MemberIx) -> bool {
        self.course(ix).is_some_and(|course| course.source.is_some())
    }

    /// A neighbour pushes a member's statements here.
    pub(super) fn set_source(&mut self, ix: MemberIx, at: usize) {
        self.course_mut(ix).source = Some(at);
    }

    /// All neighbours but one.
    pub(super) fn all_but(&self, from: Option<usize>) -> Few {
        self.all & !from.map_or(0, bit)
    }

    /// These are to be told that a member has stated something.
    pub(super) fn mention(&mut self, ix: MemberIx, to: Few) {
        let course = self.course_mut(ix);
        let first = course.mentions == 0 && to != 0;
        course.mentions |= to;
        if first {
            self.mentioned.push(ix);
        }
    }

    /// A neighbour need not be told of a member.
    pub(super) fn knows(&mut self, at: usize, ix: MemberIx) {
        // Mostly nobody was to tell it.
        if let Some(course) = self.courses.get_mut(ix.0 as usize)
            && course.mentions & bit(at) != 0
        {
            course.mentions &= !bit(at);
        }
    }

    /// Whether somebody is to be told of somebody.
    pub(super) fn has_mentions(&self) -> bool {
        !self.mentioned.is_empty()
    }

    /// Takes who is to be told of whom.
    pub(super) fn take_mentions(&mut self) -> Vec<(MemberIx, Few)> {
        let mentioned = std::mem::take(&mut self.mentioned);
        mentioned.into_iter().map(|ix| (ix, std::mem::take(&mut self.course_mut(ix).mentions))).collect()
    }

    /// Takes the places of those that may have something to send now.
    pub(super) fn take_awake(&mut self, now: Now) -> Places {
        let mut awake = std::mem::take(&mut self.awake);
        if self.wait_until.is_some_and(|until| until <= now) {
            self.wait_until = None;
            awake.add(std::mem::take(&mut self.waiting));
        }
        awake
    }

    /// This one has something to send then.
    pub(super) fn wait(&mut self, at: usize, until: Now) {
        self.waiting.insert(at);
        self.wait_until = Some(self.wait_until.map_or(until, |first| first.min(until)));
    }

    /// When the first of those that wait has something to send, or had until lately.
    pub(super) fn wait_until(&self) -> Option<Now> {
        self.wait_until
    }

    fn course(&self, ix: MemberIx) -> Option<&Course> {
        self.courses.get(ix.0 as usize)
    }

    fn course_mut(&mut self, ix: MemberIx) -> &mut Course {
        let at = ix.0 as usize;
        if self.courses.len() <= at {
            self.courses.resize(at + 1, Course::default());
        }
        &mut self.courses[at]
    }

    /// The places beyond the last bit that are taken.
    pub(super) fn beyond(&self) -> impl Iterator<Item = usize> {
        (BITS..self.contacts.len()).filter(|at| self.contacts.get(*at).is_some_and(Option::is_some))
    }
}

impl Places {
    fn insert(&mut self, at: usize) {
        self.few |= bit(at);
        if at >= BITS {
            self.beyond.insert(at);
        }
    }

    fn remove(&mut self, at: usize) {
        self.few &= !bit(at);
        self.beyond.remove(&at);
    }

    fn add(&mut self, others: Self) {
        self.few |= others.few;
        self.beyond.extend(others.beyond);
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        places(self.few).chain(self.beyond.iter().copied())
    }
}

/// Neighbours that have a bit.
const BITS: usize = Few::BITS as usize;

fn bit(at: usize) -> Few {
    if at < BITS { 1 << at } else { 0 }
}

/// The places of some neighbours, in order.
pub(super) fn places(mut some: Few) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (some != 0).then(|| some.trailing_zeros() as usize)?;
        some &= some - 1;
        Some(at)
    })
}

/// So many of some neighbours, beginning anywhere.
pub(super) fn pick(some: Few, count: u32, turn: u32) -> Few {
    let mut left = some.rotate_right(turn % Few::BITS);
    let mut picked = 0;
    for _ in 0..count {
        picked |= left & left.wrapping_neg();
        left &= left.wrapping_sub(1);
    }
    picked.rotate_left(turn % Few::BITS)
}

fn key(node: NodeId) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&node.0[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::Incarnation, io::LinkId};

    fn node(n: u8) -> NodeId {
        NodeId([n; 32])
    }

    fn enter(circle: &mut Circle, n: u8) -> usize {
        circle.enter(node(n), || Contact::new(Incarnation(1), LinkId(n.into())))
    }

    /// Else who comes would be pushed what its forerunner asked for, and never be told of the rest.
    #[test]
    fn who_comes_to_a_place_owes_nothing_to_who_left_it() {
        let mut circle = Circle::default();
        let (first, second) = (enter(&mut circle, 1), enter(&mut circle, 2));
        circle.set_eager(first, MemberIx(70), true);
        circle.mention(MemberIx(70), circle.all_but(Some(second)));
        circle.wake(first);
        assert_eq!(circle.leave(node(1)), Some(first));
        assert_eq!(enter(&mut circle, 3), first);
        assert_eq!((circle.eager(MemberIx(70)), circle.take_awake(Now::default())), (0, Places::default()));
        assert_eq!(circle.take_mentions(), [(MemberIx(70), 0)]);
        assert_eq!(places(circle.all_but(None)).collect::<Vec<_>>(), [first, second]);
    }

    #[test]
    fn more_neighbours_than_bits_are_known_as_such() {
        let mut circle = Circle::default();
        (0..130).for_each(|n| _ = enter(&mut circle, n));
        assert_eq!(circle.beyond().collect::<Vec<_>>(), [128, 129]);
        circle.set_eager(128, MemberIx(0), true);
        assert_eq!(circle.eager(MemberIx(0)), 0);
        circle.leave(node(5));
        assert_eq!(enter(&mut circle, 200), 5);
    }
}
