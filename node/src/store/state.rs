//! The state of plugins: keys and values of each, some with an end.

use std::sync::Arc;

use bytes::Bytes;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreError, check,
    write::{Change, Durability, Shared, Writing},
};

/// A plugin and its key.
type Key = (&'static str, &'static [u8]);
/// When it ends, and the value.
type Value = (u64, &'static [u8]);

/// By plugin and key; it ends, in milliseconds since the Unix epoch and 0 for never, and the value.
const VALUES: TableDefinition<'_, Key, Value> = TableDefinition::new("state");
/// When it ends, plugin and key: what to sweep, oldest first.
const ENDS: TableDefinition<'_, (u64, &str, &[u8]), ()> = TableDefinition::new("state ends");
/// Bytes of a key: a path or a composed name.
pub const STATE_KEY_BYTES_MAX: usize = 1 << 10;
/// Bytes of a value. Larger things are files.
pub const STATE_VALUE_BYTES_MAX: usize = 1 << 20;

/// The table of plugins' state.
#[derive(Debug, Clone, Copy)]
pub struct State<'a>(pub(super) &'a Shared);

/// What a key is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The key.
    pub key: Arc<str>,
    /// Its value; none removes it.
    pub value: Option<StateValue>,
}

/// A value as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateValue {
    /// What the plugin wrote.
    pub bytes: Bytes,
    /// From when on it is not there any more, in milliseconds since the Unix epoch; none: it stays.
    pub ends_ms: Option<u64>,
}

impl StateValue {
    /// Whether it is still there.
    #[must_use]
    pub fn is_alive(&self, now_ms: u64) -> bool {
        self.ends_ms.is_none_or(|ends_ms| ends_ms > now_ms)
    }
}

impl State<'_> {
    /// Puts values in place of any that the keys have, or removes keys: all of them or, when it fails, none.
    ///
    /// # Errors
    /// When a key or a value is too large, or too much waits already.
    pub fn write(
        &self,
        plugin: &str,
        changes: Vec<StateChange>,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        for StateChange { key, value } in &changes {
            check("key", key.len(), STATE_KEY_BYTES_MAX)?;
            check("value", value.as_ref().map_or(0, |value| value.bytes.len()), STATE_VALUE_BYTES_MAX)?;
        }
        self.0.write(Change::State { plugin: plugin.into(), changes }, durability)
    }

    /// Removes everything of a plugin.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn forget(&self, plugin: &str, durability: Durability) -> Result<Writing, StoreError> {
        self.0.write(Change::ForgetState { plugin: plugin.into() }, durability)
    }

    /// Removes what has ended.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn sweep(&self, now_ms: u64) -> Result<Writing, StoreError> {
        self.0.write(Change::Sweep { now_ms }, Durability::Soon)
    }

    /// A key's value, also one that has ended and was not swept yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn value(&self, plugin: &str, key: &str) -> Result<Option<StateValue>, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(VALUES)?;
            let found = table.get((plugin, key.as_bytes()))?;
            Ok(found.map(|found| {
                let (ends, bytes) = found.value();
                let ends_ms = (ends != 0).then_some(ends);
                StateValue { bytes: Bytes::copy_from_slice(bytes), ends_ms }
            }))
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// Bytes of a plugin's keys and values, but for those that have ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn usage(&self, plugin: &str, now_ms: u64) -> Result<u64, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(VALUES)?;
            let mut bytes = 0_usize;
            for entry in table.range((plugin, &[][..])..)? {
                let (key, value) = entry?;
                let (of, key) = key.value();
                if of != plugin {
                    break;
                }
                let value = alive(value.value(), now_ms).map(|value| key.len().saturating_add(value.len()));
                bytes = bytes.saturating_add(value.unwrap_or(0));
            }
            Ok(bytes as u64)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// Up to `most` plugins' keys that have ended, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ended(&self, now_ms: u64, most: usize) -> Result<Vec<(String, String)>, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(ENDS)?;
            let mut ended = Vec::new();
            for entry in table.iter()?.take(most) {
                let (end, _) = entry?;
                let (end, plugin, key) = end.value();
                if end > now_ms {
                    break;
                }
                ended.push((plugin.to_owned(), String::from_utf8_lossy(key).into_owned()));
            }
            Ok(ended)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// Up to `most` keys of a plugin that begin with `prefix`, in order, behind `after`; none that has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(
        &self,
        (plugin, prefix): (&str, &str),
        after: Option<&str>,
        now_ms: u64,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (prefix, after) = (prefix.as_bytes(), after.map(str::as_bytes));
        let read = || {
            let table = self.0.database.begin_read()?.open_table(VALUES)?;
            let mut keys = Vec::new();
            for entry in table.range((plugin, after.unwrap_or(prefix).max(prefix))..)? {
                let (key, value) = entry?;
                let (of, key) = key.value();
                if keys.len() >= most || of != plugin || !key.starts_with(prefix) {
                    break;
                }
                if after != Some(key) && alive(value.value(), now_ms).is_some() {
                    keys.push(String::from_utf8_lossy(key).into_owned());
                }
            }
            Ok(keys)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }
}

fn alive((ends, value): (u64, &[u8]), now_ms: u64) -> Option<&[u8]> {
    (ends == 0 || ends > now_ms).then_some(value)
}

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(VALUES)?;
    transaction.open_table(ENDS)?;
    Ok(())
}

/// A value and its end, or none to remove the key.
pub(super) fn put(
    transaction: &WriteTransaction,
    (plugin, key): (&str, &[u8]),
    value: Option<(&[u8], Option<u64>)>,
) -> Result<(), redb::Error> {
    let (mut values, mut ends) = (transaction.open_table(VALUES)?, transaction.open_table(ENDS)?);
    // What ends at the beginning of time has ended; 0 is for what never does.
    let value = value.map(|(bytes, ends_ms)| (ends_ms.map_or(0, |end| end.max(1)), bytes));
    let before = match value {
        Some(value) => values.insert((plugin, key), value)?.map_or(0, |old| old.value().0),
        None => values.remove((plugin, key))?.map_or(0, |old| old.value().0),
    };
    if before != 0 {
        ends.remove((before, plugin, key))?;
    }
    if let Some((end, _)) = value.filter(|(end, _)| *end != 0) {
        ends.insert((end, plugin, key), ())?;
    }
    Ok(())
}

pub(super) fn forget(transaction: &WriteTransaction, plugin: &str) -> Result<(), redb::Error> {
    let mut keys = Vec::new();
    for entry in transaction.open_table(VALUES)?.range((plugin, &[][..])..)? {
        let (key, _) = entry?;
        let (of, key) = key.value();
        if of != plugin {
            break;
        }
        keys.push(key.to_vec());
    }
    keys.iter().try_for_each(|key| put(transaction, (plugin, key), None))
}

pub(super) fn sweep(transaction: &WriteTransaction, now_ms: u64) -> Result<(), redb::Error> {
    let mut ended = Vec::new();
    for entry in transaction.open_table(ENDS)?.iter()? {
        let (end, _) = entry?;
        let (end, plugin, key) = end.value();
        if end > now_ms {
            break;
        }
        ended.push((plugin.to_owned(), key.to_vec()));
    }
    ended.iter().try_for_each(|(plugin, key)| put(transaction, (plugin, key), None))
}
