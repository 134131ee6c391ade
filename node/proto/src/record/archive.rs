//! What nodes of one process have in common of what is stated: each statement, checked and read once, and what it makes
//! of what its node stated before.
//!
//! A simulated mesh is a thousand nodes that are told the same. A real node is alone, and has none.

use std::sync::Arc;

use bytes::Bytes;

use super::{Keys, Statement, StatementError, stated::Memo};
use crate::{channel::NetworkIndex, mix::scatter};

/// Where statements are looked for: many, because the nodes of a mesh make some each.
const SHELVES: usize = 1 << 14;

/// The statements of a run. It only grows.
#[derive(Debug, Clone)]
#[expect(
    clippy::disallowed_types,
    reason = "a state machine may go to another thread; those that have an archive never do"
)]
pub struct Archive(Arc<std::sync::Mutex<Shelves>>);

type Shelves = Vec<Vec<(NetworkIndex, Arc<Statement>)>>;

impl Default for Archive {
    fn default() -> Self {
        Self(Arc::new(vec![Vec::new(); SHELVES].into()))
    }
}

impl Archive {
    /// Reads a statement and checks its signature, unless the very same bytes were read before.
    ///
    /// # Errors
    /// As [`Statement::read`].
    pub fn read(
        &self,
        keys: &dyn Keys,
        network: NetworkIndex,
        bytes: &Bytes,
    ) -> Result<Arc<Statement>, StatementError> {
        let (node, head) = Statement::peek(bytes)?;
        let [first, ..] = node.words();
        let at = scatter(first ^ scatter(head.incarnation.0 ^ head.version)) as usize % SHELVES;
        let mut shelves = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(shelf) = shelves.get_mut(at) else {
            return Statement::read(keys, network, bytes).map(Arc::new);
        };
        if let Some(known) = shelf.iter().find(|(of, known)| *of == network && known.bytes == *bytes) {
            return Ok(known.1.clone());
        }
        let statement = Statement { memo: Memo::open(), ..Statement::read(keys, network, bytes)? };
        let statement = Arc::new(statement);
        shelf.push((network, statement.clone()));
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::{Incarnation, NodeId},
        record::{Change, Facts, Own, Signature, Stated},
    };

    /// A signature is the sum of all bytes; checks are counted.
    #[derive(Debug, Default)]
    struct Sum(AtomicUsize);

    impl Keys for Sum {
        fn sign(&self, _: NetworkIndex, message: &[u8]) -> Signature {
            [message.iter().fold(7, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(*byte)); 64]
        }

        fn verify(&self, network: NetworkIndex, _: NodeId, message: &[u8], signature: &Signature) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            self.sign(network, message) == *signature
        }
    }

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn node(n: u8) -> NodeId {
        NodeId([n; 32])
    }

    #[test]
    fn the_same_bytes_are_checked_once_and_others_each_time() {
        let (archive, keys) = (Archive::default(), Sum::default());
        let mut own = Own::new(node(5), HOME, Incarnation(9));
        own.note(Change::Link(node(1)));
        let bytes = own.say(&keys).remove(0).bytes;
        let first = archive.read(&keys, HOME, &bytes).expect("a statement");
        let again = archive.clone().read(&keys, HOME, &bytes.to_vec().into()).expect("a statement");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((keys.0.load(Ordering::Relaxed), &first.bytes), (1, &bytes));
        for at in [40, bytes.len() - 1] {
            let mut altered = bytes.to_vec();
            altered[at] ^= 1;
            assert!(archive.read(&keys, HOME, &altered.into()).is_err());
        }
        assert!(keys.0.load(Ordering::Relaxed) > 1);
        let elsewhere = archive.read(&keys, NetworkIndex(1), &bytes).expect("a statement");
        assert!(!Arc::ptr_eq(&first, &elsewhere), "what is signed for a network is checked for it");
    }

    proptest! {
        /// What others made of a statement counts only where the same was stated before.
        #[test]
        fn who_shares_knows_what_who_is_alone_knows(
            steps in prop::collection::vec(prop::collection::vec((any::<bool>(), 0_u8..6), 1..4), 1..6),
        ) {
            let (archive, keys) = (Archive::default(), Sum::default());
            let mut own = Own::new(node(9), HOME, Incarnation(1));
            let mut other = Facts::default();
            other.apply(Change::Link(node(5)));
            // Two who began alike, one who was told something else, and what each knows alone.
            let mut known = [(); 3].map(|()| [Arc::<Stated>::default(), Arc::default()]);
            for (at, step) in steps.into_iter().enumerate() {
                for (link, n) in step {
                    own.note(if link { Change::Link(node(n)) } else { Change::Unlink(node(n)) });
                }
                for statement in own.say(&keys) {
                    for (who, [shared, alone]) in known.iter_mut().enumerate() {
                        if at == 1 && who == 1 {
                            for one in [shared, alone] {
                                *one = Arc::new(Stated::whole(other.clone(), &statement));
                            }
                            continue;
                        }
                        let common = archive.read(&keys, HOME, &statement.bytes).expect("a statement");
                        prop_assert_eq!(common.follow(shared), statement.follow(alone));
                        prop_assert_eq!(shared.facts().links(), alone.facts().links());
                        prop_assert_eq!(shared.latest(), alone.latest());
                    }
                    let [[first, _], _, [last, _]] = &known;
                    prop_assert!(Arc::ptr_eq(first, last), "it is kept once");
                }
            }
        }
    }
}
