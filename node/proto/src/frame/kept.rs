//! Kept values: the last value of a channel as its origin signed it, and what two nodes say to find out what either of
//! them lacks.
//!
//! Layout of a value: origin (32 bytes), incarnation, sequence, time (varints), depth (1 byte), channel, kind (1 byte), and unless it is
//! cleared the optional parts of the message and the payload with its length; then the signature (64 bytes) over
//! everything before it, behind a label.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    OPTIONAL,
    data::{put_extra, read_extra},
    frame,
    wire::{Reader, WireError, put_bytes, put_text, put_varint},
};
use crate::{
    channel::{Channel, NetworkIndex},
    event::{Extra, Message},
    id::{EventId, Incarnation, NodeId},
    keys::{Keys, Signature},
    limits::{HEADERS_BYTES_MAX, KEPT_BYTES_MAX, NAME_BYTES_MAX},
    time::Hlc,
};

/// A value that was just published: its channel's subscribers get it as an event.
pub const DATA_KEPT: u8 = OPTIONAL | 5;
/// Values that somebody lacked.
pub const DATA_KEPT_VALUES: u8 = OPTIONAL | 6;
/// The hash over all values of a node, and its clock.
pub const DATA_KEPT_ROOT: u8 = OPTIONAL | 7;
/// The hashes of the buckets.
pub const DATA_KEPT_BUCKETS: u8 = OPTIONAL | 8;
/// Which versions a node has in some buckets.
pub const DATA_KEPT_HEADS: u8 = OPTIONAL | 9;
/// Which channels' values a node lacks.
pub const DATA_KEPT_WANTS: u8 = OPTIONAL | 10;

/// Buckets of channels, by their hash.
pub const KEPT_BUCKETS: usize = 256;
/// Bytes of one frame of this kind, but for a single larger value.
pub const KEPT_FRAME_BYTES: usize = 64 << 10;
/// Bytes of one value: message, its optional parts, and origin, numbers, channel and signature at their longest.
const VALUE_BYTES_MAX: usize = KEPT_BYTES_MAX + 2 * HEADERS_BYTES_MAX + 512;

const LABEL: &[u8] = b"hive kept value 1";
const VALUE: u8 = 1;
const CLEARED: u8 = 2;

/// The hash of a bucket or of all of them (BLAKE3, the first 16 bytes).
pub type KeptHash = [u8; 16];

/// Which version of a channel's value: the later time, then the greater node, then what it published later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeptHead {
    /// When it was published.
    pub time: Hlc,
    /// By whom.
    pub origin: NodeId,
    /// Which of its publishes: the clock may stand still between two.
    pub sequence: u64,
}

/// The last value of a channel, or that it has none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which publish it was.
    pub id: EventId,
    /// When, by the origin's clock.
    pub time: Hlc,
    /// How many publishes made while handling another event led here.
    pub depth: u8,
    /// The channel.
    pub channel: Channel,
    /// None: the channel was cleared.
    pub message: Option<Message>,
    /// The whole of it, with the signature: it is passed on as it came.
    pub bytes: Bytes,
}

/// Why bytes are no kept value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    /// A field is malformed.
    #[error("a malformed kept value: {0}")]
    Wire(#[from] WireError),
    /// The signature is not the origin's.
    #[error("a kept value of node {} that it did not sign", .0.short())]
    Forged(NodeId),
}

impl Kept {
    /// Writes and signs a value.
    #[must_use]
    pub fn sign(
        keys: Option<&dyn Keys>,
        network: NetworkIndex,
        (id, time, depth): (EventId, Hlc, u8),
        channel: Channel,
        message: Option<Message>,
    ) -> Self {
        let mut out = BytesMut::from(LABEL);
        out.put_slice(&id.origin.0);
        put_varint(&mut out, id.incarnation.0);
        put_varint(&mut out, id.sequence);
        put_varint(&mut out, time.0);
        out.put_u8(depth);
        put_text(&mut out, channel.as_str());
        match &message {
            None => out.put_u8(CLEARED),
            Some(message) => {
                out.put_u8(VALUE);
                put_extra(&mut out, message.extra().unwrap_or(&Extra::default()));
                put_bytes(&mut out, &message.payload);
            }
        }
        // Without keys there is nobody to send it to.
        let signature = keys.map_or([0; 64], |keys| keys.sign(network, &out));
        out.put_slice(&signature);
        let bytes = out.freeze().slice(LABEL.len()..);
        Self { id, time, depth, channel, message, bytes }
    }

    /// Reads a value without looking at its signature: one that this node has written.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn read(bytes: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let origin = NodeId(reader.array()?);
        let incarnation = Incarnation(reader.varint()?);
        let sequence = reader.varint()?;
        let time = Hlc(reader.varint()?);
        let depth = reader.u8()?;
        let channel = read_channel(&mut reader)?;
        let message = match reader.u8()? {
            CLEARED => None,
            VALUE => {
                let extra = read_extra(&mut reader)?;
                let length = reader.length(KEPT_BYTES_MAX)?;
                Some(Message::from_parts(reader.bytes(length)?, extra))
            }
            _ => return Err(WireError::Value("kind of a kept value")),
        };
        let _: Signature = reader.array()?;
        reader.end()?;
        let id = EventId { origin, incarnation, sequence };
        Ok(Self { id, time, depth, channel, message, bytes: bytes.clone() })
    }

    /// Reads a value that came from elsewhere, and checks its signature.
    ///
    /// # Errors
    /// When it is malformed or forged.
    pub fn verify(keys: &dyn Keys, network: NetworkIndex, bytes: &Bytes) -> Result<Self, KeptError> {
        // A copy: it is kept, and must not keep all that it came with.
        let kept = Self::read(&Bytes::copy_from_slice(bytes))?;
        if kept.channel.is_local() {
            return Err(WireError::Value("channel").into());
        }
        let signed = bytes.len().checked_sub(size_of::<Signature>()).ok_or(WireError::Truncated)?;
        let (message, signature) = bytes.split_at(signed);
        let signature: &Signature = signature.try_into().map_err(|_| WireError::Truncated)?;
        if !keys.verify(network, kept.id.origin, &[LABEL, message].concat(), signature) {
            return Err(KeptError::Forged(kept.id.origin));
        }
        Ok(kept)
    }

    /// Which version it is.
    #[must_use]
    pub fn head(&self) -> KeptHead {
        KeptHead { time: self.time, origin: self.id.origin, sequence: self.id.sequence }
    }
}

/// What one node says of its kept values to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptSaid {
    /// One that was just published.
    Live(Bytes),
    /// Some that the other lacked.
    Values(Vec<Bytes>),
    /// The hash of all, and the sender's wall clock in milliseconds since the Unix epoch.
    Root(KeptHash, u64),
    /// The hashes of the buckets, in order.
    Buckets(Vec<KeptHash>),
    /// All versions in these buckets, of which there may be several frames.
    Heads(Vec<u8>, Vec<(Channel, KeptHead)>),
    /// The channels whose values the sender lacks.
    Wants(Vec<Channel>),
}

impl KeptSaid {
    /// The frame that says it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::new();
        let kind = match self {
            Self::Live(value) => {
                put_bytes(&mut body, value);
                DATA_KEPT
            }
            Self::Values(values) => {
                values.iter().for_each(|value| put_bytes(&mut body, value));
                DATA_KEPT_VALUES
            }
            Self::Root(hash, unix_ms) => {
                body.put_slice(hash);
                put_varint(&mut body, *unix_ms);
                DATA_KEPT_ROOT
            }
            Self::Buckets(hashes) => {
                hashes.iter().for_each(|hash| body.put_slice(hash));
                DATA_KEPT_BUCKETS
            }
            Self::Heads(buckets, heads) => {
                put_bytes(&mut body, buckets);
                for (channel, head) in heads {
                    put_text(&mut body, channel.as_str());
                    put_varint(&mut body, head.time.0);
                    body.put_slice(&head.origin.0);
                    put_varint(&mut body, head.sequence);
                }
                DATA_KEPT_HEADS
            }
            Self::Wants(channels) => {
                channels.iter().for_each(|channel| put_text(&mut body, channel.as_str()));
                DATA_KEPT_WANTS
            }
        };
        frame(kind, &body)
    }

    /// Reads the body of a frame of one of these kinds; none for another kind.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn decode(kind: u8, body: &Bytes) -> Result<Option<Self>, WireError> {
        let mut reader = Reader::new(body);
        let value = |reader: &mut Reader<'_>| {
            let length = reader.length(VALUE_BYTES_MAX)?;
            reader.bytes(length)
        };
        let said = match kind {
            DATA_KEPT => Self::Live(value(&mut reader)?),
            DATA_KEPT_VALUES => Self::Values(all(&mut reader, value)?),
            DATA_KEPT_ROOT => Self::Root(reader.array()?, reader.varint()?),
            DATA_KEPT_BUCKETS => {
                let hashes = all(&mut reader, |reader| reader.array())?;
                if hashes.len() != KEPT_BUCKETS {
                    return Err(WireError::Value("number of buckets"));
                }
                Self::Buckets(hashes)
            }
            DATA_KEPT_HEADS => {
                let count = reader.length(KEPT_BUCKETS)?;
                let buckets = reader.slice(count)?.to_vec();
                let head = |reader: &mut Reader<'_>| {
                    let channel = read_channel(reader)?;
                    let time = Hlc(reader.varint()?);
                    let origin = NodeId(reader.array()?);
                    Ok((channel, KeptHead { time, origin, sequence: reader.varint()? }))
                };
                Self::Heads(buckets, all(&mut reader, head)?)
            }
            DATA_KEPT_WANTS => Self::Wants(all(&mut reader, read_channel)?),
            _ => return Ok(None),
        };
        reader.end()?;
        Ok(Some(said))
    }
}

fn all<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(read(reader)?);
    }
    Ok(all)
}

fn read_channel(reader: &mut Reader<'_>) -> Result<Channel, WireError> {
    Channel::parse(reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))
}

#[cfg(test)]
mod tests;
