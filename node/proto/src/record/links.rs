//! The neighbours a node states: looked up far more often than they change, mostly cold, so that what decides a search
//! lies close together.

use crate::id::NodeId;

/// A set of nodes.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// Sorted.
    nodes: Vec<NodeId>,
    /// The first eight bytes of each.
    keys: Vec<u64>,
}

impl Links {
    pub(super) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.find(node).is_ok()
    }

    pub(super) fn insert(&mut self, node: NodeId) {
        if let Err(at) = self.find(node) {
            self.nodes.insert(at, node);
            self.keys.insert(at, key(node));
        }
    }

    pub(super) fn remove(&mut self, node: NodeId) {
        if let Ok(at) = self.find(node) {
            self.nodes.remove(at);
            self.keys.remove(at);
        }
    }

    /// Where it is, or where it would be.
    fn find(&self, node: NodeId) -> Result<usize, usize> {
        let key = key(node);
        let from = self.keys.partition_point(|known| *known < key);
        let alike =
            self.keys.get(from..).unwrap_or_default().iter().take_while(|known| **known == key).count();
        let alike = self.nodes.get(from..from.saturating_add(alike)).unwrap_or_default();
        match alike.binary_search(&node) {
            Ok(at) => Ok(from.saturating_add(at)),
            Err(at) => Err(from.saturating_add(at)),
        }
    }
}

fn key(node: NodeId) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&node.0[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Also when many ids begin alike.
        #[test]
        fn links_are_a_sorted_set(steps in prop::collection::vec((any::<bool>(), 0_u8..3, 0_u8..5), 0..60)) {
            let (mut links, mut set) = (Links::default(), BTreeSet::new());
            for (add, first, last) in steps {
                let mut node = NodeId([7; 32]);
                (node.0[3], node.0[31]) = (first, last);
                prop_assert_eq!(links.contains(node), set.contains(&node));
                if add { links.insert(node); set.insert(node); } else { links.remove(node); set.remove(&node); }
                prop_assert!(links.nodes().iter().eq(&set));
            }
        }
    }
}
