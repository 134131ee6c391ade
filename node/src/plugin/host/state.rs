//! `hive:node/state`: what the plugin keeps on this node.

use std::time::Duration;

use super::{
    Guest,
    bindings::hive::node::{state, types::Error},
};
use crate::{
    plugin::state::{State, StateError, Writes},
    store::StoreError,
};

/// Keys of one `get-each`.
const EACH_MAX: usize = 256;
/// Bytes of its answers together.
const EACH_BYTES_MAX: usize = 16 << 20;
/// When a guest may try again what the store had no room for, in milliseconds.
const RETRY_MS: u64 = 100;

impl state::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let value = self.state()?.value(&key).map_err(state_error)?;
        Ok(value.map(Vec::from))
    }

    fn get_each(&mut self, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, Error> {
        if keys.len() > EACH_MAX {
            return Err(Error::TooLarge(EACH_MAX as u64));
        }
        let (state, mut bytes) = (self.state()?, 0_usize);
        let mut get = |key: &String| {
            let value = state.value(key).map_err(state_error)?;
            bytes = bytes.saturating_add(value.as_ref().map_or(0, |value| value.len()));
            if bytes > EACH_BYTES_MAX {
                return Err(Error::TooLarge(EACH_BYTES_MAX as u64));
            }
            Ok(value.map(Vec::from))
        };
        keys.iter().map(&mut get).collect()
    }

    async fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), Error> {
        self.pace().await?;
        let ttl = ttl(ttl_ms)?;
        self.writes()?.put(&key, Some(value), ttl).await.map_err(state_error)
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        self.pace().await?;
        self.writes()?.put(&key, None, None).await.map_err(state_error)
    }

    fn keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Result<Vec<String>, Error> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        self.state()?.keys(&prefix, after.as_deref(), most).map_err(state_error)
    }

    async fn increment(&mut self, key: String, delta: i64) -> Result<i64, Error> {
        self.pace().await?;
        self.writes()?.add(&key, delta).await.map_err(state_error)
    }

    async fn swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        ttl_ms: Option<u64>,
    ) -> Result<bool, Error> {
        self.pace().await?;
        let ttl = ttl(ttl_ms)?;
        self.writes()?.swap(&key, expected.as_deref(), value, ttl).await.map_err(state_error)
    }

    async fn flush(&mut self) -> Result<(), Error> {
        self.pace().await?;
        let crew = self.place.as_ref().map(|place| std::sync::Arc::clone(&place.crew));
        let writes = self.writes()?;
        let _away = crew.as_ref().map(|crew| crew.away());
        writes.flush().await.map_err(state_error)
    }
}

impl Guest {
    fn state(&self) -> Result<&State, Error> {
        self.place.as_ref().map(|place| &*place.state).ok_or_else(nowhere)
    }

    /// What the call in hand has written.
    fn writes(&mut self) -> Result<&mut Writes, Error> {
        let Some(place) = &self.place else { return Err(nowhere()) };
        Ok(self.writes.get_or_insert_with(|| place.state.begin()))
    }
}

fn ttl(ttl_ms: Option<u64>) -> Result<Option<Duration>, Error> {
    match ttl_ms {
        Some(0) => Err(Error::Invalid("a value is there for 1 ms at least".into())),
        ttl_ms => Ok(ttl_ms.map(Duration::from_millis)),
    }
}

fn state_error(error: StateError) -> Error {
    match error {
        StateError::TooLarge { max, .. } => Error::TooLarge(max),
        StateError::NoKey | StateError::NoNumber(_) | StateError::Overflow(_) => {
            Error::Invalid(error.to_string())
        }
        StateError::Store(StoreError::Full { .. }) => Error::Overloaded(RETRY_MS),
        StateError::Store(error) => Error::Unavailable(error.to_string()),
    }
}

fn nowhere() -> Error {
    Error::Denied("`describe` is pure: it has no state".into())
}
