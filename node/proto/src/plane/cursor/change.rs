//! Changes of cursors as they are written down: the whole cursor as it is from here on, or its end.
//!
//! A cursor in order is some thirty bytes, so writing it whole costs as little as writing what changed, and the last one
//! read is right whatever happened to those before. The form is the journal's own and starts with a version, so that a
//! later program reads what an earlier one wrote.

use std::ops::RangeInclusive;

use super::{CURSOR_NAME_BYTES_MAX, Cursor, CursorName, RANGES_MAX};
use crate::frame::wire::{Reader, WireError, put_text, put_varint};

/// The form that is written; it and no other is read so far.
const FORM: u8 = 1;
const SET: u8 = 0;
const FORGOTTEN: u8 = 1;

/// One change. Read in the order they were written, they lead to the cursors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorChange {
    /// The cursor is this from here on, whatever it was.
    Set {
        /// Whose.
        name: CursorName,
        /// What was acknowledged.
        cursor: Cursor,
        /// When it was registered, in milliseconds since the Unix epoch.
        since_ms: u64,
        /// Events that went although it had not acknowledged them.
        lost: u64,
    },
    /// It is not there any more.
    Forgotten {
        /// Whose.
        name: CursorName,
    },
}

/// Appends changes to a body.
pub fn encode_changes(out: &mut Vec<u8>, changes: &[CursorChange]) {
    out.push(FORM);
    for change in changes {
        match change {
            CursorChange::Set { name, cursor, since_ms, lost } => {
                out.push(SET);
                put_text(out, name.as_str());
                put_varint(out, *since_ms);
                put_varint(out, *lost);
                put_varint(out, cursor.floor());
                put_ranges(out, cursor.above());
            }
            CursorChange::Forgotten { name } => {
                out.push(FORGOTTEN);
                put_text(out, name.as_str());
            }
        }
    }
}

/// Reads changes to the end of the body.
///
/// # Errors
/// When the form is another one, or the bytes are none of it.
pub fn decode_changes(reader: &mut Reader<'_>) -> Result<Vec<CursorChange>, WireError> {
    if reader.u8()? != FORM {
        return Err(WireError::Value("form of the cursors"));
    }
    let mut changes = Vec::new();
    while !reader.is_empty() {
        let kind = reader.u8()?;
        let name = CursorName::parse(reader.text(CURSOR_NAME_BYTES_MAX)?)
            .map_err(|_| WireError::Value("cursor's name"))?;
        changes.push(match kind {
            SET => {
                let (since_ms, lost) = (reader.varint()?, reader.varint()?);
                let mut cursor = Cursor::at(reader.varint()?);
                for range in read_ranges(reader)? {
                    // There are no more of them than a cursor takes.
                    cursor.acknowledge(range).map_err(|_| WireError::Value("cursor"))?;
                }
                CursorChange::Set { name, cursor, since_ms, lost }
            }
            FORGOTTEN => CursorChange::Forgotten { name },
            _ => return Err(WireError::Value("change of a cursor")),
        });
    }
    Ok(changes)
}

fn put_ranges(out: &mut Vec<u8>, ranges: impl ExactSizeIterator<Item = RangeInclusive<u64>>) {
    put_varint(out, ranges.len() as u64);
    for range in ranges {
        put_varint(out, *range.start());
        put_varint(out, range.end().saturating_sub(*range.start()));
    }
}

fn read_ranges(reader: &mut Reader<'_>) -> Result<Vec<RangeInclusive<u64>>, WireError> {
    let count = reader.length(RANGES_MAX)?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        let (first, more) = (reader.varint()?, reader.varint()?);
        let last = first.checked_add(more).ok_or(WireError::Value("stretch of positions"))?;
        ranges.push(first..=last);
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn changes_of(body: &Bytes) -> Result<Vec<CursorChange>, WireError> {
        decode_changes(&mut Reader::new(body))
    }

    fn change() -> impl Strategy<Value = CursorChange> {
        let name = "[a-z@]{1,8}".prop_map(|name| CursorName::parse(&name).expect("a name"));
        let ranges = prop::collection::vec((any::<u64>(), 0_u64..9), 0..5).prop_map(|ranges| {
            ranges.into_iter().map(|(first, more)| first..=first.saturating_add(more)).collect::<Vec<_>>()
        });
        (0_u8..2, name, any::<[u64; 3]>(), ranges).prop_map(
            |(kind, name, [floor, since_ms, lost], ranges)| match kind {
                0 => {
                    let mut cursor = Cursor::at(floor);
                    for range in ranges {
                        cursor.acknowledge(range).expect("few");
                    }
                    CursorChange::Set { name, cursor, since_ms, lost }
                }
                _ => CursorChange::Forgotten { name },
            },
        )
    }

    proptest! {
        #[test]
        fn changes_come_back(changes in prop::collection::vec(change(), 0..6)) {
            let mut out = Vec::new();
            encode_changes(&mut out, &changes);
            prop_assert_eq!(changes_of(&Bytes::from(out)), Ok(changes));
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            bytes.insert(0, FORM);
            let _ = changes_of(&Bytes::from(bytes));
        }
    }
}
