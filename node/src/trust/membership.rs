//! The networks a node is in, and which nodes may be in them where the configuration says so.
//!
//! Admission asks the list, and so do the rules, so that who is refused here is refused when others relay for it, too.

use std::{collections::BTreeSet, sync::Arc};

use hive_proto::{channel::NetworkIndex, id::NodeId};

use super::network::NetworkKey;

/// One network this node is in: which, the key that proves it, and who else may be in it.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Its position among the node's networks.
    pub index: NetworkIndex,
    /// Its key.
    pub key: NetworkKey,
    /// Who else may be in it.
    pub allow: AllowList,
}

impl Membership {
    /// A network in which everybody may be who proves it.
    #[must_use]
    pub fn new(index: NetworkIndex, key: NetworkKey) -> Self {
        Self { index, key, allow: AllowList::default() }
    }
}

/// The other nodes that may be in a network. Without a list it is everybody who proves the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Option<Arc<BTreeSet<NodeId>>>);

impl AllowList {
    /// These nodes and no other.
    #[must_use]
    pub fn of(nodes: impl IntoIterator<Item = NodeId>) -> Self {
        Self(Some(Arc::new(nodes.into_iter().collect())))
    }

    /// Whether a node may be in the network.
    #[must_use]
    pub fn has(&self, node: NodeId) -> bool {
        self.0.as_ref().is_none_or(|nodes| nodes.contains(&node))
    }

    /// The nodes; none where there is no list.
    #[must_use]
    pub fn nodes(&self) -> Option<&Arc<BTreeSet<NodeId>>> {
        self.0.as_ref()
    }
}
