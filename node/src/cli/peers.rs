//! `peers`: the neighbours of a node, a line each.

use clap::Args;
use hive_client::types::PeerStatus;

use super::{Ask, exit::Fault, output};

/// List the nodes that a node is connected to.
#[derive(Debug, Args)]
pub(super) struct Peers {
    #[command(flatten)]
    ask: Ask,
}

impl Peers {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let peers = self.ask.client()?.peers().await?;
        if self.ask.json {
            return output::json(&peers);
        }
        let head = ["NAME", "ID", "NETWORK", "ADDRESS", "RTT", "FOR", "SENT", "RECEIVED", "DROPPED"];
        let mut rows = vec![head.map(String::from).to_vec()];
        rows.extend(peers.peers.iter().map(row));
        output::bytes(output::table(&rows).as_bytes())
    }
}

fn row(peer: &PeerStatus) -> Vec<String> {
    let rtt = peer.rtt_us.map_or_else(|| "-".into(), |us| format!("{us}us"));
    vec![
        output::one_line(&peer.name).into_owned(),
        peer.id.chars().take(8).collect(),
        peer.network.clone(),
        peer.addr.clone(),
        rtt,
        output::span(peer.connected_ms),
        peer.sent_events.to_string(),
        peer.received_events.to_string(),
        peer.dropped.to_string(),
    ]
}
