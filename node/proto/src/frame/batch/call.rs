//! A request's part of an entry: who waits, and how long.

use bytes::BufMut;

use crate::{
    frame::wire::{Reader, WireError, put_varint},
    limits::CALL_TIMEOUT_MS_MAX,
};

/// What a request says beside its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The caller's number for it, echoed in the answer.
    pub number: u64,
    /// What the caller still waits.
    pub time_left_ms: u64,
    /// Everybody who answers there is asked, not one.
    pub all: bool,
}

impl Call {
    pub(super) fn put(&self, out: &mut impl BufMut) {
        put_varint(out, self.number);
        put_varint(out, self.time_left_ms << 1 | u64::from(self.all));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (number, coded) = (reader.varint()?, reader.varint()?);
        let (time_left_ms, all) = (coded >> 1, coded & 1 == 1);
        if time_left_ms > CALL_TIMEOUT_MS_MAX {
            return Err(WireError::Value("call timeout"));
        }
        Ok(Self { number, time_left_ms, all })
    }
}
