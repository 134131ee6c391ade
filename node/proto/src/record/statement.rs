//! One signed statement, kept as the bytes that were signed: it is forwarded as it came.
//!
//! Layout: node (32 bytes), incarnation, version, number of changes (varints), the changes, root (32 bytes),
//! signature (64 bytes) over everything before it.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Change, FactError, Head, Keys, Root, Signature};
use crate::{
    channel::NetworkIndex,
    frame::wire::{Reader, WireError, put_varint},
    id::{Incarnation, NodeId},
};

/// Bytes of one statement: what is left of a control frame's 64 KiB is for what stands around it.
pub const STATEMENT_BYTES_MAX: usize = 60 << 10;

/// What a node, its head, the root and the signature take at most.
pub(super) const FRAME_BYTES: usize = 32 + 10 + 10 + 5 + 32 + 64;

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
        Self { node, head, changes, root, bytes: out.freeze() }
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
        let mut changes = Vec::new();
        for _ in 0..count {
            changes.push(Change::read(&mut reader)?);
        }
        let root = Root(reader.array()?);
        let _: Signature = reader.array()?;
        reader.end()?;
        Ok(Self { node, head, changes, root, bytes: bytes.clone() })
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
