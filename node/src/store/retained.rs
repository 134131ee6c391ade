//! Retained values: the last value of each channel of each network, and that one was cleared.

use bytes::Bytes;
use hive_proto::{
    channel::{Channel, NetworkName},
    pattern::Pattern,
    time::Hlc,
};
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreError, check,
    write::{Change, Durability, Shared, Writing},
};

/// Network and channel to the time, whether there is a value, and the value.
const VALUES: TableDefinition<'_, (&str, &str), (u64, bool, &[u8])> = TableDefinition::new("retained");
/// Network to how many values there are and their bytes.
const TOTALS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("retained totals");
/// Bytes of one value: the 64 KiB of its payload, and all that is signed with it.
const VALUE_BYTES_MAX: usize = 128 << 10;

/// What a channel has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedValue {
    /// When it was published, or cleared.
    pub time: Hlc,
    /// The value as its origin signed it; none: it was cleared.
    pub bytes: Option<Bytes>,
}

/// The table of retained values. Reads see what was committed, which is not yet what was just put.
#[derive(Debug, Clone, Copy)]
pub struct Retained<'a>(pub(super) &'a Shared);

impl Retained<'_> {
    /// Puts a channel's value, or that it was cleared, in place of any it has.
    ///
    /// # Errors
    /// When it is too large, or too much waits already.
    pub fn put(
        &self,
        network: &NetworkName,
        channel: &Channel,
        value: RetainedValue,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        check("retained value", value.bytes.as_ref().map_or(0, Bytes::len), VALUE_BYTES_MAX)?;
        self.change(network, channel, Some(value), durability)
    }

    /// Forgets all about a channel.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn remove(
        &self,
        network: &NetworkName,
        channel: &Channel,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        self.change(network, channel, None, durability)
    }

    /// Forgets channels that were cleared before this time.
    ///
    /// # Errors
    /// When too much waits already.
    pub fn forget_cleared(&self, network: &NetworkName, before: Hlc) -> Result<Writing, StoreError> {
        let network = network.as_str().to_owned();
        self.0.write(Change::ForgetCleared { network, before }, Durability::Soon)
    }

    /// What a channel has.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn value(
        &self,
        network: &NetworkName,
        channel: &Channel,
    ) -> Result<Option<RetainedValue>, StoreError> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(VALUES)?;
            let found = table.get((network.as_str(), channel.as_str()))?;
            Ok(found.map(|value| decode(value.value())))
        })
    }

    /// What the channels have that a pattern matches, by name; cleared ones among them. Calls `each` until it says
    /// false.
    ///
    /// # Errors
    /// When the store cannot be read, or holds a name that is no channel.
    pub fn matching(
        &self,
        network: &NetworkName,
        pattern: &Pattern,
        mut each: impl FnMut(Channel, RetainedValue) -> bool,
    ) -> Result<(), StoreError> {
        let prefix = pattern.literal_prefix();
        let mut strange = None;
        self.read(|database| {
            let table = database.begin_read()?.open_table(VALUES)?;
            for entry in table.range((network.as_str(), prefix)..)? {
                let (key, value) = entry?;
                let (of, name) = key.value();
                if of != network.as_str() || !name.starts_with(prefix) {
                    break;
                }
                let Ok(channel) = Channel::parse(name) else {
                    strange = Some(format!("`{}` is no channel", name.escape_debug()));
                    break;
                };
                if pattern.matches(&channel) && !each(channel, decode(value.value())) {
                    break;
                }
            }
            Ok(())
        })?;
        strange.map_or(Ok(()), |reason| Err(self.0.fault().damaged(&reason)))
    }

    /// Channels with a value, and bytes of their names and values; cleared ones count their names.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn totals(&self, network: &NetworkName) -> Result<(u64, u64), StoreError> {
        self.read(|database| {
            let table = database.begin_read()?.open_table(TOTALS)?;
            Ok(table.get(network.as_str())?.map_or((0, 0), |totals| totals.value()))
        })
    }

    fn change(
        &self,
        network: &NetworkName,
        channel: &Channel,
        value: Option<RetainedValue>,
        durability: Durability,
    ) -> Result<Writing, StoreError> {
        let (network, channel) = (network.as_str().to_owned(), channel.as_str().to_owned());
        self.0.write(Change::Retained { network, channel, value }, durability)
    }

    fn read<T>(&self, read: impl FnOnce(&redb::Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        read(&self.0.database).map_err(|error| self.0.fault().of(error))
    }
}

pub(super) fn make(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(VALUES)?;
    transaction.open_table(TOTALS)?;
    Ok(())
}

pub(super) fn put(
    transaction: &WriteTransaction,
    network: &str,
    channel: &str,
    value: Option<&RetainedValue>,
) -> Result<(), redb::Error> {
    let mut values = transaction.open_table(VALUES)?;
    let weigh = |(_, is_value, bytes): (u64, bool, &[u8])| {
        (u64::from(is_value), (channel.len() + bytes.len()) as u64)
    };
    let (mut before, mut now) = ((0, 0), (0, 0));
    match value {
        Some(RetainedValue { time, bytes }) => {
            let new = (time.0, bytes.is_some(), bytes.as_deref().unwrap_or_default());
            now = weigh(new);
            if let Some(old) = values.insert((network, channel), new)? {
                before = weigh(old.value());
            }
        }
        None => {
            if let Some(old) = values.remove((network, channel))? {
                before = weigh(old.value());
            }
        }
    }
    let mut totals = transaction.open_table(TOTALS)?;
    let (count, bytes) = totals.get(network)?.map_or((0, 0), |totals| totals.value());
    let count = count.saturating_sub(before.0).saturating_add(now.0);
    let bytes = bytes.saturating_sub(before.1).saturating_add(now.1);
    totals.insert(network, (count, bytes))?;
    Ok(())
}

pub(super) fn forget(transaction: &WriteTransaction, network: &str, before: Hlc) -> Result<(), redb::Error> {
    let mut old = Vec::new();
    for entry in transaction.open_table(VALUES)?.range((network, "")..)? {
        let (key, value) = entry?;
        let ((of, channel), (time, is_value, _)) = (key.value(), value.value());
        if of != network {
            break;
        }
        if !is_value && time < before.0 {
            old.push(channel.to_owned());
        }
    }
    old.iter().try_for_each(|channel| put(transaction, network, channel, None))
}

fn decode((time, is_value, bytes): (u64, bool, &[u8])) -> RetainedValue {
    RetainedValue { time: Hlc(time), bytes: is_value.then(|| Bytes::copy_from_slice(bytes)) }
}
