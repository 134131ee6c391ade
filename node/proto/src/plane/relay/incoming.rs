//! The receiving end of one data stream, as far as relayed frames go: what its numbers mean, and what was taken
//! over of it and has to be confirmed.

use super::{RelayError, Set};
use crate::{
    frame::relay::{SetBudget, Taken},
    id::NodeId,
};

/// Relayed frames after which a confirmation does not wait for its time.
const FRAMES_UNTOLD_MAX: u64 = 256;
/// Bytes of them.
const BYTES_UNTOLD_MAX: usize = 512 << 10;

/// One neighbour's data stream as it arrives.
#[derive(Debug)]
pub struct Incoming {
    from: NodeId,
    sets: Vec<Set>,
    budget: SetBudget,
    taken: Taken,
    told: Taken,
    bytes_untold: usize,
}

impl Incoming {
    /// A new stream of this neighbour.
    #[must_use]
    pub fn new(from: NodeId) -> Self {
        let (budget, taken) = (SetBudget::default(), Taken::default());
        Self { from, sets: Vec::new(), budget, taken, told: taken, bytes_untold: 0 }
    }

    /// The stream said its number.
    ///
    /// # Errors
    /// When it is 0 or was said before.
    pub fn stream(&mut self, number: u64) -> Result<(), RelayError> {
        if number == 0 || self.taken.stream != 0 {
            return Err(RelayError::Stream(number));
        }
        self.taken.stream = number;
        self.told.stream = number;
        Ok(())
    }

    /// So many events for this node were taken from it.
    pub fn took_events(&mut self, events: u64, bytes: usize) {
        self.taken.events = self.taken.events.saturating_add(events);
        self.bytes_untold = self.bytes_untold.saturating_add(bytes);
    }

    /// Whether something was taken and not told.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        self.taken != self.told && self.taken.stream != 0
    }

    /// What to confirm, if there is something new; none on a stream without a number. Without `now` only what is
    /// too much to wait with.
    pub fn confirmation(&mut self, now: bool) -> Option<Taken> {
        let much = self.taken.frames.saturating_sub(self.told.frames) >= FRAMES_UNTOLD_MAX
            || self.bytes_untold >= BYTES_UNTOLD_MAX;
        if !self.is_untold() || !(now || much) {
            return None;
        }
        self.told = self.taken;
        self.bytes_untold = 0;
        Some(self.taken)
    }

    pub(super) fn from(&self) -> NodeId {
        self.from
    }

    pub(super) fn declare(&mut self, number: u32, set: Set) -> Option<()> {
        if self.budget.declared(number, set.nodes())? {
            self.sets.clear();
        }
        self.sets.push(set);
        Some(())
    }

    pub(super) fn set(&self, number: u32) -> Option<Set> {
        self.sets.get(usize::try_from(number).ok()?).cloned()
    }

    pub(super) fn took_frame(&mut self, bytes: usize) {
        self.taken.frames = self.taken.frames.saturating_add(1);
        self.bytes_untold = self.bytes_untold.saturating_add(bytes);
    }
}
