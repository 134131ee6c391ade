//! What two nodes compare to find who of them missed something: hashes over the heads of everybody who can be
//! reached, in 64 buckets by node id, and one root over the buckets.

use std::collections::BTreeSet;

use super::{MemberIx, Membership};
use crate::{
    id::NodeId,
    record::{Head, Root},
};

/// How many buckets there are; a mask of them fits 64 bits.
pub const BUCKETS: usize = 64;

/// The first four bytes of a node id. Where two nodes share them both are meant: who is asked answers for both.
pub type Prefix = u32;

/// A bucket's hash, cut: a difference that hides shows with the next change.
pub type Short = [u8; 8];

/// The hashes, and which of them are out of date.
#[derive(Debug)]
pub(super) struct Digest {
    hashes: Vec<Short>,
    stale: BTreeSet<usize>,
    root: Option<Root>,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hashes: vec![Short::default(); BUCKETS], stale: BTreeSet::new(), root: None }
    }
}

impl Digest {
    /// Something in a bucket is not as it was.
    pub(super) fn touch(&mut self, bucket: usize) {
        self.stale.insert(bucket);
        self.root = None;
    }
}

impl Membership {
    /// The hash over everybody who can be reached.
    pub fn root(&mut self) -> Root {
        if let Some(root) = self.digest.root {
            return root;
        }
        let mut hasher = blake3::Hasher::new();
        self.bucket_hashes().iter().for_each(|hash| _ = hasher.update(hash));
        let root = Root(*hasher.finalize().as_bytes());
        self.digest.root = Some(root);
        root
    }

    /// The hashes of all buckets.
    pub fn bucket_hashes(&mut self) -> &[Short] {
        for bucket in std::mem::take(&mut self.digest.stale) {
            let hash = self.bucket_hash(bucket);
            if let Some(known) = self.digest.hashes.get_mut(bucket) {
                *known = hash;
            }
        }
        &self.digest.hashes
    }

    /// Everybody of a bucket who can be reached and has said something.
    pub fn heads(&self, bucket: usize) -> impl Iterator<Item = (NodeId, Head)> {
        let [first, last] = bounds(bucket);
        let members = self.index.range(first..=last).filter_map(|(_, ix)| self.member(*ix));
        let present = members.filter(|member| member.reachable && member.head.version > 0);
        present.map(|member| (member.node, member.head))
    }

    /// All members whose ids begin so.
    pub fn with_prefix(&self, prefix: Prefix) -> impl Iterator<Item = MemberIx> {
        let [mut first, mut last] = [NodeId([0; 32]), NodeId([0xff; 32])];
        first.0[..4].copy_from_slice(&prefix.to_be_bytes());
        last.0[..4].copy_from_slice(&prefix.to_be_bytes());
        self.index.range(first..=last).map(|(_, ix)| *ix)
    }

    /// Zeros where there is nobody, as in a bucket that nobody ever was in.
    fn bucket_hash(&self, bucket: usize) -> Short {
        if self.heads(bucket).next().is_none() {
            return Short::default();
        }
        let mut hasher = blake3::Hasher::new();
        for (node, head) in self.heads(bucket) {
            hasher.update(&node.0);
            hasher.update(&head.incarnation.0.to_le_bytes());
            hasher.update(&head.version.to_le_bytes());
        }
        let mut short = Short::default();
        short.copy_from_slice(&hasher.finalize().as_bytes()[..size_of::<Short>()]);
        short
    }
}

/// The bucket of a node: by the first six bits of its id.
#[must_use]
pub fn bucket_of(node: NodeId) -> usize {
    usize::from(node.0[0] >> 2)
}

/// The first four bytes of a node id.
#[must_use]
pub fn prefix_of(node: NodeId) -> Prefix {
    let [a, b, c, d, ..] = node.0;
    Prefix::from_be_bytes([a, b, c, d])
}

fn bounds(bucket: usize) -> [NodeId; 2] {
    let first_byte = u8::try_from(bucket << 2).unwrap_or(u8::MAX);
    let (mut first, mut last) = (NodeId([0; 32]), NodeId([0xff; 32]));
    (first.0[0], last.0[0]) = (first_byte, first_byte | 0b11);
    [first, last]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Now;

    /// Else who once heard of somebody and who never did would compare for ever.
    #[test]
    fn who_has_gone_leaves_nothing_to_compare() {
        let [me, other] = [NodeId([1; 32]), NodeId([0x2c; 32])];
        let (mut never, mut once) = (Membership::new(me), Membership::new(me));
        let ix = once.place(other, Now::default()).expect("room");
        once.set_reachable(ix, true, Now::default());
        once.set_reachable(ix, false, Now::default());
        assert_eq!(once.bucket_hashes(), never.bucket_hashes());
        assert_eq!(once.root(), never.root());
    }
}
