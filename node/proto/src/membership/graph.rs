//! The graph of links: an edge is there when both ends state it, and whoever states it last looks whether the other does.

use std::hint;

use super::{MemberIx, Membership, prefix_of};
use crate::id::NodeId;

impl Membership {
    /// The ends of a member's edges, sorted.
    #[must_use]
    pub fn edges(&self, ix: MemberIx) -> &[MemberIx] {
        self.edges.get(ix.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Asks for the memory of these members' edges, of all of them at once: see [`Membership::warm`].
    pub fn warm_edges(&self, places: &[MemberIx]) {
        let ends = places.iter().map(|ix| self.edges(*ix));
        let both = ends.flat_map(|ends| [ends.first(), ends.last()]).flatten();
        hint::black_box(both.fold(0, |all, ix| all ^ ix.0));
    }

    /// Asks for the memory of who is at the other ends of these links.
    pub(super) fn warm_ends(&self, links: impl Iterator<Item = NodeId> + Clone) {
        self.warm(links.clone().map(prefix_of));
        let ends = links.flat_map(|node| self.with_prefix(prefix_of(node)));
        let known =
            ends.map(|ix| (self.edges(ix).len(), self.member(ix).map(|end| end.facts().links().len())));
        hint::black_box(known.fold(0, |all, (edges, links)| all ^ edges ^ links.unwrap_or(0)));
    }

    /// A member states a link. Whether an edge is there by that.
    pub(super) fn claim(&mut self, ix: MemberIx, other: NodeId) -> bool {
        let Some(at) = self.find(other).filter(|at| *at != ix) else { return false };
        let [here, there] = [ix, at].map(|ix| self.member(ix));
        let mutual = here.zip(there).is_some_and(|(here, there)| there.facts().is_linked(here.node));
        mutual && self.change(ix, |ends| insert(ends, at)) && self.change(at, |ends| insert(ends, ix))
    }

    /// A member does not state a link any more. Whether an edge is gone by that.
    pub(super) fn disclaim(&mut self, ix: MemberIx, other: NodeId) -> bool {
        let Some(at) = self.find(other) else { return false };
        self.change(ix, |ends| remove(ends, at)) && self.change(at, |ends| remove(ends, ix))
    }

    /// A member states nothing any more. The ends of the edges it had.
    pub(super) fn forsake(&mut self, ix: MemberIx) -> Vec<MemberIx> {
        let before = self.edges.get_mut(ix.0 as usize).map(std::mem::take).unwrap_or_default();
        before.iter().for_each(|at| _ = self.change(*at, |ends| remove(ends, ix)));
        before
    }

    fn change(&mut self, ix: MemberIx, change: impl FnOnce(&mut Vec<MemberIx>) -> bool) -> bool {
        self.edges.get_mut(ix.0 as usize).is_some_and(change)
    }
}

fn insert(sorted: &mut Vec<MemberIx>, ix: MemberIx) -> bool {
    sorted.binary_search(&ix).is_err_and(|at| {
        sorted.insert(at, ix);
        true
    })
}

fn remove(sorted: &mut Vec<MemberIx>, ix: MemberIx) -> bool {
    sorted.binary_search(&ix).is_ok_and(|at| {
        sorted.remove(at);
        true
    })
}

#[cfg(test)]
mod tests;
