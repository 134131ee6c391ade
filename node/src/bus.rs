//! The bus: the data plane of one node. Publishers resolve a channel against an immutable route table on
//! their own tasks and put the event straight into the consumers' queues; a peer is one more consumer.
//!
//! It must not know who drives the mesh, runs plugins or serves clients: they subscribe, publish, and
//! hand in what arrived.

mod actor;
mod bridged;
mod call;
mod clock;
mod consumers;
mod dead;
mod deliver;
mod durable;
mod expiry;
mod fault;
mod group;
mod kept;
mod outbox;
mod peers;
mod policy;
mod presence;
mod publish;
mod queue;
mod queued;
mod relay;
mod routes;
mod staged;
mod subscribe;
#[cfg(test)]
mod tests;
mod wanting;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use actor::Actor;
use arc_swap::ArcSwap;
pub use bridged::{LetIn, Mark, NotGathered, TRAIL_HEADER, Trail, TrailError, without_mesh_headers};
pub use call::{CallCause, Chain, Gathered, Part, Request};
pub use consumers::Consumer;
pub use dead::{Again, LAST_WORDS_BYTES_MAX, Letter, LetterCounts, LetterError, Shelf};
pub(crate) use deliver::CONFIRM_EVERY;
pub use deliver::{Inbound, InboundError, PeerRef};
pub use durable::Journalled;
pub use fault::{CallError, Denial, Failure, PublishError, SubscribeError};
pub use group::Ticket;
pub use hive_proto::{
    channel::{Address, Scope},
    event::{Event, Message},
};
use hive_proto::{
    channel::{Channel, Names, NetworkIndex},
    id::{Incarnation, NodeId},
    limits::QUEUES_BYTES,
    plane::{
        account::{Account, Counts},
        budget::Budget,
    },
};
pub use kept::{Keep, Page};
pub use outbox::{Outbox, Outgoing};
pub use policy::WhenFull;
pub use publish::{Begun, Publisher, Receipt};
pub use routes::InterestChange;
pub use subscribe::{Holder, Subscription, Wanted};
pub use wanting::{Wanting, WantingPeer};

use crate::trust::may::Rules;

/// One node's data plane. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Shared>);

/// What every clone, publisher and subscription shares.
#[derive(Debug)]
struct Shared {
    /// Who this node is: the origin of what it publishes.
    node: NodeId,
    incarnation: Incarnation,
    /// The networks, home first; fixed for the life of the node.
    names: Names,
    /// The sequence of the last publish, and so the number of all of them.
    sequence: AtomicU64,
    clock: clock::Clock,
    routes: routes::Routes,
    relays: relay::Relays,
    calls: call::Pending,
    withdrawn: call::Withdrawn,
    groups: group::Groups,
    keeping: kept::Keeping,
    letters: dead::Letters,
    durable: durable::Durable,
    policies: policy::Policies,
    marks: bridged::Marks,
    /// What came over bridges.
    seen: bridged::Seen,
    /// Who may do what. Read as a snapshot, replaced by the root when the configuration changes.
    rules: ArcSwap<Rules>,
    account: Account,
    /// What all queues may hold together.
    budget: Arc<Budget>,
    consumers: consumers::Consumers,
}

/// One event for one consumer, with the request behind it when somebody waits for an answer.
#[derive(Debug)]
pub struct Delivery {
    /// What was published.
    pub event: Event,
    /// Set when an answer is wanted from this consumer.
    pub request: Option<Request>,
    /// Set when this consumer alone has the event, as a member of a group: it is to say what becomes of it.
    pub ticket: Option<Ticket>,
}

impl Delivery {
    /// An event for everybody who wants it.
    #[must_use]
    pub fn event(event: Event) -> Self {
        Self { event, request: None, ticket: None }
    }
}

impl Bus {
    /// A bus for a node in the given networks, home first.
    #[must_use]
    pub fn new(node: NodeId, incarnation: Incarnation, names: Names) -> Self {
        Self::ruled(node, incarnation, names, Rules::default())
    }

    /// The same with rules for who may do what.
    #[must_use]
    pub fn ruled(node: NodeId, incarnation: Incarnation, names: Names, rules: Rules) -> Self {
        let (networks, budget) = (names.networks().len(), Budget::new(QUEUES_BYTES));
        Self(Arc::new(Shared {
            node,
            incarnation,
            names,
            sequence: AtomicU64::new(0),
            clock: clock::Clock::start(),
            routes: routes::Routes::new(networks),
            relays: relay::Relays::new((node, incarnation), networks, (&budget, &rules)),
            calls: call::Pending::default(),
            withdrawn: call::Withdrawn::default(),
            groups: group::Groups::default(),
            keeping: kept::Keeping::new(networks),
            letters: dead::Letters::default(),
            durable: durable::Durable::default(),
            policies: policy::Policies::default(),
            marks: bridged::Marks::default(),
            seen: bridged::Seen::default(),
            rules: ArcSwap::from_pointee(rules),
            account: Account::default(),
            budget,
            consumers: consumers::Consumers::default(),
        }))
    }

    /// This node's id.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node
    }

    /// The networks this node is in, and how it reads names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// Reads a channel as a person writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn address(&self, name: &str) -> Result<Address, PublishError> {
        self.names().address(name).map_err(|source| PublishError::Name { name: name.into(), source })
    }

    /// Reads a pattern as a person writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn scope(&self, text: &str) -> Result<Scope, SubscribeError> {
        self.names().scope(text).map_err(|source| SubscribeError::Pattern { text: text.into(), source })
    }

    /// What became of every copy so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let published = self.0.sequence.load(Ordering::Relaxed);
        Counts { published, consumers: self.0.consumers.counts(), ..self.0.account.counts() }
    }

    /// Bytes that all queues hold together, and how many they may. Each has a little more of its own.
    #[must_use]
    pub fn queues(&self) -> (usize, usize) {
        (self.0.budget.taken(), self.0.budget.limit())
    }

    /// Events of this node that members of groups have and have not settled.
    #[must_use]
    pub fn handed_out(&self) -> usize {
        self.0.groups.len()
    }

    /// An event of the node itself that goes to nobody yet: a timer's tick.
    pub(crate) fn own_event(&self, channel: Channel, message: Message) -> Event {
        let (id, time) = self.0.stamp();
        let to = Address { network: NetworkIndex::HOME, channel };
        self.0.event(&to, message, id, time, 0)
    }

    /// Publishes one message. For many, keep a [`Publisher`]: it remembers its routes.
    ///
    /// # Errors
    /// When the message breaks a limit or the channel is the node's own.
    pub async fn publish(&self, to: &Address, message: Message) -> Result<Receipt, PublishError> {
        self.publisher().publish(to, message).await
    }

    /// A publisher with its own memory of routes and its own share of waiting for slow consumers.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher_of(Actor::Local)
    }

    /// The same for somebody of this node, who may publish what the rules allow them.
    #[must_use]
    pub fn publisher_of(&self, who: Actor) -> Publisher {
        Publisher::new(self.clone(), who)
    }

    /// Asks one responder and waits for its answer, at most `timeout`.
    ///
    /// # Errors
    /// When nobody answers there, the responder failed or rejected it, or time ran out.
    pub async fn call(
        &self,
        to: &Address,
        message: Message,
        timeout: Duration,
    ) -> Result<Message, CallError> {
        self.call_from(to, message, CallCause::within(timeout)).await
    }
}
