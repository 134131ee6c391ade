//! A ticket: what a member holds of an event that was given to it alone, until it says what became of it.

use std::sync::Arc;

use hive_proto::{channel::NetworkIndex, frame::handout::Settled, group::GroupName, id::NodeId};
use tokio::sync::oneshot;

use crate::bus::{Bus, outbox::Outbox};

/// The duty to say what became of an event. Dropped without a word, the event goes to another member. It is one
/// pointer, so that events without one stay small.
#[derive(Debug)]
pub struct Ticket(Box<Held>);

#[derive(Debug)]
struct Held {
    bus: Bus,
    /// None: a dead letter that its handler had alone to begin with.
    group: Option<GroupName>,
    number: u64,
    origin: Origin,
    /// Said when the ticket is dropped.
    outcome: Settled,
}

/// Who wants to know.
#[derive(Debug)]
pub(in crate::bus) enum Origin {
    Here,
    There {
        network: NetworkIndex,
        node: NodeId,
        /// The way the event came, when that was a link of its own.
        outbox: Option<Arc<Outbox>>,
    },
    /// The dead letters of a handler, of which this is one that it has again.
    Letter {
        name: Box<str>,
        /// Who waits for the outcome. Taken when it is told.
        tell: Option<oneshot::Sender<Settled>>,
    },
}

impl Ticket {
    pub(super) fn new(bus: Bus, number: u64, group: GroupName, origin: Origin) -> Self {
        Self(Box::new(Held { bus, group: Some(group), number, origin, outcome: Settled::Broken }))
    }

    /// A dead letter that its handler is given again.
    pub(in crate::bus) fn of_letter(
        bus: Bus,
        (name, number): (Box<str>, u64),
        group: Option<GroupName>,
        tell: oneshot::Sender<Settled>,
    ) -> Self {
        let origin = Origin::Letter { name, tell: Some(tell) };
        Self(Box::new(Held { bus, group, number, origin, outcome: Settled::Broken }))
    }

    /// What came from another node, over a link of its own or through others.
    pub(in crate::bus) fn remote(
        bus: &Bus,
        (network, node, outbox): (NetworkIndex, NodeId, Option<Arc<Outbox>>),
        (number, group): (u64, GroupName),
    ) -> Self {
        Self::new(bus.clone(), number, group, Origin::There { network, node, outbox })
    }

    /// The group whose member this is for. None: a dead letter that belonged to no group.
    #[must_use]
    pub fn group(&self) -> Option<&GroupName> {
        self.0.group.as_ref()
    }

    /// The number of the dead letter that this is.
    #[must_use]
    pub fn letter(&self) -> Option<u64> {
        matches!(self.0.origin, Origin::Letter { .. }).then_some(self.0.number)
    }

    /// The event was handled.
    pub fn done(mut self) {
        self.0.outcome = Settled::Done;
    }

    /// The event cannot be handled, and is a dead letter here.
    pub fn dead(mut self) {
        self.0.outcome = Settled::Dead;
    }

    /// Nobody here has looked at the event, and nobody will.
    pub fn refuse(mut self) {
        self.0.outcome = Settled::Refused;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Held { bus, number, origin, outcome, .. } = &mut *self.0;
        let shared = &*bus.0;
        match origin {
            Origin::Here => shared.groups.settled(shared, shared.node, *number, *outcome),
            Origin::There { network, node, outbox } => {
                shared.tell_outcome((*network, *node), outbox.as_ref(), (*number, *outcome));
            }
            Origin::Letter { name, tell } => {
                shared.letter_settled(name, *number, *outcome);
                // Who asked for it may have gone.
                let _ = tell.take().map(|tell| tell.send(*outcome));
            }
        }
    }
}
