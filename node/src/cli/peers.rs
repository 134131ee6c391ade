//! `peers`: the neighbours of a node, a line each; or everybody it can reach, and how they are linked.

use std::collections::BTreeMap;

use clap::Args;
use hive_client::types::{Graph, GraphNode, NetworkGraph, PeerStatus};

use super::{Ask, exit::Fault, output};

/// List the nodes that a node is connected to.
#[derive(Debug, Args)]
pub(super) struct Peers {
    /// Show everybody who can be reached, by which neighbour, and who is linked to whom
    #[arg(long)]
    graph: bool,
    #[command(flatten)]
    ask: Ask,
}

impl Peers {
    pub(super) async fn run(self) -> Result<(), Fault> {
        if self.graph {
            let graph = self.ask.client()?.graph().await?;
            return match self.ask.json {
                true => output::json(&graph),
                false => output::bytes(table(&graph).as_bytes()),
            };
        }
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
        short(&peer.id),
        peer.network.clone(),
        peer.addr.clone(),
        rtt,
        output::span(peer.connected_ms),
        peer.sent_events.to_string(),
        peer.received_events.to_string(),
        peer.dropped.to_string(),
    ]
}

fn table(graph: &Graph) -> String {
    let head = ["NAME", "ID", "NETWORK", "BY", "PATTERNS", "LINKED TO"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for network in &graph.networks {
        let names: BTreeMap<&str, &GraphNode> =
            network.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let name = |id: &String| match names.get(id.as_str()) {
            Some(node) => output::one_line(&node.name).into_owned(),
            None => short(id),
        };
        rows.extend(network.nodes.iter().map(|node| graph_row(network, node, name)));
    }
    output::table(&rows)
}

fn graph_row(network: &NetworkGraph, node: &GraphNode, name: impl Fn(&String) -> String) -> Vec<String> {
    let by = match &node.via {
        Some(via) if *via == node.id => "a link".into(),
        Some(via) => name(via),
        None => "-".into(),
    };
    let links: Vec<String> = node.links.iter().map(&name).collect();
    vec![
        output::one_line(&node.name).into_owned(),
        short(&node.id),
        network.network.clone(),
        by,
        node.patterns.to_string(),
        links.join(", "),
    ]
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_says_who_leads_where() {
        let node = |id: &str, name: &str, via: Option<&str>, links: &[&str]| GraphNode {
            id: id.into(),
            name: name.into(),
            via: via.map(Into::into),
            links: links.iter().map(ToString::to_string).collect(),
            patterns: 2,
        };
        let nodes = vec![
            node("aaaaaaaa1", "attic", None, &["bbbbbbbb1"]),
            node("bbbbbbbb1", "stairs", Some("bbbbbbbb1"), &["aaaaaaaa1", "cccccccc1"]),
            node("cccccccc1", "cellar", Some("bbbbbbbb1"), &["bbbbbbbb1", "dddddddd1"]),
        ];
        let graph = Graph {
            v: hive_client::types::V1,
            networks: vec![NetworkGraph { network: "hive".into(), nodes }],
        };
        let lines: Vec<String> =
            table(&graph).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "NAME ID NETWORK BY PATTERNS LINKED TO",
                "attic aaaaaaaa hive - 2 stairs",
                "stairs bbbbbbbb hive a link 2 attic, cellar",
                "cellar cccccccc hive stairs 2 stairs, dddddddd",
            ]
        );
    }
}
