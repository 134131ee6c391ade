//! A group's own dead letters: events with which one member after the other went. Who asks for it has one given to a member
//! again.
//!
//! What it owns: which of the events that are with members are such letters, and what a member's word means for the letter.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use hive_proto::{channel::Address, frame::handout::Settled};
use tokio::sync::oneshot;

use super::{Handed, Ticket};
use crate::bus::{Again, Bus, Delivery, LetterError};

/// Dead letters that members have again: what each says of itself, by its number in the book.
#[derive(Debug, Default)]
pub(super) struct Letters(Mutex<BTreeMap<u64, Ticket>>);

impl Letters {
    fn note(&self, number: u64, letter: Ticket) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, letter);
    }

    /// It is with nobody any more. Dropping what is returned puts the letter back.
    pub(super) fn take(&self, number: u64) -> Option<Ticket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }

    /// Puts all of them back.
    pub(super) fn let_go(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(all);
    }

    /// A member says what became of an event, which may be a letter.
    pub(super) fn settled(&self, number: u64, settled: Settled) {
        match settled {
            Settled::Done => self.take(number).into_iter().for_each(Ticket::done),
            // Its node mostly keeps it as a dead letter of who failed there, but need not have room for it: better two
            // letters than none.
            Settled::Dead => self.take(number).into_iter().for_each(Ticket::dead),
            Settled::Broken | Settled::Refused => {}
        }
    }
}

impl Bus {
    /// Gives a dead letter of a group to one of its members again, wherever that is. It stays until one has handled it.
    /// Blocks.
    ///
    /// # Errors
    /// When there is none, it is no letter of a group of events of this node, or nobody can be given it.
    pub fn letter_to_group(
        &self,
        name: &str,
        number: u64,
    ) -> Result<oneshot::Receiver<Settled>, LetterError> {
        let Again { delivery: Delivery { event, ticket, .. }, outcome } = self.letter_again(name, number)?;
        let is_its = |ticket: &Ticket| ticket.group().is_some_and(|group| group.as_str() == name);
        let Some(ticket) = ticket.filter(|ticket| event.id.origin == self.node() && is_its(ticket)) else {
            return Err(LetterError::NotOfGroup { name: name.to_owned(), number });
        };
        let to = Address { network: event.network, channel: event.channel.clone() };
        let routes = self.0.group_routes(&to);
        let route = routes.iter().find(|route| route.group.as_str() == name && route.has_members());
        let handed =
            route.map(|route| self.hand_out_from(route, event, |at| self.0.groups.letters.note(at, ticket)));
        match handed {
            Some(Handed::Here | Handed::There) => Ok(outcome),
            Some(Handed::Full | Handed::Denied) | None => Err(LetterError::NoMember(name.to_owned())),
        }
    }
}
