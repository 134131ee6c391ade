//! Requests of peers whose callers have gone before they were answered: kept until the request is let go, so that what
//! nobody waits for is not begun, and what was begun is cut. A request that is answered in time costs nothing here.

use std::{
    collections::{BTreeSet, VecDeque},
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hive_proto::{channel::NetworkIndex, id::NodeId};
use tokio::sync::Notify;

use super::Caller;

/// Withdrawn requests that are remembered; of more the oldest are forgotten, and run to their end.
const REMEMBERED: usize = 4096;
/// How long one is: a word that crossed the answer is about a request that is there no more, and would stay for ever.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

type Key = (NetworkIndex, NodeId, u64);

/// The withdrawn requests of one node.
#[derive(Debug, Default)]
pub(in crate::bus) struct Withdrawn {
    list: Mutex<List>,
    /// How many there are, so that nobody takes the lock while there are none.
    count: AtomicUsize,
    /// Told when there is one more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct List {
    keys: BTreeSet<Key>,
    /// When each came, oldest first; some are forgotten already.
    order: VecDeque<(Instant, Key)>,
}

impl Withdrawn {
    /// A peer's caller has gone.
    pub(in crate::bus) fn add(&self, network: NetworkIndex, node: NodeId, call: u64) {
        let (key, now) = ((network, node, call), Instant::now());
        self.change(|list| {
            if list.order.len() >= REMEMBERED {
                list.forget_oldest();
            }
            list.keys.insert(key);
            list.order.push_back((now, key));
        });
        self.changed.notify_waiters();
    }

    pub(super) fn contains(&self, caller: &Caller, call: u64) -> bool {
        self.count.load(Ordering::Relaxed) > 0 && self.list().keys.contains(&key(caller, call))
    }

    pub(super) async fn wait_for(&self, caller: &Caller, call: u64) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.contains(caller, call) {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn forget(&self, caller: &Caller, call: u64) {
        if self.count.load(Ordering::Relaxed) > 0 {
            self.change(|list| _ = list.keys.remove(&key(caller, call)));
        }
    }

    /// Changes the list, and forgets what is too old.
    fn change(&self, change: impl FnOnce(&mut List)) {
        let mut list = self.list();
        change(&mut list);
        while list
            .order
            .front()
            .is_some_and(|(since, key)| !list.keys.contains(key) || since.elapsed() >= FORGOTTEN_AFTER)
        {
            list.forget_oldest();
        }
        self.count.store(list.keys.len(), Ordering::Relaxed);
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.keys.remove(&key);
        }
    }
}

fn key(caller: &Caller, call: u64) -> Key {
    (caller.network, caller.node, call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_or_too_many_is_forgotten() {
        let (withdrawn, node) = (Withdrawn::default(), NodeId([1; 32]));
        let caller = Caller { network: NetworkIndex::HOME, node, outbox: None };
        let calls = REMEMBERED as u64 + 5;
        (0..calls).for_each(|call| withdrawn.add(NetworkIndex::HOME, node, call));
        assert!(!withdrawn.contains(&caller, 4) && withdrawn.contains(&caller, 5));
        assert_eq!(withdrawn.count.load(Ordering::Relaxed), REMEMBERED);
        (5..calls).for_each(|call| withdrawn.forget(&caller, call));
        assert_eq!(withdrawn.count.load(Ordering::Relaxed), 0, "then nobody takes the lock");
        assert!(withdrawn.list().order.is_empty());
    }
}
