//! Dead letters: by plugin, in the order they died.

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreError, check,
    write::{Change, Durability, Shared, Writing},
};

/// Plugin and number to the letter.
const LETTERS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("dead letters");
/// Bytes of one letter: the largest event, and why it died, as JSON, which may be long.
const LETTER_BYTES_MAX: usize = (16 << 20) + (256 << 10);

/// The table of dead letters.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetters<'a>(pub(super) &'a Shared);

impl DeadLetters<'_> {
    /// Keeps a letter under a number, in place of any that has it.
    ///
    /// # Errors
    /// When it is too large, or too much waits already.
    pub fn put(
        &self,
        plugin: &str,
        number: u64,
        letter: Vec<u8>,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        check("dead letter", letter.len(), LETTER_BYTES_MAX)?;
        self.0.write(Change::Dead { plugin: plugin.into(), number, letter: Some(letter) }, durability)
    }

    /// Removes a letter.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn remove(&self, plugin: &str, number: u64, durability: Durability) -> Result<Writing, StoreError> {
        self.0.write(Change::Dead { plugin: plugin.into(), number, letter: None }, durability)
    }

    /// Up to `most` letters of a plugin with their numbers, from a number on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn from(&self, plugin: &str, number: u64, most: usize) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(LETTERS)?;
            let mut letters = Vec::new();
            for entry in table.range((plugin, number)..=(plugin, u64::MAX))?.take(most) {
                let (key, letter) = entry?;
                letters.push((key.value().1, letter.value().to_vec()));
            }
            Ok(letters)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// One letter of a plugin.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn letter(&self, plugin: &str, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || {
            let letters = self.0.database.begin_read()?.open_table(LETTERS)?;
            Ok(letters.get((plugin, number))?.map(|letter| letter.value().to_vec()))
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// Whose letters there are, with their numbers and bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sizes(&self) -> Result<Vec<(String, u64, usize)>, StoreError> {
        let read = || {
            let mut sizes = Vec::new();
            let letters = self.0.database.begin_read()?.open_table(LETTERS)?;
            for entry in letters.iter()? {
                let (key, letter) = entry?;
                let (plugin, number) = key.value();
                sizes.push((plugin.to_owned(), number, letter.value().len()));
            }
            Ok(sizes)
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }

    /// The number of a plugin's last letter; none when it has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn last(&self, plugin: &str) -> Result<Option<u64>, StoreError> {
        let read = || {
            let table = self.0.database.begin_read()?.open_table(LETTERS)?;
            let last = table.range((plugin, 0)..=(plugin, u64::MAX))?.next_back().transpose()?;
            Ok(last.map(|(key, _)| key.value().1))
        };
        read().map_err(|error: redb::Error| self.0.fault().of(error))
    }
}

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(LETTERS)?;
    Ok(())
}

pub(super) fn put(
    transaction: &WriteTransaction,
    plugin: &str,
    number: u64,
    letter: Option<&[u8]>,
) -> Result<(), redb::Error> {
    let mut letters = transaction.open_table(LETTERS)?;
    match letter {
        Some(letter) => drop(letters.insert((plugin, number), letter)?),
        None => drop(letters.remove((plugin, number))?),
    }
    Ok(())
}
