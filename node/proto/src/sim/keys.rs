//! Keys without cryptography: a thousand nodes check millions of statements, and what is judged here is not
//! whether ed25519 holds.

use std::{collections::BTreeMap, hash::Hasher as _, sync::Arc};

use bytes::Bytes;

use super::trace::Fingerprint;
use crate::{
    channel::NetworkIndex,
    id::NodeId,
    record::{Keys, Signature},
};

/// A node's key: its signature is a fingerprint of who, where and what. Nobody in here makes one of another
/// node, also not one that lies.
#[derive(Debug)]
pub(super) struct Stamp {
    node: NodeId,
    archive: Archive,
}

/// One copy of each statement of a run, for all nodes that keep it: a thousand copies of each are gigabytes.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::disallowed_types,
    reason = "keys may go to another thread with their node; here they never do"
)]
pub(super) struct Archive(Arc<std::sync::Mutex<BTreeMap<u64, Bytes>>>);

impl Archive {
    fn copy(&self, statement: &Bytes) -> Bytes {
        let copy = || Bytes::copy_from_slice(statement);
        let Ok(mut all) = self.0.lock() else { return copy() };
        let kept = all.entry(Fingerprint::of(statement)).or_insert_with(copy);
        // Two that have the same fingerprint are kept apart.
        if kept == statement { kept.clone() } else { copy() }
    }
}

impl Stamp {
    pub(super) fn new(node: NodeId, archive: &Archive) -> Self {
        Self { node, archive: archive.clone() }
    }
}

/// The signature of a node under something.
pub(super) fn stamp(network: NetworkIndex, node: NodeId, message: &[u8]) -> Signature {
    let mut print = Fingerprint::default();
    print.write(&node.0);
    print.write_u8(network.0);
    print.write(message);
    let print = print.finish().to_le_bytes();
    std::array::from_fn(|at| print[at % 8])
}

impl Keys for Stamp {
    fn sign(&self, network: NetworkIndex, message: &[u8]) -> Signature {
        stamp(network, self.node, message)
    }

    fn verify(&self, network: NetworkIndex, node: NodeId, message: &[u8], signature: &Signature) -> bool {
        stamp(network, node, message) == *signature
    }

    fn keep(&self, statement: &Bytes) -> Bytes {
        self.archive.copy(statement)
    }
}
