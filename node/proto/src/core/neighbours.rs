//! Neighbours: the peers that were greeted, and which of their links is used.
//!
//! Both ends choose by what both know, so that they agree without asking: the life that is later, then the
//! link the peer did not dismiss, then the one dialled by the smaller node id, then the later dial.

use super::*;
use crate::{frame::control::Greeting, limits::MEMBERS_MAX, trace::Allowances};

/// A peer between its `PeerUp` and its `PeerDown`.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// The link that is used.
    pub(super) link: LinkId,
    /// Which life of it was greeted.
    pub(super) incarnation: Incarnation,
    /// The name it greeted with.
    pub(super) name: String,
    /// The last statement of this node that it confirmed.
    pub(super) acked: Option<u64>,
    /// Since when it has to state something, or to confirm what it was told; none when neither is due.
    pub(super) owing: Option<Now>,
    /// One of the two leaves: it stays until its last link is down, so that what is queued arrives.
    pub(super) draining: bool,
    /// What it may still send of traces.
    pub(super) allowances: Allowances,
}

/// The greater, the better.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    not_dismissed: bool,
    dialled_by_smaller: bool,
    dial: u64,
    /// Never decides between two links of an honest peer.
    link: LinkId,
}

impl Core {
    /// The peer's greeting came: the link can be used.
    pub(super) fn greeted(&mut self, now: Now, link: LinkId, greeting: Greeting, out: &mut Outbox) {
        let Some(known) = self.links.get_mut(&link) else { return };
        let dial = match known.dialled {
            None if greeting.dial == 0 => {
                return self.fail(now, link, "a dialler's greeting without its number".into(), out);
            }
            None => greeting.dial,
            Some(_) if greeting.dial != 0 => {
                return self.fail(now, link, "a listener's greeting with a dialler's number".into(), out);
            }
            Some(attempt) => attempt.0,
        };
        let peer = known.peer;
        let incarnation = greeting.incarnation;
        let Greeting { name, features, .. } = greeting;
        known.state = State::Greeted(Greeted { incarnation, name, features, dial });
        let stated = self.networks.get(&peer.0).and_then(|network| network.members.of(peer.1));
        let stated = stated.map(|member| member.head.incarnation).filter(|stated| *stated > incarnation);
        let other_life = self.neighbour(peer).map(|n| n.incarnation).filter(|i| *i != incarnation);
        let other_life = other_life.max(stated);
        match other_life {
            Some(later) if later > incarnation => self.refuse_earlier_life(now, link, out),
            Some(_) => self.replace_earlier_life(now, peer, incarnation, out),
            None => self.settle(now, peer, "", out),
        }
    }

    fn refuse_earlier_life(&mut self, now: Now, link: LinkId, out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else { return };
        let (peer, addr) = (known.peer, known.addr);
        let current = self.neighbour(peer).and_then(|n| self.links.get(&n.link));
        if let Some(current) = current {
            let text =
                format!("identity used twice: node {} at {} and at {addr}", peer.1.short(), current.addr);
            out.note(Level::Error, text);
        }
        self.close(now, link, CloseReason::Superseded, out);
    }

    pub(super) fn replace_earlier_life(
        &mut self,
        now: Now,
        peer: Peer,
        incarnation: Incarnation,
        out: &mut Outbox,
    ) {
        self.neighbour_down(now, peer, "it was started again", out);
        let earlier = |link: &Link| link.greeted().is_some_and(|greeted| greeted.incarnation < incarnation);
        let links: Vec<LinkId> = self.links_of(peer).filter(|(_, l)| earlier(l)).map(|(id, _)| id).collect();
        for link in &links {
            // All are out of the choice before the first is closed, so that none comes back by it.
            if let Some(known) = self.links.get_mut(link) {
                known.state = State::Closing;
            }
        }
        for link in links {
            self.close(now, link, CloseReason::Superseded, out);
        }
        self.settle(now, peer, "", out);
    }

    /// Brings a peer up to date after any of its links changed: which link is used, or that none is left.
    /// `why` is said when the neighbour is gone by it.
    pub(super) fn settle(&mut self, now: Now, peer: Peer, why: &str, out: &mut Outbox) {
        let best = self.links_of(peer).filter_map(|(id, link)| self.rank(id, link)).max();
        match best.map(|rank| rank.link) {
            Some(best) => self.use_link(now, peer, best, out),
            None if self.is_draining(peer) => {}
            None => self.neighbour_down(now, peer, why, out),
        }
        if !self.links_of(peer).any(|(_, link)| link.is_open()) {
            self.dialling.unlinked(peer, now, out);
        }
    }

    fn links_of(&self, peer: Peer) -> impl Iterator<Item = (LinkId, &Link)> {
        let all = self.links.iter().map(|(id, link)| (*id, link));
        all.filter(move |(_, link)| link.peer == peer)
    }

    fn rank(&self, link: LinkId, known: &Link) -> Option<Rank> {
        let greeted = known.greeted()?;
        let dialler = if known.dialled.is_some() { self.config.node } else { known.peer.1 };
        Some(Rank {
            not_dismissed: matches!(known.state, State::Greeted(_)),
            dialled_by_smaller: dialler == self.config.node.min(known.peer.1),
            dial: greeted.dial,
            link,
        })
    }

    /// Whether the peer is a neighbour whose last link is still being emptied.
    fn is_draining(&self, peer: Peer) -> bool {
        let neighbour = self.neighbour(peer).filter(|neighbour| neighbour.draining);
        neighbour.is_some_and(|neighbour| self.links.contains_key(&neighbour.link))
    }

    fn use_link(&mut self, now: Now, peer: Peer, best: LinkId, out: &mut Outbox) {
        let used = self.neighbour(peer).map(|neighbour| neighbour.link);
        match used {
            None => self.neighbour_up(now, peer, best, out),
            Some(used) if used != best => self.neighbour_moved(now, peer, best, out),
            Some(_) => {}
        }
        let others = self.links_of(peer).filter(|(id, link)| *id != best && link.greeted().is_some());
        let others: Vec<LinkId> = others.map(|(id, _)| id).collect();
        for link in others {
            self.close(now, link, CloseReason::Duplicate, out);
        }
    }

    fn neighbour_up(&mut self, now: Now, (index, peer): Peer, link: LinkId, out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else { return };
        let Some(Greeted { incarnation, name, .. }) = known.greeted().cloned() else { return };
        let addr = known.addr;
        let Some(network) = self.networks.get_mut(&index) else { return };
        if network.members.place(peer, now).is_none() {
            let what = format!("this node knows {MEMBERS_MAX} others and has no room for more");
            return self.fail(now, link, what, out);
        }
        network.supersede(now, (index, peer), incarnation, out);
        let mut neighbour = Neighbour {
            link,
            incarnation,
            name: name.clone(),
            acked: None,
            owing: None,
            draining: false,
            allowances: Allowances::new(now),
        };
        neighbour.owe(now, (index, peer), out);
        network.neighbours.insert(peer, neighbour);
        out.push(Output::NeighbourUp { network: index, peer, link, name, incarnation, addr });
        self.change_link(now, (index, peer), true);
        self.say(now, index, out);
        self.meet(now, (index, peer), link, incarnation);
        self.reach_neighbour(now, (index, peer), out);
        self.make_room(now, index, out);
    }

    fn neighbour_moved(&mut self, now: Now, (network, peer): Peer, link: LinkId, out: &mut Outbox) {
        let Some(addr) = self.links.get(&link).map(|known| known.addr) else { return };
        let Some(neighbour) = self.neighbour_mut((network, peer)) else { return };
        neighbour.link = link;
        let returns = std::mem::take(&mut neighbour.draining);
        let incarnation = neighbour.incarnation;
        out.push(Output::NeighbourMoved { network, peer, link, addr });
        self.meet(now, (network, peer), link, incarnation);
        if returns {
            self.returned(now, (network, peer), out);
        }
    }

    /// A peer that was leaving is there again, over another link.
    fn returned(&mut self, now: Now, peer: Peer, out: &mut Outbox) {
        self.change_link(now, peer, true);
        self.reach_now(now, peer.0, out);
        let Some(network) = self.networks.get_mut(&peer.0) else { return };
        if let Some(ix) = network.members.find(peer.1) {
            network.members.set_left(ix, false);
            network.say_wants(peer.0, ix, out);
        }
    }

    pub(super) fn neighbour_down(&mut self, now: Now, (index, peer): Peer, why: &str, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(neighbour) = network.neighbours.remove(&peer) else { return };
        let reason: String = if neighbour.draining { "leaving".into() } else { why.into() };
        network.gossip.part(peer);
        network.tickets.gone(peer, out);
        network.gone.insert(peer, reason.clone());
        out.push(Output::NeighbourDown { network: index, peer, reason });
        if !neighbour.draining {
            self.change_link(now, (index, peer), false);
        }
        self.reach_now(now, index, out);
        self.check_ready(index, out);
    }

    /// The peer leaves: it wants nothing any more and leads nowhere, and stays a neighbour until what is queued is
    /// out.
    pub(super) fn withdrawn(&mut self, now: Now, (index, peer): Peer, link: LinkId, out: &mut Outbox) {
        let neighbour = self.neighbour_mut((index, peer)).filter(|neighbour| neighbour.link == link);
        let Some(neighbour) = neighbour.filter(|neighbour| !neighbour.draining) else { return };
        neighbour.draining = true;
        out.push(Output::PeerInterest { network: index, peer, reset: true, ops: Vec::new() });
        if let Some(network) = self.networks.get_mut(&index) {
            network.tickets.gone(peer, out);
            if let Some(ix) = network.members.find(peer) {
                network.members.set_left(ix, true);
            }
        }
        self.change_link(now, (index, peer), false);
        self.reach_now(now, index, out);
    }
}

impl Network {
    /// What an earlier life of a node stated is void.
    fn supersede(&mut self, now: Now, (network, peer): Peer, life: Incarnation, out: &mut Outbox) {
        let Some((ix, member)) = self.members.find(peer).and_then(|ix| Some((ix, self.members.member(ix)?)))
        else {
            return;
        };
        if member.head.incarnation >= life {
            return;
        }
        if member.reachable {
            self.members.set_reachable(ix, false, now);
            out.push(Output::PeerDown { network, peer, reason: "it was started again".into() });
        }
        self.members.begin_life(ix, life);
    }
}
