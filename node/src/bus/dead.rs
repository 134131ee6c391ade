//! Dead letters: what no handler could handle, and what ended too many members of a group, is published on
//! `$dead/<name>` with its story in headers, and kept, so that it can be handled after all.
//!
//! What it owns: which letters there are, how many there may be, and which of them is being handled again. It must not
//! know where they are kept, or who handles them.

mod letter;
mod rows;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use futures_util::future::BoxFuture;
use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    frame::handout::Settled,
};
pub use letter::{LAST_WORDS_BYTES_MAX, Letter};
pub use rows::LetterCounts;
use rows::Rows;
use tokio::sync::oneshot;

use super::{Bus, Delivery, Shared, Ticket};
use crate::status::first_line;

/// Where letters outlive the node. It says nothing of failures: they are its own to log.
pub trait Shelf: Send + Sync + fmt::Debug {
    /// Takes a letter under a number of its handler, in place of any that has it. What is returned waits until it is
    /// there; `sure`: until it is on disk. It gives false when that came to nothing. None: it takes nothing more now.
    fn put(&self, name: &str, number: u64, letter: Vec<u8>, sure: bool) -> Option<BoxFuture<'static, bool>>;
    /// Lets a letter go.
    fn remove(&self, name: &str, number: u64);
    /// A letter, as it was given. Blocks.
    fn read(&self, name: &str, number: u64) -> Option<Vec<u8>>;
}

/// The letters of a node.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// None: the node keeps nothing.
    shelf: OnceLock<Arc<dyn Shelf>>,
    /// Held for a look, and for handing a change to the shelf, so that the last one is the last one there, too.
    rows: Mutex<Rows>,
}

/// Why nothing can be done with a letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// The node has no place for letters.
    #[error("the node keeps no dead letters, as it has no data directory")]
    NotKept,
    /// There is none of that number.
    #[error("`{name}` has no dead letter {number}")]
    Unknown {
        /// Whose it would be.
        name: String,
        /// Its number.
        number: u64,
    },
    /// It is none that a group's members could be given by this node.
    #[error("no plugin is called `{name}`, and the dead letter {number} is none of a group of that name")]
    NotOfGroup {
        /// Whose it is.
        name: String,
        /// Its number.
        number: u64,
    },
    /// No member can be given it.
    #[error("no plugin is called `{0}`, and no member of a group of that name can be given it now")]
    NoMember(String),
    /// It is being handled right now.
    #[error("the dead letter {0} is being handled again right now")]
    InHand(u64),
    /// What is kept of it is no letter of this node.
    #[error("the dead letter {number} cannot be read: {why}")]
    Unreadable {
        /// Its number.
        number: u64,
        /// Why not.
        why: String,
    },
}

/// A letter's number, and itself or why it cannot be read.
pub type Numbered = (u64, Result<Letter, LetterError>);

/// A letter that is to be handled again.
#[derive(Debug)]
pub struct Again {
    /// For its handler alone; the letter is let go once that has handled it.
    pub delivery: Delivery,
    /// What becomes of it. An error: nobody has looked at it.
    pub outcome: oneshot::Receiver<Settled>,
}

impl Bus {
    /// Keeps dead letters from now on. `before` has those that are there: whose, the number, and the bytes.
    pub fn letters_in(&self, shelf: Arc<dyn Shelf>, before: Vec<(String, u64, usize)>) {
        let letters = &self.0.letters;
        let mut rows = letters.rows();
        before.into_iter().for_each(|(name, number, bytes)| rows.found(&name, number, bytes));
        // Set before only if somebody else keeps them already.
        let _ = letters.shelf.set(shelf);
    }

    /// Publishes and keeps an event as a dead letter of whoever could not handle it. `ticket` is what was held of it:
    /// who waits for the outcome waits until the letter is on disk, and a letter that was given again keeps its number.
    /// False: it should be on disk, and is not; whoever holds the event is not to be told that it is done with.
    pub(crate) async fn bury(&self, name: &str, letter: Letter, ticket: Option<&Ticket>) -> bool {
        self.bury_surely(name, letter, ticket, is_awaited(ticket)).await
    }

    /// The same; `sure`: somebody forgets the event as soon as it is buried, whatever is held of it.
    pub(super) async fn bury_surely(
        &self,
        name: &str,
        letter: Letter,
        ticket: Option<&Ticket>,
        sure: bool,
    ) -> bool {
        let Letter { event, reason, .. } = &letter;
        // What is below it is a stack, which the log has from the handler itself.
        let reason = first_line(reason);
        let kept = self.0.keep_letter(name, &letter, ticket, sure);
        let is_first = matches!(kept, Kept::At(..)) && self.0.letters.rows().is_first(name);
        let more =
            if is_first { format!("; `hive-node replay {name}` lists what is kept") } else { String::new() };
        tracing::warn!(
            name,
            channel = %event.channel,
            event = %event.id,
            attempts = event.attempt,
            "dead letter: {reason}{more}"
        );
        // Whoever has given a letter again reads what came of it.
        let is_again = ticket.is_some_and(|ticket| ticket.letter().is_some());
        let (number, is_kept) = match kept {
            Kept::At(number, written) if sure || is_again => (Some(number), written.await || !sure),
            Kept::At(number, _) => (Some(number), true),
            Kept::Nowhere => (None, true),
            Kept::Refused => (None, !sure),
        };
        if let Ok(channel) = Channel::parse(&format!("$dead/{name}")) {
            let to = Address { network: NetworkIndex::HOME, channel };
            self.publisher().announce(&to, letter.message(number)).await;
        }
        is_kept
    }

    /// Keeps an event as a dead letter where nothing can be waited for. False: there is no place for it.
    pub(crate) fn bury_quietly(&self, name: &str, letter: &Letter, ticket: Option<&Ticket>) -> bool {
        matches!(self.0.keep_letter(name, letter, ticket, false), Kept::At(..))
    }

    /// How many letters a handler has.
    #[must_use]
    pub fn letter_counts(&self, name: &str) -> LetterCounts {
        self.0.letters.rows().counts(name)
    }

    /// The numbers of a handler's letters, oldest first.
    ///
    /// # Errors
    /// When the node keeps none.
    pub fn letter_numbers(&self, name: &str) -> Result<Vec<u64>, LetterError> {
        let letters = &self.0.letters;
        letters.shelf().map(|_| letters.rows().numbers(name))
    }

    /// The letters of a handler with their numbers, oldest first, or why one cannot be read. Blocks.
    ///
    /// # Errors
    /// When the node keeps none.
    pub fn letters(&self, name: &str) -> Result<Vec<Numbered>, LetterError> {
        let numbers = self.letter_numbers(name)?;
        Ok(numbers.into_iter().map(|number| (number, self.letter(name, number))).collect())
    }

    /// One letter of a handler. Blocks.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn letter(&self, name: &str, number: u64) -> Result<Letter, LetterError> {
        let shelf = self.0.letters.shelf()?;
        let unknown = || LetterError::Unknown { name: name.to_owned(), number };
        if !self.0.letters.rows().has(name, number) {
            return Err(unknown());
        }
        let bytes = shelf.read(name, number).ok_or_else(unknown)?;
        Letter::read(&bytes, self.names()).map_err(|why| LetterError::Unreadable { number, why })
    }

    /// Takes a letter in hand to be handled again. It stays where it is until that is done. Blocks.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it is in hand already.
    pub fn letter_again(&self, name: &str, number: u64) -> Result<Again, LetterError> {
        let Letter { mut event, group, .. } = self.letter(name, number)?;
        self.0.letters.rows().take(name, number)?;
        event.attempt = 1;
        let (tell, outcome) = oneshot::channel();
        let ticket = Ticket::of_letter(self.clone(), (name.into(), number), group, tell);
        Ok(Again { delivery: Delivery { event, request: None, ticket: Some(ticket) }, outcome })
    }

    /// Lets a letter go.
    ///
    /// # Errors
    /// When there is none, or it is in hand.
    pub fn forget_letter(&self, name: &str, number: u64) -> Result<(), LetterError> {
        let letters = &self.0.letters;
        let shelf = letters.shelf()?;
        let mut rows = letters.rows();
        rows.take(name, number)?;
        rows.remove(name, number);
        shelf.remove(name, number);
        Ok(())
    }
}

impl Shared {
    /// Keeps a letter, at the cost of the oldest where there is no room.
    fn keep_letter(&self, name: &str, letter: &Letter, ticket: Option<&Ticket>, sure: bool) -> Kept {
        let Some(shelf) = self.letters.shelf.get() else { return Kept::Nowhere };
        let bytes = letter.bytes(&self.names);
        let mut rows = self.letters.rows();
        let again = ticket.and_then(Ticket::letter);
        let Some(number) = rows.number(name, again, Instant::now()) else { return Kept::Nowhere };
        let size = bytes.len();
        let Some(written) = shelf.put(name, number, bytes, sure) else {
            rows.left_out(name);
            return Kept::Refused;
        };
        for old in rows.add(name, number, size) {
            shelf.remove(name, old);
        }
        Kept::At(number, written)
    }

    /// A letter that was given again has been looked at, or nobody is left to do so.
    pub(super) fn letter_settled(&self, name: &str, number: u64, outcome: Settled) {
        let mut rows = self.letters.rows();
        rows.put_back(name, number);
        if outcome == Settled::Done
            && rows.remove(name, number)
            && let Some(shelf) = self.letters.shelf.get()
        {
            shelf.remove(name, number);
        }
    }
}

/// Where a letter is.
enum Kept {
    /// Under this number; what is there waits until that is so.
    At(u64, BoxFuture<'static, bool>),
    /// The node keeps none, or no more of this handler's: that is how it is meant.
    Nowhere,
    /// The place for letters takes nothing now.
    Refused,
}

/// Whether somebody else holds the event until it hears what became of it.
fn is_awaited(ticket: Option<&Ticket>) -> bool {
    ticket.is_some_and(|ticket| ticket.letter().is_none())
}

impl Letters {
    fn shelf(&self) -> Result<&Arc<dyn Shelf>, LetterError> {
        self.shelf.get().ok_or(LetterError::NotKept)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
