//! What a node believes, as its outputs said, in the order they said it.

use std::collections::BTreeMap;

use super::{
    Judge,
    words::{EMPTY, SetId},
};
use crate::{
    io::{LinkId, Output},
    time::Now,
};

/// One life of a node, seen from outside.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The links that are up, and their connections.
    pub(super) links: BTreeMap<LinkId, u64>,
    /// Whom it says it has a link to.
    pub(super) neighbours: BTreeMap<usize, Neighbour>,
    /// Whom it says it can reach, by number.
    pub(super) peers: Vec<Option<Peer>>,
    pub(super) ready: bool,
    /// Tickets that are not confirmed.
    pub(super) tickets: BTreeMap<u64, Ticket>,
    /// The ticket of the last wish about a pattern.
    pub(super) wished: BTreeMap<u32, u64>,
}

/// A neighbour as it is believed to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    /// The link that is used.
    pub(super) link: LinkId,
    pub(super) since: Now,
}

/// A peer as it is believed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) life: u64,
    /// Nothing was said of its interest before the first whole set.
    pub(super) wants: Option<SetId>,
}

/// A ticket on its way.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) number: u64,
    /// When it was asked for.
    pub(super) since: Now,
    /// What the wishes of then were about.
    pub(super) patterns: Vec<u32>,
    /// The neighbours of then, and since when they were.
    pub(super) neighbours: BTreeMap<usize, Now>,
}

impl View {
    /// The view of a node that has just started, among so many.
    pub(super) fn new(nodes: usize) -> Self {
        Self { peers: vec![None; nodes], ..Self::default() }
    }

    /// The node is asked to make its wishes about these patterns known.
    pub(super) fn asks(&mut self, now: Now, number: u64, patterns: Vec<u32>) {
        self.wished.extend(patterns.iter().map(|pattern| (*pattern, number)));
        let neighbours = self.neighbours.iter().map(|(node, neighbour)| (*node, neighbour.since)).collect();
        self.tickets.insert(number, Ticket { number, since: now, patterns, neighbours });
    }

    pub(super) fn peer(&self, of: usize) -> Option<&Peer> {
        self.peers.get(of)?.as_ref()
    }
}

impl Judge {
    /// A node says something of others. What it may say is what changes what it said before.
    pub(super) fn learn(&mut self, now: Now, node: usize, news: &Output) {
        let whom = match news {
            Output::PeerUp { peer, .. }
            | Output::PeerMoved { peer, .. }
            | Output::PeerDown { peer, .. }
            | Output::PeerInterest { peer, .. } => self.truth.number_of(*peer),
            _ => return,
        };
        self.changed = true;
        let right = whom.is_some_and(|of| of != node && self.learn_of(now, node, of, news));
        if !right {
            self.wrong(now, format!("node {node} says out of order: {news:?}"));
        }
    }

    fn learn_of(&mut self, now: Now, node: usize, of: usize, news: &Output) -> bool {
        let view = &mut self.views[node];
        let Some(peer) = view.peers.get_mut(of) else { return false };
        match news {
            Output::PeerUp { link, incarnation, .. } => {
                let before = peer.replace(Peer { life: incarnation.0, wants: None });
                view.neighbours.insert(of, Neighbour { link: *link, since: now });
                before.is_none() && view.links.contains_key(link)
            }
            Output::PeerMoved { link, .. } => {
                let moved =
                    view.neighbours.get_mut(&of).map(|known| std::mem::replace(&mut known.link, *link));
                moved.is_some_and(|before| before != *link) && view.links.contains_key(link)
            }
            Output::PeerDown { .. } => {
                view.neighbours.remove(&of);
                peer.take().is_some()
            }
            Output::PeerInterest { reset, ops, .. } => {
                let Some(known) = peer else { return false };
                let before = match (known.wants, reset) {
                    (_, true) => EMPTY,
                    (Some(wants), false) => wants,
                    (None, false) => return false,
                };
                let after = self.words.changed(before, ops);
                known.wants = Some(after);
                let life = known.life;
                self.spread.heard(now, node, (of, life == self.truth.life(of).unwrap_or(life)), |pattern| {
                    self.words.state(after, pattern)
                });
                self.words.all_change(before, ops)
            }
            _ => true,
        }
    }

    /// Whether what a node believes of another is true.
    pub(super) fn is_right(&mut self, node: usize, of: usize) -> bool {
        let believed = self.views[node].peer(of).copied();
        if self.truth.life(node).is_none() {
            return true;
        }
        if !self.truth.expected(node, of) {
            return believed.is_none();
        }
        let life = self.truth.life(of).unwrap_or(0);
        let told = self.words.told(self.truth.wants(of));
        believed == Some(Peer { life, wants: Some(told) })
    }

    /// The first pair of nodes of which one believes something wrong of the other.
    pub(super) fn find_wrong_pair(&mut self) -> Option<(usize, usize)> {
        let nodes = self.truth.len();
        for node in 0..nodes {
            for of in 0..nodes {
                if !self.is_right(node, of) {
                    return Some((node, of));
                }
            }
        }
        None
    }
}
