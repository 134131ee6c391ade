//! A journal's records: what an event, a set of cursors and a segment's index are on disk.
//!
//! What it owns: the form of every byte between a segment's head and its end, and that any bytes at all are read without
//! harm. It exists apart from the files so that it is tested and fuzzed without them. A record is a head of
//! [`HEAD_BYTES`] and a body; the body begins with its kind and the version of that kind, so that later programs read
//! what earlier ones wrote. It must not know files, or what is durable.

mod event;
mod index;

use bytes::Bytes;
pub use event::Logged;
pub use index::{ChannelUse, Index, Mark};

use super::{
    crc::crc32c,
    cursor::{CursorChange, decode_changes, encode_changes},
};
use crate::{
    frame::wire::{Reader, WireError},
    limits::PAYLOAD_BYTES_MAX,
};

/// Bytes of a record's head: length, sum of the body, position, synced, sum of the head.
pub const HEAD_BYTES: usize = 24;
/// Bytes of a record's body: the largest payload and all that may stand beside it.
pub const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + (128 << 10);

const EVENT: u8 = 1;
const CURSORS: u8 = 2;
const INDEX: u8 = 3;

/// What stands before a record's body. Its own sum is salted by the segment, so that a payload that looks like a record
/// is never taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body.
    pub length: u32,
    /// [`crc32c`] of the body.
    pub body_sum: u32,
    /// An event's position, from 1; of anything else that of the event that comes next.
    pub position: u64,
    /// Bytes of the segment that were durable when this record was written. What is damaged before them was no torn
    /// write.
    pub synced: u32,
}

impl Head {
    /// The bytes of it.
    #[must_use]
    pub fn encode(&self, salt: u32) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.body_sum.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.synced.to_le_bytes());
        let sum = crc32c(salt, &bytes[..20]);
        bytes[20..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a head; none when its sum is wrong or the body it announces is longer than any.
    #[must_use]
    pub fn decode(bytes: &[u8; HEAD_BYTES], salt: u32) -> Option<Self> {
        let (fields, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c(salt, fields) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (length, rest) = fields.split_first_chunk()?;
        let (body_sum, rest) = rest.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        let (synced, _) = rest.split_first_chunk()?;
        let head = Self {
            length: u32::from_le_bytes(*length),
            body_sum: u32::from_le_bytes(*body_sum),
            position: u64::from_le_bytes(*position),
            synced: u32::from_le_bytes(*synced),
        };
        (head.length as usize <= BODY_BYTES_MAX).then_some(head)
    }
}

/// What a record is.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// An event, at the position its head says.
    Event(Logged),
    /// Cursors, as they are from here on.
    Cursors(Vec<CursorChange>),
    /// What the segment before it holds; the last record of a segment that is closed.
    Index(Index),
}

impl Body {
    /// Reads a body, sharing its memory.
    ///
    /// # Errors
    /// When it is of an unknown kind or version, or malformed.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        match reader.u8()? {
            EVENT => event::decode(reader).map(Self::Event),
            CURSORS => decode_changes(&mut reader).map(Self::Cursors),
            INDEX => index::decode(reader).map(Self::Index),
            _ => Err(WireError::Value("kind of the record")),
        }
    }

    /// Whether these bytes begin an event, which is what takes a position.
    #[must_use]
    pub fn is_event(body: &[u8]) -> bool {
        body.first() == Some(&EVENT)
    }
}

/// A record without its head, which is known only when it is written: [`HEAD_BYTES`] of room and the body.
#[derive(Debug, Clone)]
pub struct Encoded {
    bytes: Vec<u8>,
    body_sum: u32,
}

impl Encoded {
    fn begin(kind: u8, capacity: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 1 + capacity);
        bytes.resize(HEAD_BYTES, 0);
        bytes.push(kind);
        bytes
    }

    fn end(bytes: Vec<u8>) -> Self {
        let body_sum = crc32c(0, bytes.get(HEAD_BYTES..).unwrap_or_default());
        Self { bytes, body_sum }
    }

    /// The record of changes of cursors.
    #[must_use]
    pub fn cursors(changes: &[CursorChange]) -> Self {
        let mut bytes = Self::begin(CURSORS, 64);
        encode_changes(&mut bytes, changes);
        Self::end(bytes)
    }

    /// The record of an index.
    #[must_use]
    pub fn index(index: &Index) -> Self {
        let mut bytes = Self::begin(INDEX, 1024);
        index::encode(&mut bytes, index);
        Self::end(bytes)
    }

    /// Bytes of the whole record.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a head")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole record, at this position.
    #[must_use]
    pub fn finish(&mut self, position: u64, synced: u32, salt: u32) -> &[u8] {
        let length = u32::try_from(self.bytes.len().saturating_sub(HEAD_BYTES)).unwrap_or(u32::MAX);
        let head = Head { length, body_sum: self.body_sum, position, synced };
        if let Some(room) = self.bytes.first_chunk_mut() {
            *room = head.encode(salt);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn heads_come_back_and_one_flipped_bit_is_seen(
            (length, body_sum, position, synced, salt) in (0..=BODY_BYTES_MAX as u32, any::<u32>(), any::<u64>(), any::<u32>(), any::<u32>()),
            bit in 0..HEAD_BYTES * 8,
        ) {
            let head = Head { length, body_sum, position, synced };
            let mut bytes = head.encode(salt);
            prop_assert_eq!(Head::decode(&bytes, salt), Some(head));
            prop_assert_eq!(Head::decode(&bytes, !salt), None);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Head::decode(&bytes, salt), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(kind in 0_u8..5, version in 0_u8..3, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Body::decode(&[&[kind, version][..], &bytes].concat().into());
        }
    }

    #[test]
    fn zeros_are_no_head() {
        for salt in [0, 1, u32::MAX] {
            assert_eq!(Head::decode(&[0; HEAD_BYTES], salt), None);
        }
    }
}
