//! What a node remembers of each plugin beside the plugin's own state.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use super::{
    StoreError, check,
    write::{Change, Durability, Shared, Writing},
};

/// By plugin.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("plugins");
/// Bytes of one record. A plugin has 512 patterns at most, of 255 bytes.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The table of what is remembered of plugins.
#[derive(Debug, Clone, Copy)]
pub struct Plugins<'a>(pub(super) &'a Shared);

impl Plugins<'_> {
    /// Puts a record in place of any the plugin has.
    ///
    /// # Errors
    /// When it is too large, or too much waits already.
    pub fn put(&self, plugin: &str, record: Vec<u8>, durability: Durability) -> Result<Writing, StoreError> {
        check("record of a plugin", record.len(), RECORD_BYTES_MAX)?;
        self.0.write(Change::Plugin { plugin: plugin.into(), record }, durability)
    }

    /// All records, by plugin.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn all(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let read = || {
            let table = match self.0.database.begin_read()?.open_table(RECORDS) {
                // Stores of before anything was remembered have no table.
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let mut records = Vec::new();
            for entry in table.iter()? {
                let (plugin, record) = entry?;
                records.push((plugin.value().to_owned(), record.value().to_vec()));
            }
            Ok(records)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }
}

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(RECORDS)?;
    Ok(())
}

pub(super) fn put(transaction: &WriteTransaction, plugin: &str, record: &[u8]) -> Result<(), redb::Error> {
    transaction.open_table(RECORDS)?.insert(plugin, record)?;
    Ok(())
}
