//! What proves that a node belongs to a network: secrets, and the keys made from them.
//!
//! A proof is bound to one TLS connection, one direction and two nodes, so what was seen once is worth nothing
//! elsewhere. Nothing here knows how proofs travel. Secrets are wiped when dropped and never printed.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use hive_proto::{
    channel::{NetworkIndex, NetworkName},
    id::NodeId,
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{hex, random_bytes};

/// What secrets made by `keygen` begin with, so that a damaged one is not taken for a passphrase.
const GENERATED_PREFIX: &str = "hive-secret-";
/// A passphrase below this is worth a warning: Argon2id slows guessing, it cannot make up for little to guess.
const PASSPHRASE_CHARS_SHORT: usize = 16;
/// A longer passphrase is a file given by mistake.
const PASSPHRASE_BYTES_MAX: usize = 1024;
/// Argon2id's fixed costs (RFC 9106's shape, OWASP's figures): changing one changes every passphrase's network.
const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;
const ARGON2_LANES: u32 = 1;
/// The epoch of every key until secrets are rotated.
const EPOCH: u32 = 0;

/// A network's secret as a person gives it.
#[derive(Clone)]
pub struct Secret(Kind);

#[derive(Clone)]
enum Kind {
    /// 256 random bits, used as they are.
    Generated(Zeroizing<[u8; 32]>),
    /// A person's words, stretched first.
    Passphrase(Zeroizing<String>),
}

impl Secret {
    /// Reads `hive-secret-<64 hex digits>`, or else a passphrase; white space around it is not part of it.
    ///
    /// # Errors
    /// When it is empty, too long, or a generated secret with a part missing. The text is never in the error.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if text.len() > PASSPHRASE_BYTES_MAX {
            return Err(SecretError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(SecretError::Character);
        }
        let Some(digits) = text.strip_prefix(GENERATED_PREFIX) else {
            return Ok(Self(Kind::Passphrase(Zeroizing::new(text.into()))));
        };
        // A node id is written the same way: 32 bytes in hex.
        match digits.parse::<NodeId>() {
            Ok(NodeId(bytes)) => Ok(Self(Kind::Generated(Zeroizing::new(bytes)))),
            Err(_) => Err(SecretError::Damaged),
        }
    }

    /// A new secret of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        Self(Kind::Generated(Zeroizing::new(random_bytes())))
    }

    /// The secret as text that [`Self::parse`] reads. The one place where it is written out: for `keygen`.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        match &self.0 {
            Kind::Generated(bytes) => Zeroizing::new(format!("{GENERATED_PREFIX}{}", hex(bytes.as_ref()))),
            Kind::Passphrase(text) => text.clone(),
        }
    }

    /// Whether it is a passphrase so short that a person should be warned.
    #[must_use]
    pub fn is_short(&self) -> bool {
        match &self.0 {
            Kind::Generated(_) => false,
            Kind::Passphrase(text) => text.chars().count() < PASSPHRASE_CHARS_SHORT,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing, or only white space.
    #[error("the secret is empty")]
    Empty,
    /// More than 1 KiB.
    #[error("the secret is longer than {PASSPHRASE_BYTES_MAX} bytes")]
    TooLong,
    /// Several lines, or a control character.
    #[error("the secret has more than one line, or a control character")]
    Character,
    /// `hive-secret-` and not 64 hexadecimal digits.
    #[error(
        "the secret begins with `{GENERATED_PREFIX}` and is damaged: 64 hexadecimal digits should follow"
    )]
    Damaged,
}

/// One network this node is in: which, and the key that proves it.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Its position among the node's networks.
    pub index: NetworkIndex,
    /// Its key.
    pub key: NetworkKey,
}

/// Which end of a connection proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The node that opened the connection.
    Dialler,
    /// The node that accepted it.
    Listener,
}

/// What ties a proof to one connection.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Keying material exported from the TLS session (RFC 8446 §7.5), different for every connection.
    pub exporter: [u8; 32],
    /// The node that opened the connection, as TLS proved it.
    pub dialler: NodeId,
    /// The node that accepted it, as TLS proved it.
    pub listener: NodeId,
}

/// The keys of one network, made from its name and its secret if it has one.
#[derive(Clone)]
pub struct NetworkKey {
    /// Keys the admission proofs.
    admission: Zeroizing<[u8; 32]>,
    /// Keys the marks in mDNS.
    discovery: Zeroizing<[u8; 32]>,
    /// Whether knowing the name is enough.
    open: bool,
}

impl NetworkKey {
    /// The key of a network without a secret: whoever knows the name is in.
    #[must_use]
    pub fn open(name: &NetworkName) -> Self {
        Self::derive(b"open", &[], name)
    }

    /// The key of a network with a secret. A passphrase takes some 20 ms and 19 MiB.
    #[must_use]
    pub fn from_secret(name: &NetworkName, secret: &Secret) -> Self {
        match &secret.0 {
            Kind::Generated(bytes) => Self::derive(b"generated", bytes.as_ref(), name),
            Kind::Passphrase(text) => Self::derive(b"passphrase", stretch(text, name).as_ref(), name),
        }
    }

    /// Whether knowing the network's name is enough to be admitted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Proves to the other end that `role` knows this network, on this connection only.
    #[must_use]
    pub fn proof(&self, role: Role, binding: &Binding) -> [u8; 32] {
        self.proof_mac(role, binding).finalize().into_bytes().into()
    }

    /// Whether `tag` is what `role` would have proved; takes the same time whichever byte differs.
    #[must_use]
    pub fn verify(&self, role: Role, binding: &Binding, tag: &[u8; 32]) -> bool {
        self.proof_mac(role, binding).verify_slice(tag).is_ok()
    }

    /// What signatures made in this network are bound to. Not a secret among its members.
    #[must_use]
    pub fn statement_context(&self) -> [u8; 32] {
        mac(&self.discovery).chain_update(b"hive/1 statements").finalize().into_bytes().into()
    }

    /// How a node of this network marks itself in mDNS: 16 hex digits that differ per node, so that onlookers
    /// learn neither the name nor who belongs together.
    #[must_use]
    pub fn tag(&self, node: NodeId) -> String {
        let tag = mac(&self.discovery).chain_update(node.0).finalize().into_bytes();
        hex(tag.get(..8).unwrap_or_default())
    }

    fn proof_mac(&self, role: Role, binding: &Binding) -> Hmac<Sha256> {
        let role = match role {
            Role::Dialler => b"dialler.",
            Role::Listener => b"listener",
        };
        mac(&self.admission)
            .chain_update(b"hive/1 admission")
            .chain_update(role)
            .chain_update(binding.exporter)
            .chain_update(binding.dialler.0)
            .chain_update(binding.listener.0)
            .chain_update(EPOCH.to_be_bytes())
    }

    fn derive(kind: &[u8], secret: &[u8], name: &NetworkName) -> Self {
        let name = name.as_str().as_bytes();
        let hkdf = Hkdf::<Sha256>::new(Some(b"hive/1 network"), secret);
        let mut keys =
            Self { admission: Zeroizing::default(), discovery: Zeroizing::default(), open: kind == b"open" };
        for (purpose, key) in [(&b"admission"[..], &mut keys.admission), (b"discovery", &mut keys.discovery)]
        {
            hkdf.expand_multi_info(&[purpose, b"\0", kind, b"\0", name], key.as_mut())
                .expect("32 bytes are fewer than HKDF's limit");
        }
        keys
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.open { "NetworkKey(open)" } else { "NetworkKey(secret)" })
    }
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Argon2id over the passphrase. The salt is the network's name, so that one table does not serve two networks.
fn stretch(passphrase: &str, name: &NetworkName) -> Zeroizing<[u8; 32]> {
    let salt = Sha256::new().chain_update(b"hive/1 salt").chain_update(name.as_str()).finalize();
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, Some(32))
        .expect("fixed parameters within Argon2's limits");
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut())
        .expect("lengths within Argon2's limits");
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> NetworkName {
        NetworkName::parse(text).expect("a network")
    }

    fn binding(exporter: u8) -> Binding {
        Binding { exporter: [exporter; 32], dialler: NodeId([1; 32]), listener: NodeId([2; 32]) }
    }

    #[test]
    fn a_generated_secret_is_read_as_it_is_written() {
        let secret = Secret::generate();
        let text = secret.reveal();
        assert_eq!(text.len(), "hive-secret-".len() + 64);
        let again = Secret::parse(&format!("  {}\n", *text)).expect("a secret");
        assert_eq!(*again.reveal(), *text);
        assert!(!again.is_short());
        assert_ne!(*Secret::generate().reveal(), *text);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_repeating_it() {
        let check = |text: &str, want| {
            let error = Secret::parse(text).expect_err("no secret");
            assert_eq!(error, want);
            assert!(text.trim().len() < 13 || !error.to_string().contains(text.trim()), "{error}");
        };
        check("", SecretError::Empty);
        check(" \n", SecretError::Empty);
        check(&"x".repeat(1025), SecretError::TooLong);
        check("two\nlines", SecretError::Character);
        check("hive-secret-1234567890", SecretError::Damaged);
        check(&format!("hive-secret-{}", "g".repeat(64)), SecretError::Damaged);
    }

    #[test]
    fn short_passphrases_are_known_as_such() {
        let short = |text| Secret::parse(text).expect("a secret").is_short();
        assert!(short("swordfish"));
        assert!(!short("correct horse battery staple"));
    }

    #[test]
    fn neither_secrets_nor_keys_are_printed() {
        let secret = Secret::parse("correct horse battery").expect("a secret");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let key = NetworkKey::from_secret(&name("n"), &secret);
        assert_eq!(format!("{key:?}"), "NetworkKey(secret)");
        assert_eq!(format!("{:?}", NetworkKey::open(&name("n"))), "NetworkKey(open)");
    }

    #[test]
    fn a_proof_fits_one_role_one_connection_and_one_pair() {
        let key = NetworkKey::from_secret(&name("n"), &Secret::generate());
        let tag = key.proof(Role::Dialler, &binding(7));
        assert!(key.verify(Role::Dialler, &binding(7), &tag));
        assert!(!key.verify(Role::Listener, &binding(7), &tag), "not reflected");
        assert!(!key.verify(Role::Dialler, &binding(8), &tag), "not replayed on another connection");
        let swapped = Binding { dialler: NodeId([2; 32]), listener: NodeId([1; 32]), ..binding(7) };
        assert!(!key.verify(Role::Dialler, &swapped, &tag), "not turned round");
        let third = Binding { listener: NodeId([3; 32]), ..binding(7) };
        assert!(!key.verify(Role::Dialler, &third, &tag), "not handed on");
    }

    #[test]
    fn networks_differ_by_secret_by_name_and_by_kind() {
        let generated = Secret::generate();
        let word = |text| Secret::parse(text).expect("a secret");
        let keys = [
            NetworkKey::open(&name("a")),
            NetworkKey::open(&name("b")),
            NetworkKey::from_secret(&name("a"), &generated),
            NetworkKey::from_secret(&name("b"), &generated),
            NetworkKey::from_secret(&name("a"), &Secret::generate()),
            NetworkKey::from_secret(&name("a"), &word("correct horse battery")),
            NetworkKey::from_secret(&name("a"), &word("correct horse batterz")),
            NetworkKey::from_secret(&name("b"), &word("correct horse battery")),
        ];
        let node = NodeId([9; 32]);
        for (at, one) in keys.iter().enumerate() {
            assert_eq!(one.is_open(), at < 2);
            let tag = one.proof(Role::Listener, &binding(1));
            for (other_at, other) in keys.iter().enumerate() {
                assert_eq!(
                    other.verify(Role::Listener, &binding(1), &tag),
                    at == other_at,
                    "{at} {other_at}"
                );
                assert_eq!(one.tag(node) == other.tag(node), at == other_at, "{at} {other_at}");
            }
        }
        let again = NetworkKey::from_secret(&name("a"), &word(" correct horse battery\n"));
        assert!(again.verify(Role::Dialler, &binding(1), &keys[5].proof(Role::Dialler, &binding(1))));
    }

    #[test]
    fn marks_in_mdns_do_not_tell_who_belongs_together() {
        let key = NetworkKey::open(&name("hive"));
        assert_eq!(key.tag(NodeId([1; 32])).len(), 16);
        assert_ne!(key.tag(NodeId([1; 32])), key.tag(NodeId([2; 32])));
    }

    proptest! {
        #[test]
        fn any_text_is_a_secret_or_refused(text in "\\PC{0,80}") {
            let _ = Secret::parse(&text);
        }

        #[test]
        fn no_other_tag_is_taken(tag in any::<[u8; 32]>()) {
            let key = NetworkKey::open(&name("hive"));
            prop_assume!(tag != key.proof(Role::Dialler, &binding(1)));
            prop_assert!(!key.verify(Role::Dialler, &binding(1), &tag));
        }
    }
}
