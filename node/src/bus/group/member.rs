//! The member's side: an event that was given to this node goes to one of the holders here, and what became of it goes
//! back to its origin.

use std::sync::Arc;

use hive_proto::{
    channel::NetworkIndex,
    event::Event,
    frame::{handout::Settled, relay::Destinations},
    group::GroupName,
    id::NodeId,
    plane::{
        group::{Candidate, choose},
        table::HolderId,
    },
};

use super::Ticket;
use crate::bus::{
    Bus, Delivery, Request, Shared,
    outbox::Outbox,
    queue::{Offer, Queue},
    queued::Queued,
};

/// A holder as it is chosen from.
struct Holding<'a>(&'a (HolderId, Arc<Queue>));

impl Candidate for Holding<'_> {
    fn number(&self) -> u64 {
        self.0.0.0
    }

    fn load(&self) -> usize {
        self.0.1.len()
    }

    fn is_near(&self) -> bool {
        true
    }
}

/// The holder for an event.
pub(in crate::bus) fn holder<'a>(
    holders: &'a [(HolderId, Arc<Queue>)],
    event: &Event,
) -> Option<&'a Arc<Queue>> {
    if let [(_, only)] = holders {
        return Some(only);
    }
    let candidates: Vec<Holding<'_>> = holders.iter().map(Holding).collect();
    let at = choose(&candidates, event.message.key(), event.id.sequence)?;
    holders.get(at).map(|(_, queue)| queue)
}

impl Bus {
    /// Whether this node is the one that acts for a group of the home network: the smallest id of those that have
    /// members which can be reached. During a partition there is one on each side.
    #[must_use]
    pub fn leads(&self, group: &GroupName) -> bool {
        let shared = &*self.0;
        let others = shared.routes.members(NetworkIndex::HOME, group);
        !others.into_iter().any(|(node, channel)| {
            node < shared.node && shared.rules.load().may_join(NetworkIndex::HOME, node, &channel)
        })
    }

    /// Queues an event of this node for one of the holders here.
    pub(super) fn give_to_holder(&self, holders: &[(HolderId, Arc<Queue>)], event: Event, ticket: Ticket) {
        let Some(queue) = holder(holders, &event) else { return ticket.refuse() };
        match queue.offer(Delivery { event, request: None, ticket: Some(ticket) }.into()) {
            Offer::Taken => {}
            Offer::Full(back) => back.refuse(),
            // What it held was refused when it closed; this came too late for that.
            Offer::Closed(back) => back.refuse(),
        }
    }
}

impl Queued {
    /// The request in it.
    pub(in crate::bus) fn into_request(self) -> Option<Request> {
        match self {
            Self::One(delivery) => delivery.request,
            Self::Several(_) => None,
        }
    }

    /// Whether it was given to one member of a group.
    pub(in crate::bus) fn is_ticketed(&self) -> bool {
        matches!(self, Self::One(Delivery { ticket: Some(_), .. }))
    }

    /// Gives back what was given to one member; what was not is dropped.
    pub(in crate::bus) fn refuse(self) {
        if let Self::One(Delivery { ticket: Some(ticket), .. }) = self {
            ticket.refuse();
        }
    }
}

impl Shared {
    /// Tells the origin of an event what became of it, over its link or else through others. If no way leads there, the
    /// origin has given the event to another.
    pub(super) fn tell_outcome(
        &self,
        (network, node): (NetworkIndex, NodeId),
        outbox: Option<&Arc<Outbox>>,
        outcome: (u64, Settled),
    ) {
        let linked = outbox.cloned().filter(|outbox| !outbox.is_closed());
        let linked = linked.or_else(|| self.routes.outbox(network, node));
        if linked.is_some_and(|outbox| outbox.outcome(outcome)) {
            return;
        }
        let Some(audience) = self.audience(network, Destinations::one(node)) else { return };
        self.tell_audience(&audience, outcome);
    }
}
