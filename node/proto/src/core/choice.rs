//! Whom to be linked to when there are more nodes than a node needs as neighbours.
//!
//! Few enough: everybody, a full mesh. Otherwise two parts: the next nodes on the ring of all ids, which alone keeps
//! everybody connected, and the nodes that rank highest for this one, which keeps ways short; a rank is the same seen
//! from both ends, so most of them choose each other.

use super::*;
use crate::{membership::MemberIx, routes::pair_rank};

/// Nodes on the ring that each side dials: the next, and one more in case that one cannot be reached.
const SUCCESSORS: usize = 2;

/// A node that may become a neighbour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) node: NodeId,
    /// It refused, or could not be reached: it comes last.
    pub(super) bad: bool,
    /// It is a neighbour because this node wants it.
    pub(super) kept: bool,
}

/// How much is known of who there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survey {
    /// Somebody was found a moment ago, and others probably follow: a few are enough to begin with.
    First,
    /// Everybody who could be heard of by now.
    Whole,
}

/// Those of the candidates that this node wants as neighbours. Those it has stay, except for the next ones on the
/// ring: every change of a link is told to everybody. The ring is closed, and a mesh is made full, by whoever knows
/// whom there is.
pub(super) fn choose(me: NodeId, candidates: &[Candidate], max: usize, survey: Survey) -> BTreeSet<NodeId> {
    // The other half dials this node.
    let half = (max / 2).max(SUCCESSORS);
    let (all, successors, wanted) = match survey {
        Survey::First => (half, 0, half.saturating_sub(SUCCESSORS).max(1)),
        Survey::Whole => (max, SUCCESSORS, half),
    };
    if candidates.len() <= all {
        return candidates.iter().map(|candidate| candidate.node).collect();
    }
    let mut around: Vec<(bool, bool, NodeId)> =
        candidates.iter().map(|each| (each.bad, each.node < me, each.node)).collect();
    around.sort_unstable();
    let mut chosen: BTreeSet<NodeId> = around.iter().take(successors).map(|(.., node)| *node).collect();
    let rank =
        |each: &Candidate| (!each.kept, each.bad, std::cmp::Reverse(pair_rank(me, each.node)), each.node);
    let mut ranked: Vec<_> = candidates.iter().map(rank).collect();
    ranked.sort_unstable();
    for (gone, .., node) in ranked {
        // Nobody is given up for a guess.
        let stays = !gone && survey == Survey::First;
        if chosen.len() >= wanted && !stays {
            break;
        }
        chosen.insert(node);
    }
    chosen
}

impl Core {
    /// Nodes that others lead to can be dialled, too.
    pub(super) fn learned(&mut self, now: Now, index: NetworkIndex, fresh: &[MemberIx], out: &mut Outbox) {
        let Some(network) = self.networks.get(&index) else { return };
        if self.leaving {
            return;
        }
        for member in fresh.iter().filter_map(|ix| network.members.member(*ix)) {
            let Some(stated) = member.facts().description().filter(|stated| !stated.addrs.is_empty()) else {
                continue;
            };
            self.dialling.learned((index, member.node), stated.addrs.clone(), now);
        }
        self.dialling.due(now, out);
    }

    /// Whether one more neighbour is too many, and if so, which one goes: one that this node does not want, and that
    /// has enough others.
    pub(super) fn make_room(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        let most = self.config.max_neighbours.saturating_mul(2).min(LINKS_MAX);
        let Some(network) = self.networks.get(&index) else { return };
        if network.neighbours.values().filter(|neighbour| !neighbour.draining).count() <= most {
            return;
        }
        let newest = network.neighbours.values().map(|neighbour| neighbour.link).max();
        if let Some(link) = self.surplus(index, |_| true).map(|(_, link)| link).or(newest) {
            self.close(now, link, CloseReason::Surplus, out);
        }
    }

    /// Lets one go of more neighbours than are needed: one that this node once dialled and does not want any more. Who
    /// dialled this one would only dial another instead, and everybody would hear of that.
    pub(super) fn thin_out(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        let Some(network) = self.networks.get(&index) else { return };
        // As many as this node dials dial it, in the mean, and not all meshes are even.
        let many = self.config.max_neighbours.saturating_mul(3) / 2;
        if self.leaving || network.neighbours.len() <= many {
            return;
        }
        let dialled = |link: LinkId| self.links.get(&link).is_some_and(|known| known.dialled.is_some());
        if let Some((degree, link)) = self.surplus(index, dialled)
            && degree > self.config.max_neighbours
        {
            self.close(now, link, CloseReason::Surplus, out);
        }
    }

    /// The neighbour that can best be done without among those whose link may go: how many it has itself, and its
    /// link.
    fn surplus(&self, index: NetworkIndex, may_go: impl Fn(LinkId) -> bool) -> Option<(usize, LinkId)> {
        let network = self.networks.get(&index)?;
        let spare = network.neighbours.iter().filter(|(peer, neighbour)| {
            !neighbour.draining && may_go(neighbour.link) && !self.dialling.is_wanted((index, **peer))
        });
        let degree =
            |peer: &NodeId| network.members.of(*peer).map_or(0, |member| member.facts().links().len());
        let spare = spare.map(|(peer, neighbour)| (degree(peer), neighbour.link));
        spare.filter(|(degree, _)| *degree > self.config.max_neighbours / 2).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> NodeId {
        NodeId(*blake3::hash(&n.to_le_bytes()).as_bytes())
    }

    /// The union of everybody's choice is one connected graph of small degree.
    #[test]
    fn everybody_is_connected_by_few_links() {
        let nodes: Vec<NodeId> = (0..300).map(id).collect();
        let mut links: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
        for me in &nodes {
            let others: Vec<_> = nodes
                .iter()
                .filter(|node| *node != me)
                .map(|node| Candidate { node: *node, bad: false, kept: false })
                .collect();
            for other in choose(*me, &others, 16, Survey::Whole) {
                links.entry(*me).or_default().insert(other);
                links.entry(other).or_default().insert(*me);
            }
        }
        let degrees: Vec<usize> = links.values().map(BTreeSet::len).collect();
        assert!(degrees.iter().all(|degree| *degree <= 24), "{:?}", degrees.iter().max());
        let (mut seen, mut front, mut hops) = (BTreeSet::from([nodes[0]]), vec![nodes[0]], 0);
        while !front.is_empty() {
            front =
                front.iter().flat_map(|at| &links[at]).filter(|next| seen.insert(**next)).copied().collect();
            hops += usize::from(!front.is_empty());
        }
        assert_eq!(seen.len(), nodes.len());
        assert!(hops <= 5, "{hops} hops");
    }

    #[test]
    fn a_first_guess_leaves_room_for_the_ring_and_gives_nobody_up() {
        let mut others: Vec<_> =
            (1..40).map(|n| Candidate { node: id(n), bad: false, kept: false }).collect();
        let guess = choose(id(0), &others[..20], 16, Survey::First);
        assert_eq!(guess.len(), 6);
        others.iter_mut().for_each(|each| each.kept = guess.contains(&each.node));
        assert_eq!(choose(id(0), &others, 16, Survey::First), guess);
        let whole = choose(id(0), &others, 16, Survey::Whole);
        assert!(whole.len() == 8 && whole.intersection(&guess).count() >= 6);
        assert_eq!(choose(id(0), &others[..8], 16, Survey::First).len(), 8, "few enough for a full mesh");
    }

    #[test]
    fn who_cannot_be_reached_is_taken_last() {
        let others: Vec<_> = (1..30).map(|n| Candidate { node: id(n), bad: n != 7, kept: false }).collect();
        for survey in [Survey::First, Survey::Whole] {
            assert!(choose(id(0), &others, 4, survey).contains(&id(7)));
        }
        assert_eq!(choose(id(0), &others[..3], 4, Survey::Whole).len(), 3);
    }
}
