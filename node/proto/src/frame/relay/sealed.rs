//! A sealed frame: who it is from, which one of its origin it is, and what is inside, signed as a whole.
//!
//! How a signature is made is not known here; the bytes to sign are handed out.

use bytes::{BufMut, Bytes, BytesMut};

use super::super::wire::{Reader, VARINT_BYTES_MAX, WireError, put_varint};
use crate::{
    id::{Incarnation, NodeId},
    limits::FRAME_BYTES_MAX,
};

/// Bytes of an ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// What every signature of a sealed frame is over, before the frame itself: nothing else that a node signs can be
/// mistaken for one.
const CONTEXT: &[u8] = b"hive relayed frame 1\0";

/// Nodes for which an envelope may say another predecessor than for the rest.
pub const EXCEPTIONS_MAX: usize = 16;

/// The envelope at its longest: origin, five numbers, exceptions, addressee, kind.
const ENVELOPE_BYTES_MAX: usize =
    32 + 5 * VARINT_BYTES_MAX + EXCEPTIONS_MAX * (32 + VARINT_BYTES_MAX) + 33 + 1;

/// Bytes of an inner frame, so that all around it still fits a frame.
pub const INNER_BYTES_MAX: usize =
    FRAME_BYTES_MAX - SIGNATURE_BYTES - ENVELOPE_BYTES_MAX - VARINT_BYTES_MAX - 1;

/// What an origin says of a frame, legible on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who made and signed it.
    pub origin: NodeId,
    /// The life of it.
    pub incarnation: Incarnation,
    /// Counts that life's sealed frames from 1.
    pub sequence: u64,
    /// A frame that went to every node of this one's set before it; 0 for none. A destination that has not seen it
    /// waits a moment, because it may have taken a longer way.
    pub after: u64,
    /// The nodes for which another frame takes the place of `after`, at most [`EXCEPTIONS_MAX`].
    pub except: Vec<(NodeId, u64)>,
    /// Copies of events it stands for at each destination, for counting what is dropped unopened: at most its bytes.
    pub events: u64,
    /// Set when it is for one node and means nothing elsewhere: requests and answers.
    pub to: Option<NodeId>,
}

impl Envelope {
    /// The frame that went to this node before this one; 0 for none.
    #[must_use]
    pub fn after(&self, node: &NodeId) -> u64 {
        let exception = self.except.iter().find(|(except, _)| except == node);
        exception.map_or(self.after, |(_, after)| *after)
    }
}

/// A frame of a data stream, without its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// Its kind.
    pub kind: u8,
    /// Its body.
    pub body: Bytes,
}

/// A frame that lacks its signature.
#[derive(Debug)]
pub struct Unsigned {
    envelope: Envelope,
    /// [`CONTEXT`], which is exactly what is signed together with what follows it.
    bytes: BytesMut,
}

impl Unsigned {
    /// Puts a frame into an envelope. `envelope.events` is cut to what a reader believes.
    #[must_use]
    pub fn new(mut envelope: Envelope, inner: &Inner) -> Self {
        envelope.events = envelope.events.min(inner.body.len() as u64);
        envelope.except.truncate(EXCEPTIONS_MAX);
        let Envelope { origin, incarnation, sequence, after, events, to, .. } = envelope;
        let distance = |after: u64| if after == 0 { 0 } else { sequence.wrapping_sub(after) };
        let mut bytes = BytesMut::with_capacity(CONTEXT.len() + ENVELOPE_BYTES_MAX + inner.body.len());
        bytes.put_slice(CONTEXT);
        bytes.put_slice(&origin.0);
        put_varint(&mut bytes, incarnation.0);
        put_varint(&mut bytes, sequence);
        put_varint(&mut bytes, distance(after));
        put_varint(&mut bytes, envelope.except.len() as u64);
        for (node, after) in &envelope.except {
            bytes.put_slice(&node.0);
            put_varint(&mut bytes, distance(*after));
        }
        put_varint(&mut bytes, events);
        bytes.put_u8(u8::from(to.is_some()));
        if let Some(to) = to {
            bytes.put_slice(&to.0);
        }
        bytes.put_u8(inner.kind);
        bytes.put_slice(&inner.body);
        Self { envelope, bytes }
    }

    /// The bytes to sign.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.bytes
    }

    /// The frame with its signature.
    #[must_use]
    pub fn sign(self, signature: &[u8; SIGNATURE_BYTES]) -> Sealed {
        let mut bytes = BytesMut::with_capacity(SIGNATURE_BYTES + self.bytes.len() - CONTEXT.len());
        bytes.put_slice(signature);
        bytes.put_slice(&self.bytes[CONTEXT.len()..]);
        Sealed { envelope: self.envelope, bytes: bytes.freeze() }
    }
}

/// A signed frame, which goes on as it came. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    envelope: Envelope,
    /// The signature, then what is signed behind [`CONTEXT`].
    bytes: Bytes,
}

impl Sealed {
    /// Reads the envelope. The signature is not verified and what is inside not looked at.
    ///
    /// # Errors
    /// When the envelope is malformed.
    pub fn read(bytes: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(&bytes);
        reader.slice(SIGNATURE_BYTES)?;
        let envelope = read_envelope(&mut reader)?;
        reader.u8()?;
        if envelope.events > reader.remaining() as u64 {
            return Err(WireError::Value("number of events"));
        }
        Ok(Self { envelope, bytes })
    }

    /// What the origin says of it.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// As it is sent behind [`super::relay_head`].
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What the signature has to fit: the bytes that [`Unsigned::message`] handed out.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let signed = self.bytes.get(SIGNATURE_BYTES..).unwrap_or_default();
        [CONTEXT, signed].concat()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> [u8; SIGNATURE_BYTES] {
        self.bytes.first_chunk().copied().unwrap_or([0; SIGNATURE_BYTES])
    }

    /// The frame inside.
    ///
    /// # Errors
    /// Never for one that was read or sealed; the envelope before it is read once more.
    pub fn open(&self) -> Result<Inner, WireError> {
        let mut reader = Reader::new(&self.bytes);
        reader.slice(SIGNATURE_BYTES)?;
        read_envelope(&mut reader)?;
        Ok(Inner { kind: reader.u8()?, body: reader.rest() })
    }
}

fn read_envelope(reader: &mut Reader<'_>) -> Result<Envelope, WireError> {
    let origin = NodeId(reader.array()?);
    let incarnation = Incarnation(reader.varint()?);
    let sequence = reader.varint()?;
    let after = read_after(reader, sequence)?;
    let mut except = Vec::new();
    for _ in 0..reader.length(EXCEPTIONS_MAX)? {
        except.push((NodeId(reader.array()?), read_after(reader, sequence)?));
    }
    let events = reader.varint()?;
    let to = match reader.u8()? {
        0 => None,
        1 => Some(NodeId(reader.array()?)),
        _ => return Err(WireError::Value("addressee")),
    };
    Ok(Envelope { origin, incarnation, sequence, after, except, events, to })
}

/// An earlier sequence as the distance to it; the first frame, number 1, has nothing before it.
fn read_after(reader: &mut Reader<'_>, sequence: u64) -> Result<u64, WireError> {
    match reader.varint()? {
        behind if behind >= sequence => Err(WireError::Value("sequence of a relayed frame")),
        0 => Ok(0),
        behind => Ok(sequence - behind),
    }
}
