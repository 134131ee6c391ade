//! One-shot timers of plugins: what each has set and not handled yet.

use redb::{ReadableDatabase, TableDefinition, TableError, WriteTransaction};

use super::{
    StoreError, check,
    write::{Change, Durability, Shared, Writing},
};

/// By plugin and name: when it is due, in milliseconds since the Unix epoch, and its payload.
const TIMERS: TableDefinition<'_, (&str, &str), (u64, &[u8])> = TableDefinition::new("timers");
/// Bytes of a payload.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// The table of timers.
#[derive(Debug, Clone, Copy)]
pub struct Timers<'a>(pub(super) &'a Shared);

/// One timer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTimer {
    /// The plugin's name for it.
    pub name: String,
    /// When, in milliseconds since the Unix epoch.
    pub due_ms: u64,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Timers<'_> {
    /// Keeps a timer in place of any that has its name.
    ///
    /// # Errors
    /// When its payload is too large, or too much waits already.
    pub fn put(&self, plugin: &str, timer: KeptTimer, durability: Durability) -> Result<Writing, StoreError> {
        check("payload", timer.payload.len(), PAYLOAD_BYTES_MAX)?;
        let KeptTimer { name, due_ms, payload } = timer;
        self.0
            .write(Change::Timer { plugin: plugin.into(), name, value: Some((due_ms, payload)) }, durability)
    }

    /// Removes a timer.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn remove(&self, plugin: &str, name: &str, durability: Durability) -> Result<Writing, StoreError> {
        let (plugin, name) = (plugin.into(), name.into());
        self.0.write(Change::Timer { plugin, name, value: None }, durability)
    }

    /// All timers of a plugin.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(&self, plugin: &str) -> Result<Vec<KeptTimer>, StoreError> {
        let read = || {
            let table = match self.0.database.begin_read()?.open_table(TIMERS) {
                // Stores of before there were timers have no table.
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let mut timers = Vec::new();
            for entry in table.range((plugin, "")..)? {
                let (key, value) = entry?;
                let ((of, name), (due_ms, payload)) = (key.value(), value.value());
                if of != plugin {
                    break;
                }
                timers.push(KeptTimer { name: name.to_owned(), due_ms, payload: payload.to_vec() });
            }
            Ok(timers)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }
}

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(TIMERS)?;
    Ok(())
}

pub(super) fn put(
    transaction: &WriteTransaction,
    key: (&str, &str),
    value: Option<(u64, &[u8])>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(TIMERS)?;
    match value {
        Some(value) => drop(table.insert(key, value)?),
        None => drop(table.remove(key)?),
    }
    Ok(())
}
