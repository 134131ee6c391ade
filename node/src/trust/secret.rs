//! One secret of a network, as a person gives it: random bits made by `keygen`, or words.
//!
//! Secrets are wiped when dropped and never printed. Which epoch one is of, and what is made of it, is not known here.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use hive_proto::{channel::NetworkName, id::NodeId};
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

    /// The random bits of a generated secret.
    pub(super) fn generated(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Kind::Generated(bytes) => Some(bytes),
            Kind::Passphrase(_) => None,
        }
    }

    /// A generated secret of these random bits.
    pub(super) fn of(bytes: [u8; 32]) -> Self {
        Self(Kind::Generated(Zeroizing::new(bytes)))
    }

    /// What the keys of a network are made from, and the word for its kind. A passphrase takes some 20 ms and 19 MiB.
    pub(super) fn material(&self, name: &NetworkName) -> (&'static [u8], Zeroizing<[u8; 32]>) {
        match &self.0 {
            Kind::Generated(bytes) => (b"generated", bytes.clone()),
            Kind::Passphrase(text) => (b"passphrase", stretch(text, name)),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn any_text_is_a_secret_or_refused(text in "\\PC{0,80}") {
            let _ = Secret::parse(&text);
        }
    }
}
