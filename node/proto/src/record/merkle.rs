//! The Merkle tree over a set of facts: 256 buckets by the facts' hashes, and the root over the buckets.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;

use super::Fact;

/// How many buckets there are: a bucket of the largest set has some forty facts.
const BUCKETS: usize = 256;

/// The hash of a whole set (BLAKE3, 32 bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root(pub [u8; 32]);

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: String = self.0.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        write!(f, "Root({first})")
    }
}

/// A set of encoded facts that knows its root. A change costs one bucket and the root.
#[derive(Debug, Clone)]
pub struct Merkle {
    /// By bucket; the bucket's hash is all zero while it is empty.
    buckets: Vec<(BTreeSet<Bytes>, [u8; 32])>,
    /// Buckets whose hash is out of date.
    stale: BTreeSet<usize>,
}

impl Default for Merkle {
    fn default() -> Self {
        Self::new()
    }
}

impl Merkle {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { buckets: vec![Default::default(); BUCKETS], stale: BTreeSet::new() }
    }

    /// Adds a fact.
    pub fn insert(&mut self, fact: &Fact) {
        self.change(fact.encode(), |bucket, fact| bucket.insert(fact));
    }

    /// Takes a fact away.
    pub fn remove(&mut self, fact: &Fact) {
        self.change(fact.encode(), |bucket, fact| bucket.remove(&fact));
    }

    /// The root of the set as it is.
    pub fn root(&mut self) -> Root {
        for at in std::mem::take(&mut self.stale) {
            if let Some((facts, hash)) = self.buckets.get_mut(at) {
                *hash = bucket_hash(facts);
            }
        }
        let mut hasher = blake3::Hasher::new();
        self.buckets.iter().for_each(|(_, hash)| _ = hasher.update(hash));
        Root(*hasher.finalize().as_bytes())
    }

    fn change(&mut self, fact: Bytes, change: impl FnOnce(&mut BTreeSet<Bytes>, Bytes) -> bool) {
        let at = usize::from(blake3::hash(&fact).as_bytes()[0]);
        if let Some((facts, _)) = self.buckets.get_mut(at)
            && change(facts, fact)
        {
            self.stale.insert(at);
        }
    }
}

/// Each fact behind its length, in their order.
fn bucket_hash(facts: &BTreeSet<Bytes>) -> [u8; 32] {
    if facts.is_empty() {
        return [0; 32];
    }
    let mut hasher = blake3::Hasher::new();
    for fact in facts {
        hasher.update(&(fact.len() as u64).to_le_bytes());
        hasher.update(fact);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::NodeId;

    proptest! {
        /// The root says which facts there are, whatever was there before.
        #[test]
        fn the_root_is_a_function_of_the_set(steps in prop::collection::vec((any::<bool>(), 0_u8..12), 0..60)) {
            let fact = |n: u8| Fact::Link(NodeId([n; 32]));
            let (mut merkle, mut set) = (Merkle::new(), BTreeSet::new());
            for (add, n) in steps {
                if add { merkle.insert(&fact(n)); set.insert(n); } else { merkle.remove(&fact(n)); set.remove(&n); }
                let mut fresh = Merkle::new();
                set.iter().for_each(|n| fresh.insert(&fact(*n)));
                prop_assert_eq!(merkle.root(), fresh.root());
            }
            let before = merkle.root();
            merkle.insert(&fact(99));
            prop_assert_ne!(merkle.root(), before);
        }
    }
}
