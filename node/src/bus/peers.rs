//! The peers' side of the route table, as the control plane tells it: who can be reached, over a link or through
//! others, and what each wants.

use std::{collections::BTreeSet, sync::Arc};

use hive_proto::{
    channel::NetworkIndex,
    id::NodeId,
    interest::InterestOp,
    plane::{
        account::{DropReason, LinkCounts},
        relay::LineCounts,
        table::Side,
    },
};

use super::{
    Bus,
    outbox::{Leftover, Outbox},
    presence::Presence,
    relay::Port,
    routes::{Peer, Remote},
};

impl Bus {
    /// A node can be reached, or begins a new life: it wants nothing yet.
    pub fn peer_up(&self, network: NetworkIndex, node: NodeId, name: &str) {
        self.0.routes.change(|registry| {
            registry.clear_wants(network, node);
            let remote = Arc::new(Remote { node, network, name: name.into() });
            registry.change_peer(network, node, |entry| entry.reachable = Some(remote));
        });
        self.0.relaying(network, |relay, _| relay.begins_anew(&node));
        self.0.tell_presence(Presence::Joined, network, node, name);
        // What an earlier life had died with it.
        self.0.groups.lost(&self.0, node);
    }

    /// A peer cannot be reached any more: what it wanted goes with it, and calls to it end.
    pub fn peer_down(&self, network: NetworkIndex, node: NodeId) {
        let remote = self.0.routes.change(|registry| {
            registry.clear_wants(network, node);
            registry.change_peer(network, node, |entry| entry.reachable.take())
        });
        self.0.relaying(network, |relay, at| {
            relay.route(at, &[(node, None)]);
            relay.regroup();
        });
        self.0.groups.lost(&self.0, node);
        if let Some(remote) = remote {
            self.0.calls.peer_lost(network, node, &remote.name);
            self.0.tell_presence(Presence::Left, network, node, &remote.name);
        }
    }

    /// There is a link to a node: what is published for it goes into the outbox from now on. Returns how many
    /// patterns it wants, too.
    #[must_use]
    pub fn neighbour_up(&self, network: NetworkIndex, node: NodeId, name: &str) -> (Arc<Outbox>, usize) {
        self.neighbour_down(network, node);
        let port = Port::new(Arc::downgrade(&self.0), network, node);
        let outbox = Arc::new(Outbox::with(self.0.budget.share(), Some(port)));
        self.0.relay_over(network, node, &outbox);
        let peer = Arc::new(Peer { node, network, name: name.into(), outbox: Arc::clone(&outbox) });
        let patterns = self.0.routes.change(|registry| {
            registry.change_peer(network, node, |entry| {
                entry.neighbour = Some(peer);
                entry.patterns()
            })
        });
        self.0.relaying(network, |relay, _| relay.regroup());
        self.0.begin_comparing(network, &outbox);
        (outbox, patterns)
    }

    /// There is no link to a node any more. What was queued for it goes another way if there is one, else it is lost
    /// and counted; so is what was sent and not confirmed, and calls that were among it end.
    pub fn neighbour_down(&self, network: NetworkIndex, node: NodeId) {
        let lost = self.0.routes.change(|registry| {
            let known = registry.peers.contains_key(&(network, node));
            known.then(|| {
                registry
                    .change_peer(network, node, |entry| (entry.neighbour.take(), entry.reachable.is_some()))
            })
        });
        let Some((Some(peer), reachable)) = lost else { return };
        self.0.relay_around(network, node);
        self.0.relaying(network, |relay, _| relay.regroup());
        let leftover = peer.outbox.close();
        self.0.account.dropped(DropReason::LostLink, leftover.unconfirmed);
        let kept = if reachable { self.0.redirect(network, node, &leftover) } else { self.lose(&leftover) };
        self.0.calls.link_lost(network, node, &peer.name, &kept.into_iter().collect::<BTreeSet<_>>());
        // What was on the way to a member there or back may be among what was lost.
        self.0.groups.lost(&self.0, node);
    }

    /// What became of what was sent to a neighbour: of its own events, and of what is passed on over it. None when it is
    /// no neighbour.
    #[must_use]
    pub fn link_counts(&self, network: NetworkIndex, node: NodeId) -> Option<(LinkCounts, LineCounts)> {
        let outbox = self.0.routes.outbox(network, node)?;
        let line = self.0.relaying(network, |relay, _| relay.counts(&node)).flatten();
        Some((outbox.counts(), line.unwrap_or_default()))
    }

    fn lose(&self, leftover: &Leftover) -> Vec<u64> {
        self.0.account.dropped(DropReason::LostLink, leftover.events());
        Vec::new()
    }

    /// A peer's interest changed; with `reset` it starts from nothing. Returns how many patterns it wants
    /// now.
    pub fn peer_interest(
        &self,
        network: NetworkIndex,
        node: NodeId,
        reset: bool,
        ops: &[InterestOp],
    ) -> usize {
        let wants = self.0.routes.change(|registry| {
            if reset {
                registry.clear_wants(network, node);
            }
            let Some(entry) = registry.peers.get_mut(&(network, node)) else { return 0 };
            for op in ops {
                match op {
                    InterestOp::Add(wanted) => {
                        entry.wants.insert(wanted.pattern.clone(), wanted.answers);
                        let (pattern, answers) = (&wanted.pattern, wanted.answers);
                        registry.table.add(Side::Peer, network, pattern, entry.holder, answers);
                    }
                    InterestOp::Remove(pattern) => {
                        entry.wants.remove(pattern);
                        registry.table.remove(Side::Peer, network, pattern, entry.holder);
                    }
                    InterestOp::Join(joined) => {
                        entry.joined.insert((joined.group.clone(), joined.pattern.clone()));
                        registry.table.join(Side::Peer, network, joined, entry.holder);
                    }
                    InterestOp::Leave(group, pattern) => {
                        entry.joined.remove(&(group.clone(), pattern.clone()));
                        registry.table.leave(Side::Peer, network, (group, pattern), entry.holder);
                    }
                    InterestOp::Block(block) => registry.table.set_block(network, entry.holder, block),
                }
            }
            entry.patterns()
        });
        self.0.relaying(network, |relay, _| relay.regroup());
        if ops.iter().any(|op| matches!(op, InterestOp::Join(_))) {
            self.0.groups.hurry(&self.0);
        }
        wants
    }
}
