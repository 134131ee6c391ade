//! What an origin and the node of a group's member say to each other: which event was given to the member, and what
//! became of it. And the word that nobody waits for an answer any more.

use bytes::{Bytes, BytesMut};

use super::{
    OPTIONAL, frame,
    wire::{Reader, WireError, put_text, put_varint},
};
use crate::{group::GroupName, id::Incarnation, limits::SEGMENT_BYTES_MAX};

/// What became of events that were given to members.
pub const DATA_OUTCOMES: u8 = 6;
/// A caller has gone.
pub const DATA_CANCEL: u8 = OPTIONAL | 4;

/// Outcomes in one frame.
pub const OUTCOMES_MAX: usize = 4096;

/// An event's part that says it is for one member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handout {
    /// The group.
    pub group: GroupName,
    /// The origin's number for it, echoed in the outcome.
    pub ticket: u64,
    /// 1 the first time, then 2, 3, …
    pub attempt: u32,
    /// The life of the origin that published it: an earlier one, when it comes from a journal.
    pub incarnation: Incarnation,
}

/// What became of an event at a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was handled.
    Done,
    /// It cannot be handled, and is a dead letter where the member is.
    Dead,
    /// No member there could take it now. Nobody has seen it.
    Refused,
    /// The member had it and has gone. It may have been handled.
    Broken,
}

impl Settled {
    const ALL: [Self; 4] = [Self::Done, Self::Dead, Self::Refused, Self::Broken];

    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Dead => 1,
            Self::Refused => 2,
            Self::Broken => 3,
        }
    }
}

impl Handout {
    pub(super) fn put(&self, out: &mut BytesMut) {
        put_text(out, self.group.as_str());
        put_varint(out, self.ticket);
        put_varint(out, u64::from(self.attempt));
        put_varint(out, self.incarnation.0);
    }

    /// Reads one; neighbours are mostly for the same group, whose name is then shared with the one before.
    pub(super) fn read(reader: &mut Reader<'_>, before: &mut Option<GroupName>) -> Result<Self, WireError> {
        let name = reader.text(SEGMENT_BYTES_MAX)?;
        let group = match before {
            Some(group) if group.as_str() == name => group.clone(),
            _ => GroupName::parse(name).map_err(|_| WireError::Value("group"))?,
        };
        *before = Some(group.clone());
        let ticket = reader.varint()?;
        let attempt = u32::try_from(reader.varint()?).map_err(|_| WireError::Value("attempt"))?;
        Ok(Self { group, ticket, attempt, incarnation: Incarnation(reader.varint()?) })
    }
}

/// The body of a frame of outcomes, of which there are at most [`OUTCOMES_MAX`].
#[must_use]
pub fn put_outcomes(outcomes: &[(u64, Settled)]) -> Bytes {
    let mut body = BytesMut::new();
    for (ticket, settled) in outcomes {
        put_varint(&mut body, *ticket);
        body.extend_from_slice(&[settled.code()]);
    }
    body.freeze()
}

/// Reads the body of a frame of outcomes.
///
/// # Errors
/// When it is malformed or too long.
pub fn read_outcomes(body: &Bytes) -> Result<Vec<(u64, Settled)>, WireError> {
    let mut reader = Reader::new(body);
    let mut outcomes = Vec::new();
    while !reader.is_empty() {
        if outcomes.len() >= OUTCOMES_MAX {
            return Err(WireError::Value("number of outcomes"));
        }
        let ticket = reader.varint()?;
        let code = reader.u8()?;
        let settled = Settled::ALL.into_iter().find(|settled| settled.code() == code);
        outcomes.push((ticket, settled.ok_or(WireError::Value("outcome"))?));
    }
    Ok(outcomes)
}

/// A whole frame that says nobody waits for this call's answer any more.
#[must_use]
pub fn put_cancel(call: u64) -> Bytes {
    let mut body = BytesMut::new();
    put_varint(&mut body, call);
    frame(DATA_CANCEL, &body)
}

/// Reads the body of a cancel frame: which call.
///
/// # Errors
/// When it is malformed.
pub fn read_cancel(body: &Bytes) -> Result<u64, WireError> {
    let mut reader = Reader::new(body);
    let call = reader.varint()?;
    reader.end()?;
    Ok(call)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::split_frame;

    fn body(frame: &Bytes) -> (u8, Bytes) {
        split_frame(&mut BytesMut::from(&frame[..]), 1 << 20).expect("a frame").expect("a whole one")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            outcomes in prop::collection::vec((any::<u64>(), 0..4_usize), 0..50),
            call in any::<u64>(),
        ) {
            let outcomes: Vec<_> =
                outcomes.into_iter().map(|(ticket, at)| (ticket, Settled::ALL[at])).collect();
            prop_assert_eq!(read_outcomes(&put_outcomes(&outcomes)), Ok(outcomes));
            let (kind, read) = body(&put_cancel(call));
            prop_assert_eq!((kind, read_cancel(&read)), (DATA_CANCEL, Ok(call)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let bytes = Bytes::from(bytes);
            let _ = read_outcomes(&bytes);
            let _ = read_cancel(&bytes);
        }
    }

    #[test]
    fn too_many_outcomes_are_refused() {
        let read = put_outcomes(&vec![(1, Settled::Done); OUTCOMES_MAX + 1]);
        assert_eq!(read_outcomes(&read), Err(WireError::Value("number of outcomes")));
    }
}
