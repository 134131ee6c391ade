//! The frames by which facts spread over control streams: statements pushed and pulled, notices, and what two
//! neighbours compare. What a statement says is opaque here.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    put_frame,
    wire::{Reader, VARINT_BYTES_MAX, WireError, put_varint, varint_width},
};
use crate::{id::Incarnation, limits::CONTROL_FRAME_BYTES_MAX};

/// A neighbour's head as frames name it: by the first four bytes of the node's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeadRef {
    /// The first four bytes of the node's id, big-endian.
    pub prefix: u32,
    /// Its life; 0 with version 0 for nothing.
    pub incarnation: Incarnation,
    /// Its statement.
    pub version: u64,
}

/// One gossip frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gossip {
    /// Statements as they were signed.
    Statements {
        /// They were asked for; otherwise they are pushed.
        answer: bool,
        /// Each whole, in order.
        statements: Vec<Bytes>,
    },
    /// The sender has these statements and does not push them to the receiver.
    Have(Vec<HeadRef>),
    /// The sender knows these nodes up to here and wants what came later.
    Pull {
        /// What comes next from them is to be pushed from now on.
        graft: bool,
        /// Up to where each is known.
        known: Vec<HeadRef>,
    },
    /// What comes from these nodes (by the first four bytes of their ids) need not be pushed any more.
    Prune(Vec<u32>),
    /// The hash over everybody the sender can reach.
    Digest([u8; 32]),
    /// The same by buckets, because the roots differ.
    Buckets(Vec<[u8; 8]>),
    /// All the sender can reach of some buckets.
    Heads {
        /// Which buckets, a bit each.
        buckets: u64,
        /// The receiver asked by the same; it is not to be answered.
        answer: bool,
        /// The heads.
        heads: Vec<HeadRef>,
    },
    /// A part of all facts of a node.
    Snapshot {
        /// Its last statement, in the first part.
        statement: Option<Bytes>,
        /// No part follows.
        last: bool,
        /// Facts, one after the other.
        facts: Bytes,
    },
    /// The receiver's own statements are known up to this version.
    Ack {
        /// Of the receiver's life that was greeted.
        version: u64,
    },
}

const STATEMENTS: u8 = 0x20;
const HAVE: u8 = 0x21;
const PULL: u8 = 0x22;
const PRUNE: u8 = 0x23;
const DIGEST: u8 = 0x24;
const BUCKETS: u8 = 0x25;
const HEADS: u8 = 0x26;
const SNAPSHOT: u8 = 0x27;
const ACK: u8 = 0x28;

/// The first bit of a flags byte: an answer, a graft, the first part.
const FLAG: u8 = 1;
/// The second: the last part.
const LAST: u8 = 2;

/// The prefix and two numbers of one byte.
const HEAD_BYTES_MIN: usize = size_of::<u32>() + 2;
/// The prefix and two numbers as long as they can be.
const HEAD_BYTES_MAX: usize = size_of::<u32>() + 2 * VARINT_BYTES_MAX;

/// Buckets of a digest.
const BUCKETS_MAX: usize = 64;

impl Gossip {
    /// Whether a frame of this kind is one of these.
    #[must_use]
    pub fn is_kind(kind: u8) -> bool {
        (STATEMENTS..=ACK).contains(&kind)
    }

    /// Appends whole frames, as many as are needed to keep each below the limit of control frames.
    pub fn put(&self, out: &mut BytesMut) {
        let mut body = BytesMut::new();
        match self {
            Self::Statements { answer, statements } => {
                put_statements(*answer, statements, |statement| statement, out);
            }
            Self::Have(heads) => put_notices(heads, out),
            Self::Pull { graft, known } => {
                put_parts(out, PULL, &[u8::from(*graft)], known, head_bytes, put_head);
            }
            Self::Prune(nodes) => put_parts(out, PRUNE, &[], nodes, |_| 4, |body, node| body.put_u32(*node)),
            Self::Digest(root) => put_frame(out, DIGEST, root),
            Self::Buckets(hashes) => {
                hashes.iter().for_each(|hash| body.put_slice(hash));
                put_frame(out, BUCKETS, &body);
            }
            Self::Heads { buckets, answer, heads } => {
                let mut prefix = BytesMut::new();
                prefix.put_u8(u8::from(*answer));
                prefix.put_u64(*buckets);
                put_parts(out, HEADS, &prefix, heads, head_bytes, put_head);
            }
            Self::Snapshot { statement, last, facts } => {
                body.put_u8(u8::from(statement.is_some()) | if *last { LAST } else { 0 });
                if let Some(statement) = statement {
                    put_varint(&mut body, statement.len() as u64);
                    body.put_slice(statement);
                }
                body.put_slice(facts);
                put_frame(out, SNAPSHOT, &body);
            }
            Self::Ack { version } => {
                put_varint(&mut body, *version);
                put_frame(out, ACK, &body);
            }
        }
    }

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When it is malformed, or the kind is none of these.
    pub fn decode(kind: u8, body: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        Ok(match kind {
            STATEMENTS => {
                let answer = read_flags(&mut reader, FLAG)? == FLAG;
                let mut statements = Vec::new();
                while !reader.is_empty() {
                    let length = reader.length(CONTROL_FRAME_BYTES_MAX)?;
                    statements.push(reader.bytes(length)?);
                }
                Self::Statements { answer, statements }
            }
            HAVE => Self::Have(read_heads(reader)?),
            PULL => {
                let graft = read_flags(&mut reader, FLAG)? == FLAG;
                Self::Pull { graft, known: read_heads(reader)? }
            }
            PRUNE => {
                let mut nodes = Vec::new();
                while !reader.is_empty() {
                    nodes.push(u32::from_be_bytes(reader.array()?));
                }
                Self::Prune(nodes)
            }
            DIGEST => {
                let root = reader.array()?;
                reader.end()?;
                Self::Digest(root)
            }
            BUCKETS => {
                let mut hashes = Vec::new();
                while !reader.is_empty() {
                    hashes.push(reader.array()?);
                }
                match hashes.len() {
                    BUCKETS_MAX => Self::Buckets(hashes),
                    _ => return Err(WireError::Value("number of buckets")),
                }
            }
            HEADS => {
                let answer = read_flags(&mut reader, FLAG)? == FLAG;
                let buckets = u64::from_be_bytes(reader.array()?);
                Self::Heads { buckets, answer, heads: read_heads(reader)? }
            }
            SNAPSHOT => {
                let flags = read_flags(&mut reader, FLAG | LAST)?;
                let statement = match flags & FLAG {
                    0 => None,
                    _ => {
                        let length = reader.length(CONTROL_FRAME_BYTES_MAX)?;
                        Some(reader.bytes(length)?)
                    }
                };
                Self::Snapshot { statement, last: flags & LAST != 0, facts: reader.rest() }
            }
            ACK => {
                let version = reader.varint()?;
                reader.end()?;
                Self::Ack { version }
            }
            _ => return Err(WireError::Value("kind of gossip")),
        })
    }
}

/// Appends [`Gossip::Statements`] of what is kept in another form.
pub fn put_statements<T>(answer: bool, all: &[T], bytes: impl Fn(&T) -> &Bytes, out: &mut BytesMut) {
    let put = |body: &mut BytesMut, statement: &T| {
        put_varint(body, bytes(statement).len() as u64);
        body.put_slice(bytes(statement));
    };
    let size = |statement: &T| varint_width(bytes(statement).len() as u64) + bytes(statement).len();
    put_parts(out, STATEMENTS, &[u8::from(answer)], all, size, put);
}

/// Appends [`Gossip::Have`].
pub fn put_notices(heads: &[HeadRef], out: &mut BytesMut) {
    put_parts(out, HAVE, &[], heads, head_bytes, put_head);
}

/// Puts the items into as many frames as they need, each beginning with the same bytes; at least one.
fn put_parts<T>(
    out: &mut BytesMut,
    kind: u8,
    prefix: &[u8],
    items: &[T],
    size: impl Fn(&T) -> usize,
    put: impl Fn(&mut BytesMut, &T),
) {
    let mut rest = items;
    loop {
        let (mut count, mut length) = (0, prefix.len());
        for item in rest {
            let longer = length.saturating_add(size(item));
            if count > 0 && longer > CONTROL_FRAME_BYTES_MAX {
                break;
            }
            (count, length) = (count + 1, longer);
        }
        let (part, left) = rest.split_at(count);
        out.reserve(1 + VARINT_BYTES_MAX + length);
        out.put_u8(kind);
        put_varint(out, length as u64);
        out.put_slice(prefix);
        part.iter().for_each(|item| put(out, item));
        rest = left;
        if rest.is_empty() {
            return;
        }
    }
}

fn head_bytes(head: &HeadRef) -> usize {
    size_of::<u32>() + varint_width(head.incarnation.0) + varint_width(head.version)
}

/// There are more of these than of anything else: room is looked for once for each.
fn put_head(body: &mut BytesMut, head: &HeadRef) {
    let mut bytes = [0; HEAD_BYTES_MAX];
    let mut rest = &mut bytes[..];
    rest.put_u32(head.prefix);
    put_varint(&mut rest, head.incarnation.0);
    put_varint(&mut rest, head.version);
    let left = rest.len();
    body.put_slice(&bytes[..HEAD_BYTES_MAX - left]);
}

fn read_heads(mut reader: Reader<'_>) -> Result<Vec<HeadRef>, WireError> {
    let mut heads = Vec::with_capacity(reader.remaining() / HEAD_BYTES_MIN);
    while !reader.is_empty() {
        let prefix = u32::from_be_bytes(reader.array()?);
        let incarnation = Incarnation(reader.varint()?);
        heads.push(HeadRef { prefix, incarnation, version: reader.varint()? });
    }
    Ok(heads)
}

fn read_flags(reader: &mut Reader<'_>, known: u8) -> Result<u8, WireError> {
    let flags = reader.u8()?;
    if flags & !known != 0 {
        return Err(WireError::Value("flags of gossip"));
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::split_frame;

    fn gossip() -> impl Strategy<Value = Gossip> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        let heads = || {
            let head = (any::<u32>(), any::<u64>(), any::<u64>());
            let head = head.prop_map(|(prefix, incarnation, version)| HeadRef {
                prefix,
                incarnation: Incarnation(incarnation),
                version,
            });
            prop::collection::vec(head, 0..8)
        };
        prop_oneof![
            (any::<bool>(), prop::collection::vec(bytes(), 0..5))
                .prop_map(|(answer, statements)| Gossip::Statements { answer, statements }),
            heads().prop_map(Gossip::Have),
            (any::<bool>(), heads()).prop_map(|(graft, known)| Gossip::Pull { graft, known }),
            prop::collection::vec(any::<u32>(), 0..8).prop_map(Gossip::Prune),
            any::<[u8; 32]>().prop_map(Gossip::Digest),
            prop::collection::vec(any::<[u8; 8]>(), BUCKETS_MAX).prop_map(Gossip::Buckets),
            (any::<u64>(), any::<bool>(), heads()).prop_map(|(buckets, answer, heads)| Gossip::Heads {
                buckets,
                answer,
                heads
            }),
            (prop::option::of(bytes()), any::<bool>(), bytes())
                .prop_map(|(statement, last, facts)| Gossip::Snapshot { statement, last, facts }),
            any::<u64>().prop_map(|version| Gossip::Ack { version }),
        ]
    }

    fn read(mut bytes: BytesMut) -> Vec<Gossip> {
        let mut read = Vec::new();
        while let Some((kind, body)) = split_frame(&mut bytes, CONTROL_FRAME_BYTES_MAX).expect("a frame") {
            assert!(Gossip::is_kind(kind));
            read.push(Gossip::decode(kind, &body).expect("gossip"));
        }
        read
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(gossip in gossip()) {
            let mut out = BytesMut::new();
            gossip.put(&mut out);
            prop_assert_eq!(read(out), [gossip]);
        }

        #[test]
        fn arbitrary_bytes_never_panic(kind in STATEMENTS..=ACK, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Gossip::decode(kind, &Bytes::from(bytes));
        }
    }

    #[test]
    fn what_does_not_fit_one_frame_goes_into_several() {
        let statements: Vec<_> = (0..10_u8).map(|n| Bytes::from(vec![n; 20_000])).collect();
        let mut out = BytesMut::new();
        Gossip::Statements { answer: true, statements: statements.clone() }.put(&mut out);
        let frames = read(out);
        assert!(frames.len() > 1);
        let came: Vec<_> = frames
            .into_iter()
            .flat_map(|frame| match frame {
                Gossip::Statements { answer: true, statements } => statements,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(came, statements);
    }
}
