//! Nodes on the local network: each announces its id and one mark a network, and dials whose mark it can make too.
//!
//! A mark is an HMAC under the network's key, so onlookers learn neither names nor secrets. Everything heard is a
//! claim until transport has proved it; what is remembered is bounded.

use std::collections::BTreeMap;

use hive_proto::{channel::NetworkIndex, id::NodeId, io::Input};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Here;
use crate::{
    mdns::{Announced, Browse, Mdns, MdnsError, Reach, Service, Sighting, obstacle},
    trust::{hex, membership::Membership},
};

/// The service nodes are.
pub(super) const KIND: &str = "_hive-node._udp.local.";
/// The version of what the texts say.
const VERSION: &str = "1";
/// Services remembered, to know who is meant when one is gone. A LAN has fewer; a flood of names stops here.
pub(super) const SERVICES_MAX: usize = 4096;
/// Bytes of the node id in a service's name: enough to be unique where ids are random.
const NAME_ID_BYTES: usize = 8;

/// Announces this node and reports others until stopped; then says goodbye.
pub(super) async fn run(here: Here, loopback: bool, found: mpsc::Sender<Input>, stop: CancellationToken) {
    let (mdns, announced, browse) = match begin(&here, loopback) {
        Ok(begun) => begun,
        Err(e) => {
            tracing::warn!(
                "nodes on this network will not be found by themselves: {e}; --peer ADDR still works"
            );
            return;
        }
    };
    let mut services = Services::new(here);
    loop {
        let sighting = tokio::select! {
            sighting = browse.next() => sighting,
            () = stop.cancelled() => break,
        };
        let Some(sighting) = sighting else {
            tracing::warn!("looking for nodes on the local network has ended; --peer ADDR still works");
            return;
        };
        for input in services.heard(sighting) {
            // A node that stops takes no more of them.
            let sent = stop.run_until_cancelled(found.send(input)).await;
            if !matches!(sent, Some(Ok(()))) {
                break;
            }
        }
    }
    mdns.stop(Some(announced)).await;
}

fn begin(here: &Here, loopback: bool) -> Result<(Mdns, Announced, Browse), MdnsError> {
    let ip = here.listen.ip();
    let reach = Reach { loopback: loopback || ip.is_loopback(), ipv6: here.listen.is_ipv6() };
    if let Some(why) = obstacle(reach) {
        tracing::warn!("nodes on the local network are not found for now: {why}; --peer ADDR still works");
    }
    let mdns = Mdns::start(reach)?;
    // Looking first: what is there already answers while the announcement is on its way.
    let browse = mdns.browse(KIND)?;
    let announced = mdns.announce(&Service {
        kind: KIND,
        instance: format!("hive-{}", hex(here.node.0.get(..NAME_ID_BYTES).unwrap_or_default())),
        host: None,
        port: here.listen.port(),
        only: (!ip.is_unspecified()).then_some(ip),
        texts: texts(here.node, &here.memberships),
    })?;
    Ok((mdns, announced, browse))
}

/// What this node says of itself: its id, the version, and a mark a network.
fn texts(node: NodeId, memberships: &[Membership]) -> Vec<(String, String)> {
    let fixed = [("v".to_owned(), VERSION.to_owned()), ("id".to_owned(), node.to_string())];
    let marks = memberships.iter().enumerate();
    fixed
        .into_iter()
        .chain(marks.map(|(at, membership)| (format!("n{at}"), membership.key.tag(node))))
        .collect()
}

/// The services heard of, and which nodes they are.
struct Services {
    here: Here,
    /// The nodes by their service's name, with the networks we share.
    known: BTreeMap<String, (NodeId, Vec<NetworkIndex>)>,
}

impl Services {
    fn new(here: Here) -> Self {
        Self { here, known: BTreeMap::new() }
    }

    /// What follows from a sighting.
    fn heard(&mut self, sighting: Sighting) -> Vec<Input> {
        match sighting {
            Sighting::Seen { name, addrs, texts } => {
                let Some((node, shared)) = self.recognise(&texts) else { return Vec::new() };
                let room = self.known.len() < SERVICES_MAX || self.known.contains_key(&name);
                if addrs.is_empty() || !room {
                    return Vec::new();
                }
                tracing::debug!("{} is on the local network at {addrs:?}", node.short());
                let inputs = shared.iter().map(|network| Input::Found {
                    network: *network,
                    node: Some(node),
                    addrs: addrs.clone(),
                    persistent: false,
                });
                let inputs = inputs.collect();
                self.known.insert(name, (node, shared));
                inputs
            }
            Sighting::Gone { name } => {
                let Some((node, shared)) = self.known.remove(&name) else { return Vec::new() };
                // Another service of the same node is a later life of it: that one is still there.
                if self.known.values().any(|(other, _)| *other == node) {
                    return Vec::new();
                }
                shared.into_iter().map(|network| Input::Lost { network, node }).collect()
            }
        }
    }

    /// Which node says this, and the networks it shares with this one; none when it is this node, shares none, or
    /// is no node.
    fn recognise(&self, texts: &BTreeMap<String, String>) -> Option<(NodeId, Vec<NetworkIndex>)> {
        let node: NodeId = texts.get("id")?.parse().ok()?;
        if node == self.here.node || texts.get("v").map(String::as_str) != Some(VERSION) {
            return None;
        }
        let marks = || texts.iter().filter(|(key, _)| key.starts_with('n')).map(|(_, mark)| mark);
        let shared: Vec<_> = (self.here.memberships.iter())
            .filter(|membership| {
                let mark = membership.key.tag(node);
                marks().any(|theirs| *theirs == mark)
            })
            .map(|membership| membership.index)
            .collect();
        (!shared.is_empty()).then_some((node, shared))
    }
}

#[cfg(test)]
mod tests;
