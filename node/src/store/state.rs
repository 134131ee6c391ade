//! The state of plugins: keys and values of each, some with an end.

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
const KEY_BYTES_MAX: usize = 1 << 10;
/// Bytes of a value. Larger things are files.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// The table of plugins' state.
#[derive(Debug, Clone, Copy)]
pub struct State<'a>(pub(super) &'a Shared);

impl State<'_> {
    /// Puts a value in place of any the key has; from `expires_ms` on, since the Unix epoch, it is not there any more.
    ///
    /// # Errors
    /// When key or value are too large, or too much waits already.
    pub fn put(
        &self,
        (plugin, key): (&str, &[u8]),
        value: Vec<u8>,
        expires_ms: Option<u64>,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        check("key", key.len(), KEY_BYTES_MAX)?;
        check("value", value.len(), VALUE_BYTES_MAX)?;
        let (plugin, key, value) = (plugin.into(), key.into(), Some(value));
        self.0.write(Change::State { plugin, key, value, expires_ms }, durability)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn remove(&self, plugin: &str, key: &[u8], durability: Durability) -> Result<Writing, StoreError> {
        let (plugin, key) = (plugin.into(), key.into());
        self.0.write(Change::State { plugin, key, value: None, expires_ms: None }, durability)
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

    /// A key's value, unless it has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn value(&self, plugin: &str, key: &[u8], now_ms: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(VALUES)?;
            let found = table.get((plugin, key))?;
            Ok(found.and_then(|found| alive(found.value(), now_ms).map(<[u8]>::to_vec)))
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// Up to `most` keys of a plugin that begin with `prefix`, in order, behind `after`; none that has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(
        &self,
        (plugin, prefix): (&str, &[u8]),
        after: Option<&[u8]>,
        now_ms: u64,
        most: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
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
                    keys.push(key.to_vec());
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

pub(super) fn put(
    transaction: &WriteTransaction,
    (plugin, key): (&str, &[u8]),
    value: Option<&[u8]>,
    expires_ms: Option<u64>,
) -> Result<(), redb::Error> {
    let (mut values, mut ends) = (transaction.open_table(VALUES)?, transaction.open_table(ENDS)?);
    let before = match value {
        Some(value) => {
            // What ends at the beginning of time has ended; 0 is for what never does.
            let end = expires_ms.map_or(0, |end| end.max(1));
            let before = values.insert((plugin, key), (end, value))?.map(|old| old.value().0);
            if before.unwrap_or(0) != 0 {
                ends.remove((before.unwrap_or(0), plugin, key))?;
            }
            if end != 0 {
                ends.insert((end, plugin, key), ())?;
            }
            return Ok(());
        }
        None => values.remove((plugin, key))?.map_or(0, |old| old.value().0),
    };
    if before != 0 {
        ends.remove((before, plugin, key))?;
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
    keys.iter().try_for_each(|key| put(transaction, (plugin, key), None, None))
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
    ended.iter().try_for_each(|(plugin, key)| put(transaction, (plugin, key), None, None))
}
