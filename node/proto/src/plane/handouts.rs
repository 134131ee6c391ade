//! The book of an origin over the events it gave to members of groups: who has which, and which to give again.
//!
//! An event stays in the book until somebody who had it says what became of it. Who the members are, and how an event
//! gets to one, is not known here.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    event::Event,
    frame::handout::{Handout, Settled},
    group::GroupName,
    id::NodeId,
    time::Now,
};

/// Events in the book at most.
const EVENTS_MAX: usize = 65_536;
/// Bytes of their messages at most.
const BYTES_MAX: usize = 64 << 20;
/// Members that had an event and went before it is a dead letter: it may be what ends them.
const ATTEMPTS_MAX: u32 = 16;
/// How long an event that nobody takes waits before it is offered again, the first time and at most.
const WAIT: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Refusals after which an event with a key may go to another member than the one it belongs to.
const KEYED_REFUSALS: u32 = 8;
/// How long an event without any member is kept.
const ALONE_MAX: Duration = Duration::from_secs(30);
/// How long a member may be silent about an event: longer than any handler's deadline. What says so may be lost with a
/// relay.
const SILENT_MAX: Duration = Duration::from_secs(900);

/// The events of one node that are with members.
#[derive(Debug, Default)]
pub struct Handouts {
    held: BTreeMap<u64, Held>,
    last_ticket: u64,
    bytes: usize,
    /// How many each node has.
    loads: BTreeMap<NodeId, usize>,
    /// When an event is to be looked at again: to be offered, or because its member is silent.
    due: BTreeSet<(Now, u64)>,
}

/// One event in the book.
#[derive(Debug)]
struct Held {
    event: Event,
    group: GroupName,
    /// Who has it; none while it waits to be offered.
    with: Option<NodeId>,
    attempt: u32,
    /// How often in a row nobody took it, and who did not the last time.
    refused: u32,
    refused_by: Option<NodeId>,
    /// Since when there was nobody to offer it to.
    alone_since: Option<Now>,
    due: Now,
}

/// An event that is to be offered to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The event, with its attempt.
    pub event: Event,
    /// How it is handed out.
    pub handout: Handout,
    /// Who did not take it the last time: another is asked first. With a key, that is only after some refusals in a row.
    pub avoid: Option<NodeId>,
}

/// What comes of a look at an event whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Offer it, then say who has it with [`Handouts::given`] or [`Handouts::nobody`].
    Offer(Again),
    /// It is a dead letter of the group: so many members went with it.
    Dead(Again),
}

/// No more fits into the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Handouts {
    /// Enters an event that is about to be given to a node.
    ///
    /// # Errors
    /// When the book is full.
    pub fn enter(
        &mut self,
        now: Now,
        event: Event,
        group: &GroupName,
        with: NodeId,
    ) -> Result<Handout, Full> {
        let weight = event.message.weight();
        if self.held.len() >= EVENTS_MAX || self.bytes.saturating_add(weight) > BYTES_MAX {
            return Err(Full);
        }
        self.bytes = self.bytes.saturating_add(weight);
        self.last_ticket = self.last_ticket.saturating_add(1);
        let (ticket, due) = (self.last_ticket, now.after(SILENT_MAX));
        let (attempt, group, incarnation) = (event.attempt, group.clone(), event.id.incarnation);
        self.due.insert((due, ticket));
        let entry = Held {
            event,
            group: group.clone(),
            with: None,
            attempt,
            refused: 0,
            refused_by: None,
            alone_since: None,
            due,
        };
        self.held.insert(ticket, entry);
        self.give(ticket, Some(with));
        Ok(Handout { group, ticket, attempt, incarnation })
    }

    /// What a node has and has not settled.
    #[must_use]
    pub fn load(&self, node: &NodeId) -> usize {
        self.loads.get(node).copied().unwrap_or(0)
    }

    /// A node says what became of an event it has. False when it has no such event.
    pub fn settled(&mut self, now: Now, from: NodeId, ticket: u64, settled: Settled) -> bool {
        let Some(held) = self.held.get_mut(&ticket) else { return false };
        if held.with != Some(from) {
            return false;
        }
        match settled {
            Settled::Done | Settled::Dead => self.strike(ticket),
            Settled::Broken => {
                held.attempt = held.attempt.saturating_add(1);
                self.give(ticket, None);
                self.set_due(ticket, now);
            }
            Settled::Refused => {
                let wait = WAIT.saturating_mul(1_u32.checked_shl(held.refused).unwrap_or(u32::MAX));
                held.refused = held.refused.saturating_add(1);
                held.refused_by = Some(from);
                self.give(ticket, None);
                self.set_due(ticket, now.after(wait.min(WAIT_MAX)));
            }
        }
        true
    }

    /// A node is gone, or what was on the way to it or back may be lost: what it has is offered again.
    pub fn lost(&mut self, now: Now, node: NodeId) {
        if self.load(&node) == 0 {
            return;
        }
        let with = self.held.iter().filter(|(_, held)| held.with == Some(node));
        let tickets: Vec<u64> = with.map(|(ticket, _)| *ticket).collect();
        for ticket in tickets {
            self.settled(now, node, ticket, Settled::Broken);
        }
    }

    /// The next event whose time has come. It stays in the book unless it is dead.
    pub fn next_due(&mut self, now: Now) -> Option<Due> {
        let (due, ticket) = *self.due.first()?;
        if due > now {
            return None;
        }
        let held = self.held.get_mut(&ticket)?;
        if let Some(node) = held.with {
            self.settled(now, node, ticket, Settled::Broken);
        }
        let held = self.held.get(&ticket)?;
        let keyed = held.event.message.key().is_some();
        let avoid = held.refused_by.filter(|_| !keyed || held.refused >= KEYED_REFUSALS);
        let again = Again {
            avoid,
            event: Event { attempt: held.attempt, ..held.event.clone() },
            handout: Handout {
                group: held.group.clone(),
                ticket,
                attempt: held.attempt,
                incarnation: held.event.id.incarnation,
            },
        };
        if held.attempt > ATTEMPTS_MAX {
            self.strike(ticket);
            return Some(Due::Dead(again));
        }
        // Until it is said who has it now.
        self.set_due(ticket, now.after(SILENT_MAX));
        Some(Due::Offer(again))
    }

    /// When the next event is to be looked at.
    #[must_use]
    pub fn next_time(&self) -> Option<Now> {
        self.due.first().map(|(due, _)| *due)
    }

    /// An event that was to be offered is with this node now. False when it was settled meanwhile.
    pub fn given(&mut self, now: Now, ticket: u64, node: NodeId) -> bool {
        let Some(held) = self.held.get_mut(&ticket) else { return false };
        held.alone_since = None;
        self.give(ticket, Some(node));
        self.set_due(ticket, now.after(SILENT_MAX));
        true
    }

    /// Nobody wants it any more: it is struck from the book.
    pub fn expired(&mut self, ticket: u64) {
        self.strike(ticket);
    }

    /// There is nobody to offer it to. False when that has been so for too long: it is struck from the book.
    pub fn nobody(&mut self, now: Now, ticket: u64) -> bool {
        let Some(held) = self.held.get_mut(&ticket) else { return true };
        let since = *held.alone_since.get_or_insert(now);
        if now.0.saturating_sub(since.0) >= ALONE_MAX {
            self.strike(ticket);
            return false;
        }
        self.set_due(ticket, now.after(WAIT_MAX / 4));
        true
    }

    /// Somebody may have come: what waits is offered at once.
    pub fn hurry(&mut self, now: Now) {
        let waiting = self.held.iter().filter(|(_, held)| held.with.is_none());
        let tickets: Vec<u64> = waiting.map(|(ticket, _)| *ticket).collect();
        for ticket in tickets {
            self.set_due(ticket, now);
        }
    }

    /// Events in the book.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn strike(&mut self, ticket: u64) {
        self.give(ticket, None);
        if let Some(held) = self.held.remove(&ticket) {
            self.due.remove(&(held.due, ticket));
            self.bytes = self.bytes.saturating_sub(held.event.message.weight());
        }
    }

    fn give(&mut self, ticket: u64, to: Option<NodeId>) {
        let Some(held) = self.held.get_mut(&ticket) else { return };
        if let Some(node) = std::mem::replace(&mut held.with, to)
            && let Some(load) = self.loads.get_mut(&node)
        {
            *load = load.saturating_sub(1);
            if *load == 0 {
                self.loads.remove(&node);
            }
        }
        if let Some(node) = to {
            let load = self.loads.entry(node).or_default();
            *load = load.saturating_add(1);
        }
    }

    fn set_due(&mut self, ticket: u64, due: Now) {
        let Some(held) = self.held.get_mut(&ticket) else { return };
        self.due.remove(&(held.due, ticket));
        held.due = due;
        self.due.insert((due, ticket));
    }
}

#[cfg(test)]
mod tests;
