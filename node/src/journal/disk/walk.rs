//! Going from record to record through a segment, each checked before it is believed.
//!
//! It reads a piece of the file at a time into one buffer that the bodies it hands out share. It must not know what a
//! body says, or what to do about a damaged one.

use std::{fs::File, io, os::unix::fs::FileExt};

use bytes::{Bytes, BytesMut};
use hive_proto::plane::{
    crc::crc32c,
    log::{HEAD_BYTES, Head},
};

/// What comes next in a segment.
#[derive(Debug)]
pub(super) enum Step {
    /// A whole record.
    Record(Found),
    /// Nothing.
    End,
    /// Bytes that are no record.
    Bad {
        /// Where they begin.
        offset: u64,
    },
}

/// A record as it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Where it begins.
    pub(super) offset: u64,
    pub(super) head: Head,
    pub(super) body: Bytes,
}

impl Found {
    /// Bytes it takes.
    pub(super) fn bytes(&self) -> u64 {
        HEAD_BYTES as u64 + self.body.len() as u64
    }
}

/// A place in a segment that moves on.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    file: &'a File,
    salt: u32,
    /// Where the next record begins.
    offset: u64,
    /// Nothing is read from here on.
    end: u64,
    /// Bytes read at once; a larger record is read by itself.
    ahead: usize,
    /// Bytes of the file from `offset` on.
    piece: Bytes,
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a File, salt: u32, offset: u64, end: u64, ahead: usize) -> Self {
        Self { file, salt, offset, end, ahead: ahead.max(4 << 10), piece: Bytes::new() }
    }

    /// Where the next record begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record. What is bad stays where it is.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        if self.offset >= self.end {
            return Ok(Step::End);
        }
        let Some(found) = self.look(self.offset)? else { return Ok(Step::Bad { offset: self.offset }) };
        self.go_to(self.offset.saturating_add(found.bytes()));
        Ok(Step::Record(found))
    }

    /// Looks for a record anywhere behind what is bad, byte by byte, and stands before it. False when there is none.
    pub(super) fn find_next(&mut self) -> io::Result<bool> {
        let mut at = self.offset.saturating_add(1);
        while at.saturating_add(HEAD_BYTES as u64) <= self.end {
            self.go_to(at);
            if self.look(at)?.is_some() {
                return Ok(true);
            }
            at = at.saturating_add(1);
        }
        Ok(false)
    }

    /// The record that begins here, if one does.
    fn look(&mut self, at: u64) -> io::Result<Option<Found>> {
        if !self.has(HEAD_BYTES)? {
            return Ok(None);
        }
        let head = self.piece.first_chunk().and_then(|bytes| Head::decode(bytes, self.salt));
        let Some(head) = head else { return Ok(None) };
        let length = head.length as usize;
        if !self.has(HEAD_BYTES + length)? {
            return Ok(None);
        }
        let body = self.piece.slice(HEAD_BYTES..HEAD_BYTES + length);
        Ok((crc32c(0, &body) == head.body_sum).then_some(Found { offset: at, head, body }))
    }

    /// Whether so many bytes are there; reads them if they were not yet.
    fn has(&mut self, bytes: usize) -> io::Result<bool> {
        if self.piece.len() >= bytes {
            return Ok(true);
        }
        let left = usize::try_from(self.end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        if left < bytes {
            return Ok(false);
        }
        let mut piece = BytesMut::zeroed(self.ahead.max(bytes).min(left));
        let mut read = 0;
        while let Some(room) = piece.get_mut(read..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, self.offset.saturating_add(read as u64)) {
                Ok(0) => break,
                Ok(more) => read = read.saturating_add(more),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        piece.truncate(read);
        self.piece = piece.freeze();
        Ok(self.piece.len() >= bytes)
    }

    fn go_to(&mut self, offset: u64) {
        let by = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.piece = if by <= self.piece.len() { self.piece.slice(by..) } else { Bytes::new() };
        self.offset = offset;
    }
}
