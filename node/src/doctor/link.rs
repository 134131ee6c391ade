//! The link to another node that was met: whether it is there, and whether the two find each other by themselves.

use hive_client::types::Graph;

use super::{
    Subject,
    interface::{Interface, segment_of},
    multicast::Air,
    network::Met,
    report::{Cause, Finding, Probe},
};

/// Whether this host's node is connected to one that would let it in, and if not, why.
pub(super) fn probe(
    met: &Met,
    subject: &Subject,
    graph: Option<&Graph>,
    air: &Air,
    interfaces: &[Interface],
) -> Finding {
    let heard = air.heard.iter().any(|heard| heard.node.to_string() == met.node);
    let segment = segment_of(interfaces, met.addr.ip());
    let by_peer = format!("or name it: --peer {}", met.addr);
    if let Subject::Running { status, .. } = subject {
        if status.peers.iter().any(|peer| peer.id == met.node) {
            return connected(met, heard, segment);
        }
        let mut nodes =
            graph.into_iter().flat_map(|graph| &graph.networks).flat_map(|network| &network.nodes);
        if nodes.any(|node| node.id == met.node) {
            return Finding::ok(Probe::Link, format!("{} is reached over other nodes", met.name));
        }
    }
    match (heard, segment) {
        (true, _) => match subject {
            Subject::Running { .. } => {
                let seen =
                    format!("{} is heard and lets this node in, and they are not connected yet", met.name);
                Finding::warn(Probe::Link, seen)
                    .hint("look again in a moment; the node's log says what it tries")
            }
            Subject::Planned(_) => {
                Finding::ok(Probe::Link, format!("{} is heard: a node here would find it", met.name))
            }
        },
        (false, Some(interface)) => {
            let seen = format!(
                "{} answers at {}, and its mDNS is not heard on {}: multicast does not get through",
                met.name, met.addr, interface.name
            );
            Finding::fail(Probe::Link, Cause::Multicast, seen).hint(format!(
                "let 224.0.0.251 (UDP 5353) through the switch, the access point and both firewalls, and see that \
                 neither node has --no-mdns; {by_peer}"
            ))
        }
        (false, None) => {
            let seen =
                format!("{} is not on a segment of this host, where multicast would find it", met.name);
            Finding::fail(Probe::Link, Cause::Multicast, seen)
                .hint(format!("start this host's node with --peer {}", met.addr))
        }
    }
}

fn connected(met: &Met, heard: bool, segment: Option<&Interface>) -> Finding {
    match segment.filter(|_| !heard) {
        None => Finding::ok(Probe::Link, format!("connected to {}", met.name)),
        Some(interface) => {
            let seen =
                format!("connected to {}, though its mDNS is not heard on {}", met.name, interface.name);
            Finding::warn(Probe::Link, seen).hint("without --peer the two might not find each other")
        }
    }
}
