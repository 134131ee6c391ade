//! The frames of a trace: one goes the way that an event would go, node by node, and each node it comes to says so
//! backwards. Layouts only; who may send what is the state machine's.

use std::{collections::BTreeSet, net::SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    OPTIONAL, put_frame,
    wire::{Reader, WireError, put_addr, put_text, put_varint},
};
use crate::{
    channel::Channel,
    id::NodeId,
    limits::{HOPS_MAX, NAME_BYTES_MAX, NODE_NAME_BYTES_MAX},
    pattern::Pattern,
};

/// Patterns that one report names at most; how many there are beside them is a number.
pub const PATTERNS_NAMED_MAX: usize = 8;

/// Nodes on a way: each link leads to one, and one is the first.
const NODES_MAX: usize = HOPS_MAX as usize + 1;

/// A trace on its way to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The first node's number for it.
    pub number: u64,
    /// Where it goes.
    pub destination: NodeId,
    /// The channel that is asked about: one that leaves its node.
    pub channel: Channel,
    /// The nodes it has left, in order: the first asked, the last sends this. At least one, none twice.
    pub hops: Vec<Hop>,
}

/// What one node on the way has to say, on its way back along the same nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Traced {
    /// The first node's number for it.
    pub number: u64,
    /// The nodes the trace has left, and who says this; at least one, none twice.
    pub hops: Vec<Hop>,
    /// What became of it there.
    pub end: End,
}

/// One node on the way, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Which.
    pub node: NodeId,
    /// The name it gives itself, at most [`NODE_NAME_BYTES_MAX`] bytes without control characters.
    pub name: String,
    /// How long it had the trace, in microseconds.
    pub took_us: u64,
    /// The link it went on over; none where it did not.
    pub onward: Option<Onward>,
}

/// The link to the next node, as an event would find it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Onward {
    /// The next node.
    pub to: NodeId,
    /// Its address.
    pub addr: SocketAddr,
    /// The round trip of the link, in microseconds, where it is known.
    pub rtt_us: Option<u64>,
    /// Bytes that wait for the next node.
    pub queued_bytes: u64,
    /// Copies of events among them.
    pub queued_events: u64,
}

/// What became of a trace at a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum End {
    /// It went on.
    Passed,
    /// It is there, and somebody there wants the channel.
    Delivered(Matches),
    /// It is there, and nobody there wants the channel.
    NoMatch,
    /// No way leads on.
    NoRoute,
    /// The only way on is the one it came.
    Back,
    /// It was there before.
    Circle,
    /// It crossed as many links as anything may.
    HopLimit,
    /// The next node does not know traces.
    OldNode(NodeId),
    /// What a later version says.
    Other(u8),
}

/// Who wants a channel at a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Matches {
    /// Subscriptions that want it.
    pub subscribers: u64,
    /// Patterns of theirs that match, at most [`PATTERNS_NAMED_MAX`], each once.
    pub patterns: Vec<Pattern>,
    /// How many more there are.
    pub more: u64,
}

const TRACE: u8 = OPTIONAL | 0x15;
const TRACED: u8 = OPTIONAL | 0x16;

impl Trace {
    /// Whether a frame of this kind is one.
    #[must_use]
    pub fn is_kind(kind: u8) -> bool {
        kind == TRACE
    }

    /// Appends the whole frame.
    pub fn put(&self, out: &mut BytesMut) {
        let mut body = BytesMut::new();
        put_varint(&mut body, self.number);
        body.put_slice(&self.destination.0);
        put_text(&mut body, self.channel.as_str());
        put_hops(&mut body, &self.hops);
        put_frame(out, TRACE, &body);
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is malformed, the channel does not leave its node, or the nodes do not follow each other.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let number = reader.varint()?;
        let destination = NodeId(reader.array()?);
        let channel =
            Channel::parse(reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))?;
        let hops = read_hops(&mut reader, HOPS_MAX.into())?;
        reader.end()?;
        if channel.is_local() {
            return Err(WireError::Value("channel"));
        }
        // Whoever sends it on says over which link.
        if hops.last().is_none_or(|last| last.onward.is_none()) {
            return Err(WireError::Value("way"));
        }
        Ok(Self { number, destination, channel, hops })
    }
}

impl Traced {
    /// Whether a frame of this kind is one.
    #[must_use]
    pub fn is_kind(kind: u8) -> bool {
        kind == TRACED
    }

    /// Appends the whole frame.
    pub fn put(&self, out: &mut BytesMut) {
        let mut body = BytesMut::new();
        put_varint(&mut body, self.number);
        put_hops(&mut body, &self.hops);
        self.end.put(&mut body);
        put_frame(out, TRACED, &body);
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is malformed, or the nodes do not follow each other.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let number = reader.varint()?;
        let hops = read_hops(&mut reader, NODES_MAX)?;
        let end = End::read(&mut reader)?;
        // What a later version says of an end it alone knows is not read.
        if !matches!(end, End::Other(_)) {
            reader.end()?;
        }
        Ok(Self { number, hops, end })
    }
}

impl End {
    fn put(&self, out: &mut BytesMut) {
        out.put_u8(match self {
            Self::Passed => 0,
            Self::Delivered(_) => 1,
            Self::NoMatch => 2,
            Self::NoRoute => 3,
            Self::Back => 4,
            Self::Circle => 5,
            Self::HopLimit => 6,
            Self::OldNode(_) => 7,
            Self::Other(code) => *code,
        });
        match self {
            Self::Delivered(matches) => matches.put(out),
            Self::OldNode(node) => out.put_slice(&node.0),
            _ => {}
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match reader.u8()? {
            0 => Self::Passed,
            1 => Self::Delivered(Matches::read(reader)?),
            2 => Self::NoMatch,
            3 => Self::NoRoute,
            4 => Self::Back,
            5 => Self::Circle,
            6 => Self::HopLimit,
            7 => Self::OldNode(NodeId(reader.array()?)),
            other => Self::Other(other),
        })
    }
}

impl Matches {
    fn put(&self, out: &mut BytesMut) {
        put_varint(out, self.subscribers);
        put_varint(out, self.more);
        let named = self.patterns.iter().take(PATTERNS_NAMED_MAX);
        put_varint(out, named.len() as u64);
        named.for_each(|pattern| put_text(out, pattern.as_str()));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (subscribers, more) = (reader.varint()?, reader.varint()?);
        let mut patterns = Vec::new();
        for _ in 0..reader.length(PATTERNS_NAMED_MAX)? {
            let text = reader.text(NAME_BYTES_MAX)?;
            let pattern = Pattern::parse(text).ok().filter(|pattern| pattern.as_str() == text);
            patterns.push(pattern.ok_or(WireError::Value("pattern"))?);
        }
        Ok(Self { subscribers, patterns, more })
    }
}

fn put_hops(out: &mut BytesMut, hops: &[Hop]) {
    put_varint(out, hops.len() as u64);
    for hop in hops {
        out.put_slice(&hop.node.0);
        let end = hop.name.floor_char_boundary(NODE_NAME_BYTES_MAX);
        put_text(out, hop.name.get(..end).unwrap_or_default());
        put_varint(out, hop.took_us);
        out.put_u8(u8::from(hop.onward.is_some()));
        if let Some(onward) = &hop.onward {
            onward.put(out);
        }
    }
}

/// Nodes of which each says that it gave the trace to the next.
fn read_hops(reader: &mut Reader<'_>, max: usize) -> Result<Vec<Hop>, WireError> {
    let mut hops: Vec<Hop> = Vec::new();
    let mut nodes = BTreeSet::new();
    for _ in 0..reader.length(max)? {
        let hop = Hop::read(reader)?;
        let follows = hops.last().is_none_or(|last| last.onward.as_ref().is_some_and(|o| o.to == hop.node));
        if !follows || !nodes.insert(hop.node) {
            return Err(WireError::Value("way"));
        }
        hops.push(hop);
    }
    if hops.is_empty() { Err(WireError::Value("way")) } else { Ok(hops) }
}

impl Hop {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let node = NodeId(reader.array()?);
        let name: String = reader.text(NODE_NAME_BYTES_MAX)?.into();
        if name.chars().any(char::is_control) {
            return Err(WireError::Value("name"));
        }
        let took_us = reader.varint()?;
        let onward = match reader.u8()? {
            0 => None,
            1 => Some(Onward::read(reader)?),
            _ => return Err(WireError::Value("way")),
        };
        Ok(Self { node, name, took_us, onward })
    }
}

impl Onward {
    fn put(&self, out: &mut BytesMut) {
        out.put_slice(&self.to.0);
        put_addr(out, self.addr);
        // 0 is unknown, so that the smallest known one is 1.
        put_varint(out, self.rtt_us.map_or(0, |rtt| rtt.max(1)));
        put_varint(out, self.queued_bytes);
        put_varint(out, self.queued_events);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            to: NodeId(reader.array()?),
            addr: reader.addr()?,
            rtt_us: Some(reader.varint()?).filter(|rtt| *rtt > 0),
            queued_bytes: reader.varint()?,
            queued_events: reader.varint()?,
        })
    }
}

#[cfg(test)]
mod tests;
