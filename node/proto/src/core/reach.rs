//! Who can be reached, and by which way: computed when links change, said when it differs.

use super::*;
use crate::{
    membership::{Member, MemberIx},
    routes::{FirstHop, Rerouted},
};

/// The ways are computed at most this often, and half as often each time while they go on changing,
const REACH_PAUSE: Duration = Duration::from_millis(50);
/// until there is as much time between as this for each member: what it costs grows with them.
const REACH_PAUSE_EACH: Duration = Duration::from_millis(1);

impl Core {
    /// A neighbour went, or leads to others again: that counts at once.
    pub(super) fn reach_now(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        if let Some(network) = self.networks.get_mut(&index) {
            network.reach_at = Some(now);
        }
        self.reach(now, index, out);
    }

    /// A neighbour came: it is reached at once, and others through it soon.
    pub(super) fn reach_neighbour(&mut self, now: Now, (index, peer): Peer, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(ix) = network.members.find(peer) else { return };
        let rerouted = network.routes.step(&network.members, ix);
        network.reach_soon(now);
        self.say_ways(now, index, &rerouted, out);
    }

    /// Computes the ways again if it is time to.
    pub(super) fn reach(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        if network.reach_at.is_none_or(|at| at > now) {
            return;
        }
        network.slow_down(now);
        (network.reach_at, network.reached) = (None, Some(now));
        let neighbours = network.neighbours.iter();
        let hops = neighbours.filter_map(|(peer, neighbour)| {
            Some(FirstHop { ix: network.members.find(*peer)?, transit: !neighbour.draining })
        });
        let hops: Vec<FirstHop> = hops.collect();
        let rerouted = network.routes.compute(&network.members, &hops);
        network.lose_unreached(now, index, &rerouted, out);
        network.gone.clear();
        self.say_ways(now, index, &rerouted, out);
    }

    fn say_ways(&mut self, now: Now, index: NetworkIndex, rerouted: &Rerouted, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        let fresh = network.gain_reached(now, index, rerouted, out);
        network.reroute(index, rerouted, &fresh, out);
        for ix in &fresh {
            network.say_wants(index, *ix, out);
        }
        self.learned(now, index, &fresh, out);
    }
}

/// One node of a network as this one sees it, itself among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who it is.
    pub node: NodeId,
    /// The name it gives itself.
    pub name: String,
    /// The neighbour that leads to it: itself when it is one; none for this node, and where no way is short enough.
    pub via: Option<NodeId>,
    /// Whom it is linked to, as both ends state.
    pub links: Vec<NodeId>,
    /// How many patterns it announces.
    pub patterns: usize,
}

impl Core {
    /// Everybody who can be reached in a network, by node id.
    #[must_use]
    pub fn places(&self, network: NetworkIndex) -> Vec<Place> {
        let Some(network) = self.networks.get(&network) else { return Vec::new() };
        let members = &network.members;
        let node = |ix: MemberIx| members.member(ix).map(|member| member.node);
        let here = members.iter().filter(|(_, member)| member.reachable);
        let place = |(ix, member): (MemberIx, &Member)| {
            let greeted = network.neighbours.get(&member.node).map(|neighbour| &neighbour.name);
            let name = member.facts().description().map(|stated| &stated.name).or(greeted);
            let own = || if ix == members.me() { own_name(&self.config.name) } else { String::new() };
            Place {
                node: member.node,
                name: name.cloned().unwrap_or_else(own),
                via: network.routes.next(ix).and_then(node),
                links: members.edges(ix).iter().filter_map(|ix| node(*ix)).collect(),
                patterns: match ix == members.me() {
                    true => network.announced.wants().len(),
                    false => member.facts().wants().len(),
                },
            }
        };
        here.map(place).collect()
    }
}

impl Network {
    /// The ways are computed again at this time, or earlier.
    pub(super) fn reach_by(&mut self, by: Now) {
        self.reach_at = Some(self.reach_at.map_or(by, |at| at.min(by)));
    }

    /// The ways are computed again when they may be.
    pub(super) fn reach_soon(&mut self, now: Now) {
        let next = self.reached.map_or(now, |reached| reached.after(self.reach_pause));
        self.reach_by(next.max(now));
    }

    /// The ways are computed now: how long they are not after that.
    fn slow_down(&mut self, now: Now) {
        let places = u32::try_from(self.members.places()).unwrap_or(u32::MAX);
        let longest = REACH_PAUSE.max(REACH_PAUSE_EACH.saturating_mul(places));
        let calm = self.reached.is_none_or(|reached| now > reached.after(self.reach_pause.saturating_mul(2)));
        let longer = if calm { REACH_PAUSE } else { self.reach_pause.saturating_mul(2) };
        self.reach_pause = longer.clamp(REACH_PAUSE, longest);
    }

    fn lose_unreached(&mut self, now: Now, network: NetworkIndex, rerouted: &Rerouted, out: &mut Outbox) {
        let who = |ix: &MemberIx| Some((*ix, self.members.member(*ix)?.node));
        let lost: Vec<(MemberIx, NodeId)> = rerouted.lost.iter().filter_map(who).collect();
        for (ix, peer) in lost {
            self.members.set_reachable(ix, false, now);
            let reason = self.gone.remove(&peer).unwrap_or_else(|| "nobody leads to it any more".into());
            out.push(Output::PeerDown { network, peer, reason });
        }
    }

    fn gain_reached(
        &mut self,
        now: Now,
        network: NetworkIndex,
        rerouted: &Rerouted,
        out: &mut Outbox,
    ) -> Vec<MemberIx> {
        let mut fresh = Vec::new();
        for ix in &rerouted.gained {
            if !self.members.set_reachable(*ix, true, now) {
                continue;
            }
            fresh.push(*ix);
            let Some(member) = self.members.member(*ix) else { continue };
            let neighbour = self.neighbours.get(&member.node);
            let stated = member.facts().description();
            let name = stated.map(|stated| &stated.name).or(neighbour.map(|neighbour| &neighbour.name));
            out.push(Output::PeerUp {
                network,
                peer: member.node,
                name: name.cloned().unwrap_or_default(),
                incarnation: neighbour.map_or(member.head.incarnation, |neighbour| neighbour.incarnation),
                addrs: stated.map(|stated| stated.addrs.clone()).unwrap_or_default(),
            });
        }
        fresh
    }

    /// Says which ways changed, and those to peers of which nothing was said since they were gone.
    fn reroute(&self, network: NetworkIndex, rerouted: &Rerouted, fresh: &[MemberIx], out: &mut Outbox) {
        let node = |ix: MemberIx| self.members.member(ix).map(|member| member.node);
        let here = |ix: &MemberIx| self.members.member(*ix).is_some_and(|member| member.reachable);
        let mut changes: BTreeMap<_, _> = fresh.iter().map(|ix| (*ix, self.routes.next(*ix))).collect();
        changes.extend(rerouted.changes.iter().copied());
        let changes = changes.into_iter().filter(|(ix, _)| here(ix) && *ix != self.members.me());
        let changes: Vec<_> = changes.filter_map(|(ix, via)| Some((node(ix)?, via.and_then(node)))).collect();
        if !changes.is_empty() {
            out.push(Output::Routes { network, changes });
        }
    }

    /// What a peer that was just reached wants, as far as it is known.
    pub(super) fn say_wants(&self, network: NetworkIndex, ix: MemberIx, out: &mut Outbox) {
        let Some(member) = self.members.member(ix).filter(|member| member.head.version > 0) else { return };
        let neighbour = self.neighbours.get(&member.node);
        let of_another_life =
            neighbour.is_some_and(|neighbour| neighbour.incarnation > member.head.incarnation);
        if of_another_life || member.left {
            return;
        }
        let ops = member.facts().wants().ops().collect();
        out.push(Output::PeerInterest { network, peer: member.node, reset: true, ops });
    }
}
