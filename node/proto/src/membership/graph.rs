//! The graph of links: an edge is there when both ends state it. Whoever states it looks whether the other does.

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
        hint::black_box(places.iter().fold(0, |all, ix| all ^ self.ends_of(*ix)));
    }

    /// Asks for the memory of who is at the other ends of these links.
    pub(super) fn warm_ends(&self, links: impl Iterator<Item = NodeId> + Clone) {
        self.warm(links.clone().map(prefix_of));
        let places = links.flat_map(|node| self.with_prefix(prefix_of(node)));
        let known = places.map(|ix| (self.ends_of(ix), self.links_of(ix)));
        hint::black_box(known.fold((0, 0), |all, (ends, links)| (all.0 ^ ends, all.1 ^ links)));
    }

    fn ends_of(&self, ix: MemberIx) -> u32 {
        let edges = self.edges(ix);
        let place = |ix: Option<&MemberIx>| ix.map_or(0, |ix| ix.0);
        place(edges.first()) ^ place(edges.last())
    }

    /// How many links a member states.
    pub(super) fn links_of(&self, ix: MemberIx) -> usize {
        self.member(ix).map_or(0, |member| member.facts().links().len())
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
