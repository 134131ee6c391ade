//! Subscriptions: a holder's patterns and the queue its events come in.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hive_proto::{
    channel::{Channel, Scope},
    group::GroupName,
    plane::{account::DropReason, queue::QueueLimits, table::HolderId},
};

use super::{
    Actor, Bus, Delivery, Event, SubscribeError,
    kept::first_values,
    queue::{LIMITS, Queue},
    queued::Taken,
    routes::{InterestChange, Target},
};
use crate::trust::may::Action;

/// How long subscribing waits for the neighbours before it goes on without them.
const CONFIRMATION_WAIT: Duration = Duration::from_millis(500);

/// Who holds a subscription, for status and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A client of the API or of the library.
    Client(String),
    /// A plugin.
    Plugin(String),
    /// A bridge.
    Bridge(String),
}

/// One pattern a holder wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The pattern and its network.
    pub scope: Scope,
    /// Whether requests may be sent here.
    pub answers: bool,
    /// The group it is wanted in: of its members one gets each event. None: every event is wanted.
    pub group: Option<GroupName>,
}

/// A holder's patterns and its queue. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    pub(super) bus: Bus,
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
        let subscription = self.holding(holder, LIMITS);
        subscription.set(wanted).await?;
        Ok(subscription)
    }

    /// A subscription that wants nothing yet, with bounds of its own.
    #[must_use]
    pub fn holding(&self, holder: Holder, limits: QueueLimits) -> Subscription {
        let queue = Arc::new(Queue::new(Actor::from(&holder), limits, &self.0.budget));
        let target = Target::Local(Arc::clone(&queue));
        let id = self.0.routes.change(|registry| {
            let id = registry.new_holder();
            registry.table.attach(id, target);
            id
        });
        self.0.consumers.come(id, (holder.clone(), Arc::clone(&queue)));
        Subscription {
            bus: self.clone(),
            id,
            queue,
            local: Taken::default(),
            missed: 0,
            wanted: Mutex::default(),
            holder,
        }
    }

    /// Waits for a change of what this node wants, for the control plane to announce. Cancel-safe.
    pub async fn next_interest(&self) -> Vec<InterestChange> {
        self.0.routes.next_interest().await
    }

    /// Every neighbour has acknowledged all changes up to this ticket.
    pub fn confirmed(&self, ticket: u64) {
        self.0.routes.confirm(ticket);
    }
}

impl Subscription {
    /// The next delivery, in order. None when the bus is gone.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            while let Some(delivery) = self.local.pop() {
                if let Some(delivery) = self.bus.unless_expired(delivery) {
                    return Some(delivery);
                }
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
        let taken = std::iter::from_fn(|| taken.pop());
        into.extend(taken.filter_map(|delivery| self.bus.unless_expired(delivery)));
        missed
    }

    /// Says whether this holder is away: who else answers is asked before it.
    pub fn set_away(&self, away: bool) {
        self.queue.set_away(away);
    }

    /// Whether requests are among what there is to take.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.queue.is_asked()
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

    /// Whether an event would come by it: as a member of the group, or as to everybody.
    #[must_use]
    pub fn wants(&self, event: &Event, group: Option<&GroupName>) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.iter().any(|wanted| {
            wanted.group.as_ref() == group
                && wanted.scope.network == event.network
                && wanted.scope.pattern.matches(&event.channel)
        })
    }

    /// Who holds it.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Replaces the patterns. What stays wanted is not interrupted. Waits like `Bus::subscribe`.
    ///
    /// # Errors
    /// When this node would have more patterns than it may, or the rules leave a client nothing of one; nothing changes
    /// then.
    pub async fn set(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<(), SubscribeError> {
        let ticket = self.want(wanted)?;
        let mut confirmations = self.bus.0.routes.confirmations();
        let confirmed = confirmations.wait_for(|newest| *newest >= ticket);
        if tokio::time::timeout(CONFIRMATION_WAIT, confirmed).await.is_err() {
            tracing::debug!("not every neighbour has confirmed this node's interest yet");
        }
        Ok(())
    }

    /// The same without waiting for the neighbours. The ticket is that of the change.
    ///
    /// # Errors
    /// As [`Subscription::set`].
    pub fn want(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<u64, SubscribeError> {
        let wanted = merge(wanted);
        self.permit(wanted.iter())?;
        let joins = wanted.iter().any(|wanted| wanted.group.is_some());
        let ticket = self.replace(wanted)?;
        if joins {
            self.bus.0.groups.hurry(&self.bus.0);
        }
        Ok(ticket)
    }

    /// Puts the kept values of what is wanted before everything else once more, each once: for a bridge whose other side may have
    /// lost them.
    pub fn kept_again(&self) {
        let current = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.bus.0.keeping.lock();
        let all: Vec<&Wanted> = current.iter().collect();
        let may = |network, channel: &Channel| {
            self.bus.0.may_have(&self.queue, Action::Subscribe, network, channel)
        };
        self.queue.begin_again(first_values(&kept, &all, &BTreeSet::new(), may));
    }

    fn replace(&self, next: BTreeSet<Wanted>) -> Result<u64, SubscribeError> {
        let mut current = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        // No value comes or goes between the look at them and the table that is live.
        let kept = self.bus.0.keeping.lock();
        self.bus.0.routes.change(|registry| {
            registry.admit(next.difference(&current))?;
            let new: Vec<&Wanted> = next.difference(&current).collect();
            let may = |network, channel: &Channel| {
                self.bus.0.may_have(&self.queue, Action::Subscribe, network, channel)
            };
            self.queue.begin_with(first_values(&kept, &new, &current, may));
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
        let shared = &self.bus.0;
        shared.routes.change(|registry| {
            wanted.iter().for_each(|wanted| registry.unwant(self.id, wanted));
            registry.table.detach(self.id);
        });
        let unread = self.queue.close();
        shared.account.dropped(DropReason::Unread, unread);
        shared.consumers.left(self.id);
    }
}

/// One entry a pattern and group: it answers when any of its mentions does.
fn merge(wanted: impl IntoIterator<Item = Wanted>) -> BTreeSet<Wanted> {
    let all: BTreeSet<Wanted> = wanted.into_iter().collect();
    let answers = |wanted: &Wanted| Wanted { answers: true, ..wanted.clone() };
    all.iter().filter(|wanted| wanted.answers || !all.contains(&answers(wanted))).cloned().collect()
}
