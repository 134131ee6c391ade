//! The neighbours' gossip: what it brings becomes outputs, and what it breaks cuts the link.

use super::*;
use crate::{
    frame::gossip::Gossip as Frame,
    gossip::{Around, Heard},
    membership::{MemberIx, News},
    record::FactError,
};

/// Who cannot be reached is remembered so long: most come back, and need not be told everything again.
const REMEMBERED: Duration = Duration::from_secs(300);

impl Core {
    /// A neighbour is compared with over this link, from now on.
    pub(super) fn meet(&mut self, now: Now, (index, peer): Peer, link: LinkId, life: Incarnation) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        let mut around =
            Around { now, members: &mut network.members, keys: &*self.keys, archive: self.archive.as_ref() };
        network.gossip.meet(&mut around, peer, life, link);
    }

    pub(super) fn hear(&mut self, now: Now, link: LinkId, frame: Frame, out: &mut Outbox) {
        let Some((index, peer)) = self.links.get(&link).map(|known| known.peer) else { return };
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(neighbour) = network.neighbours.get(&peer) else { return };
        // What comes over another link than the one that is used was sent before the two agreed.
        if neighbour.draining {
            return;
        }
        let mut around =
            Around { now, members: &mut network.members, keys: &*self.keys, archive: self.archive.as_ref() };
        match network.gossip.hear(&mut around, peer, frame) {
            Err(error) => self.fail(now, link, error.to_string(), out),
            Ok(heard) => heard.into_iter().for_each(|heard| self.learn(now, link, heard, out)),
        }
        self.check_ready(index, out);
    }

    fn learn(&mut self, now: Now, link: LinkId, heard: Heard, out: &mut Outbox) {
        let Some((index, peer)) = self.links.get(&link).map(|known| known.peer) else { return };
        match heard {
            Heard::News(ix, news) => self.news(now, index, (ix, news), out),
            Heard::Acked(version) => self.acked(now, link, version, out),
            Heard::Banned(ix, error) => self.banned(now, link, (ix, error), out),
            Heard::Twice(head) => {
                let mine = self.config.incarnation;
                // What an earlier life of this node said goes round for a while.
                if head.incarnation >= mine {
                    let text = format!(
                        "identity used twice: another program signs as this node, since {}, as node {} heard",
                        head.incarnation.0,
                        peer.short()
                    );
                    out.note(Level::Error, text);
                }
            }
            Heard::NoRoom => {
                let Some(network) = self.networks.get_mut(&index) else { return };
                if !std::mem::replace(&mut network.full, true) {
                    let text =
                        format!("more than {} nodes: others are not known here", network.members.places());
                    out.note(Level::Error, text);
                }
            }
        }
    }

    fn news(&mut self, now: Now, index: NetworkIndex, (ix, news): (MemberIx, News), out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(member) = network.members.member(ix) else { return };
        let (peer, life, mut known) = (member.node, member.head.incarnation, member.reachable);
        let left = member.left;
        if known && news.reborn {
            let reason = "it was started again".into();
            network.members.set_reachable(ix, false, now);
            out.push(Output::PeerDown { network: index, peer, reason });
            known = false;
            network.reach_by(now);
        }
        if known && !left && (news.reset || !news.ops.is_empty()) {
            out.push(Output::PeerInterest { network: index, peer, reset: news.reset, ops: news.ops });
        }
        if news.links {
            network.reach_soon(now);
        }
        if known
            && news.described
            && let Some(stated) = network.members.member(ix).and_then(|member| member.facts().description())
        {
            let addrs = stated.addrs.clone();
            self.dialling.readdressed((index, peer), &addrs, now, out);
        }
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(neighbour) = network.neighbours.get_mut(&peer) else { return };
        if neighbour.incarnation < life {
            return self.replace_earlier_life(now, (index, peer), life, out);
        }
        let said = network.own.head().version;
        let paid = neighbour.acked >= Some(said);
        neighbour.settle_debt(now, paid);
    }

    fn banned(&mut self, now: Now, link: LinkId, (ix, error): (MemberIx, FactError), out: &mut Outbox) {
        let Some((index, peer)) = self.links.get(&link).map(|known| known.peer) else { return };
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(member) = network.members.member(ix) else { return };
        let node = member.node;
        if member.reachable {
            out.push(Output::PeerInterest { network: index, peer: node, reset: true, ops: Vec::new() });
        }
        network.reach_soon(now);
        out.note(Level::Warn, format!("node {} is not listened to: it states {error}", node.short()));
        if node == peer {
            self.fail(now, link, error.to_string(), out);
        }
    }

    /// Sends what it is time for. Returns when it is time for the rest.
    pub(super) fn spread(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) -> Option<Now> {
        let network = self.networks.get_mut(&index)?;
        let mut around =
            Around { now, members: &mut network.members, keys: &*self.keys, archive: self.archive.as_ref() };
        network.gossip.flush(&mut around, out)
    }

    /// Every few seconds: is what is known what the neighbours know?
    pub(super) fn compare(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        let next = now.after(self.jitter.around(COMPARE_EVERY));
        out.push(Output::Arm { timer: Timer::Compare(index), at: next });
        let Some(network) = self.networks.get_mut(&index) else { return };
        network.gossip.compare_all();
        if let Some(before) = now.0.checked_sub(REMEMBERED) {
            network.members.forget_unreachable(Now(before));
        }
        self.thin_out(now, index, out);
    }
}
