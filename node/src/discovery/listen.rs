//! Listening: which nodes say by mDNS that they are here, whatever network they are in.
//!
//! For people who ask; nothing follows from it. What is heard is a claim.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use hive_proto::id::NodeId;
use tokio::time::timeout;

use super::mdns::{KIND, SERVICES_MAX};
use crate::mdns::{Mdns, MdnsError, Reach, Sighting};

/// A node that says it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who it says it is.
    pub node: NodeId,
    /// Where it says it is.
    pub addrs: Vec<SocketAddr>,
}

/// Listens for so long, and says who was heard, this host's own nodes among them.
///
/// # Errors
/// When multicast cannot be used.
pub async fn listen(reach: Reach, within: Duration) -> Result<Vec<Heard>, MdnsError> {
    let mdns = Mdns::start(reach)?;
    let browse = mdns.browse(KIND)?;
    let mut heard: BTreeMap<NodeId, Vec<SocketAddr>> = BTreeMap::new();
    let listening = async {
        while let Some(sighting) = browse.next().await {
            let Sighting::Seen { addrs, texts, .. } = sighting else { continue };
            let node = texts.get("id").and_then(|id| id.parse().ok());
            if let Some(node) = node.filter(|node| heard.len() < SERVICES_MAX || heard.contains_key(node)) {
                heard.insert(node, addrs);
            }
        }
    };
    // It never ends by itself.
    let _ = timeout(within, listening).await;
    mdns.stop(None).await;
    Ok(heard.into_iter().map(|(node, addrs)| Heard { node, addrs }).collect())
}
