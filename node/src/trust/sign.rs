//! What the control plane signs and checks: statements that outlive the link they came by.
//!
//! A signature covers a BLAKE3 hash keyed by the network, so that what was signed for one network means nothing in
//! another, and nothing in whatever else the node's key is used for.

use std::sync::Arc;

use ed25519_dalek::{Signature as DalekSignature, VerifyingKey};
use hive_proto::{
    channel::NetworkIndex,
    id::NodeId,
    record::{Keys, Signature},
};

use super::{identity::Identity, membership::Membership};

/// This node's key for all its networks.
#[derive(Debug, Clone)]
pub struct Signer {
    identity: Identity,
    /// By the networks' positions.
    contexts: Arc<[[u8; 32]]>,
}

impl Signer {
    /// Signs as this identity in these networks, which are in the order of their positions.
    #[must_use]
    pub fn new(identity: &Identity, memberships: &[Membership]) -> Self {
        let contexts = memberships.iter().map(|membership| membership.key.statement_context());
        Self { identity: identity.clone(), contexts: contexts.collect() }
    }

    fn hash(&self, network: NetworkIndex, message: &[u8]) -> Option<[u8; 32]> {
        let context = self.contexts.get(usize::from(network.0))?;
        Some(*blake3::keyed_hash(context, message).as_bytes())
    }
}

impl Keys for Signer {
    fn sign(&self, network: NetworkIndex, message: &[u8]) -> Signature {
        // A network this node is not in: nobody takes the signature.
        self.hash(network, message).map_or([0; 64], |hash| self.identity.sign(&hash))
    }

    fn verify(&self, network: NetworkIndex, node: NodeId, message: &[u8], signature: &Signature) -> bool {
        let (Some(hash), Ok(key)) = (self.hash(network, message), VerifyingKey::from_bytes(&node.0)) else {
            return false;
        };
        key.verify_strict(&hash, &DalekSignature::from_bytes(signature)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use hive_proto::channel::NetworkName;

    use super::*;
    use crate::trust::network::NetworkKey;

    #[test]
    fn a_signature_is_for_one_node_network_and_message() {
        let name = |text: &str| NetworkName::parse(text).expect("a network");
        let membership =
            |at: u8, text: &str| Membership::new(NetworkIndex(at), NetworkKey::open(&name(text)));
        let networks = [membership(0, "hive"), membership(1, "other")];
        let (mine, theirs) = (Identity::ephemeral(), Identity::ephemeral());
        let signer = Signer::new(&mine, &networks);
        let signature = signer.sign(NetworkIndex(0), b"a statement");
        let check = |network: u8, node: &Identity, message: &[u8]| {
            Signer::new(&theirs, &networks).verify(NetworkIndex(network), node.node_id(), message, &signature)
        };
        assert!(check(0, &mine, b"a statement"));
        assert!(!check(1, &mine, b"a statement"), "another network");
        assert!(!check(0, &theirs, b"a statement"), "another node");
        assert!(!check(0, &mine, b"A statement"), "another message");
        assert!(!check(2, &mine, b"a statement"), "no network");
        assert!(!signer.verify(NetworkIndex(0), NodeId([0xff; 32]), b"a statement", &signature), "no key");
    }
}
