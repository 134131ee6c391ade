//! The route table behind an atomic pointer, who may change it, and the interest that follows from it.
//! Readers take a snapshot; writers hold the registry's lock and publish the next table.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};
use hive_proto::{
    channel::{Channel, NetworkIndex, Scope},
    group::GroupName,
    id::NodeId,
    interest::{InterestOp, Joined, LocalInterest, Refusal},
    pattern::Pattern,
    plane::table::{HolderId, RouteTable, Side},
};
use tokio::sync::{Notify, watch};

use super::{outbox::Outbox, queue::Queue, relay::Audience, subscribe::Wanted};

/// Where a holder's events go.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// Into a local consumer's queue.
    Local(Arc<Queue>),
    /// Into a neighbour's outgoing batches.
    Peer(Arc<Peer>),
    /// To a peer beyond the neighbours; publishers gather those of a channel in an audience.
    Remote(Arc<Remote>),
    /// Into the outgoing batches of several peers beyond the neighbours. Never in the table.
    Audience(Arc<Audience>),
}

/// A peer that can be reached through others.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) node: NodeId,
    pub(super) network: NetworkIndex,
    pub(super) name: String,
}

/// A neighbour as a consumer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) node: NodeId,
    pub(super) network: NetworkIndex,
    pub(super) name: String,
    pub(super) outbox: Arc<Outbox>,
}

/// A change of what this node wants, for the control plane to announce.
#[derive(Debug)]
pub struct InterestChange {
    /// The network it is for.
    pub network: NetworkIndex,
    /// What changed, in order.
    pub ops: Vec<InterestOp>,
    /// To be given back to `Bus::confirmed` once every neighbour has acknowledged it.
    pub ticket: u64,
}

#[derive(Debug)]
pub(super) struct Routes {
    /// Moves with every published table; what is cached under an older number is stale.
    generation: AtomicU64,
    table: ArcSwap<RouteTable<Target>>,
    /// Held while a table is changed, never across a wait.
    registry: Mutex<Registry>,
    /// Told when there is interest to announce.
    changed: Notify,
    /// The newest ticket that every neighbour acknowledged.
    confirmed: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct Registry {
    /// The table that readers get next.
    pub(super) table: RouteTable<Target>,
    next_holder: u64,
    /// What the node wants of each network.
    interest: Vec<LocalInterest>,
    /// Changes nobody has announced yet, a list a network.
    pending: BTreeMap<NetworkIndex, Vec<InterestOp>>,
    /// Counts the changes.
    ticket: u64,
    /// The peers, with what each wants.
    pub(super) peers: BTreeMap<(NetworkIndex, NodeId), PeerEntry>,
}

/// What is kept of a peer while it can be reached.
#[derive(Debug)]
pub(super) struct PeerEntry {
    pub(super) holder: HolderId,
    /// Set while there is a link to it.
    pub(super) neighbour: Option<Arc<Peer>>,
    /// Set while it can be reached, by whatever way.
    pub(super) reachable: Option<Arc<Remote>>,
    pub(super) wants: BTreeMap<Pattern, bool>,
    /// What it wants as a member of groups.
    pub(super) joined: BTreeSet<(GroupName, Pattern)>,
}

impl PeerEntry {
    /// How many patterns it wants.
    pub(super) fn patterns(&self) -> usize {
        self.wants.len().saturating_add(self.joined.len())
    }
}

impl Routes {
    pub(super) fn new(networks: usize) -> Self {
        let table = RouteTable::new(networks);
        let registry = Registry {
            table: table.clone(),
            next_holder: 0,
            interest: (0..networks.max(1)).map(|_| LocalInterest::default()).collect(),
            pending: BTreeMap::new(),
            ticket: 0,
            peers: BTreeMap::new(),
        };
        Self {
            generation: AtomicU64::new(1),
            table: ArcSwap::from_pointee(table),
            registry: Mutex::new(registry),
            changed: Notify::new(),
            confirmed: watch::Sender::new(0),
        }
    }

    /// The number of the table readers get now.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The table now.
    pub(super) fn table(&self) -> Guard<Arc<RouteTable<Target>>> {
        self.table.load()
    }

    /// Where what is for a neighbour goes.
    pub(super) fn outbox(&self, network: NetworkIndex, node: NodeId) -> Option<Arc<Outbox>> {
        let registry = self.lock();
        let neighbour = registry.peers.get(&(network, node))?.neighbour.as_ref()?;
        Some(Arc::clone(&neighbour.outbox))
    }

    /// The groups that have members of this node, or of peers that may be given something, with what they want.
    pub(super) fn groups(
        &self,
        network: NetworkIndex,
        may: impl Fn(NodeId, (&GroupName, &Pattern)) -> bool,
    ) -> BTreeMap<GroupName, BTreeSet<Pattern>> {
        let registry = self.lock();
        let here = registry.interest.get(usize::from(network.0)).into_iter().flat_map(LocalInterest::members);
        let of_network = registry.peers.iter().filter(|((of, _), _)| *of == network);
        let there = of_network.flat_map(|((_, node), entry)| {
            entry
                .joined
                .iter()
                .filter(|(group, pattern)| may(*node, (group, pattern)))
                .map(|(group, pattern)| (group, pattern))
        });
        let mut groups: BTreeMap<GroupName, BTreeSet<Pattern>> = BTreeMap::new();
        for (group, pattern) in here.chain(there) {
            groups.entry(group.clone()).or_default().insert(pattern.clone());
        }
        groups
    }

    /// The peers that joined a group, with a channel that each joined it for, where it is one.
    pub(super) fn members(&self, network: NetworkIndex, group: &GroupName) -> Vec<(NodeId, Channel)> {
        let registry = self.lock();
        let of_network = registry.peers.iter().filter(|((of, _), _)| *of == network);
        let joined = of_network.flat_map(|((_, node), entry)| {
            let of_group = entry.joined.iter().filter(|(name, _)| name == group);
            of_group.filter_map(|(_, pattern)| Some((*node, Channel::parse(pattern.as_str()).ok()?)))
        });
        joined.collect()
    }

    /// Where what is for each neighbour goes.
    pub(super) fn outboxes(&self) -> Vec<((NetworkIndex, NodeId), Arc<Outbox>)> {
        let registry = self.lock();
        let outbox = |(key, entry): (&(NetworkIndex, NodeId), &PeerEntry)| {
            Some((*key, Arc::clone(&entry.neighbour.as_ref()?.outbox)))
        };
        registry.peers.iter().filter_map(outbox).collect()
    }

    /// What a peer that can be reached calls itself.
    pub(super) fn peer_name(&self, network: NetworkIndex, node: NodeId) -> Option<String> {
        let registry = self.lock();
        Some(registry.peers.get(&(network, node))?.reachable.as_ref()?.name.clone())
    }

    /// Whether a way leads to a peer, over a link or through others.
    pub(super) fn is_reachable(&self, network: NetworkIndex, node: NodeId) -> bool {
        let registry = self.lock();
        registry.peers.get(&(network, node)).is_some_and(|entry| entry.reachable.is_some())
    }

    /// Changes the table and publishes the result.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Registry) -> R) -> R {
        let mut registry = self.lock();
        let before = registry.ticket;
        let result = change(&mut registry);
        self.table.store(Arc::new(registry.table.clone()));
        self.generation.fetch_add(1, Ordering::Release);
        if registry.ticket != before {
            self.changed.notify_one();
        }
        result
    }

    /// Waits for interest to announce and takes it. Cancel-safe.
    pub(super) async fn next_interest(&self) -> Vec<InterestChange> {
        loop {
            let changed = self.changed.notified();
            let changes = self.lock().take_pending();
            if !changes.is_empty() {
                return changes;
            }
            changed.await;
        }
    }

    pub(super) fn confirm(&self, ticket: u64) {
        self.confirmed.send_modify(|newest| *newest = ticket.max(*newest));
    }

    pub(super) fn confirmations(&self) -> watch::Receiver<u64> {
        self.confirmed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// A number no holder had before.
    pub(super) fn new_holder(&mut self) -> HolderId {
        self.next_holder = self.next_holder.saturating_add(1);
        HolderId(self.next_holder)
    }

    /// Changes what is known of a peer, and where its events go by that. One that is neither a neighbour nor
    /// reachable afterwards is forgotten.
    pub(super) fn change_peer<R>(
        &mut self,
        network: NetworkIndex,
        node: NodeId,
        change: impl FnOnce(&mut PeerEntry) -> R,
    ) -> R {
        let mut entry = self.peers.remove(&(network, node)).unwrap_or_else(|| PeerEntry {
            holder: self.new_holder(),
            neighbour: None,
            reachable: None,
            wants: BTreeMap::new(),
            joined: BTreeSet::new(),
        });
        let result = change(&mut entry);
        let neighbour = entry.neighbour.clone().map(Target::Peer);
        match neighbour.or_else(|| entry.reachable.clone().map(Target::Remote)) {
            Some(target) => {
                self.table.attach(entry.holder, target);
                self.peers.insert((network, node), entry);
            }
            None => {
                self.table.detach(entry.holder);
                self.forget_wants(network, &mut entry);
            }
        }
        result
    }

    /// A peer wants nothing any more.
    pub(super) fn clear_wants(&mut self, network: NetworkIndex, node: NodeId) {
        if let Some(mut entry) = self.peers.remove(&(network, node)) {
            self.forget_wants(network, &mut entry);
            self.peers.insert((network, node), entry);
        }
    }

    fn forget_wants(&mut self, network: NetworkIndex, entry: &mut PeerEntry) {
        for pattern in std::mem::take(&mut entry.wants).keys() {
            self.table.remove(Side::Peer, network, pattern, entry.holder);
        }
        for (group, pattern) in std::mem::take(&mut entry.joined) {
            self.table.leave(Side::Peer, network, (&group, &pattern), entry.holder);
        }
        self.table.clear_filter(network, entry.holder);
    }

    /// A local holder wants something more.
    pub(super) fn want(&mut self, holder: HolderId, wanted: &Wanted) {
        let Wanted { scope: Scope { network, pattern }, answers, group } = wanted;
        let interest = self.interest.get_mut(usize::from(network.0));
        let op = match group {
            None => {
                self.table.add(Side::Local, *network, pattern, holder, *answers);
                interest.and_then(|interest| interest.add(pattern, *answers))
            }
            Some(group) => {
                let joined = Joined { group: group.clone(), pattern: pattern.clone(), answers: *answers };
                self.table.join(Side::Local, *network, &joined, holder);
                interest.and_then(|interest| interest.join(group, pattern, *answers))
            }
        };
        self.announce(*network, op);
    }

    /// A local holder no longer wants something.
    pub(super) fn unwant(&mut self, holder: HolderId, wanted: &Wanted) {
        let Wanted { scope: Scope { network, pattern }, answers, group } = wanted;
        let interest = self.interest.get_mut(usize::from(network.0));
        let op = match group {
            None => {
                self.table.remove(Side::Local, *network, pattern, holder);
                interest.and_then(|interest| interest.remove(pattern, *answers))
            }
            Some(group) => {
                self.table.leave(Side::Local, *network, (group, pattern), holder);
                interest.and_then(|interest| interest.leave(group, pattern, *answers))
            }
        };
        self.announce(*network, op);
    }

    /// Whether the node may want all this too.
    pub(super) fn admit<'a>(&self, more: impl Iterator<Item = &'a Wanted> + Clone) -> Result<(), Refusal> {
        for (network, interest) in (0..).map(NetworkIndex).zip(&self.interest) {
            let here = more.clone().filter(|wanted| wanted.scope.network == network);
            interest
                .admit(here.map(|wanted| (&wanted.scope.pattern, wanted.group.as_ref(), wanted.answers)))?;
        }
        Ok(())
    }

    /// The number of the last change.
    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    fn announce(&mut self, network: NetworkIndex, op: Option<InterestOp>) {
        let Some(op) = op else { return };
        self.pending.entry(network).or_default().push(op);
        self.ticket = self.ticket.saturating_add(1);
    }

    fn take_pending(&mut self) -> Vec<InterestChange> {
        let ticket = self.ticket;
        let pending = std::mem::take(&mut self.pending);
        pending.into_iter().map(|(network, ops)| InterestChange { network, ops, ticket }).collect()
    }
}
