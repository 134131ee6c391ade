//! The data streams that one outbox was written to, one after the other: what each begins with, and how many of the
//! events on them are known to have arrived.

use bytes::Bytes;
use hive_proto::{frame::relay::Taken, plane::account::LinkCounts};

/// What was written, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Counts them, as the port's relay does.
    number: u64,
    /// Frames that the current one begins with, until they were written.
    opening: Vec<Bytes>,
    /// Events written to all of them.
    sent: u64,
    /// Those of them that have arrived, or are settled as lost.
    settled: u64,
    /// Those that were written to earlier ones.
    sent_before: u64,
    /// Events that may not have arrived on streams that broke.
    lost: u64,
    /// Of these, what was counted already.
    told: u64,
    /// The last one has not ended with everything on it having arrived.
    unfinished: bool,
}

impl Streams {
    /// Whether there was none yet.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Whether the last one broke.
    pub(super) fn broke(&self) -> bool {
        self.unfinished
    }

    /// A new one begins. What the last one has not delivered is lost.
    pub(super) fn begin(&mut self, opening: Vec<Bytes>) {
        self.number = self.number.saturating_add(1);
        self.lost = self.lost.saturating_add(self.sent.saturating_sub(self.settled));
        (self.settled, self.sent_before) = (self.sent, self.sent);
        (self.opening, self.unfinished) = (opening, true);
    }

    /// Everything on the current one has arrived.
    pub(super) fn arrived(&mut self) {
        (self.settled, self.unfinished) = (self.sent, false);
    }

    /// What the current one begins with, once.
    pub(super) fn take_opening(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.opening)
    }

    /// So many events are written to the current one.
    pub(super) fn wrote(&mut self, events: u64) {
        self.sent = self.sent.saturating_add(events);
    }

    /// The peer says what it has taken. What it says of earlier ones is settled already.
    pub(super) fn confirmed(&mut self, taken: &Taken) {
        let settled = self.sent_before.saturating_add(taken.events);
        if taken.stream == self.number && settled <= self.sent {
            self.settled = self.settled.max(settled);
        }
    }

    /// What became of everything that was written.
    pub(super) fn counts(&self) -> LinkCounts {
        let in_flight = self.sent.saturating_sub(self.settled);
        let confirmed = self.settled.saturating_sub(self.lost);
        LinkCounts { sent: self.sent, confirmed, in_flight, lost: self.lost, ..LinkCounts::default() }
    }

    /// It is over: how many events may not have arrived.
    pub(super) fn end(&mut self) -> u64 {
        let before = std::mem::replace(
            &mut self.told,
            self.lost.saturating_add(self.sent.saturating_sub(self.settled)),
        );
        (self.lost, self.settled) = (self.told, self.sent);
        self.told.saturating_sub(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_have_arrived_is_lost_once() {
        let mut streams = Streams::default();
        let taken = |stream, events| Taken { stream, frames: 0, events };
        streams.begin(Vec::new());
        streams.wrote(5);
        streams.confirmed(&taken(1, 3));
        streams.confirmed(&taken(1, 9));
        streams.begin(Vec::new());
        streams.confirmed(&taken(1, 5));
        streams.wrote(4);
        let nothing = LinkCounts::default();
        assert_eq!(streams.counts(), LinkCounts { sent: 9, confirmed: 3, in_flight: 4, lost: 2, ..nothing });
        streams.arrived();
        streams.begin(Vec::new());
        streams.wrote(1);
        streams.confirmed(&taken(3, 0));
        assert_eq!(streams.end(), 2 + 1);
        assert_eq!(streams.end(), 0);
        assert_eq!(streams.counts(), LinkCounts { sent: 10, confirmed: 7, lost: 3, ..nothing });
    }
}
