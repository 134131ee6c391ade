//! What the fake node keeps for the plugin, and its clock, which the test moves.

use std::{collections::BTreeMap, time::Duration};

use crate::Error;

const KEY_BYTES_MAX: usize = 1 << 10;
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Keys of a page: few, so that a handler is tested with more pages than one.
const PAGE: usize = 3;

/// Values by key, each with the moment from which on it is not there any more.
#[derive(Debug, Default)]
pub(super) struct Kept {
    values: BTreeMap<String, (Vec<u8>, Option<Duration>)>,
    /// How far the test has moved the clock.
    now: Duration,
}

impl Kept {
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        self.values.retain(|_, (_, ends)| ends.is_none_or(|ends| ends > now));
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check(key, KEY_BYTES_MAX)?;
        Ok(self.values.get(key).map(|(value, _)| value.clone()))
    }

    pub(super) fn set(&mut self, key: &str, value: Option<&[u8]>, ttl_ms: Option<u64>) -> Result<(), Error> {
        check(key, KEY_BYTES_MAX)?;
        let Some(value) = value else {
            self.values.remove(key);
            return Ok(());
        };
        if value.len() > VALUE_BYTES_MAX {
            return Err(Error::TooLarge { limit: VALUE_BYTES_MAX as u64 });
        }
        if ttl_ms == Some(0) {
            return Err(Error::Invalid("a value is there for 1 ms at least".to_owned()));
        }
        let ends = ttl_ms.map(|ttl_ms| self.now.saturating_add(Duration::from_millis(ttl_ms)));
        self.values.insert(key.to_owned(), (value.to_vec(), ends));
        Ok(())
    }

    pub(super) fn increment(&mut self, key: &str, delta: i64) -> Result<i64, Error> {
        check(key, KEY_BYTES_MAX)?;
        let (value, _) = self.values.entry(key.to_owned()).or_insert_with(|| (b"0".to_vec(), None));
        let before = str::from_utf8(value).ok().and_then(|digits| digits.parse::<i64>().ok());
        let before = before.ok_or_else(|| Error::Invalid(format!("`{key}` holds no whole number")))?;
        let sum = before.checked_add(delta);
        let sum = sum.ok_or_else(|| Error::Invalid(format!("the sum of `{key}` would not fit 64 bits")))?;
        *value = sum.to_string().into_bytes();
        Ok(sum)
    }

    pub(super) fn keys(&self, prefix: &str, after: Option<&str>) -> Vec<String> {
        let ours = self.values.keys().filter(|key| key.starts_with(prefix));
        ours.filter(|key| after.is_none_or(|after| key.as_str() > after)).take(PAGE).cloned().collect()
    }
}

fn check(key: &str, most: usize) -> Result<(), Error> {
    match key.len() {
        0 => Err(Error::Invalid("a key has at least one byte".to_owned())),
        bytes if bytes > most => Err(Error::TooLarge { limit: most as u64 }),
        _ => Ok(()),
    }
}
