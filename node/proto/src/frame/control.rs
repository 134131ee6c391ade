//! The frames of a control stream behind admission: greeting, gossip, traces and farewell.
//!
//! Kinds and layouts only. In which order they may come, and what follows from them, is the state
//! machine's. A greeting may have more fields than are read here: that is how later minor versions grow.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    OPTIONAL, frame,
    gossip::Gossip,
    is_optional,
    trace::{Trace, Traced},
    wire::{Reader, WireError, put_text, put_varint},
};
use crate::{id::Incarnation, limits::NODE_NAME_BYTES_MAX};

/// The minor version of the protocol `hive/1` that this program speaks.
pub const PROTOCOL_MINOR: u64 = 0;

/// The feature of answering traces.
pub const FEATURE_TRACE: u64 = 1;

/// Bytes of a farewell's text; a longer one is cut when it is written and an error when it is read.
pub const BYE_TEXT_BYTES_MAX: usize = 256;

/// A frame of the control stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The first frame of each side.
    Greeting(Greeting),
    /// What the sender knows of everybody's facts.
    Gossip(Gossip),
    /// A trace that goes on.
    Trace(Trace),
    /// What was said of a trace, on its way back.
    Traced(Traced),
    /// The last frame of a side.
    Bye(Bye),
}

/// Who the sender is in this life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The minor version it speaks, see [`PROTOCOL_MINOR`].
    pub minor: u64,
    /// One bit for everything optional it can do, see [`FEATURE_TRACE`].
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
    /// Both have more neighbours than they need.
    Surplus,
    /// The receiver may not be in the network any longer.
    Expelled,
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
    /// A name with control characters in it.
    #[error("a node's name with a control character in it")]
    Name,
}

const GREETING: u8 = 0x10;
const BYE: u8 = 0x13;

/// Kind of the frame that says: everything this side had for the link has arrived, and no more will come. Sent after
/// the farewell by whoever drives the link; the state machine never sees it. Its body is empty.
pub const DRAINED: u8 = OPTIONAL | 0x14;

impl Control {
    /// The whole frame: kind, length, body. Gossip that does not fit one frame becomes several.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::new();
        let kind = match self {
            Self::Greeting(greeting) => {
                greeting.put(&mut body);
                GREETING
            }
            Self::Gossip(gossip) => {
                gossip.put(&mut body);
                return body.freeze();
            }
            Self::Trace(trace) => {
                trace.put(&mut body);
                return body.freeze();
            }
            Self::Traced(traced) => {
                traced.put(&mut body);
                return body.freeze();
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
            _ if Gossip::is_kind(kind) => Self::Gossip(Gossip::decode(kind, body).map_err(named("gossip"))?),
            _ if Trace::is_kind(kind) => Self::Trace(Trace::decode(body).map_err(named("trace"))?),
            _ if Traced::is_kind(kind) => {
                Self::Traced(Traced::decode(body).map_err(named("trace's report"))?)
            }
            BYE => Self::Bye(Bye::read(reader).map_err(named("farewell"))?),
            _ if is_optional(kind) => return Ok(None),
            _ => return Err(ControlError::Kind(kind)),
        }))
    }
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
            Self::Surplus => 5,
            Self::Expelled => 6,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Leaving,
            2 => Self::Duplicate,
            3 => Self::Superseded,
            4 => Self::Protocol,
            5 => Self::Surplus,
            6 => Self::Expelled,
            other => Self::Other(other),
        }
    }
}

#[cfg(test)]
mod tests;
