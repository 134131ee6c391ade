//! Who a node is and what it can prove: its key, and the keys of its networks.
//!
//! What it owns: secrets at rest and in memory. It exists so that nobody else touches key material: the
//! transport asks for proofs, never for keys. It must not know sockets, tasks or events.

pub mod hidden;
pub mod identity;
pub mod may;
pub mod membership;
pub mod network;
pub mod ring;
pub mod seal;
pub mod secret;
pub mod sign;
pub mod standing;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Random bytes from the operating system, for keys and names.
///
/// # Panics
/// When the operating system has none: nothing a node does afterwards could be trusted.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Lower-case hexadecimal digits, two a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What to do with a file that is already there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// The new one takes its place.
    Replace,
}

/// Writes a private file whole or not at all: a crash leaves the old one, or none, never a part.
fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let fresh = path.with_extension(format!("new-{}", hex(&random_bytes::<4>())));
    let written = write_synced(&fresh, bytes).and_then(|()| match existing {
        Existing::Replace => fs::rename(&fresh, path),
        Existing::Keep => fs::hard_link(&fresh, path).and_then(|()| fs::remove_file(&fresh)),
    });
    if written.is_err() {
        // Best effort: what failed is reported, a leftover is only untidy.
        let _ = fs::remove_file(&fresh);
    }
    written?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
