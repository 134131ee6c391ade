//! Transport: bytes to and from a peer whose identity TLS has proved and whose network it has proved itself.
//!
//! What it owns: the UDP socket, TLS, and admission. It exists so that the rest of a node sees a [`Session`] or an
//! error in words. It must not know events, channels, or what is said on the streams after admission.

mod admission;
mod bind;
pub mod endpoint;
pub mod knock;
pub mod limits;
mod tls;

use std::{
    cmp::Ordering,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hive_proto::{channel::NetworkIndex, frame::admission::RefusalReason, id::NodeId};

pub use bind::{BindError, Listen};
pub use endpoint::{Arrival, Endpoint};

pub use crate::trust::membership::Membership;
use crate::{status::Obstacle, trust::standing::Standing};

/// An admitted connection: both ends have proved who they are and that they know the network.
#[derive(Debug)]
pub struct Session {
    /// The other node, as TLS proved it.
    pub peer: NodeId,
    /// The network the connection belongs to.
    pub network: NetworkIndex,
    /// Whether this node opened it.
    pub dialled: bool,
    /// Where the peer's packets come from; IPv4 is written as IPv4.
    pub addr: SocketAddr,
    /// The connection, for data streams; unidirectional ones only.
    pub connection: quinn::Connection,
    /// This side of the control stream. Nothing was written on it after the admission frame.
    pub control_send: quinn::SendStream,
    /// The peer's side of the control stream. Nothing was read from it after the admission frame.
    pub control_recv: quinn::RecvStream,
    /// What both ends have proved of the network's secret, for when it is rotated.
    pub standing: Arc<Standing>,
}

/// What a connection is closed with, as the other side sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// The node leaves.
    Leaving = 0,
    /// Admission was refused.
    Refused = 1,
    /// Another connection to the same node stays.
    Duplicate = 2,
    /// Something was said that the protocol does not allow.
    Protocol = 3,
    /// The node that answered is not the one that was wanted.
    WrongNode = 4,
    /// Admission took too long.
    Timeout = 5,
}

impl From<CloseCode> for quinn::VarInt {
    fn from(code: CloseCode) -> Self {
        Self::from_u32(code as u32)
    }
}

/// Why dialling came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Nothing answers there.
    #[error("cannot reach {addr}: {why}")]
    Unreachable {
        /// The address dialled.
        addr: SocketAddr,
        /// Why, in words.
        why: String,
    },
    /// The address leads back to this node.
    #[error("{addr} is this node itself")]
    Own {
        /// The address dialled.
        addr: SocketAddr,
    },
    /// Another node answers there.
    #[error("the node at {addr} is {found}, and {expected} was expected", found = .found.short(), expected = .expected.short())]
    WrongNode {
        /// The address dialled.
        addr: SocketAddr,
        /// Who should be there.
        expected: NodeId,
        /// Who is, as TLS proved it.
        found: NodeId,
    },
    /// It answered, and said no.
    #[error("refused by {addr}: {why}")]
    Refused {
        /// The address dialled.
        addr: SocketAddr,
        /// Why, for a program.
        reason: RefusalReason,
        /// Why, in words.
        why: String,
    },
    /// Our list of the network's nodes does not have who is there.
    #[error("the node at {addr}, {peer}, is not on this node's list of the network's nodes", peer = .peer.short())]
    NotListed {
        /// The address dialled.
        addr: SocketAddr,
        /// Who is there, as TLS proved it, or who should be.
        peer: NodeId,
    },
    /// It took our proof and gave none.
    #[error("{addr} says yes and does not know the network: it is not trusted")]
    Unproved {
        /// The address dialled.
        addr: SocketAddr,
    },
    /// It speaks QUIC, and not this version of the nodes' protocol.
    #[error(
        "what answers at {addr} does not speak {}: it is another version of hive-node, or another program",
        tls::protocol()
    )]
    OtherProtocol {
        /// The address dialled.
        addr: SocketAddr,
    },
    /// What answers is no node.
    #[error("what answers at {addr} is no hive-node this one can talk to: {why}")]
    NotHive {
        /// The address dialled.
        addr: SocketAddr,
        /// Why, in words.
        why: String,
    },
}

/// Why somebody who connected was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused {who} at {addr}: {why}", who = .peer.map_or_else(|| "a stranger".into(), |peer| peer.short()))]
pub struct AdmitError {
    /// Where it came from.
    pub addr: SocketAddr,
    /// Who it is, if TLS got far enough to prove it.
    pub peer: Option<NodeId>,
    /// Why.
    pub why: AdmitFailure,
}

/// The reasons for not letting somebody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitFailure {
    /// TLS or QUIC did not get to its end.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// It offers no protocol that this node speaks.
    #[error("it does not speak {}: it is another version of hive-node, or another program", tls::protocol())]
    OtherProtocol,
    /// This node dialled itself; harmless.
    #[error("it is this node itself")]
    Own,
    /// Its proof fits none of our networks.
    #[error("it is in none of this node's networks (another name, another secret, or none)")]
    NoSuchNetwork,
    /// It is in one of our networks, with a secret of another epoch.
    #[error("{}", epoch_in_words(*theirs, *ours, admitted))]
    Epoch {
        /// The newest epoch that it offered.
        theirs: u32,
        /// Our newest one.
        ours: u32,
        /// What admits here, in words.
        admitted: String,
    },
    /// It proved one of our networks, and is not on the list of that network's nodes.
    #[error("it is not on this node's list of the network's nodes")]
    NotListed,
    /// It dialled us, and then would not have us.
    #[error("it does not want this node: {0}")]
    Declined(String),
    /// It speaks a version of admission that we do not.
    #[error("it speaks another version of the protocol: {0}")]
    Version(String),
    /// What it sent is no proof.
    #[error("it sent something else than a proof: {0}")]
    Malformed(String),
    /// It said nothing, or too little, in the time allowed.
    #[error("it proved nothing in {0:?}")]
    Silent(std::time::Duration),
    /// It went away while we were talking.
    #[error("it went away: {0}")]
    Gone(String),
}

impl DialError {
    /// The kind of trouble it is.
    #[must_use]
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::Unreachable { .. } => Obstacle::Unreachable,
            Self::Own { .. } => Obstacle::Myself,
            Self::WrongNode { .. } => Obstacle::OtherNode,
            Self::Refused { reason: RefusalReason::NoSuchNetwork, .. } => Obstacle::Network,
            Self::Refused { reason: RefusalReason::Epoch, .. } => Obstacle::Epoch,
            Self::Refused { reason: RefusalReason::NotListed, .. } | Self::NotListed { .. } => {
                Obstacle::NotListed
            }
            Self::Refused { reason: RefusalReason::Version, .. } | Self::OtherProtocol { .. } => {
                Obstacle::Version
            }
            Self::Refused { reason: RefusalReason::Busy, .. } => Obstacle::Busy,
            Self::Refused { .. } => Obstacle::Refused,
            Self::Unproved { .. } => Obstacle::Unproved,
            Self::NotHive { .. } => Obstacle::NoNode,
        }
    }
}

impl AdmitFailure {
    /// The kind of trouble it is.
    #[must_use]
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::NoSuchNetwork => Obstacle::Network,
            Self::Epoch { .. } => Obstacle::Epoch,
            Self::NotListed | Self::Declined(_) => Obstacle::NotListed,
            Self::OtherProtocol | Self::Version(_) => Obstacle::Version,
            Self::Own => Obstacle::Myself,
            Self::Handshake(_) | Self::Malformed(_) => Obstacle::NoNode,
            Self::Silent(_) | Self::Gone(_) => Obstacle::Unreachable,
        }
    }
}

fn epoch_in_words(theirs: u32, ours: u32, admitted: &str) -> String {
    let secret = "of this network's secret";
    match theirs.cmp(&ours) {
        Ordering::Less => {
            format!("it has epoch {theirs} {secret} and none later; this node admits {admitted}")
        }
        Ordering::Equal => {
            format!(
                "its epoch {theirs} {secret} is another one: it was rotated on two hosts, or `network rotate` was told another network"
            )
        }
        Ordering::Greater => {
            format!(
                "it has epoch {theirs} {secret}, and this node admits {admitted}: this node missed a rotation"
            )
        }
    }
}

/// IPv4 behind a dual-stack socket is written as IPv4.
fn plain(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, addr.port())),
        IpAddr::V6(_) => addr,
    }
}
