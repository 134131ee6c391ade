//! What a relay has to account for: every copy that it was given is sent, or waits, or was dropped and counted.

use super::{Line, LineCounts, Relay};

/// The copies of one relay's life. Together with what it dropped (D, for want of room, of a way, or lost with a link)
/// they add up, always: `own + others + again = sent + unsent + parked + D` and
/// `sent = confirmed + in_flight + taken_back`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Copies that this node sent itself.
    pub own: u64,
    /// Copies taken over for others.
    pub others: u64,
    /// What became of those that were sent, over all neighbours there ever were.
    pub line: LineCounts,
    /// Copies that wait for their link.
    pub unsent: u64,
    /// Copies that wait for a way.
    pub parked: u64,
    /// Events that arrived for this node and wait for an earlier frame.
    pub held: u64,
}

impl Relay {
    /// Everything this relay has to account for. Walks all queues.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let lines = || self.lines.values();
        Balance {
            own: self.own,
            others: self.others,
            line: lines().fold(self.past, |sum, line| sum.and(&line.counts())),
            unsent: lines().map(Line::queued).fold(0, |sum, (_, copies)| copies.saturating_add(sum)),
            parked: self.parked.copies(),
            held: self.arrivals.waiting(),
        }
    }
}
