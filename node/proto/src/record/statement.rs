//! One signed statement, kept as the bytes that were signed: it is forwarded as it came.
//!
//! Layout: node (32 bytes), incarnation, version, number of changes (varints), the changes, root (32 bytes),
//! signature (64 bytes) over everything before it.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Change, FactError, Head, Keys, Root, Signature, stated::Memo};
use crate::{
    channel::NetworkIndex,
    frame::wire::{Reader, WireError, put_varint},
    id::{Incarnation, NodeId},
};

/// Bytes of one statement: what is left of a control frame's 64 KiB is for what stands around it.
pub const STATEMENT_BYTES_MAX: usize = 60 << 10;

/// What a node, its head, the root and the signature take at most.
pub(super) const FRAME_BYTES: usize = 32 + 10 + 10 + 5 + 32 + 64;

/// Changes there is room for before they are read: as many as most statements have.
const CHANGES_EXPECTED: usize = 16;

/// Why bytes are no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// A field is malformed.
    #[error("a malformed statement: {0}")]
    Wire(#[from] WireError),
    /// A change is malformed.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// The signature is not the node's.
    #[error("a statement of node {} that it did not sign", .0.short())]
    Forged(NodeId),
}

/// What one node said at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Who says it.
    pub node: NodeId,
    /// Which of its statements it is.
    pub head: Head,
    /// What changes by it, in order.
    pub changes: Vec<Change>,
    /// The root of all its facts afterwards.
    pub root: Root,
    /// The whole of it, with the signature.
    pub bytes: Bytes,
    /// What it came to, where nodes have it in common.
    pub(super) memo: Memo,
}

impl Statement {
    /// Writes and signs a statement.
    #[must_use]
    pub fn sign(
        keys: &dyn Keys,
        network: NetworkIndex,
        (node, head): (NodeId, Head),
        changes: Vec<Change>,
        root: Root,
    ) -> Self {
        let mut out = BytesMut::new();
        out.put_slice(&node.0);
        put_varint(&mut out, head.incarnation.0);
        put_varint(&mut out, head.version);
        put_varint(&mut out, changes.len() as u64);
        changes.iter().for_each(|change| change.put(&mut out));
        out.put_slice(&root.0);
        let signature = keys.sign(network, &out);
        out.put_slice(&signature);
        Self { node, head, changes, root, bytes: out.freeze(), memo: Memo::default() }
    }

    /// Who says which statement, without reading the rest: most statements that arrive are known already.
    ///
    /// # Errors
    /// When the bytes do not begin like a statement.
    pub fn peek(bytes: &Bytes) -> Result<(NodeId, Head), StatementError> {
        Ok(read_head(&mut Reader::new(bytes))?)
    }

    /// Reads a statement and checks its signature.
    ///
    /// # Errors
    /// When it is malformed or forged.
    pub fn read(keys: &dyn Keys, network: NetworkIndex, bytes: &Bytes) -> Result<Self, StatementError> {
        let mut reader = Reader::new(bytes);
        let (node, head) = read_head(&mut reader)?;
        let signed = bytes.len().checked_sub(size_of::<Signature>()).ok_or(WireError::Truncated)?;
        let (message, signature) = bytes.split_at(signed);
        let signature: &Signature = signature.try_into().map_err(|_| WireError::Truncated)?;
        if !keys.verify(network, node, message, signature) {
            return Err(StatementError::Forged(node));
        }
        let count = reader.length(bytes.len())?;
        let mut changes = Vec::with_capacity(count.min(CHANGES_EXPECTED));
        for _ in 0..count {
            changes.push(Change::read(&mut reader)?);
        }
        let root = Root(reader.array()?);
        let _: Signature = reader.array()?;
        reader.end()?;
        // A copy, because it must not keep all that it came with.
        let bytes = Bytes::copy_from_slice(bytes);
        Ok(Self { node, head, changes, root, bytes, memo: Memo::default() })
    }
}

fn read_head(reader: &mut Reader<'_>) -> Result<(NodeId, Head), WireError> {
    let node = NodeId(reader.array()?);
    let incarnation = Incarnation(reader.varint()?);
    let version = reader.varint()?;
    if version == 0 {
        return Err(WireError::Value("version"));
    }
    Ok((node, Head { incarnation, version }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        group::GroupName,
        interest::{InterestOp, Joined, Wanted},
        pattern::Pattern,
        record::{Description, Own},
    };

    /// A signature is the sum of all bytes, which is enough to see what is covered.
    #[derive(Debug)]
    struct Sum;

    impl Keys for Sum {
        fn sign(&self, _: NetworkIndex, message: &[u8]) -> Signature {
            let sum = message.iter().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
            [sum; 64]
        }

        fn verify(&self, network: NetworkIndex, _: NodeId, message: &[u8], signature: &Signature) -> bool {
            self.sign(network, message) == *signature
        }
    }

    fn change() -> impl Strategy<Value = Change> {
        let pattern = "[a-z]{1,5}/[a-z]{1,5}".prop_map(|text| Pattern::parse(&text).expect("a pattern"));
        let description = ("[a-z]{0,9}", any::<u16>(), any::<bool>(), any::<u64>());
        prop_oneof![
            any::<[u8; 32]>().prop_map(|node| Change::Link(NodeId(node))),
            any::<[u8; 32]>().prop_map(|node| Change::Unlink(NodeId(node))),
            (pattern.clone(), any::<bool>()).prop_map(|(pattern, answers)| Change::Interest(
                InterestOp::Add(Wanted::new(pattern, answers))
            )),
            pattern.clone().prop_map(|pattern| Change::Interest(InterestOp::Remove(pattern))),
            ("[a-z]{1,5}", pattern, 0..3).prop_map(|(group, pattern, kind)| {
                let group = GroupName::parse(&group).expect("a group");
                Change::Interest(match kind {
                    0 => InterestOp::Leave(group, pattern),
                    kind => InterestOp::Join(Joined { group, pattern, answers: kind == 2 }),
                })
            }),
            description.prop_map(|(name, port, v4, features)| {
                let ip = if v4 { [10, 0, 0, 1].into() } else { std::net::IpAddr::from([9; 16]) };
                Change::Describe(Description { name, addrs: vec![(ip, port).into()], features })
            }),
        ]
    }

    fn read(bytes: &Bytes) -> Result<Statement, StatementError> {
        Statement::read(&Sum, NetworkIndex::HOME, bytes)
    }

    proptest! {
        #[test]
        fn what_is_stated_is_read(changes in prop::collection::vec(change(), 1..9)) {
            let mut own = Own::new(NodeId([5; 32]), NetworkIndex::HOME, Incarnation(9));
            changes.iter().for_each(|change| own.note(change.clone()));
            let said = own.say(&Sum);
            prop_assert_eq!(said.len(), 1);
            prop_assert_eq!(&said[0].changes, &changes);
            let head = Head { incarnation: Incarnation(9), version: 1 };
            prop_assert_eq!(Statement::peek(&said[0].bytes), Ok((NodeId([5; 32]), head)));
            prop_assert_eq!(read(&said[0].bytes), Ok(said[0].clone()));
        }

        #[test]
        fn a_damaged_or_cut_statement_is_refused(
            changes in prop::collection::vec(change(), 1..4),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..,
        ) {
            let mut own = Own::new(NodeId([5; 32]), NetworkIndex::HOME, Incarnation(9));
            changes.into_iter().for_each(|change| own.note(change));
            let bytes = own.say(&Sum).remove(0).bytes;
            prop_assert!(read(&bytes.slice(..at.index(bytes.len()))).is_err());
            let mut damaged = bytes.to_vec();
            damaged[at.index(bytes.len())] ^= flip;
            prop_assert!(read(&damaged.into()).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes.clone().into());
            // Signed rightly, they get as far as the changes.
            let signature = Sum.sign(NetworkIndex::HOME, &bytes);
            bytes.extend(signature);
            let _ = read(&bytes.into());
        }
    }

    #[test]
    fn a_large_change_becomes_several_statements() {
        let mut own = Own::new(NodeId([5; 32]), NetworkIndex::HOME, Incarnation(9));
        for n in 0..9_000 {
            let pattern = Pattern::parse(&format!("some/name/{n}")).expect("a pattern");
            own.note(Change::Interest(InterestOp::Add(Wanted::new(pattern, false))));
        }
        let said = own.say(&Sum);
        assert!(said.len() > 1);
        assert!(said.iter().all(|statement| statement.bytes.len() <= STATEMENT_BYTES_MAX));
        assert!(said.windows(2).all(|pair| pair[1].head.follows(pair[0].head)));
        assert_eq!(said.iter().map(|statement| statement.changes.len()).sum::<usize>(), 9_000);
    }
}
