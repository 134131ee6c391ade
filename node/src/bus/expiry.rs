//! What its publisher said is of use for a while only: looked at wherever it may have waited, and dropped and counted
//! when that is over. Wall clocks are compared, and those of two hosts differ.

use hive_proto::plane::account::DropReason;

use super::{Bus, Delivery, Event, Shared, clock::unix_ms};

impl Bus {
    /// What was taken from a queue, unless nobody wants it any more. Requests end with their callers.
    pub(crate) fn unless_expired(&self, delivery: Delivery) -> Option<Delivery> {
        if delivery.request.is_some() || !self.0.drop_expired(&delivery.event) {
            return Some(delivery);
        }
        // Its origin hears that nothing more comes of it.
        delivery.ticket.into_iter().for_each(|ticket| ticket.done());
        None
    }
}

impl Shared {
    /// Whether nobody wants an event any more; that is counted as one copy dropped.
    pub(super) fn drop_expired(&self, event: &Event) -> bool {
        // Nearly all are always of use, and no clock is read for them.
        let has_expired = event.message.expires_ms().is_some() && event.has_expired(unix_ms());
        if has_expired {
            self.account.dropped(DropReason::Expired, 1);
        }
        has_expired
    }
}
