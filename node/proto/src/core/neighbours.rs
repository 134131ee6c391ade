//! Neighbours: the peers that were greeted, and which of their links is used.
//!
//! Both ends choose by what both know, so that they agree without asking: the life that is later, then the
//! link the peer did not dismiss, then the one dialled by the smaller node id, then the later dial.

use super::*;
use crate::{frame::control::Greeting, interest::RemoteInterest};

use super::links::Greeted;

/// A peer between its `PeerUp` and its `PeerDown`.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// The link that is used.
    pub(super) link: LinkId,
    /// Which life of it was greeted.
    pub(super) incarnation: Incarnation,
    /// What it wants.
    pub(super) interest: RemoteInterest,
    /// The last version of this node's interest that it confirmed.
    pub(super) acked: Option<u64>,
    /// Since when it has to say what it wants, or to confirm what it was told; none when neither is due.
    pub(super) owing: Option<Now>,
    /// One of the two leaves: it stays until its last link is down, so that what is queued arrives.
    pub(super) draining: bool,
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
        known.state = State::Greeted(Greeted { incarnation, name: greeting.name, dial });
        let other_life = self.neighbour(peer).map(|n| n.incarnation).filter(|i| *i != incarnation);
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

    fn replace_earlier_life(&mut self, now: Now, peer: Peer, incarnation: Incarnation, out: &mut Outbox) {
        self.peer_down(peer, "it was started again", out);
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
            None => self.peer_down(peer, why, out),
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
            None => self.peer_up(now, peer, best, out),
            Some(used) if used != best => self.peer_moved(now, peer, best, out),
            Some(_) => {}
        }
        let others = self.links_of(peer).filter(|(id, link)| *id != best && link.greeted().is_some());
        let others: Vec<LinkId> = others.map(|(id, _)| id).collect();
        for link in others {
            self.close(now, link, CloseReason::Duplicate, out);
        }
    }

    fn peer_up(&mut self, now: Now, (network, peer): Peer, link: LinkId, out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else { return };
        let Some(Greeted { incarnation, name, .. }) = known.greeted().cloned() else { return };
        let addr = known.addr;
        let interest = RemoteInterest::new();
        let neighbour = Neighbour { link, incarnation, interest, acked: None, owing: None, draining: false };
        if let Some(known) = self.networks.get_mut(&network) {
            known.neighbours.insert(peer, neighbour);
        }
        out.push(Output::PeerUp { network, peer, link, name, incarnation, addr });
        self.send_whole_interest(now, (network, peer), link, out);
    }

    fn peer_moved(&mut self, now: Now, (network, peer): Peer, link: LinkId, out: &mut Outbox) {
        let Some(addr) = self.links.get(&link).map(|known| known.addr) else { return };
        if let Some(neighbour) = self.neighbour_mut((network, peer)) {
            neighbour.link = link;
            neighbour.draining = false;
        }
        out.push(Output::PeerMoved { network, peer, link, addr });
        self.send_whole_interest(now, (network, peer), link, out);
    }

    pub(super) fn peer_down(&mut self, peer: Peer, why: &str, out: &mut Outbox) {
        let (index, peer) = peer;
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(neighbour) = network.neighbours.remove(&peer) else { return };
        let reason = if neighbour.draining { "leaving".into() } else { why.into() };
        out.push(Output::PeerDown { network: index, peer, reason });
        network.tickets.gone(peer, out);
        self.check_ready(index, out);
    }
}
