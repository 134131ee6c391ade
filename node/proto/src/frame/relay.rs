//! Relayed frames: what crosses other nodes on its way. A frame names the set of nodes it is for by a number
//! the link gave that set; what is inside was signed by its origin and is opaque to everyone on the way.
//!
//! Layouts only. Which way a set goes, what is kept and for how long is the relay's in `plane`.

mod batch;
mod sealed;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};

pub use batch::{NamedBatch, NamedReader};
pub use sealed::{EXCEPTIONS_MAX, Envelope, INNER_BYTES_MAX, Inner, SIGNATURE_BYTES, Sealed, Unsigned};

use super::{
    OPTIONAL, frame,
    wire::{Reader, VARINT_BYTES_MAX, WireError, put_varint},
};
use crate::{
    id::NodeId,
    limits::{DESTINATIONS_MAX, HOPS_MAX, SET_NODES_MAX, SETS_MAX},
};

/// The number of a data stream, said before anything on it is confirmed. Skipped by who confirms nothing.
pub const DATA_STREAM: u8 = OPTIONAL | 1;
/// A set of nodes and the number it has on this stream from now on.
pub const DATA_SET: u8 = 4;
/// A sealed frame on its way to a set.
pub const DATA_RELAY: u8 = 5;
/// How much of the other direction's stream was taken over.
pub const DATA_CONFIRM: u8 = OPTIONAL | 2;

/// What follows on a stream comes behind a frame that its sender had relayed. Skipped by who takes nothing relayed.
pub const DATA_FENCE: u8 = OPTIONAL | 3;

/// Bytes of one node id.
const ID_BYTES: usize = 32;

/// A set of nodes, at least one and at most [`DESTINATIONS_MAX`], in ascending order. Cloning shares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destinations(Arc<[NodeId]>);

impl Destinations {
    /// The set of these nodes. None when there are none, or more than [`DESTINATIONS_MAX`].
    #[must_use]
    pub fn new(nodes: impl IntoIterator<Item = NodeId>) -> Option<Self> {
        let nodes: BTreeSet<NodeId> = nodes.into_iter().collect();
        (1..=DESTINATIONS_MAX).contains(&nodes.len()).then(|| Self(nodes.into_iter().collect()))
    }

    /// One node alone.
    #[must_use]
    pub fn one(node: NodeId) -> Self {
        Self(Arc::new([node]))
    }

    /// The nodes, ascending.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.0
    }

    /// Whether this node is among them.
    #[must_use]
    pub fn contains(&self, node: &NodeId) -> bool {
        self.0.binary_search(node).is_ok()
    }

    /// How many copies a frame for this set stands for: one a node.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Says which stream of its sender this is; streams of one neighbour count from 1.
#[must_use]
pub fn put_stream(number: u64) -> Bytes {
    put_one(DATA_STREAM, number)
}

/// Reads a stream frame's body: the stream's number.
///
/// # Errors
/// When it is malformed.
pub fn read_stream(body: &Bytes) -> Result<u64, WireError> {
    read_one(body)
}

/// Says that what follows comes behind the relayed frame of this sequence.
#[must_use]
pub fn put_fence(sequence: u64) -> Bytes {
    put_one(DATA_FENCE, sequence)
}

/// Reads a fence frame's body: the sequence of the relayed frame before it.
///
/// # Errors
/// When it is malformed.
pub fn read_fence(body: &Bytes) -> Result<u64, WireError> {
    read_one(body)
}

fn put_one(kind: u8, number: u64) -> Bytes {
    let mut body = BytesMut::new();
    put_varint(&mut body, number);
    frame(kind, &body)
}

fn read_one(body: &Bytes) -> Result<u64, WireError> {
    let mut reader = Reader::new(body);
    let number = reader.varint()?;
    reader.end()?;
    Ok(number)
}

/// Appends the frame that gives a set its number.
pub fn put_set(out: &mut BytesMut, number: u32, set: &Destinations) {
    let mut body = BytesMut::with_capacity(VARINT_BYTES_MAX + set.nodes().len() * ID_BYTES);
    put_varint(&mut body, u64::from(number));
    set.nodes().iter().for_each(|node| body.put_slice(&node.0));
    super::put_frame(out, DATA_SET, &body);
}

/// Reads a set frame's body: the number and the set.
///
/// # Errors
/// When it is malformed, the number is past the limit, the set is empty or not in ascending order.
pub fn read_set(body: &Bytes) -> Result<(u32, Destinations), WireError> {
    let mut reader = Reader::new(body);
    let number = read_number(&mut reader)?;
    if reader.remaining() / ID_BYTES > DESTINATIONS_MAX {
        return Err(WireError::Value("size of a destination set"));
    }
    let mut nodes = Vec::with_capacity(reader.remaining() / ID_BYTES);
    while !reader.is_empty() {
        nodes.push(NodeId(reader.array()?));
    }
    if nodes.is_empty() || !nodes.is_sorted_by(|a, b| a < b) {
        return Err(WireError::Value("order of a destination set"));
    }
    Ok((number, Destinations(nodes.into())))
}

/// The part of a relayed frame that is this link's: whom it is for, and how far it may still go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The set's number on this stream.
    pub set: u32,
    /// Links it may still cross behind this one, below [`HOPS_MAX`].
    pub hops: u8,
}

/// The head of a relayed frame: its kind, its length and its leg. The sealed bytes follow.
#[must_use]
pub fn relay_head(leg: Leg, sealed: &Sealed) -> Bytes {
    let mut small = BytesMut::with_capacity(VARINT_BYTES_MAX + 1);
    put_varint(&mut small, u64::from(leg.set));
    small.put_u8(leg.hops);
    let mut head = BytesMut::with_capacity(1 + 2 * VARINT_BYTES_MAX + 1);
    head.put_u8(DATA_RELAY);
    put_varint(&mut head, (small.len() + sealed.bytes().len()) as u64);
    head.put_slice(&small);
    head.freeze()
}

/// Reads a relayed frame's body. Of what is sealed only the envelope is looked at.
///
/// # Errors
/// When it is malformed, or may cross more links than anything may.
pub fn read_relay(body: &Bytes) -> Result<(Leg, Sealed), WireError> {
    let mut reader = Reader::new(body);
    let set = read_number(&mut reader)?;
    let hops = reader.u8()?;
    if hops >= HOPS_MAX {
        return Err(WireError::OverLimit { value: u64::from(hops), max: u64::from(HOPS_MAX) - 1 });
    }
    Ok((Leg { set, hops }, Sealed::read(reader.rest())?))
}

/// What the receiver of a data stream has taken over of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// The stream's number, see [`put_stream`].
    pub stream: u64,
    /// Relayed frames.
    pub frames: u64,
    /// Events of batches that are for the receiver itself.
    pub events: u64,
}

/// A whole frame that confirms what was taken.
#[must_use]
pub fn put_confirm(taken: &Taken) -> Bytes {
    let mut body = BytesMut::new();
    [taken.stream, taken.frames, taken.events].into_iter().for_each(|number| put_varint(&mut body, number));
    frame(DATA_CONFIRM, &body)
}

/// Reads a confirming frame's body.
///
/// # Errors
/// When it is malformed.
pub fn read_confirm(body: &Bytes) -> Result<Taken, WireError> {
    let mut reader = Reader::new(body);
    let (stream, frames, events) = (reader.varint()?, reader.varint()?, reader.varint()?);
    reader.end()?;
    Ok(Taken { stream, frames, events })
}

fn read_number(reader: &mut Reader<'_>) -> Result<u32, WireError> {
    let number = reader.varint_max(u64::from(SETS_MAX) - 1)?;
    u32::try_from(number).map_err(|_| WireError::Value("number of a destination set"))
}

/// The sets one stream has numbered. Numbers are given in order; who has none left, in numbers or in nodes of all
/// sets together, begins again at 0, and all that was declared before means nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetBudget {
    sets: u32,
    nodes: usize,
}

impl SetBudget {
    /// The number of one more set, and whether it began again.
    pub fn take(&mut self, set: &Destinations) -> (u32, bool) {
        let nodes = self.nodes.saturating_add(set.nodes().len());
        let again = self.sets >= SETS_MAX || nodes > SET_NODES_MAX;
        if again {
            *self = Self::default();
        }
        let number = self.sets;
        self.sets += 1;
        self.nodes = self.nodes.saturating_add(set.nodes().len());
        (number, again)
    }

    /// Whether a declaration keeps to the rule: the next number within the budget, or 0 again. Some says whether
    /// it began again.
    pub fn declared(&mut self, number: u32, set: &Destinations) -> Option<bool> {
        let again = number == 0 && self.sets > 0;
        if again {
            *self = Self::default();
        }
        let nodes = self.nodes.saturating_add(set.nodes().len());
        if number != self.sets || nodes > SET_NODES_MAX {
            return None;
        }
        (self.sets, self.nodes) = (self.sets.saturating_add(1), nodes);
        Some(again)
    }
}
