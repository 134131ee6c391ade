//! What this node states: changes are gathered and become statements when it is their time.

use bytes::BytesMut;

use super::{Change, Fact, Head, Keys, Merkle, STATEMENT_BYTES_MAX, Statement, statement::FRAME_BYTES};
use crate::{
    channel::NetworkIndex,
    id::{Incarnation, NodeId},
    interest::{InterestOp, Joined, Wanted, Wants},
};

/// This node's side of its own facts in one network.
#[derive(Debug)]
pub struct Own {
    node: NodeId,
    network: NetworkIndex,
    /// The last statement.
    head: Head,
    merkle: Merkle,
    /// The facts that a change replaces or removes by their key alone.
    description: Option<Fact>,
    wants: Wants,
    /// Said by the next statement.
    pending: Vec<Change>,
}

impl Own {
    /// Nothing was said in this life yet.
    #[must_use]
    pub fn new(node: NodeId, network: NetworkIndex, incarnation: Incarnation) -> Self {
        Self {
            node,
            network,
            head: Head { incarnation, version: 0 },
            merkle: Merkle::new(),
            description: None,
            wants: Wants::default(),
            pending: Vec::new(),
        }
    }

    /// The last statement.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The version that says everything noted so far.
    #[must_use]
    pub fn next_version(&self) -> u64 {
        self.head.version.saturating_add(u64::from(!self.pending.is_empty()))
    }

    /// Whether something is to be said.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Something is to be said.
    pub fn note(&mut self, change: Change) {
        self.pending.push(change);
    }

    /// Says what was noted: no statement when nothing was, several when it does not fit into one.
    pub fn say(&mut self, keys: &dyn Keys) -> Vec<Statement> {
        let pending = std::mem::take(&mut self.pending);
        let (mut statements, mut changes, mut bytes) = (Vec::new(), Vec::new(), FRAME_BYTES);
        for change in pending {
            let mut encoded = BytesMut::new();
            change.put(&mut encoded);
            if bytes.saturating_add(encoded.len()) > STATEMENT_BYTES_MAX {
                statements.push(self.state(keys, std::mem::take(&mut changes)));
                bytes = FRAME_BYTES;
            }
            bytes = bytes.saturating_add(encoded.len());
            changes.push(change);
        }
        if !changes.is_empty() {
            statements.push(self.state(keys, changes));
        }
        statements
    }

    fn state(&mut self, keys: &dyn Keys, changes: Vec<Change>) -> Statement {
        changes.iter().for_each(|change| self.hash(change));
        self.head.version = self.head.version.saturating_add(1);
        let root = self.merkle.root();
        Statement::sign(keys, self.network, (self.node, self.head), changes, root)
    }

    /// What a change says takes the place of what was stated under the same key.
    fn hash(&mut self, change: &Change) {
        let (before, after) = match change {
            Change::Describe(description) => {
                let fact = Fact::Description(description.clone());
                (self.description.replace(fact.clone()), Some(fact))
            }
            Change::Link(node) => (None, Some(Fact::Link(*node))),
            Change::Unlink(node) => (Some(Fact::Link(*node)), None),
            Change::Interest(op) => {
                let stated = |wants: &Wants| match op {
                    InterestOp::Add(Wanted { pattern, .. }) | InterestOp::Remove(pattern) => {
                        wants.get(pattern).map(Fact::Want)
                    }
                    InterestOp::Join(Joined { group, pattern, .. }) | InterestOp::Leave(group, pattern) => {
                        wants.joined_in(group, pattern).map(Fact::Join)
                    }
                    InterestOp::Block(block) => wants.filter().block(block.number()).map(Fact::Block),
                };
                let before = stated(&self.wants);
                self.wants.apply(op);
                (before, stated(&self.wants))
            }
        };
        before.iter().for_each(|before| self.merkle.remove(before));
        after.iter().for_each(|after| self.merkle.insert(after));
    }
}
