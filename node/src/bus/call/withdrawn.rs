//! Requests of peers whose callers have gone before they were answered: kept until the request is let go, so that what
//! nobody waits for is not begun, and what was begun is cut. A request that is answered in time costs nothing here.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use hive_proto::{channel::NetworkIndex, id::NodeId};
use tokio::sync::Notify;

use super::Caller;

/// Withdrawn requests that are remembered; of more the oldest are forgotten, and run to their end.
const REMEMBERED: usize = 4096;

type Key = (NetworkIndex, NodeId, u64);

/// The withdrawn requests of one node.
#[derive(Debug, Default)]
pub(in crate::bus) struct Withdrawn {
    list: Mutex<VecDeque<Key>>,
    /// How many there are, so that nobody takes the lock while there are none.
    count: AtomicUsize,
    /// Told when there is one more.
    changed: Notify,
}

impl Withdrawn {
    /// A peer's caller has gone.
    pub(in crate::bus) fn add(&self, network: NetworkIndex, node: NodeId, call: u64) {
        let mut list = self.list();
        if list.len() >= REMEMBERED {
            list.pop_front();
        }
        list.push_back((network, node, call));
        self.count.store(list.len(), Ordering::Relaxed);
        drop(list);
        self.changed.notify_waiters();
    }

    pub(super) fn contains(&self, caller: &Caller, call: u64) -> bool {
        self.count.load(Ordering::Relaxed) > 0 && self.list().contains(&key(caller, call))
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
            let key = key(caller, call);
            let mut list = self.list();
            list.retain(|other| *other != key);
            self.count.store(list.len(), Ordering::Relaxed);
        }
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Key>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(caller: &Caller, call: u64) -> Key {
    (caller.network, caller.node, call)
}
