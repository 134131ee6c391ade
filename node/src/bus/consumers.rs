//! Who gets events on this node, and what became of them: for status, never on an event's way.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hive_proto::plane::{account::ConsumerCounts, table::HolderId};

use super::{Bus, Holder, queue::Queue};

/// The queues of all consumers there are, and the counts of those that have gone.
#[derive(Debug, Default)]
pub(super) struct Consumers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    here: BTreeMap<HolderId, (Holder, Arc<Queue>)>,
    gone: ConsumerCounts,
}

/// One consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Whose subscription it is.
    pub holder: Holder,
    /// What became of its copies.
    pub counts: ConsumerCounts,
    /// It was too slow, and nobody waits for it until its queue was empty once.
    pub lagging: bool,
}

impl Consumers {
    pub(super) fn come(&self, id: HolderId, consumer: (Holder, Arc<Queue>)) {
        self.lock().here.insert(id, consumer);
    }

    /// One has gone; its queue is closed.
    pub(super) fn left(&self, id: HolderId) {
        let mut state = self.lock();
        if let Some((_, queue)) = state.here.remove(&id) {
            state.gone = state.gone.and(queue.counts().0);
        }
    }

    /// Over all there ever were.
    pub(super) fn counts(&self) -> ConsumerCounts {
        let state = self.lock();
        state.here.values().fold(state.gone, |sum, (_, queue)| sum.and(queue.counts().0))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus {
    /// All consumers on this node, in the order in which they came.
    #[must_use]
    pub fn consumers(&self) -> Vec<Consumer> {
        let state = self.0.consumers.lock();
        let consumer = |(holder, queue): &(Holder, Arc<Queue>)| {
            let (counts, lagging) = queue.counts();
            Consumer { holder: holder.clone(), counts, lagging }
        };
        state.here.values().map(consumer).collect()
    }
}
