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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hive_client::Client;
    use hive_proto::id::NodeId;

    use super::*;
    use crate::{
        discovery::Heard,
        doctor::{interface::tests::interface, neighbours::tests::status, report::Verdict},
    };

    #[test]
    fn who_is_not_connected_is_missed_where_multicast_should_reach() {
        let node = NodeId([2; 32]);
        let eth0 = interface("eth0", true, true, &[("10.0.0.1", 24)]);
        let check = |addr: &str, peer: bool, heard: bool, want: (Verdict, Option<Cause>), part: &str| {
            let addr: SocketAddr = addr.parse().expect("an address");
            let met = Met { node: node.to_string(), name: "b".into(), clock_ms: None, addr };
            let (id, air) = (node.to_string(), Heard { node, addrs: vec![addr] });
            let peers: &[&str] = if peer { &[&id] } else { &[] };
            let subject = Subject::Running {
                client: Client::new("nowhere"),
                status: Box::new(status(peers, Vec::new())),
            };
            let air = Air { heard: if heard { vec![air] } else { Vec::new() }, ..Air::default() };
            let found = probe(&met, &subject, None, &air, std::slice::from_ref(&eth0));
            assert_eq!((found.verdict, found.cause), want, "{found:?}");
            assert!(
                found.seen.contains(part) && found.hint.is_some() != (want.0 == Verdict::Ok),
                "{found:?}"
            );
        };
        let (near, far) = ("10.0.0.2:7182", "10.9.0.2:7182");
        let missed = (Verdict::Fail, Some(Cause::Multicast));
        check(near, true, true, (Verdict::Ok, None), "connected to b");
        check(near, true, false, (Verdict::Warn, None), "though its mDNS is not heard on eth0");
        check(far, true, false, (Verdict::Ok, None), "connected to b");
        check(near, false, true, (Verdict::Warn, None), "not connected yet");
        check(near, false, false, missed, "multicast does not get through");
        check(far, false, false, missed, "not on a segment of this host");
    }
}
