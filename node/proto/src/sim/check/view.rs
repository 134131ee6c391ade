//! What a node believes, as its outputs said, in the order they said it.

use std::collections::BTreeMap;

use super::{
    Judge,
    words::{EMPTY, SetId},
};
use crate::{
    id::NodeId,
    io::{LinkId, Output},
    sim::node::life,
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
    /// The neighbour it says leads to each node.
    pub(super) next: Vec<Option<usize>>,
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
    /// None: nothing was said of it yet, so it wants nothing.
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
        Self { peers: vec![None; nodes], next: vec![None; nodes], ..Self::default() }
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
        if let Output::Routes { changes, .. } = news {
            return self.learn_ways(now, node, changes);
        }
        let whom = match news {
            Output::NeighbourUp { peer, .. }
            | Output::NeighbourMoved { peer, .. }
            | Output::NeighbourDown { peer, .. }
            | Output::PeerUp { peer, .. }
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

    /// Ways to peers only, over neighbours only.
    fn learn_ways(&mut self, now: Now, node: usize, changes: &[(NodeId, Option<NodeId>)]) {
        for (peer, via) in changes {
            let of = self.truth.number_of(*peer).filter(|of| self.views[node].peer(*of).is_some());
            let next = via.and_then(|via| self.truth.number_of(via));
            let view = &mut self.views[node];
            let right = next.is_some() == via.is_some()
                && next.is_none_or(|next| view.neighbours.contains_key(&next));
            match of.filter(|_| right) {
                Some(of) => view.next[of] = next,
                None => self.wrong(now, format!("node {node} says the way to {peer:?} is over {via:?}")),
            }
        }
    }

    fn learn_of(&mut self, now: Now, node: usize, of: usize, news: &Output) -> bool {
        let view = &mut self.views[node];
        let Some(peer) = view.peers.get_mut(of) else { return false };
        match news {
            Output::PeerUp { incarnation, .. } => {
                peer.replace(Peer { life: life(*incarnation), wants: None }).is_none()
            }
            Output::NeighbourUp { link, .. } => {
                let before = view.neighbours.insert(of, Neighbour { link: *link, since: now });
                before.is_none() && view.links.contains_key(link)
            }
            Output::NeighbourMoved { link, .. } => {
                let moved =
                    view.neighbours.get_mut(&of).map(|known| std::mem::replace(&mut known.link, *link));
                moved.is_some_and(|before| before != *link) && view.links.contains_key(link)
            }
            Output::NeighbourDown { .. } => view.neighbours.remove(&of).is_some(),
            Output::PeerDown { .. } => {
                view.next[of] = None;
                peer.take().is_some()
            }
            Output::PeerInterest { reset, ops, .. } => {
                let Some(known) = peer else { return false };
                let before = known.wants.filter(|_| !reset).unwrap_or(EMPTY);
                let after = self.words.changed(before, ops);
                known.wants = Some(after);
                let life = known.life;
                self.spread.heard(now, node, (of, life == self.truth.life(of).unwrap_or(life)), |pattern| {
                    self.words.state(after, pattern)
                });
                // What is said twice, because two changes came at once, harms nobody.
                true
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
        believed.is_some_and(|peer| peer.life == life && peer.wants.unwrap_or(EMPTY) == told)
    }

    /// A pair of nodes of which one believes something wrong of the other. Looks on from where the last was, because
    /// most before that are right by then.
    pub(super) fn find_wrong_pair(&mut self) -> Option<(usize, usize)> {
        let nodes = self.truth.len();
        for node in (self.looked_at..nodes).chain(0..self.looked_at) {
            if let Some(of) = (0..nodes).find(|of| !self.is_right(node, *of)) {
                self.looked_at = node;
                return Some((node, of));
            }
        }
        None
    }
}
