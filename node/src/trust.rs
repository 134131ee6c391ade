//! Who a node is and what it can prove: its key, and the keys of its networks.
//!
//! What it owns: secrets at rest and in memory. It exists so that nobody else touches key material: the
//! transport asks for proofs, never for keys. It must not know sockets, tasks or events.

pub mod identity;
pub mod may;
pub mod network;
pub mod sign;

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
