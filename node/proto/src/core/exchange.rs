//! The exchange of interest with the neighbours: what is sent, what is confirmed, and when a node is ready.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::{
    frame::control::{Control, Interest, interest_frames},
    interest::{InterestOp, RemoteInterest},
    limits::PATTERNS_MAX,
};

/// Changes that are waited for one by one. When there are more the latest are waited for together, which
/// confirms some of them later than could be.
const PENDING_MAX: usize = 4096;

/// Who waits for which confirmations.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    tickets: Vec<u64>,
    /// What has to be confirmed.
    version: u64,
    /// By whom; never empty.
    missing: BTreeSet<NodeId>,
}

impl Tickets {
    fn wait(&mut self, ticket: u64, version: u64, missing: BTreeSet<NodeId>, out: &mut Outbox) {
        if missing.is_empty() {
            return out.push(Output::Confirmed { ticket });
        }
        let mut pending = Pending { tickets: vec![ticket], version, missing };
        if self.pending.len() >= PENDING_MAX
            && let Some(last) = self.pending.pop_back()
        {
            pending.tickets.extend(last.tickets);
            pending.missing.extend(last.missing);
        }
        self.pending.push_back(pending);
    }

    /// The peer has confirmed everything up to this version.
    fn confirmed(&mut self, peer: NodeId, version: u64, out: &mut Outbox) {
        for pending in self.pending.iter_mut().take_while(|pending| pending.version <= version) {
            pending.missing.remove(&peer);
        }
        self.give(out);
    }

    /// Nobody waits for this peer any more.
    pub(super) fn gone(&mut self, peer: NodeId, out: &mut Outbox) {
        for pending in &mut self.pending {
            pending.missing.remove(&peer);
        }
        self.give(out);
    }

    fn give(&mut self, out: &mut Outbox) {
        self.pending.retain(|pending| {
            if !pending.missing.is_empty() {
                return true;
            }
            pending.tickets.iter().for_each(|ticket| out.push(Output::Confirmed { ticket: *ticket }));
            false
        });
    }
}

impl Core {
    pub(super) fn change_interest(
        &mut self,
        now: Now,
        index: NetworkIndex,
        (ops, ticket): (Vec<InterestOp>, Option<u64>),
        out: &mut Outbox,
    ) {
        let Some(network) = self.networks.get_mut(&index) else {
            return out.note(Level::Error, format!("interest in the unknown network {}", index.0));
        };
        let revision = network.announced.apply(ops);
        if revision.refused > 0 {
            let text = format!(
                "{} patterns are not announced: {} at most may answer or begin with a wildcard",
                revision.refused, PATTERNS_MAX
            );
            out.note(Level::Error, text);
        }
        let version = network.announced.version();
        if !revision.ops.is_empty() {
            let frames = interest_frames(version, false, &revision.ops);
            for (peer, neighbour) in network.neighbours.iter_mut().filter(|(_, n)| !n.draining) {
                send_all(neighbour.link, &frames, out);
                neighbour.owe(now, (index, *peer), out);
            }
        }
        let Some(ticket) = ticket else { return };
        let behind = network.neighbours.iter().filter(|(_, n)| !n.draining && n.acked < Some(version));
        let missing = behind.map(|(peer, _)| *peer).collect();
        network.tickets.wait(ticket, version, missing, out);
    }

    /// The first thing a neighbour hears on the link that is used. Its end may have lost sight of this
    /// node before, and all it knew with it: it has to confirm again.
    pub(super) fn send_whole_interest(&mut self, now: Now, peer: Peer, link: LinkId, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&peer.0) else { return };
        let ops: Vec<InterestOp> = network.announced.wants().ops().collect();
        send_all(link, &interest_frames(network.announced.version(), true, &ops), out);
        if let Some(neighbour) = network.neighbours.get_mut(&peer.1) {
            (neighbour.acked, neighbour.owing) = (None, None);
            neighbour.owe(now, peer, out);
        }
    }

    /// Cuts a neighbour that owes something for too long.
    pub(super) fn check_exchange(&mut self, now: Now, peer: Peer, out: &mut Outbox) {
        let Some(neighbour) = self.neighbour(peer).filter(|neighbour| !neighbour.draining) else { return };
        let Some(due) = neighbour.owing.map(|since| since.after(EXCHANGE_LIMIT)) else { return };
        if due > now {
            return out.push(Output::Arm { timer: Timer::Exchange(peer.0, peer.1), at: due });
        }
        let what = match neighbour.interest.version() {
            None => "no interest",
            Some(_) => "interest is not confirmed",
        };
        let what = format!("{what} within {} s", EXCHANGE_LIMIT.as_secs());
        self.fail(now, neighbour.link, what, out);
    }

    pub(super) fn interest_came(&mut self, now: Now, link: LinkId, part: Interest, out: &mut Outbox) {
        let Some(known) = self.links.get_mut(&link) else { return };
        let peer = known.peer;
        let change = match known.assembly.take(part) {
            Ok(Some(change)) => change,
            Ok(None) => return,
            Err(error) => return self.fail(now, link, error.to_string(), out),
        };
        let version = change.version;
        let Some(network) = self.networks.get_mut(&peer.0) else { return };
        let Some(neighbour) = network.neighbours.get_mut(&peer.1) else { return };
        match neighbour.interest.apply(change) {
            Err(error) => return self.fail(now, link, error.to_string(), out),
            Ok(Some(change)) if change.reset || !change.ops.is_empty() => {
                let (network, peer) = peer;
                out.push(Output::PeerInterest { network, peer, reset: change.reset, ops: change.ops });
            }
            Ok(_) => {}
        }
        neighbour.settle_debt(now, network.announced.version());
        out.push(Output::Send { link, frame: Control::InterestAck { version }.encode() });
        self.check_ready(peer.0, out);
    }

    pub(super) fn ack_came(&mut self, now: Now, link: LinkId, version: u64, out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else { return };
        let (index, peer) = known.peer;
        let Some(network) = self.networks.get_mut(&index) else { return };
        let Some(neighbour) = network.neighbours.get_mut(&peer) else { return };
        if version > network.announced.version() {
            let what = format!("interest version {version} is confirmed and was never sent");
            return self.fail(now, link, what, out);
        }
        neighbour.acked = neighbour.acked.max(Some(version));
        neighbour.settle_debt(now, network.announced.version());
        network.tickets.confirmed(peer, version, out);
    }

    /// The peer leaves: it wants nothing any more, and stays a neighbour until what is queued is out.
    pub(super) fn withdrawn(&mut self, (network, peer): Peer, link: LinkId, out: &mut Outbox) {
        let neighbour = self.neighbour_mut((network, peer)).filter(|neighbour| neighbour.link == link);
        let Some(neighbour) = neighbour else { return };
        neighbour.draining = true;
        neighbour.interest = RemoteInterest::new();
        out.push(Output::PeerInterest { network, peer, reset: true, ops: Vec::new() });
        if let Some(known) = self.networks.get_mut(&network) {
            known.tickets.gone(peer, out);
        }
    }

    pub(super) fn check_all_ready(&mut self, out: &mut Outbox) {
        let indices: Vec<NetworkIndex> = self.networks.keys().copied().collect();
        for index in indices {
            self.check_ready(index, out);
        }
    }

    /// Says that a network is ready once every neighbour has said what it wants, and everybody who was
    /// found has been tried once or [`ALONE_AFTER`] has passed.
    pub(super) fn check_ready(&mut self, index: NetworkIndex, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index).filter(|network| !network.ready) else { return };
        let greeting = self.links.values().any(|l| l.peer.0 == index && matches!(l.state, State::Fresh));
        let informed = network.neighbours.values().all(|n| n.draining || n.interest.version().is_some());
        let tried = !network.neighbours.is_empty() && self.dialling.is_settled(index);
        if !greeting && informed && (network.waited || tried) {
            network.ready = true;
            out.push(Output::Ready { network: index });
        }
    }
}

impl Neighbour {
    /// It has to confirm something from now on, or sooner.
    fn owe(&mut self, now: Now, (network, peer): Peer, out: &mut Outbox) {
        if self.owing.is_none() {
            self.owing = Some(now);
            out.push(Output::Arm { timer: Timer::Exchange(network, peer), at: now.after(EXCHANGE_LIMIT) });
        }
    }

    /// It said or confirmed something: nothing is due any more, or the rest from now on.
    fn settle_debt(&mut self, now: Now, version: u64) {
        let paid = self.interest.version().is_some() && self.acked >= Some(version);
        self.owing = (!paid).then_some(now);
    }
}

fn send_all(link: LinkId, frames: &[bytes::Bytes], out: &mut Outbox) {
    for frame in frames {
        out.push(Output::Send { link, frame: frame.clone() });
    }
}
