//! What proves that a node belongs to a network: the keys made from its name and its ring of secrets.
//!
//! A proof is bound to one TLS connection, one direction, two nodes and one epoch, so what was seen once is worth nothing
//! elsewhere. The newest epoch and the one before admit; older ones are kept to read what was sealed with them. Nothing
//! here knows how proofs travel. Keys are wiped when dropped and never printed.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use hive_proto::{channel::NetworkName, frame::admission::Offer, id::NodeId};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    hex,
    ring::{Ring, RingError},
    secret::Secret,
};

/// Which end of a connection proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The node that opened the connection.
    Dialler,
    /// The node that accepted it.
    Listener,
}

impl Role {
    /// The other end's.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Listener,
            Self::Listener => Self::Dialler,
        }
    }
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

/// The keys of one network. Clones share the epochs: when those are replaced, all have the new ones.
#[derive(Clone)]
pub struct NetworkKey {
    name: NetworkName,
    /// Keys the marks in mDNS, kinship and the context of signatures: made from the first secret, and the same in every
    /// epoch.
    anchor: Anchor,
    /// Whether knowing the name is enough.
    open: bool,
    /// Newest first, never empty.
    epochs: Arc<ArcSwap<Vec<EpochKeys>>>,
}

/// What stays of a network's first secret in the later ones.
pub type Anchor = Zeroizing<[u8; 32]>;

/// The keys of one epoch.
struct EpochKeys {
    number: u32,
    /// Keys the admission proofs.
    admission: Zeroizing<[u8; 32]>,
    /// What the keys of sealed envelopes are made from.
    sealing: Zeroizing<[u8; 32]>,
}

/// Why an offer admits nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another network, or of none.
    Network,
    /// It is of this network, and of none of the epochs that are admitted here. Its newest one.
    Epoch(u32),
}

impl NetworkKey {
    /// The key of a network without a secret: whoever knows the name is in.
    #[must_use]
    pub fn open(name: &NetworkName) -> Self {
        let material = Material { kind: b"open", secret: &[], name };
        Self::of(name, material.key(b"discovery"), true, vec![material.epoch(0)])
    }

    /// The key of a network with one secret. A passphrase takes some 20 ms and 19 MiB.
    #[must_use]
    pub fn from_secret(name: &NetworkName, secret: &Secret) -> Self {
        let (kind, secret) = secret.material(name);
        let material = Material { kind, secret: secret.as_ref(), name };
        Self::of(name, material.key(b"discovery"), false, vec![material.epoch(0)])
    }

    /// The key of a network with a ring of secrets. As [`Self::from_secret`], for each.
    ///
    /// # Errors
    /// When the secrets are not all of one network.
    pub fn from_ring(name: &NetworkName, ring: &Ring) -> Result<Self, RingError> {
        let (anchor, epochs) = keys_of(name, ring)?;
        Ok(Self::of(name, anchor, false, epochs))
    }

    /// Takes another ring's epochs in the place of those it has. Returns the newest epoch before and now.
    ///
    /// # Errors
    /// When the ring is of another network than the key; then nothing changes.
    pub fn renew(&self, ring: &Ring) -> Result<(u32, u32), RingError> {
        let (anchor, epochs) = keys_of(&self.name, ring)?;
        if anchor != self.anchor {
            return Err(RingError::Foreign);
        }
        let before = self.newest();
        self.epochs.store(Arc::new(epochs));
        Ok((before, self.newest()))
    }

    /// The anchor of a network with this secret as its first.
    #[must_use]
    pub fn anchor(name: &NetworkName, secret: &Secret) -> Anchor {
        let (kind, secret) = secret.material(name);
        Material { kind, secret: secret.as_ref(), name }.key(b"discovery")
    }

    /// Whether knowing the network's name is enough to be admitted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The newest epoch; 0 until the secret is rotated, and in an open network.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.epochs.load().first().map_or(0, |keys| keys.number)
    }

    /// Whether who knows this epoch is admitted: it is the newest or the one before, and known here.
    #[must_use]
    pub fn admits(&self, epoch: u32) -> bool {
        self.with(epoch, |_| ()).is_some()
    }

    /// The epochs that admit, in words: `epoch 0`, `epochs 2 and 1`.
    #[must_use]
    pub fn admitted(&self) -> String {
        let newest = self.newest();
        match newest.checked_sub(1).filter(|before| self.admits(*before)) {
            Some(before) => format!("epochs {newest} and {before}"),
            None => format!("epoch {newest}"),
        }
    }

    /// Each epoch, newest first, with 16 hex digits that are the same wherever its secret is, and say nothing of it.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<(u32, String)> {
        let print = |keys: &EpochKeys| {
            let tag = mac(&keys.admission).chain_update(b"hive/1 fingerprint").finalize().into_bytes();
            (keys.number, hex(tag.get(..8).unwrap_or_default()))
        };
        self.epochs.load().iter().map(print).collect()
    }

    /// What a dialler shows to be admitted.
    #[must_use]
    pub fn offer(&self, binding: &Binding) -> Offer {
        let epoch = self.newest();
        let before = epoch.checked_sub(1);
        Offer {
            epoch,
            kin: self.kin(binding).finalize().into_bytes().into(),
            // The newest is always there.
            newest: self.proof(epoch, Role::Dialler, binding).unwrap_or_default(),
            previous: before.and_then(|before| self.proof(before, Role::Dialler, binding)),
        }
    }

    /// The newest epoch that an offer proves and that admits here.
    ///
    /// # Errors
    /// When there is none.
    pub fn judge(&self, binding: &Binding, offer: &Offer) -> Result<u32, Mismatch> {
        if self.kin(binding).verify_slice(&offer.kin).is_err() {
            return Err(Mismatch::Network);
        }
        let before = offer.epoch.checked_sub(1).zip(offer.previous);
        let mut proofs = [(offer.epoch, offer.newest)].into_iter().chain(before);
        let proves = |(epoch, tag): &(u32, [u8; 32])| self.verify(*epoch, Role::Dialler, binding, tag);
        proofs.find(proves).map(|(epoch, _)| epoch).ok_or(Mismatch::Epoch(offer.epoch))
    }

    /// Proves to the other end that `role` knows this epoch, on this connection only. None for an epoch that does not
    /// admit.
    #[must_use]
    pub fn proof(&self, epoch: u32, role: Role, binding: &Binding) -> Option<[u8; 32]> {
        self.with(epoch, |keys| keys.proof(role, binding).finalize().into_bytes().into())
    }

    /// Whether the epoch admits and `tag` is what `role` would have proved; takes the same time whichever byte differs.
    #[must_use]
    pub fn verify(&self, epoch: u32, role: Role, binding: &Binding, tag: &[u8; 32]) -> bool {
        self.with(epoch, |keys| keys.proof(role, binding).verify_slice(tag).is_ok()).unwrap_or(false)
    }

    /// What the keys of an epoch's envelopes are made from; also of epochs that do not admit any more.
    pub(super) fn sealing(&self, epoch: u32) -> Option<Zeroizing<[u8; 32]>> {
        self.epochs.load().iter().find(|keys| keys.number == epoch).map(|keys| keys.sealing.clone())
    }

    /// The same of the newest epoch, and which that is.
    pub(super) fn newest_sealing(&self) -> (u32, Zeroizing<[u8; 32]>) {
        let epochs = self.epochs.load();
        let newest = epochs.first().expect("a ring is never empty");
        (newest.number, newest.sealing.clone())
    }

    /// What signatures made in this network are bound to. Not a secret among its members.
    #[must_use]
    pub fn statement_context(&self) -> [u8; 32] {
        mac(&self.anchor).chain_update(b"hive/1 statements").finalize().into_bytes().into()
    }

    /// How the network is marked on what crosses bridges. Two open networks of one name are one network there, too.
    #[must_use]
    pub fn mark(&self) -> [u8; 8] {
        let mark = mac(&self.anchor).chain_update(b"hive/1 bridges").finalize().into_bytes();
        std::array::from_fn(|at| mark[at])
    }

    /// How a node of this network marks itself in mDNS: 16 hex digits that differ per node, so that onlookers
    /// learn neither the name nor who belongs together.
    #[must_use]
    pub fn tag(&self, node: NodeId) -> String {
        let tag = mac(&self.anchor).chain_update(node.0).finalize().into_bytes();
        hex(tag.get(..8).unwrap_or_default())
    }

    /// That the dialler is of this network, whatever epochs it knows.
    fn kin(&self, binding: &Binding) -> Hmac<Sha256> {
        bound(mac(&self.anchor).chain_update(b"hive/1 kin"), binding)
    }

    fn with<T>(&self, epoch: u32, make: impl FnOnce(&EpochKeys) -> T) -> Option<T> {
        let epochs = self.epochs.load();
        let newest = epochs.first()?.number;
        let admits = |keys: &&EpochKeys| keys.number == epoch && newest.saturating_sub(epoch) <= 1;
        epochs.iter().find(admits).map(make)
    }

    fn of(name: &NetworkName, anchor: Anchor, open: bool, epochs: Vec<EpochKeys>) -> Self {
        Self { name: name.clone(), anchor, open, epochs: Arc::new(ArcSwap::from_pointee(epochs)) }
    }
}

/// The keys of a ring's secrets, and what they have in common.
fn keys_of(name: &NetworkName, ring: &Ring) -> Result<(Anchor, Vec<EpochKeys>), RingError> {
    let (mut common, mut epochs) = (None, Vec::new());
    for (number, secret, anchor) in ring.secrets() {
        let (kind, secret) = secret.material(name);
        let material = Material { kind, secret: secret.as_ref(), name };
        let anchor = anchor.cloned().unwrap_or_else(|| material.key(b"discovery"));
        if *common.get_or_insert_with(|| anchor.clone()) != anchor {
            return Err(RingError::Foreign);
        }
        epochs.push(material.epoch(number));
    }
    // A ring is never empty.
    Ok((common.ok_or(RingError::Foreign)?, epochs))
}

/// What keys are derived from.
struct Material<'a> {
    kind: &'static [u8],
    secret: &'a [u8],
    name: &'a NetworkName,
}

impl Material<'_> {
    fn key(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let hkdf = Hkdf::<Sha256>::new(Some(b"hive/1 network"), self.secret);
        let mut key = Zeroizing::new([0; 32]);
        hkdf.expand_multi_info(
            &[purpose, b"\0", self.kind, b"\0", self.name.as_str().as_bytes()],
            key.as_mut(),
        )
        .expect("32 bytes are fewer than HKDF's limit");
        key
    }

    fn epoch(&self, number: u32) -> EpochKeys {
        EpochKeys { number, admission: self.key(b"admission"), sealing: self.key(b"sealing") }
    }
}

impl EpochKeys {
    fn proof(&self, role: Role, binding: &Binding) -> Hmac<Sha256> {
        let role = match role {
            Role::Dialler => b"dialler.",
            Role::Listener => b"listener",
        };
        let label = mac(&self.admission).chain_update(b"hive/1 admission").chain_update(role);
        bound(label, binding).chain_update(self.number.to_be_bytes())
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.open { "NetworkKey(open)" } else { "NetworkKey(secret)" })
    }
}

fn bound(label: Hmac<Sha256>, binding: &Binding) -> Hmac<Sha256> {
    label.chain_update(binding.exporter).chain_update(binding.dialler.0).chain_update(binding.listener.0)
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests;
