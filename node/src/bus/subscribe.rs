//! Subscriptions: a holder's patterns and the queue its events come in. Also the peers' side of the same
//! table, as the control plane tells it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hive_proto::{
    channel::{NetworkIndex, Scope},
    id::NodeId,
    interest::InterestOp,
    plane::{
        account::DropReason,
        table::{HolderId, Side},
    },
};

use super::{
    Bus, Delivery, SubscribeError,
    outbox::Outbox,
    queue::{LIMITS, Queue},
    queued::Taken,
    routes::{InterestChange, Peer, Target},
};

/// How long subscribing waits for the neighbours before it goes on without them.
const CONFIRMATION_WAIT: Duration = Duration::from_millis(500);

/// Who holds a subscription, for status and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A client of the API or of the library.
    Client(String),
    /// A plugin.
    Plugin(String),
}

/// One pattern a holder wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The pattern and its network.
    pub scope: Scope,
    /// Whether requests may be sent here.
    pub answers: bool,
}

/// A holder's patterns and its queue. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    bus: Bus,
    id: HolderId,
    queue: Arc<Queue>,
    /// Taken from the queue and not yet handed over.
    local: Taken,
    missed: u64,
    /// What the route table holds for us; changed only by `set` and drop.
    wanted: Mutex<BTreeSet<Wanted>>,
    holder: Holder,
}

impl Bus {
    /// Subscribes. Returns when the local table is live and every neighbour has confirmed, or after
    /// 500 ms.
    ///
    /// # Errors
    /// When this node would have more patterns than it may.
    pub async fn subscribe(
        &self,
        holder: Holder,
        wanted: impl IntoIterator<Item = Wanted>,
    ) -> Result<Subscription, SubscribeError> {
        let queue = Arc::new(Queue::new(LIMITS));
        let target = Target::Local(Arc::clone(&queue));
        let id = self.0.routes.change(|registry| {
            let id = registry.new_holder();
            registry.table.attach(id, target);
            id
        });
        let subscription = Subscription {
            bus: self.clone(),
            id,
            queue,
            local: Taken::default(),
            missed: 0,
            wanted: Mutex::default(),
            holder,
        };
        subscription.set(wanted).await?;
        Ok(subscription)
    }

    /// Waits for a change of what this node wants, for the control plane to announce. Cancel-safe.
    pub async fn next_interest(&self) -> Vec<InterestChange> {
        self.0.routes.next_interest().await
    }

    /// Every neighbour has acknowledged all changes up to this ticket.
    pub fn confirmed(&self, ticket: u64) {
        self.0.routes.confirm(ticket);
    }

    /// A node can be reached. What it wants is kept from now on, and what is known of a link to it stays.
    pub fn peer_up(&self, network: NetworkIndex, node: NodeId) {
        self.0.routes.change(|registry| registry.add_peer(network, node));
    }

    /// A peer is a neighbour: what is published for it goes into the outbox from now on. Returns how many patterns it
    /// wants, too.
    #[must_use]
    pub fn neighbour_up(&self, network: NetworkIndex, node: NodeId, name: &str) -> (Arc<Outbox>, usize) {
        self.neighbour_down(network, node);
        let outbox = Arc::new(Outbox::new());
        let peer = Arc::new(Peer { node, network, name: name.into(), outbox: Arc::clone(&outbox) });
        let patterns = self.0.routes.change(|registry| {
            registry.add_peer(network, node);
            let Some(entry) = registry.peers.get_mut(&(network, node)) else { return 0 };
            entry.neighbour = Some(Arc::clone(&peer));
            registry.table.attach(entry.holder, Target::Peer(peer));
            entry.wants.len()
        });
        (outbox, patterns)
    }

    /// A peer is no neighbour any more: what was queued for it is lost and counted, calls to it end.
    pub fn neighbour_down(&self, network: NetworkIndex, node: NodeId) {
        let peer = self.0.routes.change(|registry| {
            let entry = registry.peers.get_mut(&(network, node))?;
            registry.table.detach(entry.holder);
            entry.neighbour.take()
        });
        let Some(peer) = peer else { return };
        self.0.account.dropped(DropReason::LostLink, peer.outbox.close());
        self.0.calls.peer_lost(network, node, &peer.name);
    }

    /// Events were written to a link that broke before they arrived.
    pub fn lost(&self, events: u64) {
        self.0.account.dropped(DropReason::LostLink, events);
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
        self.0.routes.change(|registry| {
            let Some(entry) = registry.peers.get_mut(&(network, node)) else { return 0 };
            if reset {
                for pattern in std::mem::take(&mut entry.wants).keys() {
                    registry.table.remove(Side::Peer, network, pattern, entry.holder);
                }
                registry.table.clear_filter(network, entry.holder);
            }
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
                    InterestOp::Block(block) => registry.table.set_block(network, entry.holder, block),
                }
            }
            entry.wants.len()
        })
    }

    /// A peer cannot be reached any more: what it wanted goes with it.
    pub fn peer_down(&self, network: NetworkIndex, node: NodeId) {
        self.neighbour_down(network, node);
        self.0.routes.change(|registry| {
            let Some(entry) = registry.peers.remove(&(network, node)) else { return };
            for pattern in entry.wants.keys() {
                registry.table.remove(Side::Peer, network, pattern, entry.holder);
            }
        });
    }
}

impl Subscription {
    /// The next delivery, in order. None when the bus is gone.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.local.pop() {
                return Some(delivery);
            }
            if !self.readable().await {
                return None;
            }
            let missed = self.queue.take(usize::MAX, &mut self.local);
            self.missed = self.missed.saturating_add(missed);
        }
    }

    /// Takes all requests and up to `max` events that are already there; for holders that never call `next`. Returns
    /// how many were missed since the last time.
    pub fn take(&self, max: usize, into: &mut impl Extend<Delivery>) -> u64 {
        let mut taken = Taken::default();
        let missed = self.queue.take(max, &mut taken);
        into.extend(std::iter::from_fn(|| taken.pop()));
        missed
    }

    /// Waits until there is something to take. False when the subscription has ended.
    pub async fn readable(&self) -> bool {
        self.queue.readable().await
    }

    /// Waits until there is a request to take, whatever events there are. False when the subscription
    /// has ended.
    pub async fn request_readable(&self) -> bool {
        self.queue.request_readable().await
    }

    /// How many events this holder missed since it last asked, because it was too slow.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    /// Deliveries waiting.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len().saturating_add(self.local.len())
    }

    /// Who holds it.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Replaces the patterns. What stays wanted is not interrupted. Waits like `Bus::subscribe`.
    ///
    /// # Errors
    /// When this node would have more patterns than it may; nothing changes then.
    pub async fn set(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<(), SubscribeError> {
        let ticket = self.replace(merge(wanted))?;
        let mut confirmations = self.bus.0.routes.confirmations();
        let confirmed = confirmations.wait_for(|newest| *newest >= ticket);
        if tokio::time::timeout(CONFIRMATION_WAIT, confirmed).await.is_err() {
            tracing::debug!("not every neighbour has confirmed this node's interest yet");
        }
        Ok(())
    }

    fn replace(&self, next: BTreeSet<Wanted>) -> Result<u64, SubscribeError> {
        let mut current = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        self.bus.0.routes.change(|registry| {
            registry.admit(next.difference(&current))?;
            // The old go first, so that a pattern whose `answers` changed ends up as the new one says.
            current.difference(&next).for_each(|wanted| registry.unwant(self.id, wanted));
            next.difference(&current).for_each(|wanted| registry.want(self.id, wanted));
            *current = next;
            Ok(registry.ticket())
        })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let wanted = std::mem::take(self.wanted.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.bus.0.routes.change(|registry| {
            wanted.iter().for_each(|wanted| registry.unwant(self.id, wanted));
            registry.table.detach(self.id);
        });
        self.queue.close();
    }
}

/// One entry a pattern: it answers when any of its mentions does.
fn merge(wanted: impl IntoIterator<Item = Wanted>) -> BTreeSet<Wanted> {
    let all: BTreeSet<Wanted> = wanted.into_iter().collect();
    let answering: BTreeSet<Scope> =
        all.iter().filter(|wanted| wanted.answers).map(|wanted| wanted.scope.clone()).collect();
    all.into_iter().filter(|wanted| wanted.answers || !answering.contains(&wanted.scope)).collect()
}
