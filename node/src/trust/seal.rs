//! Sealed envelopes: how events leave the hands of TLS, as in a journal on someone else's engine, or through a broker.
//!
//! Who has the network's secret can read an envelope, and nobody can change one, move it to another place, or say that it
//! is somebody else's. What carries envelopes is not known here. Between neighbours TLS does all this: nothing is sealed
//! there. `docs/envelope.md` has the layout in full, and vectors in `tests/vectors` were made by other code.
//!
//! ```text
//! offset  bytes  what
//!      0      1  version: 1
//!      1      4  epoch of the network's secret, big-endian
//!      5     16  boot: random, drawn anew for every key of a sender
//!     21      8  counter: of the envelopes under this key, from 0, big-endian
//!     29      n  AES-256-GCM ciphertext
//!   29+n     16  its tag
//!   45+n     64  ed25519 signature of the origin
//! ```
//!
//! * key = HKDF-SHA256(salt: boot, key material: the epoch's sealing key, info: `hive/1 envelope` 00 ‖ origin), 32 bytes
//! * nonce = 00 00 00 00 ‖ counter
//! * associated data = offsets 0 to 28 ‖ header, as `Header` says
//! * signed = `hive/1 envelope` 00 ‖ SHA-256(associated data ‖ ciphertext ‖ tag)

mod parts;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use hive_proto::{
    channel::Channel,
    id::{Incarnation, NodeId},
    plane::replay::{Verdict, Window},
    time::Hlc,
};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use self::parts::Parts;
use super::{identity::Identity, network::NetworkKey, random_bytes};

/// The layout that is written and read.
const VERSION: u8 = 1;
/// What stands before the ciphertext.
const PREFIX_BYTES: usize = 29;
const TAG_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 64;
/// How much longer an envelope is than what is in it.
pub const OVERHEAD_BYTES: usize = PREFIX_BYTES + TAG_BYTES + SIGNATURE_BYTES;
/// Separates what is signed and derived here from whatever else keys are used for.
const LABEL: &[u8] = b"hive/1 envelope\0";
/// Envelopes under one key. The counter has room for more; the bound keeps what one key encrypts far below what
/// AES-GCM allows (2^64 blocks in all), whatever their size.
const SEALS_PER_KEY: u64 = 1 << 32;
/// Keys of other senders that are kept ready: one is derived in a few microseconds.
const KEYS_KEPT: usize = 256;

/// What an envelope is bound to. It is not in the envelope: it travels beside it, or follows from where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header<'a> {
    /// 01 ‖ origin (32) ‖ incarnation (8) ‖ sequence (8) ‖ time (8) ‖ 00, or 01 ‖ expiry in ms (8) ‖ length of the
    /// channel (1) ‖ channel. Numbers are big-endian.
    Live(&'a Live<'a>),
    /// 02 ‖ origin (32) ‖ position (8, big-endian).
    Record { origin: NodeId, position: u64 },
}

/// The routing header of an event that goes through something else than the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live<'a> {
    /// Who published it.
    pub origin: NodeId,
    /// In which life.
    pub incarnation: Incarnation,
    /// As which of that life's publishes.
    pub sequence: u64,
    /// When, by the origin's clock.
    pub time: Hlc,
    /// From when on nobody wants it, in milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
    /// The channel, without its network.
    pub channel: &'a Channel,
}

impl Header<'_> {
    fn origin(&self) -> NodeId {
        match self {
            Self::Live(live) => live.origin,
            Self::Record { origin, .. } => *origin,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Live(live) => {
                out.push(1);
                out.extend_from_slice(&live.origin.0);
                for number in [live.incarnation.0, live.sequence, live.time.0] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
                out.push(live.expires_ms.is_some().into());
                out.extend(live.expires_ms.into_iter().flat_map(u64::to_be_bytes));
                let channel = live.channel.as_str();
                // A channel has 255 bytes at most.
                out.push(u8::try_from(channel.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(channel.as_bytes());
            }
            Self::Record { origin, position } => {
                out.push(2);
                out.extend_from_slice(&origin.0);
                out.extend_from_slice(&position.to_be_bytes());
            }
        }
    }
}

/// Seals what this node publishes in one network. Shared by whoever has something to seal.
pub struct Sealer {
    network: NetworkKey,
    identity: Identity,
    /// How many envelopes one key may seal; always [`SEALS_PER_KEY`] but in tests.
    per_key: u64,
    /// Held to take a number, not to seal. None until something is sealed.
    sending: Mutex<Option<Sending>>,
}

/// The key in use.
#[derive(Clone)]
struct Sending {
    epoch: u32,
    boot: [u8; 16],
    cipher: Arc<Aes256Gcm>,
    /// The next envelope's number.
    counter: u64,
}

impl Sealer {
    /// Seals in this network as this node. None for an open network, where there is no secret to seal with.
    #[must_use]
    pub fn new(network: &NetworkKey, identity: &Identity) -> Option<Self> {
        let (network, identity) = (network.clone(), identity.clone());
        (!network.is_open()).then(|| Self {
            network,
            identity,
            per_key: SEALS_PER_KEY,
            sending: Mutex::default(),
        })
    }

    /// An envelope for live traffic; `live` has to go with it.
    #[must_use]
    pub fn seal_live(&self, live: &Live<'_>, plain: &[u8]) -> Bytes {
        self.seal(&Header::Live(live), plain)
    }

    /// An envelope for this position of this node's journal, and for no other.
    #[must_use]
    pub fn seal_record(&self, position: u64, plain: &[u8]) -> Bytes {
        self.seal(&Header::Record { origin: self.identity.node_id(), position }, plain)
    }

    fn seal(&self, header: &Header<'_>, plain: &[u8]) -> Bytes {
        let Sending { epoch, boot, cipher, counter } = self.take_number();
        let mut out = Vec::with_capacity(plain.len() + OVERHEAD_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(&boot);
        out.extend_from_slice(&counter.to_be_bytes());
        let associated = associated(&out, header);
        out.extend_from_slice(plain);
        let (_, text) = out.split_at_mut(PREFIX_BYTES);
        let tag = cipher
            .encrypt_inout_detached(&nonce(counter).into(), &associated, text.into())
            .expect("events are far below AES-GCM's limit of 64 GiB");
        out.extend_from_slice(&tag);
        let signature = self.identity.sign(&signed(&associated, &out[PREFIX_BYTES..]));
        out.extend_from_slice(&signature);
        out.into()
    }

    /// A number that this key has not been used with, and never will be again. A key whose numbers are used up, or whose
    /// epoch is not the newest any more, is replaced.
    fn take_number(&self) -> Sending {
        let mut sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.network.newest();
        let usable = |known: &&mut Sending| known.epoch == newest && known.counter < self.per_key;
        if let Some(known) = sending.as_mut().filter(usable) {
            let taken = known.clone();
            known.counter += 1;
            return taken;
        }
        let (epoch, material) = self.network.newest_sealing();
        let boot = random_bytes();
        let cipher = Arc::new(cipher(&material, boot, self.identity.node_id()));
        let taken = Sending { epoch, boot, cipher, counter: 0 };
        *sending = Some(Sending { counter: 1, ..taken.clone() });
        taken
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({:?})", self.network)
    }
}

/// Keys by epoch, boot and origin.
type Ciphers = BTreeMap<(u32, [u8; 16], NodeId), Arc<Aes256Gcm>>;

/// Opens what the nodes of one network have sealed.
pub struct Opener {
    network: NetworkKey,
    /// Keys that were used lately. Held for a lookup.
    ciphers: Mutex<Ciphers>,
    /// What came in live. Held for one judgement.
    window: Mutex<Window>,
}

/// Why an envelope is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It has fewer bytes than an empty one.
    #[error("it is no envelope: {0} bytes, and the shortest has {OVERHEAD_BYTES}")]
    Short(usize),
    /// It is laid out in a way that is not known here.
    #[error("an envelope of version {0}, and only {VERSION} is known here")]
    Version(u8),
    /// The secret of its epoch is not known here.
    #[error("it was sealed with epoch {0} of the network's secret, which is not known here")]
    Epoch(u32),
    /// It was changed, is of another network, or was put in another place than it was sealed for.
    #[error("it was altered, is of another network, or was sealed for another place")]
    Altered,
    /// Who it is said to be from has not sealed it.
    #[error("it is not from whom it says")]
    Forged,
    /// It came before.
    #[error("it came before")]
    Duplicate,
    /// It is older than live traffic may be.
    #[error("it is too old to be live")]
    TooOld,
    /// It is of a time to come.
    #[error("it is of a time to come: a clock is wrong")]
    Ahead,
}

impl Opener {
    /// Opens envelopes of this network, with whatever epochs its key has at the time.
    #[must_use]
    pub fn new(network: &NetworkKey) -> Self {
        Self { network: network.clone(), ciphers: Mutex::default(), window: Mutex::default() }
    }

    /// What was sealed for live traffic with this header. Each event is given once, and only while it is young: `unix_ms`
    /// is the time now.
    ///
    /// # Errors
    /// When it is none, was tampered with, came before, or is of another time.
    pub fn open_live(&self, live: &Live<'_>, envelope: &[u8], unix_ms: u64) -> Result<Bytes, OpenError> {
        let plain = self.open(&Header::Live(live), envelope)?;
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        match window.judge(live.origin, (live.incarnation, live.sequence), live.time, unix_ms) {
            Verdict::Fresh => Ok(plain),
            Verdict::Duplicate => Err(OpenError::Duplicate),
            Verdict::TooOld => Err(OpenError::TooOld),
            Verdict::Ahead => Err(OpenError::Ahead),
        }
    }

    /// An event that was opened came to nothing after all: it is opened when it comes again.
    pub fn give_back(&self, origin: NodeId, event: (Incarnation, u64), time: Hlc) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.give_back(origin, event, time);
    }

    /// What was sealed for this position of this node's journal, however long ago.
    ///
    /// # Errors
    /// When it is none, was tampered with, or is from elsewhere.
    pub fn open_record(&self, origin: NodeId, position: u64, envelope: &[u8]) -> Result<Bytes, OpenError> {
        self.open(&Header::Record { origin, position }, envelope)
    }

    fn open(&self, header: &Header<'_>, envelope: &[u8]) -> Result<Bytes, OpenError> {
        let parts = Parts::of(envelope)?;
        let origin = header.origin();
        let cipher = self.cipher(&parts, origin)?;
        let associated = associated(parts.prefix, header);
        let mut plain = parts.text.to_vec();
        cipher
            .decrypt_inout_detached(
                &nonce(parts.counter).into(),
                &associated,
                plain.as_mut_slice().into(),
                &(*parts.tag).into(),
            )
            .map_err(|_| OpenError::Altered)?;
        // Who has no secret gets no further, so this costs strangers nothing to ask for and nothing to answer.
        let key = VerifyingKey::from_bytes(&origin.0).map_err(|_| OpenError::Forged)?;
        let signature = Signature::from_bytes(parts.signature);
        key.verify_strict(&signed(&associated, parts.sealed), &signature).map_err(|_| OpenError::Forged)?;
        Ok(plain.into())
    }

    fn cipher(&self, parts: &Parts<'_>, origin: NodeId) -> Result<Arc<Aes256Gcm>, OpenError> {
        let Some(material) = self.network.sealing(parts.epoch) else {
            // What was forgotten since is not read from here either.
            self.ciphers().retain(|(epoch, ..), _| *epoch != parts.epoch);
            return Err(OpenError::Epoch(parts.epoch));
        };
        let name = (parts.epoch, *parts.boot, origin);
        if let Some(known) = self.ciphers().get(&name) {
            return Ok(Arc::clone(known));
        }
        let cipher = Arc::new(cipher(&material, *parts.boot, origin));
        let mut ciphers = self.ciphers();
        if ciphers.len() >= KEYS_KEPT {
            ciphers.pop_first();
        }
        ciphers.insert(name, Arc::clone(&cipher));
        Ok(cipher)
    }

    fn ciphers(&self) -> MutexGuard<'_, Ciphers> {
        self.ciphers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener({:?})", self.network)
    }
}

fn associated(prefix: &[u8], header: &Header<'_>) -> Vec<u8> {
    let mut associated = Vec::with_capacity(PREFIX_BYTES + 320);
    associated.extend_from_slice(prefix);
    header.put(&mut associated);
    associated
}

fn signed(associated: &[u8], sealed: &[u8]) -> [u8; LABEL.len() + 32] {
    let hash = Sha256::new().chain_update(associated).chain_update(sealed).finalize();
    let mut message = [0; LABEL.len() + 32];
    let (label, rest) = message.split_at_mut(LABEL.len());
    label.copy_from_slice(LABEL);
    rest.copy_from_slice(&hash);
    message
}

fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// The key of one sender and boot.
fn cipher(material: &[u8; 32], boot: [u8; 16], origin: NodeId) -> Aes256Gcm {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(&boot), material)
        .expand_multi_info(&[LABEL, &origin.0], key.as_mut())
        .expect("32 bytes are fewer than HKDF's limit");
    Aes256Gcm::new(&(*key).into())
}

#[cfg(test)]
mod tests;
