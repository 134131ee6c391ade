//! Multicast, by which nodes find each other: whether what this host says comes back, and who else is heard.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use super::{
    interface::Interface,
    report::{Cause, Finding, Probe},
};
use crate::{
    discovery::{self, Heard},
    mdns::{MdnsError, Reach, echo},
};

/// How long echoes may take. An announcement is repeated after a second; both may be lost on the air.
const ECHO_TIME: Duration = Duration::from_millis(2500);
/// How long others may take to answer: a query is repeated after a second.
const LISTEN_TIME: Duration = Duration::from_millis(2000);

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Air {
    /// Interfaces by which what was said came back.
    pub(super) echoes: BTreeSet<String>,
    /// Nodes that say they are here.
    pub(super) heard: Vec<Heard>,
    /// Why nothing could be said or heard.
    pub(super) broken: Option<String>,
}

/// Says something on every interface that carries multicast, and listens.
pub(super) async fn listen(interfaces: &[Interface]) -> Air {
    let speaking: Vec<(&str, IpAddr)> = interfaces.iter().filter_map(speaker).collect();
    if speaking.is_empty() {
        return Air::default();
    }
    let addrs: Vec<IpAddr> = speaking.iter().map(|(_, ip)| *ip).collect();
    let reach = Reach { loopback: false, ipv6: true };
    let (echoes, heard) = tokio::join!(echo(&addrs, ECHO_TIME), discovery::listen(reach, LISTEN_TIME));
    let broken = [echoes.as_ref().err(), heard.as_ref().err()].into_iter().flatten().next();
    let broken = broken.map(MdnsError::to_string);
    let echoes = echoes.unwrap_or_default();
    let names = speaking.iter().filter(|(_, ip)| echoes.contains(ip)).map(|(name, _)| (*name).to_owned());
    Air { echoes: names.collect(), heard: heard.unwrap_or_default(), broken }
}

/// An interface others are heard on, and the address to speak from.
fn speaker(interface: &Interface) -> Option<(&str, IpAddr)> {
    let ips = || interface.addrs.iter().map(|(ip, _)| *ip);
    let ip = ips().find(IpAddr::is_ipv4).or_else(|| ips().next())?;
    (interface.is_usable() && interface.shared).then_some((&interface.name, ip))
}

/// Whether multicast works on this host. `own`: the node that runs here. Where nodes are connected all the same, what
/// does not work keeps nobody apart.
pub(super) fn probe(interfaces: &[Interface], air: &Air, own: Option<&str>, connected: bool) -> Finding {
    let speaking: Vec<&str> = interfaces.iter().filter_map(speaker).map(|(name, _)| name).collect();
    if speaking.is_empty() {
        return Finding::skipped(Probe::Multicast, "there is no interface to try it on");
    }
    let bad = |seen: String| match connected || !air.echoes.is_empty() {
        true => Finding::warn(Probe::Multicast, seen),
        false => Finding::fail(Probe::Multicast, Cause::Multicast, seen),
    };
    if let Some(why) = &air.broken {
        return bad(why.clone()).hint("nodes are not found by themselves then; name one with --peer ADDR");
    }
    let deaf: Vec<&str> = speaking.iter().filter(|name| !air.echoes.contains(**name)).copied().collect();
    if !deaf.is_empty() {
        let seen = format!("what this host says by mDNS on {} does not come back to it", deaf.join(", "));
        return bad(seen)
            .hint("let UDP 5353 in and out in this host's firewall, or name a node with --peer ADDR");
    }
    let is_own = |heard: &&Heard| own == Some(heard.node.to_string().as_str());
    let others = air.heard.iter().filter(|heard| !is_own(heard)).count();
    let heard = match others {
        0 => "no other node is heard".into(),
        1 => "one other node is heard".into(),
        _ => format!("{others} other nodes are heard"),
    };
    let seen = format!("mDNS works on {}; {heard}", speaking.join(", "));
    if own.is_some() && !air.heard.iter().any(|heard| is_own(&heard)) {
        return Finding::warn(Probe::Multicast, format!("{seen}, and this host's node says nothing there"))
            .hint("was it started with --no-mdns, or with --listen of an address that others do not see?");
    }
    Finding::ok(Probe::Multicast, seen)
}

#[cfg(test)]
mod tests {
    use hive_proto::id::NodeId;

    use super::*;
    use crate::doctor::{interface::tests::interface, report::Verdict};

    #[test]
    fn silence_is_told_from_deafness() {
        let eth0 = interface("eth0", true, true, &[("10.0.0.1", 24)]);
        let (own, other) = (NodeId([1; 32]), NodeId([2; 32]));
        let heard = |nodes: &[NodeId]| {
            nodes.iter().map(|node| Heard { node: *node, addrs: Vec::new() }).collect::<Vec<_>>()
        };
        let check = |echoes: &[&str], nodes: &[NodeId], connected, verdict, part: &str| {
            let echoes = echoes.iter().map(ToString::to_string).collect();
            let air = Air { echoes, heard: heard(nodes), broken: None };
            let found = probe(std::slice::from_ref(&eth0), &air, Some(&own.to_string()), connected);
            assert_eq!(found.verdict, verdict, "{found:?}");
            assert!(found.seen.contains(part), "{found:?}");
        };
        check(&["eth0"], &[own, other], false, Verdict::Ok, "one other node");
        check(&["eth0"], &[own], false, Verdict::Ok, "no other node");
        check(&["eth0"], &[other], false, Verdict::Warn, "says nothing there");
        check(&[], &[], false, Verdict::Fail, "does not come back");
        check(&[], &[], true, Verdict::Warn, "does not come back");
        let found = probe(&[], &Air::default(), None, false);
        assert_eq!(found.verdict, Verdict::Skipped);
    }
}
