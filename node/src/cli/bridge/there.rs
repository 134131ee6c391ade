//! One end: which network, who is there of it, and what is in the way of those who are not.

use std::{net::SocketAddr, str::FromStr};

use hive_proto::channel::{NetworkIndex, NetworkName};

use crate::{
    config::{self, PeerAddress},
    node::Node,
    status::{Obstacle, TroubleCard},
};

/// One end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) network: NetworkName,
    /// A node of it; none: mDNS finds one.
    pub(super) at: Option<PeerAddress>,
}

impl FromStr for End {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, at) = match text.rsplit_once('@') {
            Some((name, at)) => (name, Some(at)),
            None => (text, None),
        };
        let network = NetworkName::parse(name).map_err(|error| {
            format!("`{name}` cannot name a network: {error}; expected NETWORK or NETWORK@HOST[:PORT]")
        })?;
        let at = at.map(str::parse).transpose();
        Ok(Self { network, at: at.map_err(|error: config::PeerAddressError| error.to_string())? })
    }
}

/// Whether somebody is linked in a network and has said what it wants.
pub(super) fn is_there(node: &Node, network: NetworkIndex) -> bool {
    node.boards().peers.read().iter().any(|((of, _), peer)| *of == network && peer.informed)
}

/// Where an end is dialled; nowhere when its name is none.
pub(super) async fn addrs(end: &End) -> Vec<SocketAddr> {
    let Some(at) = &end.at else { return Vec::new() };
    let found = tokio::net::lookup_host((at.host.as_str(), at.port)).await;
    found.map(Iterator::collect).unwrap_or_default()
}

/// What was in the way of a link in a network the last time: to one of these, or where there are none to anybody.
pub(super) fn trouble(node: &Node, network: NetworkIndex, addrs: &[SocketAddr]) -> Option<TroubleCard> {
    let troubles = node.boards().troubles.read();
    let is_its = |addr: &SocketAddr| addrs.is_empty() || addrs.contains(addr);
    let its = troubles.iter().filter(|((addr, _), card)| card.network == Some(network) && is_its(addr));
    its.map(|(_, card)| card).max_by_key(|card| card.last).cloned()
}

/// Ends when what is looked at here has changed since this was called.
pub(super) fn changed(node: &Node) -> impl Future<Output = ()> {
    let boards = node.boards();
    let changes = (boards.peers.changed(), boards.troubles.changed(), boards.bridges.changed());
    async move {
        tokio::select! {
            () = changes.0 => {}
            () = changes.1 => {}
            () = changes.2 => {}
        }
    }
}

/// Whether it will be so the next time, too.
pub(super) fn is_no(trouble: &TroubleCard) -> bool {
    !matches!(trouble.obstacle, Obstacle::Unreachable | Obstacle::Busy)
}
