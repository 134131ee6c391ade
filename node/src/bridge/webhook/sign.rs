//! Signatures of webhooks: HMAC-SHA256 of a body, as GitHub and many others write it.
//!
//! `sha256=` and 64 hexadecimal digits, in the header [`HEADER`] unless another is chosen. A signature says that who sent
//! it knows the secret, and nothing of when: whoever must not take a request twice looks at its id.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where signatures are, unless somebody says otherwise.
pub const HEADER: &str = "x-hub-signature-256";
/// What a signature begins with.
const PREFIX: &str = "sha256=";

/// What both sides know. Nothing shows it, and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The signature of a body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        let digest = self.mac(body).finalize().into_bytes();
        digest.iter().fold(PREFIX.to_owned(), |mut text, byte| {
            text.push_str(&format!("{byte:02x}"));
            text
        })
    }

    /// Whether somebody who knows the secret signed this body. Takes as long whatever is wrong.
    #[must_use]
    pub fn has_signed(&self, body: &[u8], signature: &str) -> bool {
        let digits = signature.strip_prefix(PREFIX).unwrap_or_default();
        bytes(digits).is_some_and(|digest| self.mac(body).verify_slice(&digest).is_ok())
    }

    /// Whether somebody says the secret itself.
    #[must_use]
    pub fn is(&self, said: &str) -> bool {
        // What is compared has one length and is no prefix of anything, so the time says nothing.
        self.mac(said.as_bytes()).finalize() == self.mac(self.0.as_bytes()).finalize()
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length");
        mac.chain_update(body)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let nibble = |digit: &u8| char::from(*digit).to_digit(16);
    let byte = |pair: &[u8; 2]| u8::try_from(nibble(&pair[0])? * 16 + nibble(&pair[1])?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_githubs() {
        // From GitHub's documentation of webhooks.
        let secret = Secret::new("It's a Secret to Everybody".into());
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(secret.sign(b"Hello, World!"), signature);
        assert!(secret.has_signed(b"Hello, World!", signature));
        assert!(secret.has_signed(b"Hello, World!", &signature.replace("ea", "EA")));
        for wrong in
            ["", "sha256=", "sha1=757107ea", &signature[..70], &signature.replace("75", "76"), "sha256=é"]
        {
            assert!(!secret.has_signed(b"Hello, World!", wrong), "{wrong}");
        }
        assert!(!secret.has_signed(b"Hello, World?", signature));
        assert!(secret.is("It's a Secret to Everybody") && !secret.is("It's a Secret") && !secret.is(""));
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }
}
