//! Signing, as a word: what has to be signed and checked says so, and never with which key.

use std::fmt;

use crate::{channel::NetworkIndex, id::NodeId};

/// An ed25519 signature (RFC 8032).
pub type Signature = [u8; 64];

/// This node's key, and the check of what others signed with theirs.
///
/// Both bind the network and the purpose: what was signed for one network means nothing in another.
pub trait Keys: fmt::Debug + Send {
    /// Signs with this node's key.
    fn sign(&self, network: NetworkIndex, message: &[u8]) -> Signature;
    /// Whether this node signed it.
    fn verify(&self, network: NetworkIndex, node: NodeId, message: &[u8], signature: &Signature) -> bool;
}

/// Signs nothing and believes everything, for tests of what signatures mean nothing to.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Unsigned;

#[cfg(test)]
impl Keys for Unsigned {
    fn sign(&self, _: NetworkIndex, _: &[u8]) -> Signature {
        [0; 64]
    }

    fn verify(&self, _: NetworkIndex, _: NodeId, _: &[u8], _: &Signature) -> bool {
        true
    }
}
