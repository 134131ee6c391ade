//! What one batch brings to each local queue: gathered first, so that each queue is locked once and its reader woken once.

use std::{collections::VecDeque, sync::Arc};

use hive_proto::plane::{account::DropReason, pace::Pace, queue::Load as _};

use super::{
    Shared,
    queue::{Offer, Queue},
    queued::Queued,
};

/// Queues with what is for each; empty between batches.
#[derive(Debug, Default)]
pub(super) struct Staged(Vec<(Arc<Queue>, VecDeque<Queued>)>);

impl Staged {
    /// Puts a load behind what is for this queue.
    pub(super) fn put(&mut self, queue: &Arc<Queue>, load: Queued) {
        match self.0.iter_mut().find(|(other, _)| Arc::ptr_eq(other, queue)) {
            Some((_, loads)) => loads.push_back(load),
            None => self.0.push((Arc::clone(queue), VecDeque::from([load]))),
        }
    }

    /// Hands everything over, waiting for slow consumers as the pace allows. Cancel-safe: the rest goes with the next.
    pub(super) async fn flush(&mut self, shared: &Shared, pace: &mut Pace) {
        for (queue, loads) in &mut self.0 {
            queue.offer_batch(loads);
            while let Some(first) = loads.front() {
                if first.is_ticketed() {
                    // Another member may have room.
                    loads.pop_front().into_iter().for_each(Queued::refuse);
                    queue.offer_batch(loads);
                    continue;
                }
                let mut taken = 0;
                if !queue.is_lagging() {
                    let now = shared.clock.now();
                    taken = queue.offer_batch_within(loads, pace.allowance(now)).await;
                    pace.spend(shared.clock.now().0.saturating_sub(now.0));
                }
                if taken == 0
                    && let Some(first) = split_event(loads)
                {
                    shared.account.dropped(DropReason::SlowConsumer, queue.force(first));
                    queue.offer_batch(loads);
                }
            }
        }
        // Queues of consumers that have gone are not kept alive, nor is the memory of a burst.
        self.0.clear();
    }
}

impl Shared {
    /// Queues one copy for a local consumer, waiting if the pace allows. Returns how many were queued.
    pub(super) async fn deliver(&self, queue: &Queue, one: Queued, pace: &mut Pace) -> u32 {
        let one = match queue.offer(one) {
            Offer::Taken => return 1,
            Offer::Closed(_) => return 0,
            Offer::Full(one) => *one,
        };
        let left = if queue.is_lagging() {
            Offer::Full(Box::new(one))
        } else {
            let now = self.clock.now();
            let offered = queue.offer_within(one, pace.allowance(now)).await;
            pace.spend(self.clock.now().0.saturating_sub(now.0));
            offered
        };
        match left {
            Offer::Closed(_) => return 0,
            Offer::Taken => {}
            Offer::Full(one) => {
                self.account.dropped(DropReason::SlowConsumer, queue.force(*one));
            }
        }
        1
    }
}

/// The oldest event alone.
fn split_event(loads: &mut VecDeque<Queued>) -> Option<Queued> {
    loads.front_mut()?.split_front(1, usize::MAX).or_else(|| loads.pop_front())
}
