//! The exchange of interest with the neighbours: what is sent, what is confirmed, and when a node is ready.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::{
    frame::control::{Control, Interest, interest_frames},
    interest::{InterestOp, RemoteInterest},
    limits::PATTERNS_MAX,
};

/// Tickets that wait at once. When there are more the oldest are dropped unconfirmed: whoever asked has
/// stopped waiting long before that.
const TICKETS_MAX: usize = 4096;

/// Who waits for which confirmations.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    ticket: u64,
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
        if self.pending.len() >= TICKETS_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back(Pending { ticket, version, missing });
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
            if pending.missing.is_empty() {
                out.push(Output::Confirmed { ticket: pending.ticket });
            }
            !pending.missing.is_empty()
        });
    }
}

impl Core {
    pub(super) fn change_interest(
        &mut self,
        index: NetworkIndex,
        ops: Vec<InterestOp>,
        ticket: Option<u64>,
        out: &mut Outbox,
    ) {
        let Some(network) = self.networks.get_mut(&index) else {
            return out.note(Level::Error, format!("interest in the unknown network {}", index.0));
        };
        let revision = network.announced.apply(ops);
        if revision.refused > 0 {
            let text = format!(
                "{} patterns are not announced: a node announces {} at most",
                revision.refused, PATTERNS_MAX
            );
            out.note(Level::Error, text);
        }
        let version = network.announced.version();
        if !revision.ops.is_empty() {
            let frames = interest_frames(version, false, &revision.ops);
            for neighbour in network.neighbours.values().filter(|neighbour| !neighbour.draining) {
                send_all(neighbour.link, &frames, out);
            }
        }
        let Some(ticket) = ticket else { return };
        let behind = network.neighbours.iter().filter(|(_, n)| !n.draining && n.acked < Some(version));
        let missing = behind.map(|(peer, _)| *peer).collect();
        network.tickets.wait(ticket, version, missing, out);
    }

    /// The first thing a neighbour hears on the link that is used.
    pub(super) fn send_whole_interest(&mut self, network: NetworkIndex, link: LinkId, out: &mut Outbox) {
        let Some(network) = self.networks.get(&network) else { return };
        let ops: Vec<InterestOp> = network.announced.wanted().map(InterestOp::Add).collect();
        send_all(link, &interest_frames(network.announced.version(), true, &ops), out);
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
        let Some(neighbour) = self.neighbour_mut(peer) else { return };
        match neighbour.interest.apply(change) {
            Err(error) => return self.fail(now, link, error.to_string(), out),
            Ok(Some(change)) if change.reset || !change.ops.is_empty() => {
                let (network, peer) = peer;
                out.push(Output::PeerInterest { network, peer, reset: change.reset, ops: change.ops });
            }
            Ok(_) => {}
        }
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

fn send_all(link: LinkId, frames: &[bytes::Bytes], out: &mut Outbox) {
    for frame in frames {
        out.push(Output::Send { link, frame: frame.clone() });
    }
}
