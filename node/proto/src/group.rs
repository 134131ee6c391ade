//! Groups: sets of subscriptions of which one gets each event. A group is a name; who is in it, its members say.

use std::{fmt, sync::Arc};

use crate::{
    channel::{ChannelError, check_segment},
    id::NodeId,
};

/// Between a reader's name and its node.
const READER_AT: char = '@';
/// Hex digits of the node's id: nobody meets another with the same 64 bits by chance.
const READER_NODE_DIGITS: usize = 16;

/// A group's name: like one segment of a channel, 1 to 64 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Arc<str>);

impl GroupName {
    /// Checks a name.
    ///
    /// # Errors
    /// Says which rule of the segment grammar it breaks.
    pub fn parse(name: &str) -> Result<Self, ChannelError> {
        check_segment(name)?;
        match name.contains('/') {
            true => Err(ChannelError::Character('/')),
            false => Ok(Self(name.into())),
        }
    }

    /// The group of one subscriber that wants what was published since then, too. Its name says when it begins, so
    /// that every node with a journal knows, also one that comes later. `own` makes it different from all others.
    #[must_use]
    pub fn replay(since_ms: u64, own: u64) -> Self {
        Self(format!("~{since_ms:x}-{own:x}").into())
    }

    /// When such a group begins, in milliseconds since the Unix epoch; none for every other.
    #[must_use]
    pub fn replays_from_ms(&self) -> Option<u64> {
        let (since, _) = self.0.strip_prefix('~')?.split_once('-')?;
        u64::from_str_radix(since, 16).ok()
    }

    /// The group of one reader on one node, of that name: it has every event of a durable channel, and goes on where it
    /// left off.
    ///
    /// # Errors
    /// As for [`GroupName::parse`]; a reader's name has at most 47 bytes and no `@`.
    pub fn reader(name: &str, node: NodeId) -> Result<Self, ChannelError> {
        Self::parse(name)?;
        if name.contains(READER_AT) {
            return Err(ChannelError::Character(READER_AT));
        }
        Self::parse(&format!("{name}{READER_AT}{}", &node.to_string()[..READER_NODE_DIGITS]))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment() {
        let replay = GroupName::replay(1_000, 7);
        assert_eq!((replay.as_str(), replay.replays_from_ms()), ("~3e8-7", Some(1_000)));
        assert_eq!(GroupName::parse("~3e8-7"), Ok(replay));
        assert_eq!(GroupName::parse("billing").expect("a name").replays_from_ms(), None);
        assert_eq!(GroupName::parse("billing").expect("a name").as_str(), "billing");
        let reader = GroupName::reader("audit", NodeId([0xab; 32])).expect("a reader");
        assert_eq!((reader.as_str(), reader.replays_from_ms()), ("audit@abababababababab", None));
        assert!(GroupName::reader(&"x".repeat(47), NodeId([1; 32])).is_ok());
        for bad in ["a@b", "a/b", "", &"x".repeat(48)] {
            assert!(GroupName::reader(bad, NodeId([1; 32])).is_err(), "{bad}");
        }
        for bad in ["", "a/b", "a b", "*", "a\n", &"x".repeat(65)] {
            assert!(GroupName::parse(bad).is_err(), "{bad}");
        }
    }
}
