//! What two nodes compare to find who of them missed something: sums over the heads of everybody who can be reached,
//! in 64 buckets by node id, and one root over the buckets.
//!
//! A bucket is the sum of a hash for each member in it, so that a change costs the same however many there are.

use std::hint;

use super::{MemberIx, Membership};
use crate::{
    id::NodeId,
    record::{Head, Root},
};

/// How many buckets there are; a mask of them fits 64 bits.
pub const BUCKETS: usize = 64;

/// The first four bytes of a node id. Where two nodes share them both are meant: who is asked answers for both.
pub type Prefix = u32;

/// A bucket's sum. It is short: a difference that hides shows with the next change.
pub type Short = [u8; 8];

/// How far around the guess the prefixes are mostly found: a line of a cache holds so many.
const WARM: usize = 8;

/// The buckets, and who is not counted as it is.
#[derive(Debug)]
pub(super) struct Digest {
    sums: [u64; BUCKETS],
    stale: Vec<MemberIx>,
    root: Option<Root>,
}

/// What a member adds to its bucket.
#[derive(Debug, Default)]
pub(super) struct Counted {
    hash: u64,
    stale: bool,
}

impl Default for Digest {
    fn default() -> Self {
        Self { sums: [0; BUCKETS], stale: Vec::new(), root: None }
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

    /// The sums of all buckets.
    pub fn bucket_hashes(&mut self) -> Vec<Short> {
        for ix in std::mem::take(&mut self.digest.stale) {
            self.count(ix);
        }
        self.digest.sums.iter().map(|sum| sum.to_le_bytes()).collect()
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
        let first = self.place_of(prefix);
        let from = self.prefixes.get(first..).unwrap_or_default();
        from.iter().take_while(move |(known, _)| *known == prefix).map(|(_, ix)| *ix)
    }

    /// Asks for the memory in which members whose ids begin so are looked for, of all of them at once: who then looks
    /// for one after the other waits once and not each time. What a node knows of a thousand others is mostly cold.
    pub fn warm(&self, prefixes: impl Iterator<Item = Prefix>) {
        let around = |prefix| [0, WARM, 2 * WARM].map(|off| (self.guess(prefix) + off).saturating_sub(WARM));
        let near = prefixes.flat_map(around).filter_map(|at| self.prefixes.get(at));
        hint::black_box(near.fold(0, |all, (known, _)| all ^ known));
    }

    /// The same of who stated something, for what follows that.
    pub fn warm_stated(&self, nodes: impl Iterator<Item = NodeId> + Clone) {
        self.warm(nodes.clone().map(prefix_of));
        let members = nodes.flat_map(|node| self.with_prefix(prefix_of(node)));
        hint::black_box(members.fold(0, |all, ix| all ^ self.links_of(ix)));
    }

    /// Ids are spread evenly, so that a prefix is near where it is among all numbers.
    fn guess(&self, prefix: Prefix) -> usize {
        ((u64::from(prefix).saturating_mul(self.prefixes.len() as u64)) >> Prefix::BITS) as usize
    }

    /// Where members whose ids begin so are, or would be, among the prefixes.
    fn place_of(&self, prefix: Prefix) -> usize {
        let (all, guess) = (self.prefixes.len(), self.guess(prefix));
        let below = |at: usize| self.prefixes.get(at).is_some_and(|(known, _)| *known < prefix);
        let (mut from, mut to, mut step) = (guess, guess, 8);
        while from > 0 && !below(from.saturating_sub(1)) {
            (to, from) = (from, from.saturating_sub(step));
            step *= 2;
        }
        step = 8;
        while to < all && below(to) {
            (from, to) = (to, to.saturating_add(step).min(all));
            step *= 2;
        }
        let between = self.prefixes.get(from..to).unwrap_or_default();
        from + between.partition_point(|(known, _)| *known < prefix)
    }

    /// A member is not as it was counted.
    pub(super) fn touch(&mut self, ix: MemberIx) {
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return };
        if !std::mem::replace(&mut member.counted.stale, true) {
            self.digest.stale.push(ix);
        }
        self.digest.root = None;
    }

    /// Counts a member as it is.
    pub(super) fn count(&mut self, ix: MemberIx) {
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return };
        let counts = member.reachable && member.head.version > 0;
        let hash = if counts { hash(member.node, member.head) } else { 0 };
        let before = std::mem::replace(&mut member.counted, Counted { hash, stale: false });
        if let Some(sum) = self.digest.sums.get_mut(bucket_of(member.node)) {
            *sum = sum.wrapping_sub(before.hash).wrapping_add(hash);
        }
    }
}

fn hash(node: NodeId, head: Head) -> u64 {
    let mut bytes = [0; 48];
    bytes[..32].copy_from_slice(&node.0);
    bytes[32..40].copy_from_slice(&head.incarnation.0.to_le_bytes());
    bytes[40..].copy_from_slice(&head.version.to_le_bytes());
    let mut short = Short::default();
    short.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..size_of::<Short>()]);
    u64::from_le_bytes(short)
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

    /// Whatever the ids are like.
    #[test]
    fn members_are_found_by_the_first_bytes_of_their_ids() {
        for spread in [1, 7, 0x10_0000, u32::MAX / 300] {
            let mut members = Membership::new(NodeId([0; 32]));
            let id = |n: u32| {
                let mut id = NodeId([9; 32]);
                id.0[..4].copy_from_slice(&n.wrapping_mul(spread).to_be_bytes());
                id
            };
            let placed: Vec<_> = (1..300).map(|n| (id(n), members.place(id(n), Now::default()))).collect();
            for (node, ix) in placed {
                assert_eq!(members.find(node), ix);
                assert_eq!(members.with_prefix(prefix_of(node)).collect::<Vec<_>>(), Vec::from_iter(ix));
            }
            assert_eq!(members.find(NodeId([0xff; 32])), None);
        }
    }

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
