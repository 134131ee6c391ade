//! What one call writes: seen by others at once, and on disk as a whole.
//!
//! What it owns: the keys that a call has written, and what happens when it ends one way or the other. It must not know
//! what a guest is.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Changed, State, StateError, check_key, check_value,
    overlay::{CallNumber, Write, number},
};
use crate::{plugin::timer::unix_ms, store::StateValue};

/// What one call may have written that is not on its way to disk: past it, it waits there once.
const CALL_BYTES_MAX: usize = 8 << 20;

/// The writes of one call. Dropped, it is as if they had never been.
#[derive(Debug)]
pub struct Writes {
    state: Arc<State>,
    call: CallNumber,
    /// What was written since the call began or last flushed.
    keys: BTreeSet<Arc<str>>,
    /// Its bytes.
    bytes: usize,
}

impl Writes {
    pub(super) fn new(state: Arc<State>, call: CallNumber) -> Self {
        Self { state, call, keys: BTreeSet::new(), bytes: 0 }
    }

    /// Puts a value in place of any the key has, until so long from now; none removes the key.
    ///
    /// # Errors
    /// When it is over a limit or the quota, or the store has trouble.
    pub async fn put(
        &mut self,
        key: &str,
        value: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<(), StateError> {
        let value = new_value(value, ttl)?;
        let bytes = value.as_ref().map_or(0, |value| value.bytes.len());
        self.change(key, bytes, |_| Ok((Some(Write::Put(value.clone())), ()))).await
    }

    /// Adds to the sum that a key has, and gives the new one.
    ///
    /// # Errors
    /// When the value is no sum or the new one does not fit, and as [`Self::put`].
    pub async fn add(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        let decide = |value: Option<&StateValue>| {
            let before = match value {
                None => 0,
                Some(value) => number(value).ok_or_else(|| StateError::NoNumber(key.to_owned()))?,
            };
            let sum = before.checked_add(delta).ok_or_else(|| StateError::Overflow(key.to_owned()))?;
            Ok((Some(Write::Add(delta)), sum))
        };
        self.change(key, 0, decide).await
    }

    /// Puts a value in place of the expected one, none meaning that the key is not there. False when it had another.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn swap(
        &mut self,
        key: &str,
        expected: Option<&[u8]>,
        value: Option<Vec<u8>>,
        ttl: Option<Duration>,
    ) -> Result<bool, StateError> {
        let value = new_value(value, ttl)?;
        let bytes = value.as_ref().map_or(0, |value| value.bytes.len());
        let decide = |found: Option<&StateValue>| {
            let is_expected = found.map(|value| &value.bytes[..]) == expected;
            Ok((is_expected.then(|| Write::Put(value.clone())), is_expected))
        };
        self.change(key, bytes, decide).await
    }

    /// Waits until everything that it has written is on disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn flush(&mut self) -> Result<(), StateError> {
        self.stay();
        self.state.flush().await
    }

    /// The call is over: what it wrote stays, and goes to disk.
    pub fn keep(mut self) {
        self.stay();
    }

    fn stay(&mut self) {
        self.bytes = 0;
        let keys = std::mem::take(&mut self.keys);
        if !keys.is_empty() {
            self.state.over(self.call, keys, true);
        }
    }

    async fn change<R>(
        &mut self,
        key: &str,
        bytes: usize,
        mut decide: impl FnMut(Option<&StateValue>) -> Result<(Option<Write>, R), StateError>,
    ) -> Result<R, StateError> {
        check_key(key)?;
        if self.bytes > CALL_BYTES_MAX {
            self.flush().await?;
        }
        let key = self.keys.get(key).cloned().unwrap_or_else(|| key.into());
        loop {
            match self.state.change(self.call, &key, &mut decide)? {
                Changed::Done(result) => {
                    self.bytes = self.bytes.saturating_add(key.len()).saturating_add(bytes);
                    self.keys.insert(key);
                    return Ok(result);
                }
                Changed::Later(writing) => writing.written().await?,
            }
        }
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        if !keys.is_empty() {
            self.state.over(self.call, keys, false);
        }
    }
}

fn new_value(value: Option<Vec<u8>>, ttl: Option<Duration>) -> Result<Option<StateValue>, StateError> {
    let Some(value) = value else { return Ok(None) };
    check_value(&value)?;
    let ttl_ms = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
    let ends_ms = ttl_ms.map(|ttl_ms| unix_ms().saturating_add(ttl_ms));
    Ok(Some(StateValue { bytes: Bytes::from(value), ends_ms }))
}
