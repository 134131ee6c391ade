//! The ring of a network's secrets, one an epoch, and the text it is kept as.
//!
//! Rotating adds an epoch; nothing else of the network changes, so each later secret is written with the anchor that
//! comes from the first one. Which epochs admit, and how keys are made, is not known here.
//!
//! A file has one line an epoch, in any order; with more than one line, empty ones and those that begin with `#` are
//! skipped. A line is `hive-secret-<64 hex digits>` or a passphrase (epoch 0), or
//! `hive-epoch-<number>-<64 hex digits of the secret>-<64 hex digits of the anchor>`.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::{MetadataExt, chown},
    path::Path,
};

use blake3::Hash;
use hive_proto::{channel::NetworkName, id::NodeId};
use zeroize::Zeroizing;

use super::{
    hex,
    network::{Anchor, NetworkKey},
    secret::{Secret, SecretError},
    write_whole,
};

/// Epochs of one ring: more are rotated faster than journals are forgotten.
pub const EPOCHS_MAX: usize = 32;
/// Bytes of a ring's text: that many lines, and remarks.
pub const RING_BYTES_MAX: u64 = 16 << 10;
/// What the line of a later epoch begins with.
const EPOCH_PREFIX: &str = "hive-epoch-";

/// The secrets of one network.
#[derive(Debug, Clone)]
pub struct Ring {
    /// Newest first, never empty, each epoch once.
    epochs: Vec<Epoch>,
}

#[derive(Debug, Clone)]
struct Epoch {
    number: u32,
    secret: Secret,
    /// Of all epochs but the first, which makes it.
    anchor: Option<Anchor>,
}

/// Why a text is no ring, or a ring not of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// A line is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// `hive-epoch-` and something else than a number, a secret and an anchor.
    #[error(
        "a secret begins with `{EPOCH_PREFIX}` and is damaged: a number and twice 64 hexadecimal digits should follow, with `-` between"
    )]
    Damaged,
    /// Two lines are of one epoch.
    #[error("two secrets are of epoch {0}: one line a secret, and each epoch once")]
    Twice(u32),
    /// A passphrase that would be taken for a remark beside other lines.
    #[error("a passphrase that begins with `#` cannot stand beside other secrets")]
    Remark,
    /// More than 32 epochs.
    #[error("more than {EPOCHS_MAX} epochs")]
    TooMany,
    /// The anchors differ, or are another network's.
    #[error("the secrets are of different networks, or were rotated under another network's name")]
    Foreign,
}

/// Why an epoch is not forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForgetError {
    /// It is the newest.
    #[error("epoch {0} is the newest, and the one that the network uses")]
    Newest(u32),
    /// There is none with that number.
    #[error("there is no epoch {0}")]
    Unknown(u32),
}

/// Why a ring's file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It holds something else.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl Ring {
    /// Reads a ring, or one secret, which is epoch 0.
    ///
    /// # Errors
    /// When a line is no secret, or an epoch is there twice. The text is never in the error.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let text = text.trim();
        let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.len() > 1 {
            lines.retain(|line| !line.starts_with('#'));
        }
        if lines.is_empty() {
            return Err(SecretError::Empty.into());
        }
        if lines.len() > EPOCHS_MAX {
            return Err(RingError::TooMany);
        }
        let mut epochs = lines.into_iter().map(Epoch::parse).collect::<Result<Vec<_>, _>>()?;
        epochs.sort_by_key(|epoch| std::cmp::Reverse(epoch.number));
        match epochs.windows(2).find(|pair| pair[0].number == pair[1].number) {
            Some(pair) => Err(RingError::Twice(pair[0].number)),
            None => Ok(Self { epochs }),
        }
    }

    /// Reads a ring's file, unless it holds what has this hash. Returns the ring and its text's hash.
    ///
    /// # Errors
    /// When it cannot be read, or holds no ring.
    pub fn load(path: &Path, known: Option<Hash>) -> Result<Option<(Self, Hash)>, LoadError> {
        let mut text = Zeroizing::new(String::new());
        let bytes = File::open(path)?.take(RING_BYTES_MAX + 1).read_to_string(&mut text)? as u64;
        if bytes > RING_BYTES_MAX {
            return Err(RingError::TooMany.into());
        }
        let hash = blake3::hash(text.as_bytes());
        if known == Some(hash) {
            return Ok(None);
        }
        Ok(Some((Self::parse(&text)?, hash)))
    }

    /// Writes it in the place of the file that is there, for that one's owner alone, whole or not at all.
    ///
    /// # Errors
    /// When there is none, or it cannot be written.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        // Where a link stands, its target is replaced.
        let path = path.canonicalize()?;
        let owner = path.metadata()?;
        write_whole(&path, self.reveal().as_bytes(), super::Existing::Replace)?;
        let written = path.metadata()?;
        if (written.uid(), written.gid()) != (owner.uid(), owner.gid()) {
            // The one who rotates is not always the one as whom the node runs.
            chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(())
    }

    /// The ring as text that [`Self::parse`] reads, with a line end.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        if self.epochs.len() > 1 {
            text.push_str(
                "# Secrets of a hive-node network, the newest first: `hive-node network --help`.\n",
            );
        }
        for epoch in &self.epochs {
            text.push_str(&epoch.reveal());
            text.push('\n');
        }
        text
    }

    /// The same with a new secret as the next epoch.
    ///
    /// # Errors
    /// When there are as many epochs as a ring takes, or the first cannot be written beside others.
    pub fn rotated(&self, name: &NetworkName) -> Result<Self, RingError> {
        if self.epochs.iter().any(|epoch| epoch.reveal().starts_with('#')) {
            return Err(RingError::Remark);
        }
        let mut epochs = self.epochs.clone();
        let newest = epochs.first().ok_or(SecretError::Empty)?;
        let anchor = newest.anchor.clone().unwrap_or_else(|| NetworkKey::anchor(name, &newest.secret));
        let number = newest.number.checked_add(1).ok_or(RingError::TooMany)?;
        epochs.insert(0, Epoch { number, secret: Secret::generate(), anchor: Some(anchor) });
        if epochs.len() > EPOCHS_MAX { Err(RingError::TooMany) } else { Ok(Self { epochs }) }
    }

    /// Forgets the secret of an epoch: what was sealed with it cannot be read any more.
    ///
    /// # Errors
    /// When it is the newest, or there is none.
    pub fn forget(&mut self, number: u32) -> Result<(), ForgetError> {
        match self.epochs.iter().position(|epoch| epoch.number == number) {
            None => Err(ForgetError::Unknown(number)),
            Some(0) => Err(ForgetError::Newest(number)),
            Some(at) => {
                self.epochs.remove(at);
                Ok(())
            }
        }
    }

    /// The newest epoch.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.epochs.first().map_or(0, |epoch| epoch.number)
    }

    /// The newest secret with its epoch and anchor: a text that is a ring of its own, for hosts that need no more.
    #[must_use]
    pub fn reveal_newest(&self) -> Zeroizing<String> {
        self.epochs.first().map(Epoch::reveal).unwrap_or_default()
    }

    /// Whether one is a passphrase so short that a person should be warned.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.epochs.iter().any(|epoch| epoch.secret.is_short())
    }

    /// Newest first: each epoch's number, its secret, and its anchor unless that follows from the secret.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (u32, &Secret, Option<&Anchor>)> {
        self.epochs.iter().map(|epoch| (epoch.number, &epoch.secret, epoch.anchor.as_ref()))
    }
}

impl From<Secret> for Ring {
    fn from(secret: Secret) -> Self {
        Self { epochs: vec![Epoch { number: 0, secret, anchor: None }] }
    }
}

impl Epoch {
    fn parse(line: &str) -> Result<Self, RingError> {
        let Some(rest) = line.strip_prefix(EPOCH_PREFIX) else {
            return Ok(Self { number: 0, secret: Secret::parse(line)?, anchor: None });
        };
        Self::later(rest).ok_or(RingError::Damaged)
    }

    /// What follows the prefix. None when it is damaged.
    fn later(rest: &str) -> Option<Self> {
        let mut parts = rest.split('-');
        let number: u32 = parts.next()?.parse().ok().filter(|number| *number > 0)?;
        // A node id is written the same way: 32 bytes in hex.
        let mut bytes = || parts.next()?.parse::<NodeId>().ok();
        let (NodeId(secret), NodeId(anchor)) = (bytes()?, bytes()?);
        let epoch = Self { number, secret: Secret::of(secret), anchor: Some(Zeroizing::new(anchor)) };
        parts.next().is_none().then_some(epoch)
    }

    fn reveal(&self) -> Zeroizing<String> {
        match (&self.anchor, self.secret.generated()) {
            (Some(anchor), Some(secret)) => {
                let (secret, anchor) = (Zeroizing::new(hex(secret)), Zeroizing::new(hex(anchor.as_ref())));
                Zeroizing::new(format!("{EPOCH_PREFIX}{}-{}-{}", self.number, *secret, *anchor))
            }
            _ => self.secret.reveal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    const FIRST: &str = "hive-secret-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn name() -> NetworkName {
        NetworkName::parse("farm").expect("a network")
    }

    #[test]
    fn a_single_secret_is_epoch_0_and_stays_as_it_is_written() {
        for text in [FIRST, "correct horse battery staple", "# no remark: one line is a secret"] {
            let ring = Ring::parse(&format!("\n{text}\n")).expect("a ring");
            assert_eq!((ring.newest(), ring.reveal().as_str()), (0, format!("{text}\n").as_str()));
        }
        let remark = Ring::parse("# no remark").expect("a passphrase").rotated(&name());
        assert_eq!(remark.err(), Some(RingError::Remark));
    }

    #[test]
    fn a_rotated_ring_keeps_the_older_epochs_and_is_read_in_any_order() {
        let first = Ring::parse(FIRST).expect("a ring");
        let twice = first.rotated(&name()).expect("epoch 1").rotated(&name()).expect("epoch 2");
        let text = twice.reveal();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("hive-epoch-2-") && lines[2].starts_with("hive-epoch-1-"), "{lines:?}");
        assert_eq!(lines[3], FIRST);
        let turned = lines.iter().rev().fold(String::new(), |text, line| text + "\n" + line + "  \n");
        assert_eq!(*Ring::parse(&turned).expect("the same").reveal(), *text);
        let newest = Ring::parse(&twice.reveal_newest()).expect("a line is a ring");
        assert_eq!((newest.newest(), newest.epochs.len()), (2, 1));
        assert_eq!(newest.rotated(&name()).expect("epoch 3").epochs[0].anchor, twice.epochs[0].anchor);
    }

    #[test]
    fn what_is_no_ring_is_refused_without_repeating_it() {
        let line = |epoch: &str| format!("hive-epoch-{epoch}-{}-{}", "a".repeat(64), "b".repeat(64));
        let check = |text: &str, want| {
            let error = Ring::parse(text).expect_err("no ring");
            assert_eq!(error, want, "{text}");
            assert!(!error.to_string().contains("aaaa"), "{error}");
        };
        check("", SecretError::Empty.into());
        check("# only\n# remarks", SecretError::Empty.into());
        check("two words\nand two more", RingError::Twice(0));
        check(&format!("{}\n{}", line("7"), line("7")), RingError::Twice(7));
        check(&line("0"), RingError::Damaged);
        check(&line("x"), RingError::Damaged);
        check(&line("4294967296"), RingError::Damaged);
        check(&(line("1") + "-cc"), RingError::Damaged);
        check("hive-epoch-1-aaaa", RingError::Damaged);
        check(&format!("{FIRST}0\n{}", line("1")), SecretError::Damaged.into());
        let many: String = (1..=40).map(|epoch| line(&epoch.to_string()) + "\n").collect();
        check(&many, RingError::TooMany);
    }

    #[test]
    fn the_newest_epoch_is_not_forgotten() {
        let mut ring = Ring::parse(FIRST).expect("a ring").rotated(&name()).expect("epoch 1");
        assert_eq!(ring.forget(1), Err(ForgetError::Newest(1)));
        assert_eq!(ring.forget(2), Err(ForgetError::Unknown(2)));
        assert_eq!(ring.forget(0), Ok(()));
        assert!(!ring.reveal().contains(FIRST));
    }

    #[test]
    fn a_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("farm.secret");
        std::fs::write(&path, FIRST).expect("written");
        let load = |known| Ring::load(&path, known).expect("a ring");
        let (ring, hash) = load(None).expect("it was never read");
        assert!(load(Some(hash)).is_none(), "nothing new");
        let ring = ring.rotated(&name()).expect("epoch 1");
        ring.store(&path).expect("stored");
        assert_eq!(*load(Some(hash)).expect("something new").0.reveal(), *ring.reveal());
        assert_eq!(path.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1,
            "nothing is left beside it"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_ring_or_refused(text in "(\\PC{0,80}|hive-epoch-[0-9a-f-]{0,140}|\n){0,6}") {
            if let Ok(ring) = Ring::parse(&text) {
                let again = Ring::parse(&ring.reveal()).expect("what is written is read");
                prop_assert_eq!(again.newest(), ring.newest());
            }
        }
    }
}
