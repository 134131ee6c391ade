//! Which neighbour leads to whom: shortest paths by hops, over the edges that both ends state and this node's own
//! links.
//!
//! A computation over the members as they are; when it is done again, and what follows for events, is not known here.

use std::collections::VecDeque;

use crate::{
    id::NodeId,
    limits::HOPS_MAX,
    membership::{MemberIx, Membership},
};

/// First hops that are told apart: a bit each. Neighbours past them are reached, and lead to nobody else.
const FIRST_HOPS: usize = 128;

/// The next hop to every member, by its place.
#[derive(Debug, Default)]
pub struct Routes {
    next: Vec<Option<MemberIx>>,
}

/// A neighbour as a first hop.
#[derive(Debug, Clone, Copy)]
pub struct FirstHop {
    /// Its place.
    pub ix: MemberIx,
    /// It passes events on; one that leaves does not any more.
    pub transit: bool,
}

/// What a computation changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rerouted {
    /// Who can be reached.
    pub reachable: Vec<MemberIx>,
    /// Whose next hop changed, and to what.
    pub changes: Vec<(MemberIx, Option<MemberIx>)>,
}

/// What the search knows of a member.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    hops: u8,
    /// The first hops of all its shortest paths.
    first: u128,
}

impl Routes {
    /// The neighbour that leads to a member.
    #[must_use]
    pub fn next(&self, ix: MemberIx) -> Option<MemberIx> {
        self.next.get(ix.0 as usize).copied().flatten()
    }

    /// Computes everything again. A way that is still among the shortest is kept, so that events stay in order.
    pub fn compute(&mut self, members: &Membership, hops: &[FirstHop]) -> Rerouted {
        let seen = search(members, hops);
        let mut rerouted = Rerouted::default();
        self.next.resize(members.places(), None);
        for (place, seen) in seen.iter().enumerate() {
            let ix = MemberIx(u32::try_from(place).unwrap_or(u32::MAX));
            if seen.hops > 0 {
                rerouted.reachable.push(ix);
            }
            let before = self.next(ix);
            let next = self.choose(members, hops, ix, *seen);
            if next != before
                && let Some(slot) = self.next.get_mut(place)
            {
                *slot = next;
                rerouted.changes.push((ix, next));
            }
        }
        rerouted
    }

    fn choose(&self, members: &Membership, hops: &[FirstHop], ix: MemberIx, seen: Seen) -> Option<MemberIx> {
        if seen.hops == 0 || seen.hops > HOPS_MAX {
            return None;
        }
        if let Some(neighbour) = hops.iter().find(|hop| hop.ix == ix) {
            return Some(neighbour.ix);
        }
        let shortest = hops.iter().take(FIRST_HOPS).enumerate();
        let shortest = shortest.filter(|(bit, _)| seen.first >> bit & 1 != 0).map(|(_, hop)| hop.ix);
        let to = members.member(ix)?.node;
        let current = self.next(ix);
        // Many ways are shared out by chance that is the same every time.
        let rank = |hop: &MemberIx| {
            let via = members.member(*hop).map_or(0, |member| pair_rank(member.node, to));
            (Some(*hop) == current, via)
        };
        shortest.max_by_key(rank)
    }
}

/// A number for a pair of nodes that looks like chance and is the same in either order.
#[must_use]
pub fn pair_rank(a: NodeId, b: NodeId) -> u64 {
    let word = |id: NodeId| {
        let mut first = [0; 8];
        first.copy_from_slice(&id.0[8..16]);
        u64::from_le_bytes(first)
    };
    let mut mixed = word(a).wrapping_add(word(b))
        ^ word(a).wrapping_mul(word(b) | 1).wrapping_add(word(b).wrapping_mul(word(a) | 1));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Breadth first from this node; by place, 0 hops for who cannot be reached.
fn search(members: &Membership, hops: &[FirstHop]) -> Vec<Seen> {
    let mut seen = vec![Seen::default(); members.places()];
    let mut queue = VecDeque::new();
    for (bit, hop) in hops.iter().enumerate() {
        let first = if bit < FIRST_HOPS { 1 << bit } else { 0 };
        if let Some(known) = seen.get_mut(hop.ix.0 as usize) {
            *known = Seen { hops: 1, first };
        }
        if hop.transit {
            queue.push_back(hop.ix);
        }
    }
    while let Some(at) = queue.pop_front() {
        let Some(Seen { hops, first }) = seen.get(at.0 as usize).copied() else { continue };
        for next in members.edges(at).iter().filter(|next| **next != members.me()) {
            let Some(known) = seen.get_mut(next.0 as usize) else { continue };
            if known.hops == 0 {
                *known = Seen { hops: hops.saturating_add(1), first };
                queue.push_back(*next);
            } else if known.hops == hops.saturating_add(1) {
                known.first |= first;
            }
        }
    }
    seen
}
