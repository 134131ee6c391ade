//! One-shot timers, that a guest sets on the way: kept on disk until what they brought is handled.
//!
//! What it owns: the set timers of one plugin, over all its versions, and the task that fires them. It must not know who
//! may set how many, or how what fires is handled.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hive_proto::channel::Channel;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{LOOK, unix_ms};
use crate::{
    bus::{Bus, Message},
    dispatch::Lanes,
    store::{Durability, KeptTimer, Store, StoreError, Writing},
};

/// What one plugin has set.
pub struct OneShots {
    plugin: Arc<str>,
    /// None: the node keeps nothing, and they end with it.
    store: Option<Store>,
    /// Held for a look, and for handing a change to the store, so that the last one is the last one there, too.
    shots: Mutex<BTreeMap<String, Shot>>,
    /// Told when something was set or cancelled.
    changed: Notify,
}

/// One that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shot {
    /// In milliseconds since the Unix epoch.
    due_ms: u64,
    payload: Bytes,
    /// It has fired, and is not done with.
    in_hand: bool,
}

impl OneShots {
    /// Those of a plugin that were set before.
    #[must_use]
    pub fn load(plugin: Arc<str>, store: Option<Store>) -> Self {
        let kept = store.as_ref().map(|store| store.timers().of(&plugin)).transpose();
        let kept = kept.unwrap_or_else(|error| {
            tracing::error!(plugin = &*plugin, "the timers it has set cannot be read: {error}");
            None
        });
        let shot = |KeptTimer { name, due_ms, payload }| {
            (name, Shot { due_ms, payload: payload.into(), in_hand: false })
        };
        let shots = Mutex::new(kept.into_iter().flatten().map(shot).collect());
        Self { plugin, store, shots, changed: Notify::new() }
    }

    /// Sets one, in place of any that has its name, unless there would be more than `most`: then none. What is returned
    /// waits for the disk.
    ///
    /// # Errors
    /// When it is not taken to be kept.
    pub fn set(
        &self,
        name: &str,
        delay: Duration,
        payload: Vec<u8>,
        most: usize,
    ) -> Result<Option<Option<Writing>>, StoreError> {
        let due_ms = unix_ms().saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        let mut shots = self.lock();
        if shots.len() >= most && !shots.contains_key(name) {
            return Ok(None);
        }
        let kept = KeptTimer { name: name.to_owned(), due_ms, payload: payload.clone() };
        let store = self.store.as_ref();
        let writing =
            store.map(|store| store.timers().put(&self.plugin, kept, Durability::Now)).transpose()?;
        shots.insert(name.to_owned(), Shot { due_ms, payload: payload.into(), in_hand: false });
        drop(shots);
        self.changed.notify_one();
        Ok(Some(writing))
    }

    /// Cancels one. False when there is none, or when it has fired.
    pub fn cancel(&self, name: &str) -> bool {
        let mut shots = self.lock();
        if shots.get(name).is_none_or(|shot| shot.in_hand) {
            return false;
        }
        shots.remove(name);
        self.forget(name);
        drop(shots);
        self.changed.notify_one();
        true
    }

    /// What had fired and was in hand is lost with the lanes it was in, and fires again.
    pub fn begin_anew(&self) {
        self.lock().values_mut().for_each(|shot| shot.in_hand = false);
    }

    /// Fires what is due, until told to stop.
    pub async fn run(self: Arc<Self>, lanes: Arc<Lanes>, bus: Bus, stop: CancellationToken) {
        loop {
            let next = self.fire(&lanes, &bus);
            let wait = next.map_or(LOOK, |due_ms| Duration::from_millis(due_ms.saturating_sub(unix_ms())));
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = lanes.tick_done() => {}
                // The wall clock may be set meanwhile.
                () = tokio::time::sleep(wait.min(LOOK)) => {}
            }
        }
    }

    /// Forgets what was handled, and fires what is due. Returns when the next one is.
    fn fire(&self, lanes: &Lanes, bus: &Bus) -> Option<u64> {
        let (now, mut next) = (unix_ms(), None::<u64>);
        let mut shots = self.lock();
        shots.retain(|name, shot| {
            let Ok(channel) = Channel::parse(&format!("$timer/{name}")) else { return false };
            let is_ticking = lanes.is_ticking(&channel);
            if shot.in_hand {
                if !is_ticking {
                    self.forget(name);
                }
                return is_ticking;
            }
            // Of one name there is one at a time; who is set anew while the last one is in hand waits for that.
            if shot.due_ms <= now && !is_ticking {
                shot.in_hand = true;
                lanes.tick(bus.own_event(channel, Message::new(shot.payload.clone())));
            } else if shot.due_ms > now {
                next = Some(next.map_or(shot.due_ms, |next| next.min(shot.due_ms)));
            }
            true
        });
        next
    }

    fn forget(&self, name: &str) {
        let Some(store) = &self.store else { return };
        match store.timers().remove(&self.plugin, name, Durability::Soon) {
            Ok(writing) => writing.forget(),
            Err(error) => {
                tracing::warn!(plugin = &*self.plugin, "the timer {name} is still on disk: {error}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Shot>> {
        self.shots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OneShots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShots")
            .field("plugin", &self.plugin)
            .field("set", &self.lock().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_set_survives_and_what_is_cancelled_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let load = |plugin: &str| OneShots::load(plugin.into(), Some(store.clone()));
        let set = |shots: &OneShots, name: &str, payload: &str| {
            let writing = shots.set(name, MINUTE, payload.into(), 2).expect("taken");
            writing.map(|writing| writing.expect("a store").wait().expect("written")).is_some()
        };
        let one = load("one");
        assert!(set(&one, "a", "first") && set(&one, "b", "x") && set(&one, "a", "second"));
        assert!(!set(&one, "c", "too many"));
        assert!(one.cancel("b") && !one.cancel("b") && set(&one, "c", "now there is room"));
        let again = load("one");
        let payload = |name: &str| again.lock().get(name).map(|shot| shot.payload.clone());
        assert_eq!((payload("a"), payload("b")), (Some("second".into()), None));
        assert_eq!(again.lock().len(), 2);
        assert!(load("on").lock().is_empty() && load("two").lock().is_empty());
        let large = one.set("a", MINUTE, vec![0; (64 << 10) + 1], 2);
        assert!(matches!(large, Err(StoreError::TooLarge { .. })));
        let nowhere = OneShots::load("one".into(), None);
        assert!(
            nowhere.set("a", MINUTE, Vec::new(), 1).expect("set").is_some_and(|writing| writing.is_none())
        );
    }
}
