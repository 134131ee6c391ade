//! Discovery: where other nodes may be, from mDNS and from addresses somebody wrote down.
//!
//! What it owns: the tasks that look, and their words in the log. It hands what it finds to the control plane as
//! [`Input`]s and must not know what becomes of them: who is dialled, and who lets whom in, is decided elsewhere.

mod listen;
mod mdns;
mod peers;

use std::net::SocketAddr;

use hive_proto::{channel::NetworkIndex, id::NodeId, io::Input};
use tokio::sync::mpsc;

pub use listen::{Heard, listen};

use crate::{shutdown::Part, trust::membership::Membership};

/// How to look for other nodes.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Look on the local network, and be found there.
    pub mdns: bool,
    /// Do so on the loopback too.
    pub loopback: bool,
    /// Nodes that are dialled for ever.
    pub peers: Vec<StaticPeer>,
}

/// An address somebody wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticPeer {
    /// The network it is in.
    pub network: NetworkIndex,
    /// A host's name, or an address without brackets.
    pub host: String,
    /// Its UDP port.
    pub port: u16,
}

/// What others have to know of this node to find it.
#[derive(Debug, Clone)]
pub struct Here {
    /// Who it is.
    pub node: NodeId,
    /// Where its endpoint listens.
    pub listen: SocketAddr,
    /// The networks it is in.
    pub memberships: Vec<Membership>,
}

/// Starts looking. What is found goes into `found` until the part stops; a full queue is waited for.
///
/// Never fails: what does not work is one warning in the log, and the node goes on with the rest.
pub fn start(config: Config, here: Here, found: &mpsc::Sender<Input>, part: &Part) {
    if config.mdns {
        part.spawn("mdns", mdns::run(here, config.loopback, found.clone(), part.stop().clone()));
    }
    for peer in config.peers {
        let resolving = peers::run(peer, found.clone());
        let stop = part.stop().clone();
        part.spawn("static peer", async move {
            // None when it was stopped, which is how it ends.
            let _ = stop.run_until_cancelled(resolving).await;
        });
    }
}
