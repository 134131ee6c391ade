//! The frames of a control stream behind admission: greeting, interest and farewell.
//!
//! Kinds and layouts only. In which order they may come, and what follows from them, is the state
//! machine's. A greeting may have more fields than are read here: that is how later minor versions grow.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    OPTIONAL, frame, is_optional,
    wire::{Reader, WireError, put_bytes, put_text, put_varint, varint_width},
};
use crate::{
    id::Incarnation,
    limits::{CONTROL_FRAME_BYTES_MAX, NAME_BYTES_MAX, NODE_NAME_BYTES_MAX},
    pattern::{FilterBlock, FilterError, InterestOp, Pattern, PatternError, Wanted, filter::BLOCK_BYTES_MAX},
};

/// The minor version of the protocol `hive/1` that this program speaks.
pub const PROTOCOL_MINOR: u64 = 0;

/// Bytes of a farewell's text; a longer one is cut when it is written and an error when it is read.
pub const BYE_TEXT_BYTES_MAX: usize = 256;

/// A frame of the control stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The first frame of each side.
    Greeting(Greeting),
    /// A part of a change of what the sender wants.
    Interest(Interest),
    /// All changes up to this version are known.
    InterestAck {
        /// The version of the last whole change.
        version: u64,
    },
    /// The last frame of a side.
    Bye(Bye),
}

/// Who the sender is in this life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The minor version it speaks, see [`PROTOCOL_MINOR`].
    pub minor: u64,
    /// One bit for everything optional it can do. None is known yet.
    pub features: u64,
    /// Its life.
    pub incarnation: Incarnation,
    /// The number of its dial that led to this link; 0 when it was dialled. Both sides tell apart by it
    /// which of two links from one dialler is the later.
    pub dial: u64,
    /// Its wall clock, in milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// The name it gave itself, at most [`NODE_NAME_BYTES_MAX`] bytes without control characters.
    pub name: String,
}

/// A part of a change: a change is all parts of one version, up to the one marked `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interest {
    /// Grows by one with each change of one life of the sender.
    pub version: u64,
    /// The change is all the sender wants, and not what differs from the version before.
    pub reset: bool,
    /// The change is complete with this part.
    pub last: bool,
    /// The operations of this part, in order.
    pub ops: Vec<InterestOp>,
}

/// Why the sender closes the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bye {
    /// The reason as a program reads it.
    pub reason: ByeReason,
    /// The reason for people.
    pub text: String,
}

/// The reasons for closing a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByeReason {
    /// The sender leaves the network.
    Leaving,
    /// The sender uses another link to the receiver.
    Duplicate,
    /// The sender knows a later life of the receiver.
    Superseded,
    /// The receiver broke the protocol.
    Protocol,
    /// A reason newer than this program.
    Other(u8),
}

/// Why a body is no control frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A kind that is not optional and not known.
    #[error("a control frame of unknown kind {0}")]
    Kind(u8),
    /// A field is malformed.
    #[error("a malformed {frame}: {source}")]
    Wire {
        /// The frame.
        frame: &'static str,
        /// What is wrong.
        source: WireError,
    },
    /// Interest in something that is no pattern.
    #[error("interest in a malformed pattern: {0}")]
    Pattern(#[from] PatternError),
    /// Interest by something that is no part of a filter.
    #[error("interest in a malformed filter: {0}")]
    Filter(#[from] FilterError),
    /// Interest in a pattern that is written in another than its one normal form.
    #[error("interest in `{0}`, which is not in its normal form")]
    Abnormal(String),
    /// Interest in what never leaves its node.
    #[error("interest in the local pattern `{0}`")]
    Local(Pattern),
    /// Bits or operations that this version does not have.
    #[error("interest with the unknown code {0}")]
    Code(u8),
    /// A name with control characters in it.
    #[error("a node's name with a control character in it")]
    Name,
}

const GREETING: u8 = 0x10;
const INTEREST: u8 = 0x11;
const INTEREST_ACK: u8 = 0x12;
const BYE: u8 = 0x13;

/// Kind of the frame that says: everything this side had for the link has arrived, and no more will come. Sent after
/// the farewell by whoever drives the link; the state machine never sees it. Its body is empty.
pub const DRAINED: u8 = OPTIONAL | 0x14;

const RESET: u8 = 1;
const LAST: u8 = 2;

const REMOVE: u8 = 0;
const ADD: u8 = 1;
const ADD_ANSWERING: u8 = 2;
const ADD_APPROXIMATE: u8 = 3;
const BLOCK: u8 = 4;

impl Control {
    /// The whole frame: kind, length, body.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::new();
        let kind = match self {
            Self::Greeting(greeting) => {
                greeting.put(&mut body);
                GREETING
            }
            Self::Interest(interest) => {
                put_interest_head(&mut body, interest.version, interest.reset, interest.last);
                interest.ops.iter().for_each(|op| put_op(&mut body, op));
                INTEREST
            }
            Self::InterestAck { version } => {
                put_varint(&mut body, *version);
                INTEREST_ACK
            }
            Self::Bye(bye) => {
                body.put_u8(bye.reason.code());
                let end = bye.text.floor_char_boundary(BYE_TEXT_BYTES_MAX);
                put_text(&mut body, bye.text.get(..end).unwrap_or_default());
                BYE
            }
        };
        frame(kind, &body)
    }

    /// Reads a frame's body. None for an optional kind that this program does not know: skip it.
    ///
    /// # Errors
    /// Says which frame is wrong in what.
    pub fn decode(kind: u8, body: &Bytes) -> Result<Option<Self>, ControlError> {
        let reader = Reader::new(body);
        let named = |frame| move |source| ControlError::Wire { frame, source };
        Ok(Some(match kind {
            GREETING => Self::Greeting(Greeting::read(reader)?),
            INTEREST => Self::Interest(Interest::read(reader)?),
            INTEREST_ACK => {
                Self::InterestAck { version: read_ack(reader).map_err(named("acknowledgement"))? }
            }
            BYE => Self::Bye(Bye::read(reader).map_err(named("farewell"))?),
            _ if is_optional(kind) => return Ok(None),
            _ => return Err(ControlError::Kind(kind)),
        }))
    }
}

/// The frames of one change, each at most [`CONTROL_FRAME_BYTES_MAX`] of body; at least one.
pub fn interest_frames<'a>(
    version: u64,
    reset: bool,
    ops: impl IntoIterator<Item = &'a InterestOp>,
) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let mut body = BytesMut::new();
    put_interest_head(&mut body, version, reset, false);
    for op in ops {
        if body.len() + op_bytes(op) > CONTROL_FRAME_BYTES_MAX {
            frames.push(frame(INTEREST, &body));
            body.clear();
            put_interest_head(&mut body, version, reset, false);
        }
        put_op(&mut body, op);
    }
    if let Some(flags) = body.get_mut(varint_width(version)) {
        *flags |= LAST;
    }
    frames.push(frame(INTEREST, &body));
    frames
}

fn put_interest_head(out: &mut BytesMut, version: u64, reset: bool, last: bool) {
    put_varint(out, version);
    out.put_u8(if reset { RESET } else { 0 } | if last { LAST } else { 0 });
}

fn put_op(out: &mut BytesMut, op: &InterestOp) {
    let (code, pattern) = match op {
        InterestOp::Remove(pattern) => (REMOVE, pattern),
        InterestOp::Add(Wanted { pattern, answers: true, .. }) => (ADD_ANSWERING, pattern),
        InterestOp::Add(Wanted { pattern, approximate: true, .. }) => (ADD_APPROXIMATE, pattern),
        InterestOp::Add(Wanted { pattern, .. }) => (ADD, pattern),
        InterestOp::Block(block) => {
            out.put_u8(BLOCK);
            put_varint(out, block.number().into());
            return put_bytes(out, block.bytes());
        }
    };
    out.put_u8(code);
    put_text(out, pattern.as_str());
}

fn op_bytes(op: &InterestOp) -> usize {
    // A pattern has at most 255 bytes, so its length takes two.
    op.pattern().map_or(1 + 2 + 1 + BLOCK_BYTES_MAX, |pattern| 1 + 2 + pattern.as_str().len())
}

fn read_ack(mut reader: Reader<'_>) -> Result<u64, WireError> {
    let version = reader.varint()?;
    reader.end()?;
    Ok(version)
}

impl Greeting {
    fn put(&self, out: &mut BytesMut) {
        put_varint(out, self.minor);
        put_varint(out, self.features);
        put_varint(out, self.incarnation.0);
        put_varint(out, self.dial);
        put_varint(out, self.unix_ms);
        put_text(out, &self.name);
    }

    fn read(reader: Reader<'_>) -> Result<Self, ControlError> {
        let greeting =
            Self::read_fields(reader).map_err(|source| ControlError::Wire { frame: "greeting", source })?;
        match greeting.name.chars().any(char::is_control) {
            true => Err(ControlError::Name),
            false => Ok(greeting),
        }
    }

    /// What follows the last field is a later minor version's.
    fn read_fields(mut reader: Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            minor: reader.varint()?,
            features: reader.varint()?,
            incarnation: Incarnation(reader.varint()?),
            dial: reader.varint()?,
            unix_ms: reader.varint()?,
            name: reader.text(NODE_NAME_BYTES_MAX)?.into(),
        })
    }
}

impl Interest {
    fn read(mut reader: Reader<'_>) -> Result<Self, ControlError> {
        let wire = |source| ControlError::Wire { frame: "interest", source };
        let version = reader.varint().map_err(wire)?;
        let flags = reader.u8().map_err(wire)?;
        if flags & !(RESET | LAST) != 0 {
            return Err(ControlError::Code(flags));
        }
        let mut ops = Vec::new();
        while !reader.is_empty() {
            let code = reader.u8().map_err(wire)?;
            if code == BLOCK {
                let number = reader.varint().map_err(wire)?;
                let length = reader.length(BLOCK_BYTES_MAX).map_err(wire)?;
                let bytes = reader.slice(length).map_err(wire)?;
                ops.push(InterestOp::Block(FilterBlock::parse(number, bytes)?));
                continue;
            }
            let pattern = read_pattern(reader.text(NAME_BYTES_MAX).map_err(wire)?)?;
            ops.push(match code {
                REMOVE => InterestOp::Remove(pattern),
                ADD => InterestOp::Add(Wanted::new(pattern, false)),
                ADD_ANSWERING => InterestOp::Add(Wanted::new(pattern, true)),
                ADD_APPROXIMATE => InterestOp::Add(Wanted { pattern, answers: false, approximate: true }),
                other => return Err(ControlError::Code(other)),
            });
        }
        Ok(Self { version, reset: flags & RESET != 0, last: flags & LAST != 0, ops })
    }
}

fn read_pattern(text: &str) -> Result<Pattern, ControlError> {
    let pattern = Pattern::parse(text)?;
    if pattern.as_str() != text {
        return Err(ControlError::Abnormal(text.into()));
    }
    if pattern.is_local() {
        return Err(ControlError::Local(pattern));
    }
    Ok(pattern)
}

impl Bye {
    fn read(mut reader: Reader<'_>) -> Result<Self, WireError> {
        let reason = ByeReason::from_code(reader.u8()?);
        let text = reader.text(BYE_TEXT_BYTES_MAX)?.into();
        reader.end()?;
        Ok(Self { reason, text })
    }
}

impl ByeReason {
    fn code(self) -> u8 {
        match self {
            Self::Leaving => 1,
            Self::Duplicate => 2,
            Self::Superseded => 3,
            Self::Protocol => 4,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Leaving,
            2 => Self::Duplicate,
            3 => Self::Superseded,
            4 => Self::Protocol,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests;
