//! The graph of links: an edge is there when both ends state it.

use super::{Member, MemberIx, Membership};
use crate::id::NodeId;

impl Membership {
    /// The ends of a member's edges, sorted.
    #[must_use]
    pub fn edges(&self, ix: MemberIx) -> &[MemberIx] {
        self.edges.get(ix.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Brings a member's edges up to date after it stated other links. Whether any of them changed.
    pub(super) fn link(&mut self, ix: MemberIx) -> bool {
        let Some(member) = self.member(ix) else { return false };
        let node = member.node;
        let mutual = |other: &NodeId| {
            let at = self.find(*other)?;
            (at != ix && self.member(at)?.states(node)).then_some(at)
        };
        let mut edges: Vec<MemberIx> = member.facts.links().iter().filter_map(mutual).collect();
        edges.sort_unstable();
        let before = match self.edges.get_mut(ix.0 as usize) {
            Some(known) => std::mem::replace(known, edges.clone()),
            None => return false,
        };
        for other in before.iter().filter(|other| edges.binary_search(other).is_err()) {
            self.change_edges(*other, |theirs| theirs.retain(|end| *end != ix));
        }
        for other in edges.iter().filter(|other| before.binary_search(other).is_err()) {
            self.change_edges(*other, |theirs| {
                if let Err(at) = theirs.binary_search(&ix) {
                    theirs.insert(at, ix);
                }
            });
        }
        before != edges
    }

    /// The same for one link that it stated or took back.
    pub(super) fn relink(&mut self, ix: MemberIx, other: NodeId) -> bool {
        let Some(at) = self.find(other).filter(|at| *at != ix) else { return false };
        let (Some(one), Some(two)) = (self.member(ix), self.member(at)) else { return false };
        // Most that are stated are there already, or are not stated by the other end yet.
        let known = self.edges(ix).binary_search(&at).is_ok();
        let mutual = one.states(two.node) && two.states(one.node);
        if known == mutual {
            return false;
        }
        for (end, other) in [(ix, at), (at, ix)] {
            self.change_edges(end, |ends| match (ends.binary_search(&other), mutual) {
                (Err(place), true) => ends.insert(place, other),
                (Ok(place), false) => drop(ends.remove(place)),
                _ => {}
            });
        }
        true
    }

    /// Takes a member out of the graph.
    pub(super) fn unlink(&mut self, ix: MemberIx) {
        let edges = match self.edges.get_mut(ix.0 as usize) {
            Some(known) => std::mem::take(known),
            None => return,
        };
        for other in edges {
            self.change_edges(other, |theirs| theirs.retain(|end| *end != ix));
        }
    }

    fn change_edges(&mut self, ix: MemberIx, change: impl FnOnce(&mut Vec<MemberIx>)) {
        if let Some(known) = self.edges.get_mut(ix.0 as usize) {
            change(known);
        }
    }
}

impl Member {
    fn states(&self, link: NodeId) -> bool {
        self.facts.is_linked(link)
    }
}
