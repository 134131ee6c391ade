//! Who and which: node ids, incarnations and event ids. Nothing here says how a key is kept or proved.

use std::{cmp::Ordering, fmt, str::FromStr};

/// A node's ed25519 public key: its identity in every network.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub [u8; 32]);

impl NodeId {
    /// The first eight hex digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.0.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes as numbers, in whose order ids are.
    pub(crate) fn words(&self) -> [u64; 4] {
        let (words, _) = self.0.as_chunks::<8>();
        std::array::from_fn(|at| words.get(at).map_or(0, |word| u64::from_be_bytes(*word)))
    }
}

/// The order of the bytes, compared as numbers: ids are looked up all the time, and mostly the first numbers differ.
impl Ord for NodeId {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.words().cmp(&other.words())
    }
}

impl PartialOrd for NodeId {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut digits, pairs) = ([0; 64], self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]));
        for (digit, value) in digits.iter_mut().zip(pairs) {
            *digit = if value < 10 { b'0' + value } else { b'a' - 10 + value };
        }
        // Digits are text. Written at once, as ids are in every line about an event.
        f.write_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({})", self.short())
    }
}

/// A text that is not 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a node id is 64 hexadecimal digits")]
pub struct NodeIdError;

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(NodeIdError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = str::from_utf8(pair).map_err(|_| NodeIdError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NodeIdError)?;
        }
        Ok(Self(bytes))
    }
}

/// One life of a node: max(stored + 1, wall clock in ms), persisted before use, so that it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Incarnation(pub u64);

/// Which publish: unique in the mesh, and ordered per origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The publishing node.
    pub origin: NodeId,
    /// The life of it.
    pub incarnation: Incarnation,
    /// Counts that life's publishes from 1.
    pub sequence: u64,
}

impl fmt::Display for EventId {
    /// `<node id>-<incarnation>-<sequence>`, all in hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}-{:x}", self.origin, self.incarnation.0, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_ids_are_read_as_they_are_written() {
        let id = NodeId(std::array::from_fn(|i| u8::try_from(i * 7).unwrap_or(255)));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("00070e151c232a31383f464d545b6269"), "{id}");
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(bad.parse::<NodeId>(), Err(NodeIdError), "{bad}");
        }
    }

    #[test]
    fn node_ids_are_in_the_order_of_their_bytes() {
        let mut low = [3; 32];
        for at in 0..32 {
            let mut high = [3; 32];
            (high[at], low[31 - at]) = (4, 9);
            assert_eq!(NodeId(low).cmp(&NodeId(high)), low.cmp(&high));
            assert_eq!(NodeId(high).cmp(&NodeId(high)), Ordering::Equal);
        }
    }
}
