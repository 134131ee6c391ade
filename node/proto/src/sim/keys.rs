//! Keys without cryptography: a thousand nodes check millions of statements, and what is judged here is not
//! whether ed25519 holds.

use std::hash::Hasher as _;

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
}

impl Stamp {
    pub(super) fn new(node: NodeId) -> Self {
        Self { node }
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
}
