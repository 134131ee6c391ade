//! Events that come from no queue: ticks, of which there is at most one of a timer under way, and dead letters that are
//! given again.

use hive_proto::channel::Channel;

use super::Lanes;
use crate::bus::{Delivery, Event, Ticket};

impl Lanes {
    /// Hands a tick to the workers, unless the one before is not done with: then it is left out and counted.
    pub fn tick(&self, event: Event) {
        let mut state = self.lock();
        if !state.ticking.insert(event.channel.clone()) {
            drop(state);
            self.tally.skipped();
            return;
        }
        state.enqueue(Delivery::event(event));
        drop(state);
        self.wake.notify_one();
    }

    /// Hands a dead letter to the workers. False when the handler does not want such events any more.
    #[must_use]
    pub fn give_again(&self, delivery: Delivery) -> bool {
        let group = delivery.ticket.as_ref().and_then(Ticket::group);
        // Timers come by no subscription.
        if !delivery.event.channel.is_reserved() && !self.subscription.wants(&delivery.event, group) {
            return false;
        }
        self.lock().enqueue(delivery);
        self.wake.notify_one();
        true
    }

    /// Whether a tick of a timer is under way.
    #[must_use]
    pub fn is_ticking(&self, channel: &Channel) -> bool {
        self.lock().ticking.contains(channel)
    }

    /// Waits until a tick was done with.
    pub async fn tick_done(&self) {
        self.ticked.notified().await;
    }

    /// What was done with may have been a tick.
    pub(super) fn ticked(&self, channel: &Channel) {
        if channel.is_reserved() && self.lock().ticking.remove(channel) {
            self.ticked.notify_one();
        }
    }
}
