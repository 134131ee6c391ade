//! Batches that mean the same on every link: the first event of a channel names it, which gives the channel the
//! next number within this batch; the others say the number.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    super::{
        batch::{Arrived, ArrivedChannel, BatchReader, BatchWriter, ChannelRef, Entry},
        data::DATA_BATCH,
        wire::WireError,
    },
    Inner,
};
use crate::channel::Channel;

/// Gathers entries of any channels into one frame's body.
#[derive(Debug, Default)]
pub struct NamedBatch {
    writer: BatchWriter,
    numbers: BTreeMap<Channel, u32>,
}

impl NamedBatch {
    /// Adds one event.
    pub fn push(&mut self, channel: &Channel, entry: &Entry<'_>) {
        if let Some(number) = self.numbers.get(channel) {
            return self.writer.push(ChannelRef::Number(*number), entry);
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(channel.clone(), next);
        self.writer.push(ChannelRef::Name(channel), entry);
    }

    /// Bytes gathered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writer.len()
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writer.is_empty()
    }

    /// The frame of all entries, and how many they are; the batch is empty afterwards.
    pub fn take(&mut self) -> (Inner, u64) {
        self.numbers.clear();
        let batch = self.writer.take();
        (Inner { kind: DATA_BATCH, body: batch.body }, u64::from(batch.events))
    }
}

/// Reads such a batch, entry by entry, without copying payloads.
#[derive(Debug)]
pub struct NamedReader<'a> {
    reader: BatchReader<'a>,
    names: Vec<Channel>,
}

impl<'a> NamedReader<'a> {
    /// Reads a body that [`NamedBatch::take`] made.
    #[must_use]
    pub fn new(body: &'a Bytes) -> Self {
        Self { reader: BatchReader::new(body), names: Vec::new() }
    }

    /// The next entry with its channel, by name and by the number it has in this batch; none at the end.
    ///
    /// # Errors
    /// When the bytes are no entry, or a number was given to no channel before. The rest cannot be read then.
    pub fn next_entry(&mut self) -> Result<Option<(Channel, usize, Arrived)>, WireError> {
        let Some(arrived) = self.reader.next_entry()? else { return Ok(None) };
        let number = match &arrived.channel {
            ArrivedChannel::Name(name) => {
                self.names.push(name.clone());
                self.names.len() - 1
            }
            ArrivedChannel::Number(number) => usize::try_from(*number).unwrap_or(usize::MAX),
        };
        let channel = self.names.get(number).ok_or(WireError::Value("channel number"))?;
        Ok(Some((channel.clone(), number, arrived)))
    }
}
