//! The state of one plugin: what it keeps on this node, over all its instances and versions.
//!
//! What it owns: the quota, the bounds of what is on its way to the store, and the answers to all instances at once. Exists
//! so that an instance sees what another one wrote a moment ago, while the store writes as it likes. It must not know who
//! calls, or when an outcome counts.

mod flight;
mod look;
mod overlay;
mod sweep;
#[cfg(test)]
mod tests;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;

use self::{
    flight::Flight,
    overlay::{CallNumber, Entries, Entry, Slot, Write, between},
};
pub use self::{sweep::States, writes::Writes};
use super::timer::unix_ms;
use crate::{
    status::Work,
    store::{STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, StateValue, Store, StoreError, Writing},
    units::ByteSize,
};

/// What one plugin may keep when nothing is said: keys and values together.
pub const QUOTA: ByteSize = ByteSize::mib(16);
/// Bytes of one plugin that may be on their way to the store; the store's own bound is for all.
const FLYING_BYTES_MAX: usize = 4 << 20;
/// Keys of one page.
const KEYS_MAX: usize = 1_000;

/// What one plugin keeps.
pub struct State {
    plugin: Arc<str>,
    /// None: the node keeps nothing, and all of it is in memory.
    store: Option<Store>,
    /// Set again when the configuration changes.
    quota: AtomicU64,
    /// Where whoever looks reads how much it is.
    work: Arc<Work>,
    /// Held for a look into the store at most.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Keys that the store does not have as they are seen.
    entries: Entries,
    /// What calls that are over have left, where there is no store.
    memory: BTreeMap<Arc<str>, StateValue>,
    /// Bytes of all keys and values as they are seen, with what has ended since it was loaded and is not swept.
    used: u64,
    /// When it was loaded: what had ended by then is not in `used`.
    since_ms: u64,
    /// Calls that have begun.
    calls: CallNumber,
    /// What was handed to the store, the oldest first.
    flights: VecDeque<Flight>,
    /// Flights that have begun.
    started: u64,
    /// Bytes that are on their way.
    flying: usize,
    /// What the store did not take, or could not write; tried again with the next look.
    unsent: BTreeSet<Arc<str>>,
    /// Flights that failed, and why the last one did.
    failures: (u64, Option<StoreError>),
}

/// Why something is not kept, or not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// A key of no bytes.
    #[error("a key has at least one byte")]
    NoKey,
    /// Key, value or all of it are over the limit.
    #[error("{what} has at most {max} bytes")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// Something else than a sum is to be added to.
    #[error("`{0}` holds no whole number in decimal digits")]
    NoNumber(String),
    /// The sum is none.
    #[error("the sum of `{0}` would not fit 64 bits")]
    Overflow(String),
    /// The store has trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a change.
enum Changed<R> {
    Done(R),
    /// Too much is on its way: this is to be waited for.
    Later(Writing),
}

impl State {
    /// What a plugin has kept before.
    #[must_use]
    pub fn load(plugin: Arc<str>, store: Option<Store>, quota: ByteSize, work: Arc<Work>) -> Arc<Self> {
        let since_ms = unix_ms();
        let used = store.as_ref().map_or(Ok(0), |store| store.state().usage(&plugin, since_ms));
        let used = used.unwrap_or_else(|error| {
            tracing::error!(plugin = &*plugin, "what it keeps cannot be read: {error}");
            0
        });
        work.state_bytes.set(used);
        let inner = Inner { used, since_ms, ..Inner::default() };
        Arc::new(Self { plugin, store, quota: AtomicU64::new(quota.0), work, inner: Mutex::new(inner) })
    }

    /// It may keep so much from here on; what is over it stays.
    pub fn allow(&self, quota: ByteSize) {
        self.quota.store(quota.0, Relaxed);
    }

    /// A call begins to write.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Writes {
        let mut inner = self.lock();
        inner.calls = inner.calls.saturating_add(1);
        Writes::new(Arc::clone(self), inner.calls)
    }

    /// A key's value.
    ///
    /// # Errors
    /// When the key is none, or the store cannot be read.
    pub fn value(&self, key: &str) -> Result<Option<Bytes>, StateError> {
        Ok(self.seen(key)?.map(|value| value.bytes))
    }

    /// A key's value, and when it ends.
    fn seen(&self, key: &str) -> Result<Slot, StateError> {
        check_key(key)?;
        let inner = self.lock();
        let now_ms = unix_ms();
        let slot = match inner.entries.get(key) {
            Some(entry) => entry.seen(now_ms),
            None => self.kept(&inner, key)?,
        };
        Ok(slot.filter(|value| value.is_alive(now_ms)))
    }

    /// Up to `most` keys that begin with `prefix`, in order, behind `after`; 0: as many as there are to a page.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>, StateError> {
        let most = if most == 0 { KEYS_MAX } else { most.min(KEYS_MAX) };
        let (inner, now_ms) = (self.lock(), unix_ms());
        let mut keys: Vec<String> = Vec::new();
        let mut behind = after.map(str::to_owned);
        while keys.len() < most {
            let kept = self.kept_keys(&inner, (prefix, behind.as_deref()), now_ms, most)?;
            let last = kept.last().filter(|_| kept.len() >= most).cloned();
            let from = match &behind {
                Some(behind) if behind.as_str() >= prefix => Bound::Excluded(behind.as_str()),
                _ => Bound::Included(prefix),
            };
            let to = last.as_deref().map_or(Bound::Unbounded, Bound::Included);
            let mut page: BTreeMap<&str, bool> = kept.iter().map(|key| (key.as_str(), true)).collect();
            page.extend(
                between(&inner.entries, (from, to), now_ms).take_while(|(key, _)| key.starts_with(prefix)),
            );
            keys.extend(page.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key.to_owned()));
            match last {
                Some(last) => behind = Some(last),
                None => break,
            }
        }
        keys.truncate(most);
        Ok(keys)
    }

    /// Waits until everything that calls have left so far is on disk.
    ///
    /// # Errors
    /// When the disk does not take it; it is tried again with what comes next.
    pub async fn flush(&self) -> Result<(), StateError> {
        let Some(store) = &self.store else { return Ok(()) };
        let (writing, failures) = loop {
            let earlier = {
                let mut inner = self.lock();
                self.look(&mut inner);
                if inner.unsent.is_empty() {
                    break (store.flush()?, inner.failures.0);
                }
                let full = StoreError::Full { changes: inner.unsent.len(), bytes: inner.flying };
                inner.flights.front().map(|flight| flight.writing.clone()).ok_or(full)?
            };
            earlier.written().await?;
        };
        writing.written().await?;
        let mut inner = self.lock();
        self.land(&mut inner);
        match &inner.failures {
            (now, Some(error)) if *now != failures => Err(error.clone().into()),
            _ => Ok(()),
        }
    }

    /// Removes these of its keys that have ended, and in memory all that have; tries again what the store did not take.
    pub(super) fn sweep(&self, ended: &[String], now_ms: u64) {
        let mut inner = self.lock();
        self.look(&mut inner);
        let in_memory = inner.memory.iter().filter(|(_, value)| !value.is_alive(now_ms));
        let in_memory: Vec<Arc<str>> = in_memory.map(|(key, _)| Arc::clone(key)).collect();
        let keys = ended.iter().map(|key| Arc::from(key.as_str())).chain(in_memory);
        let mut gone = BTreeSet::new();
        for key in keys {
            // What was written meanwhile has its own end.
            if inner.entries.contains_key(&key) {
                continue;
            }
            let Ok(Some(value)) = self.kept(&inner, &key) else { continue };
            let Some(ends_ms) = value.ends_ms.filter(|ends_ms| *ends_ms <= now_ms) else { continue };
            if ends_ms > inner.since_ms {
                inner.used = inner.used.saturating_sub(size(&key, Some(&value)));
            }
            let mut entry = Entry::new(Some(value));
            entry.write(0, Write::Put(None));
            entry.settle(0, now_ms);
            inner.entries.insert(Arc::clone(&key), entry);
            gone.insert(key);
        }
        self.hand_over(&mut inner, gone);
        self.work.state_bytes.set(inner.used);
    }

    /// A call's change of one key, which it decides on seeing the value.
    fn change<R>(
        &self,
        call: CallNumber,
        key: &Arc<str>,
        decide: &mut impl FnMut(Option<&StateValue>) -> Result<(Option<Write>, R), StateError>,
    ) -> Result<Changed<R>, StateError> {
        let (mut inner, now_ms) = (self.lock(), unix_ms());
        self.look(&mut inner);
        if inner.flying > FLYING_BYTES_MAX {
            return match (inner.flights.front(), &inner.failures.1) {
                (Some(flight), _) => Ok(Changed::Later(flight.writing.clone())),
                (None, Some(error)) => Err(error.clone().into()),
                (None, None) => Err(StoreError::Closed.into()),
            };
        }
        let before = match inner.entries.get(key) {
            Some(entry) => entry.seen(now_ms),
            None => self.kept(&inner, key)?,
        };
        let (write, result) = decide(before.as_ref().filter(|value| value.is_alive(now_ms)))?;
        let Some(write) = write else { return Ok(Changed::Done(result)) };
        let had = self.counted(&inner, key, before.as_ref());
        let has = match &write {
            Write::Put(slot) => size(key, slot.as_ref()),
            // As many digits as a sum has at most.
            Write::Add(_) => had.max(size(key, None).saturating_add(key.len() as u64 + 20)),
        };
        let used = inner.used.saturating_sub(had).saturating_add(has);
        let quota = self.quota.load(Relaxed);
        if has > had && used > quota {
            return Err(StateError::TooLarge { what: "all that the plugin keeps", max: quota });
        }
        let entry = inner.entries.entry(Arc::clone(key)).or_insert_with(|| Entry::new(before));
        entry.write(call, write);
        let seen = size(key, entry.seen(now_ms).as_ref());
        inner.used = inner.used.saturating_sub(had).saturating_add(seen);
        self.work.state_bytes.set(inner.used);
        Ok(Changed::Done(result))
    }

    /// A call is over, or has come to a point from which on what it wrote is to stay; or nothing of it is to.
    fn over(&self, call: CallNumber, keys: BTreeSet<Arc<str>>, stays: bool) {
        let (mut inner, now_ms) = (self.lock(), unix_ms());
        self.look(&mut inner);
        let mut used = inner.used;
        for key in &keys {
            let Some(entry) = inner.entries.get_mut(key) else { continue };
            if stays {
                entry.settle(call, now_ms);
                continue;
            }
            used = used.saturating_sub(size(key, entry.seen(now_ms).as_ref()));
            entry.discard(call, now_ms);
            used = used.saturating_add(size(key, entry.seen(now_ms).as_ref()));
            if entry.is_idle() {
                inner.entries.remove(key);
            }
        }
        inner.used = used;
        if stays {
            self.hand_over(&mut inner, keys);
        }
        self.work.state_bytes.set(inner.used);
    }

    /// What calls that are over have left of a key that has no entry.
    fn kept(&self, inner: &Inner, key: &str) -> Result<Slot, StateError> {
        match &self.store {
            Some(store) => Ok(store.state().value(&self.plugin, key)?),
            None => Ok(inner.memory.get(key).cloned()),
        }
    }

    fn kept_keys(
        &self,
        inner: &Inner,
        (prefix, behind): (&str, Option<&str>),
        now_ms: u64,
        most: usize,
    ) -> Result<Vec<String>, StateError> {
        if let Some(store) = &self.store {
            return Ok(store.state().keys((&self.plugin, prefix), behind, now_ms, most)?);
        }
        let from = behind.filter(|behind| *behind >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let keys = inner.memory.range::<str, _>((from, Bound::Unbounded));
        let keys = keys.take_while(|(key, _)| key.starts_with(prefix));
        let alive = keys.filter(|(_, value)| value.is_alive(now_ms));
        Ok(alive.take(most).map(|(key, _)| key.to_string()).collect())
    }

    /// The bytes that `used` has for a key that is seen like this.
    fn counted(&self, inner: &Inner, key: &str, seen: Option<&StateValue>) -> u64 {
        let had_ended = |value: &&StateValue| {
            value.is_alive(inner.since_ms) || inner.entries.contains_key(key) || self.store.is_none()
        };
        size(key, seen.filter(had_ended))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_key(key: &str) -> Result<(), StateError> {
    match key.len() {
        0 => Err(StateError::NoKey),
        1..=STATE_KEY_BYTES_MAX => Ok(()),
        _ => Err(StateError::TooLarge { what: "a key", max: STATE_KEY_BYTES_MAX as u64 }),
    }
}

fn check_value(value: &[u8]) -> Result<(), StateError> {
    match value.len() {
        0..=STATE_VALUE_BYTES_MAX => Ok(()),
        _ => Err(StateError::TooLarge { what: "a value", max: STATE_VALUE_BYTES_MAX as u64 }),
    }
}

fn size(key: &str, value: Option<&StateValue>) -> u64 {
    value.map_or(0, |value| key.len().saturating_add(value.bytes.len()) as u64)
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}
