//! The graph of links: an edge is there when both ends state it.
//!
//! Who is stated by whom is kept with who is stated, so that nobody has to look among all that the other end states:
//! in a mesh that starts all at once there is a statement of every link at every node.

use super::{Facts, MemberIx, Membership};
use crate::id::NodeId;

impl Membership {
    /// The ends of a member's edges, sorted.
    #[must_use]
    pub fn edges(&self, ix: MemberIx) -> &[MemberIx] {
        self.edges.get(ix.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// A member states a link. Whether an edge is there by that.
    pub(super) fn claim(&mut self, ix: MemberIx, other: NodeId) -> bool {
        let Some(at) = self.find(other) else {
            insert(self.strangers.entry(other).or_default(), ix);
            return false;
        };
        if at == ix || self.edges(ix).binary_search(&at).is_ok() {
            return false;
        }
        if self.change(ix, |here| remove(here.claims, at)) {
            self.change(ix, |here| insert(here.edges, at));
            return self.change(at, |there| insert(there.edges, ix));
        }
        self.change(at, |there| insert(there.claims, ix));
        false
    }

    /// A member does not state a link any more. Whether an edge is gone by that.
    pub(super) fn disclaim(&mut self, ix: MemberIx, other: NodeId) -> bool {
        let Some(at) = self.find(other) else {
            if let Some(claims) = self.strangers.get_mut(&other) {
                remove(claims, ix);
                if claims.is_empty() {
                    self.strangers.remove(&other);
                }
            }
            return false;
        };
        if self.change(ix, |here| remove(here.edges, at)) {
            self.change(at, |there| remove(there.edges, ix));
            return self.change(ix, |here| insert(here.claims, at));
        }
        self.change(at, |there| remove(there.claims, ix));
        false
    }

    /// A member states nothing any more. The ends of the edges it had.
    pub(super) fn forsake(&mut self, ix: MemberIx) -> Vec<MemberIx> {
        let before = self.edges(ix).to_vec();
        let facts = self.members.get_mut(ix.0 as usize).map(|member| std::mem::take(&mut member.facts));
        let links = facts.as_ref().map(Facts::links).unwrap_or_default();
        links.iter().for_each(|other| _ = self.disclaim(ix, *other));
        before
    }

    /// The same where it is not known what was taken from what it states: all members are asked.
    pub(super) fn disclaim_all(&mut self, ix: MemberIx) {
        let all: Vec<NodeId> = self.index.keys().chain(self.strangers.keys()).copied().collect();
        all.into_iter().for_each(|other| _ = self.disclaim(ix, other));
    }

    /// A node that somebody may have stated a link to has a place.
    pub(super) fn meet_stranger(&mut self, ix: MemberIx, node: NodeId) {
        let known = self.strangers.remove(&node).unwrap_or_default();
        self.change(ix, |here| {
            *here.claims = known;
            true
        });
    }

    /// And has none any more. It states nothing.
    pub(super) fn make_stranger(&mut self, ix: MemberIx, node: NodeId) {
        let Some(claims) = self.claims.get_mut(ix.0 as usize).map(std::mem::take) else { return };
        if !claims.is_empty() {
            self.strangers.insert(node, claims);
        }
    }

    fn change(&mut self, ix: MemberIx, change: impl FnOnce(Ends<'_>) -> bool) -> bool {
        let place = ix.0 as usize;
        let ends = self.edges.get_mut(place).zip(self.claims.get_mut(place));
        ends.is_some_and(|(edges, claims)| change(Ends { edges, claims }))
    }
}

/// What leads to one member.
struct Ends<'a> {
    edges: &'a mut Vec<MemberIx>,
    claims: &'a mut Vec<MemberIx>,
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
