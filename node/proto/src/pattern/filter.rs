//! The filter: many patterns as fingerprints of a few bytes, for nodes that want more than they may list.
//!
//! It answers "may a channel be wanted?" with no false no and few false yes. What a print is of, and how
//! blocks are laid out, is a part of the protocol and does not change with the program:
//!
//! * A **print** stands for one channel, or for all channels below (and at) a beginning of names. It is made
//!   of the name's bytes and one byte more, 0 for the channel alone and 1 for all below: FNV-1a of 64 bits,
//!   stirred by `h ^= h >> 33; h *= 0xff51afd7ed558ccd; h ^= h >> 33; h *= 0xc4ceb9fe1a85ec53; h ^= h >> 33`.
//!   The 12 highest bits name its block, the 16 lowest are what the block keeps.
//! * A **block** has a number below 4096. Up to 47 prints are a list: two bytes each, the higher first, in
//!   ascending order, none twice. More are 96 bytes of which bit `print * 768 >> 16` is set for each, bit 0
//!   being the lowest of the first byte.
//!
//! So a filter is at most 384 KiB however much it stands for, and one change of it is one block, 96 bytes
//! at most. With 100,000 prints one channel in about 900 is wanted by mistake; with 1,000,000, one in two.
//! Whose filter it is and what for is not known here.

use std::sync::Arc;

use imbl::OrdMap;

use super::{Pattern, Segment};
use crate::channel::Channel;

/// Blocks a filter may have.
pub const BLOCKS_MAX: u16 = 1 << BLOCK_BITS;

/// Bytes of one block at most.
pub const BLOCK_BYTES_MAX: usize = 96;

const BLOCK_BITS: u32 = 12;

/// Prints that are listed: two bytes each, and fewer bytes than bits take, which tells the two apart.
const LISTED_MAX: usize = BLOCK_BYTES_MAX / 2 - 1;

/// What is left of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print {
    /// The block it is in.
    pub block: u16,
    /// What the block keeps of it.
    pub rest: u16,
}

/// The part of a filter that one number names. A value is well-formed by construction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterBlock {
    number: u16,
    /// As it is on the wire.
    bytes: Arc<[u8]>,
}

/// Why a number and some bytes are no block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There are fewer blocks.
    #[error("a filter has no block {0}")]
    Number(u64),
    /// Neither a list nor bits.
    #[error("a filter's block has {0} bytes")]
    Length(usize),
    /// A list that is not in order, or has a print twice.
    #[error("a filter's block is not in order")]
    Order,
}

/// What a node wants beside its patterns. A clone is a snapshot and costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The blocks that are not empty.
    blocks: OrdMap<u16, Arc<[u8]>>,
}

/// The prints by which a filter may know a channel, made once for all filters that are asked.
#[derive(Debug, Clone)]
pub struct Asked(Vec<Print>);

impl Print {
    /// Of a pattern that is a channel, or of the names before the first wildcard of one that is not: it
    /// matches more then. None when the pattern begins with a wildcard.
    #[must_use]
    pub fn of(pattern: &Pattern) -> Option<Self> {
        match pattern.literal_prefix() {
            "" => None,
            prefix => {
                Some(Self::new(hash(FNV_START, prefix.as_bytes()), prefix.len() < pattern.as_str().len()))
            }
        }
    }

    fn new(name: u64, below: bool) -> Self {
        let mut h = hash(name, &[u8::from(below)]);
        h ^= h >> 33;
        h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 33;
        h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^= h >> 33;
        // The casts keep the bits that are meant.
        Self { block: (h >> (64 - BLOCK_BITS)) as u16, rest: h as u16 }
    }

    /// Where it is among a block's bits: the byte, and the bit in it.
    fn bit(self) -> (usize, u8) {
        let at = (usize::from(self.rest) * (BLOCK_BYTES_MAX * 8)) >> 16;
        (at / 8, 1 << (at % 8))
    }
}

impl Asked {
    /// All prints that stand for this channel.
    #[must_use]
    pub fn new(channel: &Channel) -> Self {
        let name = channel.as_str().as_bytes();
        let mut prints = Vec::with_capacity(8);
        let (mut h, mut from) = (FNV_START, 0);
        for (at, _) in name.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            h = hash(h, name.get(from..at).unwrap_or_default());
            from = at;
            prints.push(Print::new(h, true));
        }
        h = hash(h, name.get(from..).unwrap_or_default());
        prints.extend([Print::new(h, true), Print::new(h, false)]);
        Self(prints)
    }
}

impl FilterBlock {
    /// The block of these prints, of which only what the block keeps is looked at.
    ///
    /// # Errors
    /// When there is no block of this number.
    pub fn of(number: u16, prints: impl IntoIterator<Item = u16>) -> Result<Self, FilterError> {
        check_number(number.into())?;
        let mut prints: Vec<u16> = prints.into_iter().collect();
        if !prints.is_sorted_by(|a, b| a < b) {
            prints.sort_unstable();
            prints.dedup();
        }
        if prints.len() <= LISTED_MAX {
            let bytes: Vec<u8> = prints.into_iter().flat_map(u16::to_be_bytes).collect();
            return Ok(Self { number, bytes: bytes.into() });
        }
        let mut bits = [0; BLOCK_BYTES_MAX];
        for rest in prints {
            let (byte, bit) = Print { block: number, rest }.bit();
            bits[byte] |= bit;
        }
        Ok(Self { number, bytes: bits.into() })
    }

    /// Takes what came over the wire.
    ///
    /// # Errors
    /// Says what it has wrong.
    pub fn parse(number: u64, bytes: &[u8]) -> Result<Self, FilterError> {
        let number = check_number(number)?;
        if bytes.len() != BLOCK_BYTES_MAX {
            if bytes.len() > BLOCK_BYTES_MAX || !bytes.len().is_multiple_of(2) {
                return Err(FilterError::Length(bytes.len()));
            }
            if !listed(bytes).is_sorted_by(|a, b| a < b) {
                return Err(FilterError::Order);
            }
        }
        Ok(Self { number, bytes: bytes.into() })
    }

    /// Which block it is, below [`BLOCKS_MAX`].
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// What it is on the wire, at most [`BLOCK_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it takes the block away.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Filter {
    /// Replaces a block; false when it was the same before.
    pub fn set(&mut self, block: &FilterBlock) -> bool {
        if self.blocks.get(&block.number).map_or(&[][..], |bytes| bytes) == block.bytes() {
            return false;
        }
        match block.is_empty() {
            true => self.blocks.remove(&block.number),
            false => self.blocks.insert(block.number, Arc::clone(&block.bytes)),
        };
        true
    }

    /// Whether the channel may be wanted.
    #[must_use]
    pub fn matches(&self, asked: &Asked) -> bool {
        asked.0.iter().any(|print| self.contains(*print))
    }

    /// Whether the print, or one that looks like it, is in it.
    #[must_use]
    pub fn contains(&self, print: Print) -> bool {
        let Some(bytes) = self.blocks.get(&print.block) else { return false };
        if bytes.len() == BLOCK_BYTES_MAX {
            let (byte, bit) = print.bit();
            return bytes.get(byte).is_some_and(|bits| bits & bit != 0);
        }
        listed(bytes).any(|rest| rest == print.rest)
    }

    /// The block of this number; none when it is empty.
    #[must_use]
    pub fn block(&self, number: u16) -> Option<FilterBlock> {
        self.blocks.get(&number).map(|bytes| FilterBlock { number, bytes: Arc::clone(bytes) })
    }

    /// All blocks, by number.
    pub fn blocks(&self) -> impl Iterator<Item = FilterBlock> {
        self.blocks.iter().map(|(number, bytes)| FilterBlock { number: *number, bytes: Arc::clone(bytes) })
    }

    /// How many blocks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

impl Pattern {
    /// The literal segments before the first wildcard; nothing when it begins with one.
    #[must_use]
    pub fn literal_prefix(&self) -> &str {
        let literals = self.segments().map_while(|segment| match segment {
            Segment::Literal(name) => Some(name.len() + 1),
            _ => None,
        });
        let with_slash: usize = literals.sum();
        self.as_str().get(..with_slash.saturating_sub(1)).unwrap_or_default()
    }
}

fn check_number(number: u64) -> Result<u16, FilterError> {
    u16::try_from(number).ok().filter(|number| *number < BLOCKS_MAX).ok_or(FilterError::Number(number))
}

fn listed(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, to be gone on with.
fn hash(mut h: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        h = (h ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h
}

#[cfg(test)]
mod tests;
