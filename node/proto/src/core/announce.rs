//! What this node states, who has confirmed it, and when a node is ready.

use std::collections::VecDeque;

use super::*;
use crate::{interest::InterestOp, limits::PATTERNS_MAX, record::Change};

/// What is wanted is stated at once, but not more often than this.
const WISH_PAUSE: Duration = Duration::from_millis(10);
/// Changes of links wait for others this long.
const LINK_DELAY: Duration = Duration::from_millis(50);

/// And until this long after those before them.
const LINK_PAUSE: Duration = Duration::from_millis(300);
/// New links wait twice as long each time: who has just started has many, one after the other, and everybody is told of
/// each. Those that are gone do not: others would send that way.
const LINK_PAUSE_MAX: Duration = Duration::from_millis(1200);
/// After a time without any the pause is short again.
const LINK_CALM: Duration = Duration::from_secs(5);

/// Changes that are waited for one by one. When there are more the latest are waited for together, which
/// confirms some of them later than could be.
const PENDING_MAX: usize = 4096;

/// Who waits for which confirmations.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// What they are about was not stated yet.
    unsaid: Vec<u64>,
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
        revision.ops.into_iter().for_each(|op| network.own.note(Change::Interest(op)));
        if let Some(ticket) = ticket {
            network.tickets.unsaid.push(ticket);
        }
        network.say_by(network.said.map_or(now, |said| said.after(WISH_PAUSE)));
    }

    /// This node is somewhere else: others hear of it soon.
    pub(super) fn readdress(&mut self, now: Now, addrs: Vec<SocketAddr>) {
        if std::mem::replace(&mut self.config.addrs, addrs) == self.config.addrs {
            return;
        }
        for network in self.networks.values_mut() {
            network.own.note(self.config.description());
            network.say_by(now.after(LINK_DELAY));
        }
    }

    /// A neighbour came or went: others hear of it soon.
    pub(super) fn change_link(&mut self, now: Now, (index, peer): Peer, linked: bool) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        network.own.note(if linked { Change::Link(peer) } else { Change::Unlink(peer) });
        network.links_wait = true;
        let pause = if linked { network.links_pause } else { LINK_PAUSE };
        let next = network.links_said.map_or(now, |said| said.after(pause));
        // Who has said nothing yet is waited for.
        let next = if network.own.head().version == 0 { now } else { now.after(LINK_DELAY).max(next) };
        network.say_by(next);
    }

    /// States what is to be stated by now.
    pub(super) fn say(&mut self, now: Now, index: NetworkIndex, out: &mut Outbox) {
        let Some(network) = self.networks.get_mut(&index) else { return };
        if network.say_at.is_none_or(|at| at > now) {
            return;
        }
        (network.say_at, network.said) = (None, Some(now));
        // Before the first neighbour nobody hears it: what is wanted and that link go into one statement.
        if network.own.head().version == 0 && network.neighbours.is_empty() {
            let unsaid = std::mem::take(&mut network.tickets.unsaid);
            return unsaid.into_iter().for_each(|ticket| out.push(Output::Confirmed { ticket }));
        }
        if std::mem::take(&mut network.links_wait) {
            let calm = network.links_said.is_none_or(|said| said.after(LINK_CALM) < now);
            let pause = network.links_pause.saturating_mul(2).min(LINK_PAUSE_MAX);
            network.links_pause = if calm { LINK_PAUSE } else { pause };
            network.links_said = Some(now);
        }
        for statement in network.own.say(&*self.keys) {
            // This node's own facts are within what anybody may state: who adds to them sees to that.
            let _ = network.members.take(&statement, now);
            network.gossip.say(&network.members, &statement, now);
        }
        let version = network.own.head().version;
        let mut behind = BTreeSet::new();
        for (peer, neighbour) in network.neighbours.iter_mut().filter(|(_, n)| !n.draining) {
            if neighbour.acked < Some(version) {
                neighbour.owe(now, (index, *peer), out);
                behind.insert(*peer);
            }
        }
        for ticket in std::mem::take(&mut network.tickets.unsaid) {
            network.tickets.wait(ticket, version, behind.clone(), out);
        }
    }

    /// Cuts a neighbour that owes something for too long.
    pub(super) fn check_exchange(&mut self, now: Now, peer: Peer, out: &mut Outbox) {
        let Some(neighbour) = self.neighbour(peer).filter(|neighbour| !neighbour.draining) else { return };
        let Some(due) = neighbour.owing.map(|since| since.after(EXCHANGE_LIMIT)) else { return };
        if due > now {
            return out.push(Output::Arm { timer: Timer::Exchange(peer.0, peer.1), at: due });
        }
        let what = match self.is_informed(peer) {
            false => "it states nothing of itself",
            true => "it does not confirm what it is told",
        };
        let (link, what) = (neighbour.link, format!("{what} within {} s", EXCHANGE_LIMIT.as_secs()));
        self.fail(now, link, what, out);
    }

    pub(super) fn acked(&mut self, now: Now, link: LinkId, version: u64, out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else { return };
        let (index, peer) = known.peer;
        let informed = self.is_informed(known.peer);
        let Some(network) = self.networks.get_mut(&index) else { return };
        let said = network.own.head().version;
        if version > said {
            let what = format!("statement {version} is confirmed and was never made");
            return self.fail(now, link, what, out);
        }
        let Some(neighbour) = network.neighbours.get_mut(&peer) else { return };
        neighbour.acked = neighbour.acked.max(Some(version));
        neighbour.settle_debt(now, informed && neighbour.acked >= Some(said));
        network.tickets.confirmed(peer, version, out);
    }

    /// Whether a neighbour's own statements, of the life that was greeted, are known.
    pub(super) fn is_informed(&self, (index, peer): Peer) -> bool {
        let Some(network) = self.networks.get(&index) else { return false };
        let known = network.members.of(peer).map(|member| member.head).unwrap_or_default();
        let life = network.neighbours.get(&peer).map(|neighbour| neighbour.incarnation);
        known.version > 0 && life.is_some_and(|life| known.incarnation >= life)
    }

    pub(super) fn check_all_ready(&mut self, out: &mut Outbox) {
        let indices: Vec<NetworkIndex> = self.networks.keys().copied().collect();
        for index in indices {
            self.check_ready(index, out);
        }
    }

    /// Says that a network is ready once what every neighbour knows was compared, and everybody who was found has
    /// been tried once or [`ALONE_AFTER`] has passed.
    pub(super) fn check_ready(&mut self, index: NetworkIndex, out: &mut Outbox) {
        let Some(network) = self.networks.get(&index).filter(|network| !network.ready) else { return };
        let greeting = || self.links.values().any(|l| l.peer.0 == index && matches!(l.state, State::Fresh));
        let informed = |(peer, neighbour): (&NodeId, &Neighbour)| {
            neighbour.draining || (network.gossip.is_synced(*peer) && self.is_informed((index, *peer)))
        };
        let informed = || network.neighbours.iter().all(informed);
        let tried = || !network.neighbours.is_empty() && self.dialling.is_settled(index);
        // Asked at every frame until it is so: what is mostly missing for the longest time comes first.
        if informed() && (network.waited || tried()) && !greeting() {
            if let Some(network) = self.networks.get_mut(&index) {
                network.ready = true;
            }
            out.push(Output::Ready { network: index });
        }
    }
}

impl Network {
    /// What is pending is stated at this time, or earlier.
    fn say_by(&mut self, by: Now) {
        self.say_at = Some(self.say_at.map_or(by, |at| at.min(by)));
    }
}

impl Neighbour {
    /// It has to confirm something from now on, or sooner.
    pub(super) fn owe(&mut self, now: Now, (network, peer): Peer, out: &mut Outbox) {
        if self.owing.is_none() {
            self.owing = Some(now);
            out.push(Output::Arm { timer: Timer::Exchange(network, peer), at: now.after(EXCHANGE_LIMIT) });
        }
    }

    /// It stated or confirmed something: nothing is due any more, or the rest from now on.
    pub(super) fn settle_debt(&mut self, now: Now, paid: bool) {
        self.owing = (!paid).then_some(now);
    }
}
