//! A simulated node: the state machine, and what a driver and a bus would keep beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use crate::{
    core::Core,
    id::NodeId,
    interest::InterestOp,
    io::{Attempt, LinkId, Timer},
    pattern::Pattern,
    time::Now,
};

/// What somebody wants: the patterns, and whether they are answered.
pub(super) type Wishes = BTreeMap<Pattern, bool>;

/// One node through all its lives.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    /// Where it can be dialled.
    pub(super) addrs: Vec<SocketAddr>,
    /// Counts its lives.
    pub(super) life: u64,
    /// What this life has; none when it is dead.
    pub(super) alive: Option<Alive>,
}

/// What one life of a node has.
#[derive(Debug)]
pub(super) struct Alive {
    pub(super) core: Core,
    /// It has been told to leave.
    pub(super) leaving: bool,
    pub(super) timers: BTreeMap<Timer, Now>,
    /// The connections that are up.
    pub(super) links: BTreeMap<LinkId, u64>,
    /// The number of the last link.
    pub(super) last_link: u64,
    /// Dials that were given up before they ended.
    pub(super) abandoned: BTreeSet<Attempt>,
    /// What it really wants, also what is nobody else's business.
    pub(super) wants: Wishes,
    /// The ticket of the last wish about a pattern.
    pub(super) wished: BTreeMap<Pattern, u64>,
    /// The neighbours, as the outputs said.
    pub(super) view: BTreeMap<NodeId, Seen>,
    /// Tickets that are not confirmed.
    pub(super) tickets: BTreeMap<u64, Ticket>,
    pub(super) ready: bool,
}

/// A neighbour as the outputs said it is.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) link: LinkId,
    pub(super) life: u64,
    /// When it became a neighbour.
    pub(super) since: Now,
    /// Nothing was said of its interest before the first whole set.
    pub(super) wants: Option<Wishes>,
}

/// A ticket on its way.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) number: u64,
    /// When it was asked for.
    pub(super) since: Now,
    /// What the wishes of then were about.
    pub(super) patterns: Vec<Pattern>,
    /// The neighbours of then, and since when they were.
    pub(super) neighbours: BTreeMap<NodeId, Now>,
}

impl Node {
    /// This life of it, unless it is over.
    pub(super) fn living(&mut self, life: u64) -> Option<&mut Alive> {
        self.alive.as_mut().filter(|_| self.life == life)
    }
}

impl Alive {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core,
            leaving: false,
            timers: BTreeMap::new(),
            links: BTreeMap::new(),
            last_link: 0,
            abandoned: BTreeSet::new(),
            wants: Wishes::new(),
            wished: BTreeMap::new(),
            view: BTreeMap::new(),
            tickets: BTreeMap::new(),
            ready: false,
        }
    }
}

/// Does what an operation says to what somebody wants.
pub(super) fn wish(wishes: &mut Wishes, op: &InterestOp) {
    match op {
        InterestOp::Add(wanted) => _ = wishes.insert(wanted.pattern.clone(), wanted.answers),
        InterestOp::Remove(pattern) => _ = wishes.remove(pattern),
        // No scenario wants so much that a node needs a filter.
        InterestOp::Block(_) => {}
    }
}
