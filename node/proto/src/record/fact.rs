//! The facts a node states, each in one fixed encoding: what is hashed is what is sent.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::{links::Links, merkle::Merkle};
use crate::{
    channel::ChannelError,
    frame::wire::{Reader, WireError, put_addr, put_bytes, put_text, put_varint},
    group::GroupName,
    id::NodeId,
    interest::{FilterBlock, InterestOp, Joined, Wanted, Wants},
    limits::{NAME_BYTES_MAX, NODE_NAME_BYTES_MAX, PATTERNS_MAX, SEGMENT_BYTES_MAX},
    pattern::{
        Pattern, PatternError,
        filter::{BLOCK_BYTES_MAX, FilterError},
    },
};

/// Links one node may state: twice the most it dials and accepts.
pub const LINKS_MAX: usize = 256;
/// Patterns one node may want at a time: those it announces, and in the middle of a change as many old ones.
const WANTS_MAX: usize = 2 * PATTERNS_MAX;
/// Addresses a node may state.
const ADDRS_MAX: usize = 16;

/// How a node describes itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Description {
    /// The name it gives itself, at most [`NODE_NAME_BYTES_MAX`] bytes without control characters.
    pub name: String,
    /// Where it can be dialled; at most 16.
    pub addrs: Vec<SocketAddr>,
    /// What it can do beside the minimum, a bit each. None is known yet.
    pub features: u64,
}

/// One fact of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// There is at most one.
    Description(Description),
    /// A neighbour. An edge exists when both ends state it.
    Link(NodeId),
    /// Something that is wanted; at most one a pattern.
    Want(Wanted),
    /// Something that is wanted as a member of a group; at most one a group and pattern.
    Join(Joined),
    /// A block of the filter over what is wanted beside; at most one a number, never empty.
    Block(FilterBlock),
}

/// One change of a set of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Takes the place of the description before.
    Describe(Description),
    /// A neighbour from now on.
    Link(NodeId),
    /// Not a neighbour any more.
    Unlink(NodeId),
    /// Of what is wanted.
    Interest(InterestOp),
}

/// Why bytes are no fact or change, or break the rules for sets of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// A field is malformed.
    #[error("a malformed fact: {0}")]
    Wire(#[from] WireError),
    /// A pattern that is none.
    #[error("a malformed pattern: {0}")]
    Pattern(#[from] PatternError),
    /// A pattern that is written in another than its one normal form.
    #[error("the pattern `{0}` is not in its normal form")]
    Abnormal(String),
    /// A wish for what never leaves its node.
    #[error("a wish for the local pattern `{0}`")]
    Local(Pattern),
    /// A group's name that is none.
    #[error("a malformed group: {0}")]
    Group(#[from] ChannelError),
    /// A block that is none.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A kind of fact this version does not have.
    #[error("a fact of unknown kind {0}")]
    Kind(u8),
    /// More neighbours than anybody may have.
    #[error("more than {LINKS_MAX} links")]
    TooManyLinks,
    /// More patterns than anybody may announce.
    #[error("more than {WANTS_MAX} patterns")]
    TooManyPatterns,
}

const DESCRIPTION: u8 = 1;
const LINK: u8 = 2;
const UNLINK: u8 = 3;
const WANT: u8 = 4;
const WANT_ANSWERING: u8 = 5;
const WANT_APPROXIMATELY: u8 = 6;
const UNWANT: u8 = 7;
const BLOCK: u8 = 8;
const JOIN: u8 = 9;
const JOIN_ANSWERING: u8 = 10;
const LEAVE: u8 = 11;

/// What a node states, as others know it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    description: Option<Description>,
    links: Links,
    wants: Wants,
}

impl Facts {
    /// The description, once it was stated.
    #[must_use]
    pub fn description(&self) -> Option<&Description> {
        self.description.as_ref()
    }

    /// The neighbours it states, sorted.
    #[must_use]
    pub fn links(&self) -> &[NodeId] {
        self.links.nodes()
    }

    /// Whether it states a neighbour.
    #[must_use]
    pub fn is_linked(&self, node: NodeId) -> bool {
        self.links.contains(node)
    }

    /// All it wants.
    #[must_use]
    pub fn wants(&self) -> &Wants {
        &self.wants
    }

    /// All facts.
    pub fn all(&self) -> impl Iterator<Item = Fact> {
        let description = self.description.clone().map(Fact::Description);
        let links = self.links().iter().copied().map(Fact::Link);
        description.into_iter().chain(links).chain(self.wants.ops().filter_map(Fact::of_interest))
    }

    /// Makes one change. Returns the operation on what is wanted that it amounts to, if any.
    pub fn apply(&mut self, change: Change) -> Option<InterestOp> {
        match change {
            Change::Describe(description) => self.description = Some(description),
            Change::Link(node) => self.links.insert(node),
            Change::Unlink(node) => self.links.remove(node),
            Change::Interest(op) => return self.wants.apply(&op).then_some(op),
        }
        None
    }

    /// Whether there are no more facts than anybody may state.
    ///
    /// # Errors
    /// Says of what there is too much.
    pub fn check(&self) -> Result<(), FactError> {
        if self.links().len() > LINKS_MAX {
            return Err(FactError::TooManyLinks);
        }
        if self.wants.len() > WANTS_MAX {
            return Err(FactError::TooManyPatterns);
        }
        Ok(())
    }

    /// The tree over all of them.
    #[must_use]
    pub fn merkle(&self) -> Merkle {
        let mut merkle = Merkle::new();
        self.all().for_each(|fact| merkle.insert(&fact));
        merkle
    }
}

impl Fact {
    /// Its one encoding.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.put(&mut out);
        out.freeze()
    }

    /// Appends its encoding.
    pub fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Description(description) => {
                out.put_u8(DESCRIPTION);
                description.put(out);
            }
            Self::Link(node) => {
                out.put_u8(LINK);
                out.put_slice(&node.0);
            }
            Self::Want(wanted) => {
                out.put_u8(match wanted {
                    Wanted { answers: true, .. } => WANT_ANSWERING,
                    Wanted { approximate: true, .. } => WANT_APPROXIMATELY,
                    _ => WANT,
                });
                put_text(out, wanted.pattern.as_str());
            }
            Self::Join(Joined { group, pattern, answers }) => {
                out.put_u8(if *answers { JOIN_ANSWERING } else { JOIN });
                put_joined(out, group, pattern);
            }
            Self::Block(block) => put_block(out, block),
        }
    }

    fn of_interest(op: InterestOp) -> Option<Self> {
        match op {
            InterestOp::Add(wanted) => Some(Self::Want(wanted)),
            InterestOp::Join(joined) => Some(Self::Join(joined)),
            InterestOp::Block(block) => (!block.is_empty()).then_some(Self::Block(block)),
            InterestOp::Remove(_) | InterestOp::Leave(..) => None,
        }
    }
}

impl Change {
    /// Appends its encoding.
    pub fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Describe(description) => Fact::Description(description.clone()).put(out),
            Self::Link(node) => Fact::Link(*node).put(out),
            Self::Unlink(node) => {
                out.put_u8(UNLINK);
                out.put_slice(&node.0);
            }
            Self::Interest(InterestOp::Add(wanted)) => Fact::Want(wanted.clone()).put(out),
            Self::Interest(InterestOp::Remove(pattern)) => {
                out.put_u8(UNWANT);
                put_text(out, pattern.as_str());
            }
            Self::Interest(InterestOp::Join(joined)) => Fact::Join(joined.clone()).put(out),
            Self::Interest(InterestOp::Leave(group, pattern)) => {
                out.put_u8(LEAVE);
                put_joined(out, group, pattern);
            }
            Self::Interest(InterestOp::Block(block)) => put_block(out, block),
        }
    }

    /// Reads one change. A fact is read as the change that states it.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, FactError> {
        let kind = reader.u8()?;
        let mut wanted = |answers, approximate| -> Result<Self, FactError> {
            let pattern = read_pattern(reader)?;
            Ok(Self::Interest(InterestOp::Add(Wanted { pattern, answers, approximate })))
        };
        Ok(match kind {
            WANT => wanted(false, false)?,
            WANT_ANSWERING => wanted(true, false)?,
            WANT_APPROXIMATELY => wanted(false, true)?,
            UNWANT => Self::Interest(InterestOp::Remove(read_pattern(reader)?)),
            JOIN | JOIN_ANSWERING => {
                let (group, pattern) = read_joined(reader)?;
                let answers = kind == JOIN_ANSWERING;
                Self::Interest(InterestOp::Join(Joined { group, pattern, answers }))
            }
            LEAVE => {
                let (group, pattern) = read_joined(reader)?;
                Self::Interest(InterestOp::Leave(group, pattern))
            }
            BLOCK => {
                let number = reader.varint()?;
                let length = reader.length(BLOCK_BYTES_MAX)?;
                let block = FilterBlock::parse(number, reader.slice(length)?)?;
                Self::Interest(InterestOp::Block(block))
            }
            DESCRIPTION => Self::Describe(Description::read(reader)?),
            LINK => Self::Link(NodeId(reader.array()?)),
            UNLINK => Self::Unlink(NodeId(reader.array()?)),
            other => return Err(FactError::Kind(other)),
        })
    }
}

impl Description {
    fn put(&self, out: &mut BytesMut) {
        let end = self.name.floor_char_boundary(NODE_NAME_BYTES_MAX);
        put_text(out, self.name.get(..end).unwrap_or_default());
        let addrs = self.addrs.iter().take(ADDRS_MAX);
        put_varint(out, addrs.len() as u64);
        addrs.for_each(|addr| put_addr(out, *addr));
        put_varint(out, self.features);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FactError> {
        let name = reader.text(NODE_NAME_BYTES_MAX)?;
        if name.chars().any(char::is_control) {
            return Err(WireError::Value("name").into());
        }
        let mut addrs = Vec::new();
        for _ in 0..reader.length(ADDRS_MAX)? {
            addrs.push(reader.addr()?);
        }
        Ok(Self { name: name.into(), addrs, features: reader.varint()? })
    }
}

fn put_block(out: &mut BytesMut, block: &FilterBlock) {
    out.put_u8(BLOCK);
    put_varint(out, block.number().into());
    put_bytes(out, block.bytes());
}

fn put_joined(out: &mut BytesMut, group: &GroupName, pattern: &Pattern) {
    put_text(out, group.as_str());
    put_text(out, pattern.as_str());
}

fn read_joined(reader: &mut Reader<'_>) -> Result<(GroupName, Pattern), FactError> {
    let group = GroupName::parse(reader.text(SEGMENT_BYTES_MAX)?)?;
    Ok((group, read_pattern(reader)?))
}

fn read_pattern(reader: &mut Reader<'_>) -> Result<Pattern, FactError> {
    let text = reader.text(NAME_BYTES_MAX)?;
    let pattern = Pattern::parse(text)?;
    if pattern.as_str() != text {
        return Err(FactError::Abnormal(text.into()));
    }
    if pattern.is_local() {
        return Err(FactError::Local(pattern));
    }
    Ok(pattern)
}
