//! EventHive's shared secret, bit for bit: a signature in the message, and the message as AES-128-CTR.
//!
//! What it owns: the key and the two forms. It is kept for company: the key is a bare SHA-256 of the secret and serves
//! two purposes, nothing keeps an old message from being sent again or under another channel, and whoever listens can
//! try passwords at leisure. Between hive-nodes there is better.

use aes::{
    Aes128,
    cipher::{KeyIvInit, StreamCipher},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ctr::Ctr128BE;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::python::{Fields, FormError, Layout, dumps};
use crate::trust::random_bytes;

/// The key of a signature in a message.
const SIGN: &str = "__sign__";
/// Bytes of the key and of the counter's beginning.
const BLOCK: usize = 16;

/// A secret that both sides know.
#[derive(Clone, PartialEq)]
pub struct Secret {
    key: Zeroizing<[u8; BLOCK]>,
}

/// A message that nobody can read who has not the key.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    iv: String,
    ciphertext: String,
}

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It has none, or it is no text.
    #[error("it is not signed")]
    NotSigned,
    /// Another secret, or another message.
    #[error("its signature is not of this secret")]
    WrongSignature,
    /// What is to be read is no base64, or has the wrong length.
    #[error("its `iv` or `ciphertext` is malformed")]
    Malformed,
    /// Most often another secret.
    #[error("what was decrypted is no JSON object; the other side has another secret")]
    NotJson,
    /// It has no form that could be signed.
    #[error(transparent)]
    Form(#[from] FormError),
}

impl Secret {
    /// From what people share.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(text.as_bytes())));
        let mut key = Zeroizing::new([0; BLOCK]);
        key.copy_from_slice(&digest[..BLOCK]);
        Self { key }
    }

    /// Signs a message, encrypts it, and writes both down.
    ///
    /// # Errors
    /// When it has no form that could be signed.
    pub fn seal(&self, fields: Fields) -> Result<String, FormError> {
        self.seal_from(fields, random_bytes())
    }

    fn seal_from(&self, mut fields: Fields, iv: [u8; BLOCK]) -> Result<String, FormError> {
        // One that is there already would be signed over, and then be in the way of the new one.
        fields.remove(SIGN);
        let signature = crate::trust::hex(&self.mac(&fields)?.finalize().into_bytes());
        fields.insert(SIGN.to_owned(), serde_json::value::to_raw_value(&signature)?);
        let mut text = dumps(&fields, Layout::Signed)?.into_bytes();
        self.cipher(iv).apply_keystream(&mut text);
        let sealed = Sealed { iv: STANDARD.encode(iv), ciphertext: STANDARD.encode(text) };
        Ok(serde_json::to_string(&sealed)?)
    }

    /// The message in what was received, its signature checked and taken out. As EventHive does it takes a message that
    /// is signed and not encrypted.
    ///
    /// # Errors
    /// When it is not what somebody with this secret wrote.
    pub fn open(&self, received: Fields) -> Result<Fields, OpenError> {
        let mut fields = match (received.get("iv"), received.get("ciphertext")) {
            (Some(iv), Some(ciphertext)) => self.decrypt(iv, ciphertext)?,
            _ => received,
        };
        let signature = fields.remove(SIGN).ok_or(OpenError::NotSigned)?;
        let signature: String = serde_json::from_str(signature.get()).map_err(|_| OpenError::NotSigned)?;
        let signature = unhex(&signature).ok_or(OpenError::WrongSignature)?;
        self.mac(&fields)?.verify_slice(&signature).map_err(|_| OpenError::WrongSignature)?;
        Ok(fields)
    }

    fn decrypt(&self, iv: &RawValue, ciphertext: &RawValue) -> Result<Fields, OpenError> {
        let bytes = |raw: &RawValue| {
            let text: String = serde_json::from_str(raw.get()).ok()?;
            STANDARD.decode(text).ok()
        };
        let iv = bytes(iv).and_then(|iv| iv.try_into().ok()).ok_or(OpenError::Malformed)?;
        let mut text = bytes(ciphertext).ok_or(OpenError::Malformed)?;
        self.cipher(iv).apply_keystream(&mut text);
        serde_json::from_slice(&text).map_err(|_| OpenError::NotJson)
    }

    fn cipher(&self, iv: [u8; BLOCK]) -> Ctr128BE<Aes128> {
        Ctr128BE::new(&(*self.key).into(), &iv.into())
    }

    fn mac(&self, fields: &Fields) -> Result<Hmac<Sha1>, FormError> {
        let text = dumps(fields, Layout::Signed)?;
        let mut mac = Hmac::<Sha1>::new_from_slice(&*self.key).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        Ok(mac)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).expect("an object")
    }

    /// Made by EventHive 0.5.0 itself, and checked with openssl.
    #[test]
    fn bits_are_eventhives() {
        let secret = Secret::new("m1s3cr3t");
        assert_eq!(crate::trust::hex(&*secret.key), "773c655562a6da83cb83fbc7175cb275");
        let message = fields(r#"{"param1":1,"é":"x","nested":{"b":1.5,"a":[1,null]}}"#);
        let signature = secret.mac(&message).expect("a form").finalize().into_bytes();
        assert_eq!(crate::trust::hex(&signature), "8ea956e1b437ecb2e1dda2c2224f33d5ed6f4e59");
        let iv = std::array::from_fn(|at| u8::try_from(at).expect("a small number"));
        let sealed = secret.seal_from(message, iv).expect("sealed");
        let want = "vNCujbx7A/vf5HTOTGFIZ0xZDWoN04WVkAMBFvsMlnReBjr1pXS/LJfs7LZhjuzN7W0gO14jTnzd2nW2f7nWTtYiClbE15Etw38ohEsHcaXFX3dFJnywz1Ou/CbnDbhZZ1btgZ0ZJv/8UL7G6NwtCAu9ttZugoJHL2U=";
        assert_eq!(sealed, format!(r#"{{"iv":"AAECAwQFBgcICQoLDA0ODw==","ciphertext":"{want}"}}"#));
    }

    #[test]
    fn what_is_not_of_the_secret_is_refused() {
        let (ours, theirs) = (Secret::new("ours"), Secret::new("theirs"));
        let sealed = |secret: &Secret| secret.seal(fields(r#"{"a":1}"#)).expect("sealed");
        assert!(matches!(ours.open(fields(&sealed(&theirs))), Err(OpenError::NotJson)));
        assert!(matches!(ours.open(fields(r#"{"a":1}"#)), Err(OpenError::NotSigned)));
        assert!(matches!(ours.open(fields(r#"{"a":1,"__sign__":5}"#)), Err(OpenError::NotSigned)));
        assert!(matches!(ours.open(fields(r#"{"a":1,"__sign__":"00"}"#)), Err(OpenError::WrongSignature)));
        assert!(matches!(ours.open(fields(r#"{"a":1,"__sign__":"é"}"#)), Err(OpenError::WrongSignature)));
        assert!(matches!(ours.open(fields(r#"{"iv":"AA==","ciphertext":""}"#)), Err(OpenError::Malformed)));
        assert!(matches!(ours.open(fields(r#"{"iv":1,"ciphertext":""}"#)), Err(OpenError::Malformed)));
    }

    /// A message that goes out a second time, with the first signature in it.
    #[test]
    fn a_signature_that_is_there_is_replaced() {
        let secret = Secret::new("s");
        let sealed = secret.seal(fields(r#"{"a":1,"__sign__":"old"}"#)).expect("sealed");
        let opened = secret.open(fields(&sealed)).expect("opened");
        assert_eq!(dumps(&opened, Layout::Printed).expect("a form"), r#"{"a": 1}"#);
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(secret in any::<String>(), key in "[a-z]{1,8}", text in any::<String>()) {
            let secret = Secret::new(&secret);
            let message = serde_json::json!({ key: text });
            let sealed = secret.seal(fields(&message.to_string())).expect("sealed");
            let opened = secret.open(fields(&sealed)).expect("opened");
            let form = |fields: &Fields| dumps(fields, Layout::Signed).expect("a form");
            prop_assert_eq!(form(&opened), form(&fields(&message.to_string())));
        }

        #[test]
        fn any_bytes_are_refused_or_opened(iv in any::<[u8; 16]>(), bytes in any::<Vec<u8>>()) {
            let sealed = Sealed { iv: STANDARD.encode(iv), ciphertext: STANDARD.encode(bytes) };
            let received = fields(&serde_json::to_string(&sealed).expect("JSON"));
            prop_assert!(Secret::new("s").open(received).is_err());
        }
    }
}
