//! Which neighbour leads to whom: shortest paths by hops, over the edges that both ends state and this node's own
//! links.
//!
//! A computation over the members as they are; when it is done again, and what follows for events, is not known here.

use crate::{
    id::NodeId,
    limits::HOPS_MAX,
    membership::{MemberIx, Membership},
    mix::scatter,
};

/// First hops that are told apart: a bit each. Neighbours past them are reached, and lead to nobody else.
const FIRST_HOPS: usize = 128;

/// The next hop to every member, by its place.
#[derive(Debug, Default)]
pub struct Routes {
    next: Vec<Option<MemberIx>>,
    /// Room for a search, kept because there are many.
    search: Search,
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
    /// Who can be reached and could not be before.
    pub gained: Vec<MemberIx>,
    /// Who cannot be reached any more.
    pub lost: Vec<MemberIx>,
    /// Whose next hop changed, and to what.
    pub changes: Vec<(MemberIx, Option<MemberIx>)>,
}

/// What a search knows of the members, by place.
#[derive(Debug, Default)]
struct Search {
    /// How far away they are; 0 for who cannot be reached.
    hops: Vec<u8>,
    /// The first hops of all shortest paths to them.
    first: Vec<u128>,
    /// Which bit of those means the member itself.
    bits: Vec<Option<u8>>,
    /// Those found last that lead to others, and those not found yet.
    front: Vec<MemberIx>,
    rest: Vec<MemberIx>,
}

impl Routes {
    /// The neighbour that leads to a member.
    #[must_use]
    pub fn next(&self, ix: MemberIx) -> Option<MemberIx> {
        self.next.get(ix.0 as usize).copied().flatten()
    }

    /// Computes everything again. A way that is still among the shortest is kept, so that events stay in order.
    pub fn compute(&mut self, members: &Membership, hops: &[FirstHop]) -> Rerouted {
        self.search.run(members, hops);
        let mut rerouted = Rerouted::default();
        self.next.resize(members.places(), None);
        for place in 0..self.next.len() {
            let ix = MemberIx(u32::try_from(place).unwrap_or(u32::MAX));
            match (self.search.hops(ix) > 0, members.is_reachable(ix)) {
                (true, false) => rerouted.gained.push(ix),
                (false, true) if ix != members.me() => rerouted.lost.push(ix),
                _ => {}
            }
            let before = self.next(ix);
            let next = self.choose(members, hops, ix);
            if next != before
                && let Some(slot) = self.next.get_mut(place)
            {
                *slot = next;
                rerouted.changes.push((ix, next));
            }
        }
        rerouted
    }

    /// What changes because a member became a neighbour, before anything is computed.
    pub fn step(&mut self, members: &Membership, ix: MemberIx) -> Rerouted {
        let mut rerouted = Rerouted::default();
        self.next.resize(members.places(), None);
        if !members.is_reachable(ix) {
            rerouted.gained.push(ix);
        }
        if let Some(slot) = self.next.get_mut(ix.0 as usize)
            && slot.replace(ix) != Some(ix)
        {
            rerouted.changes.push((ix, Some(ix)));
        }
        rerouted
    }

    fn choose(&self, members: &Membership, hops: &[FirstHop], ix: MemberIx) -> Option<MemberIx> {
        match self.search.hops(ix) {
            0 => return None,
            1 => return Some(ix),
            far if far > HOPS_MAX => return None,
            _ => {}
        }
        if let Some(current) = self.next(ix).filter(|current| self.search.leads(*current, ix)) {
            return Some(current);
        }
        let to = members.member(ix)?.node;
        let shortest = hops.iter().map(|hop| hop.ix).filter(|hop| self.search.leads(*hop, ix));
        // Many ways are shared out by chance that is the same every time.
        shortest.max_by_key(|hop| members.member(*hop).map_or(0, |member| pair_rank(member.node, to)))
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
    let both = word(a).wrapping_add(word(b))
        ^ word(a).wrapping_mul(word(b) | 1).wrapping_add(word(b).wrapping_mul(word(a) | 1));
    scatter(both)
}

impl Search {
    fn hops(&self, ix: MemberIx) -> u8 {
        self.hops.get(ix.0 as usize).copied().unwrap_or(0)
    }

    fn first(&self, ix: MemberIx) -> u128 {
        self.first.get(ix.0 as usize).copied().unwrap_or(0)
    }

    /// Whether one of the shortest paths to a member begins with this neighbour.
    fn leads(&self, hop: MemberIx, to: MemberIx) -> bool {
        let bit = self.bits.get(hop.0 as usize).copied().flatten();
        bit.is_some_and(|bit| self.first(to) >> bit & 1 != 0)
    }

    /// Breadth first from this node. Where few are left to be found it is they who look for those found before:
    /// towards the end of a search most links lead back.
    fn run(&mut self, members: &Membership, hops: &[FirstHop]) {
        self.begin(members, hops);
        let mut away = 1_u8;
        while !self.front.is_empty() && !self.rest.is_empty() {
            away = away.saturating_add(1);
            match self.front.len() > self.rest.len() {
                true => self.look_back(members, away),
                false => self.look_ahead(members, away),
            }
            self.rest.retain(|ix| self.hops.get(ix.0 as usize) == Some(&0));
        }
    }

    /// Those found last find others.
    fn look_ahead(&mut self, members: &Membership, away: u8) {
        let mut found = Vec::new();
        members.warm_edges(&self.front);
        for at in std::mem::take(&mut self.front) {
            let first = self.first(at);
            for next in members.edges(at).iter().filter(|next| **next != members.me()) {
                let place = next.0 as usize;
                let (Some(known), Some(ways)) = (self.hops.get_mut(place), self.first.get_mut(place)) else {
                    continue;
                };
                if *known == 0 {
                    (*known, *ways) = (away, first);
                    found.push(*next);
                } else if *known == away {
                    *ways |= first;
                }
            }
        }
        self.front = found;
    }

    /// Those that are left find those found last.
    fn look_back(&mut self, members: &Membership, away: u8) {
        self.front.clear();
        members.warm_edges(&self.rest);
        for at in &self.rest {
            let before = members.edges(*at).iter().filter(|ix| self.hops(**ix).saturating_add(1) == away);
            let ways = before.fold(0, |ways, ix| ways | self.first(*ix));
            if ways != 0 {
                self.front.push(*at);
                if let Some(first) = self.first.get_mut(at.0 as usize) {
                    *first = ways;
                }
            }
        }
        for at in &self.front {
            if let Some(known) = self.hops.get_mut(at.0 as usize) {
                *known = away;
            }
        }
    }

    /// Neighbours that lead to others have a bit among the ways to them; those that do not have none.
    fn begin(&mut self, members: &Membership, hops: &[FirstHop]) {
        let places = members.places();
        self.hops.clear();
        self.hops.resize(places, 0);
        self.first.clear();
        self.first.resize(places, 0);
        self.bits.clear();
        self.bits.resize(places, None);
        self.front.clear();
        for (bit, hop) in hops.iter().enumerate() {
            let place = hop.ix.0 as usize;
            let bit = u8::try_from(bit).ok().filter(|bit| hop.transit && usize::from(*bit) < FIRST_HOPS);
            if let (Some(away), Some(first), Some(own)) =
                (self.hops.get_mut(place), self.first.get_mut(place), self.bits.get_mut(place))
            {
                (*away, *first, *own) = (1, bit.map_or(0, |bit| 1 << bit), bit);
            }
            if bit.is_some() {
                self.front.push(hop.ix);
            }
        }
        self.rest.clear();
        let others = (0..u32::try_from(places).unwrap_or(u32::MAX)).map(MemberIx);
        self.rest.extend(others.filter(|ix| self.hops.get(ix.0 as usize) == Some(&0) && *ix != members.me()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        channel::NetworkIndex,
        id::Incarnation,
        keys::Unsigned,
        record::{Change, Own},
        time::Now,
    };

    fn node(n: usize) -> NodeId {
        NodeId(*blake3::hash(&n.to_le_bytes()).as_bytes())
    }

    /// Everybody states the links of a graph; node 0 looks at it.
    fn members(links: &[Vec<bool>]) -> Membership {
        let mut members = Membership::new(node(0));
        for (n, row) in links.iter().enumerate() {
            let mut own = Own::new(node(n), NetworkIndex::HOME, Incarnation(1));
            let linked = row.iter().enumerate().filter(|(_, linked)| **linked);
            linked.for_each(|(other, _)| own.note(Change::Link(node(other))));
            for statement in own.say(&Unsigned) {
                assert!(members.take(&statement, Now::default()).is_ok());
            }
        }
        members
    }

    /// How far it is between any two (Floyd, Warshall), not by way of node 0 or of who is not passed.
    fn distances(links: &[Vec<bool>], passed: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
        let far = 1000;
        let count = links.len();
        let step = |a: usize, b: usize| {
            if a == b {
                0
            } else if links[a][b] {
                1
            } else {
                far
            }
        };
        let mut away: Vec<Vec<usize>> =
            (0..count).map(|a| (0..count).map(|b| step(a, b)).collect()).collect();
        for by in (1..count).filter(|by| passed(*by)) {
            for a in 0..count {
                for b in 0..count {
                    away[a][b] = away[a][b].min(away[a][by] + away[by][b]);
                }
            }
        }
        away
    }

    proptest! {
        #[test]
        fn ways_are_the_shortest_there_are(
            count in 2_usize..40,
            links in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
            silent in any::<prop::sample::Index>(),
        ) {
            let mut graph = vec![vec![false; count]; count];
            for pair in links.chunks_exact(2) {
                let (a, b) = (pair[0].index(count), pair[1].index(count));
                (graph[a][b], graph[b][a]) = (a != b, a != b);
            }
            let silent = silent.index(count);
            let members = members(&graph);
            let neighbours: Vec<usize> = (1..count).filter(|n| graph[0][*n]).collect();
            let ix = |n: usize| members.find(node(n)).expect("a member");
            let hops: Vec<_> =
                neighbours.iter().map(|n| FirstHop { ix: ix(*n), transit: *n != silent }).collect();
            let mut routes = Routes::default();
            let rerouted = routes.compute(&members, &hops);
            let away = distances(&graph, |n| n != silent || !graph[0][silent]);
            for to in (1..count).filter(|to| members.find(node(*to)).is_some()) {
                let next = routes.next(ix(to)).and_then(|next| neighbours.iter().find(|n| ix(**n) == next));
                let leads = |n: &&usize| **n == to || **n != silent;
                let best = neighbours.iter().filter(leads).map(|n| 1 + away[*n][to]).min();
                let best = best.filter(|best| *best < 1000);
                prop_assert_eq!(rerouted.gained.contains(&ix(to)), best.is_some());
                let within = best.filter(|best| *best <= usize::from(HOPS_MAX));
                prop_assert_eq!(next.map(|next| 1 + away[*next][to]), within);
            }
        }
    }
}
