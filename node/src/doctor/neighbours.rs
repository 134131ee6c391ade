//! The neighbours of this host's node, and who was turned away lately.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use hive_client::types::{Obstacle, Status, Trouble};

use super::report::{Cause, Finding, Probe};

/// Troubles that are older say little about now.
const LATELY_MS: u64 = 10 * 60 * 1000;

/// Whom the node is connected to.
pub(super) fn probe(status: &Status) -> Finding {
    let names: BTreeSet<&str> = status.peers.iter().map(|peer| peer.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0 => Finding::warn(Probe::Neighbours, "none")
            .hint("to see why, name another host that runs a node: hive-node doctor ADDRESS"),
        1..=5 => Finding::ok(Probe::Neighbours, names.join(", ")),
        count => Finding::ok(Probe::Neighbours, format!("{count}, among them {}", names[..5].join(", "))),
    }
}

/// Addresses that the node has dialled in vain lately, and is not connected to.
pub(super) fn dialled_in_vain(status: &Status) -> Vec<SocketAddr> {
    let connected = connected(status);
    let lately = status.troubles.iter().filter(|trouble| trouble.dialled && trouble.ago_ms < LATELY_MS);
    let addrs = lately.filter_map(|trouble| trouble.addr.parse().ok());
    addrs.filter(|addr: &SocketAddr| !connected.contains(&addr.ip())).collect()
}

/// Who came and was turned away lately, by host; hosts that the node is connected to by now, and those that were
/// looked at already, are left out.
pub(super) fn refused(status: &Status, looked_at: &BTreeSet<IpAddr>) -> Vec<Finding> {
    let connected = connected(status);
    let mut hosts: BTreeMap<IpAddr, &Trouble> = BTreeMap::new();
    for trouble in status.troubles.iter().filter(|trouble| !trouble.dialled && trouble.ago_ms < LATELY_MS) {
        let Ok(addr) = trouble.addr.parse::<SocketAddr>() else { continue };
        if connected.contains(&addr.ip()) || looked_at.contains(&addr.ip()) {
            continue;
        }
        let newest = hosts.entry(addr.ip()).or_insert(trouble);
        if trouble.ago_ms < newest.ago_ms {
            *newest = trouble;
        }
    }
    hosts.into_iter().map(|(ip, trouble)| refusal(ip, trouble, status.peers.is_empty())).collect()
}

/// A node that has company may well be right to turn somebody away; one that is alone is asked why.
fn refusal(ip: IpAddr, trouble: &Trouble, alone: bool) -> Finding {
    let times = match trouble.times {
        0 | 1 => String::new(),
        times => format!(" {times} times"),
    };
    let seconds = trouble.ago_ms / 1000;
    let seen = format!("turned away{times}, {seconds} s ago: {}", trouble.why);
    let (cause, hint) = match trouble.obstacle {
        Obstacle::Network => {
            (Some(Cause::Secret), "give both hosts the same --network and the same --secret-file")
        }
        Obstacle::Epoch => (
            Some(Cause::Secret),
            "copy the newest secret file to both hosts: `hive-node network show` says which epochs each has",
        ),
        Obstacle::NotListed => (
            Some(Cause::Network),
            "add each node's id (`hive-node id`) to `allow` of the network in the other's configuration",
        ),
        Obstacle::Version => (Some(Cause::Version), "run the same version of hive-node on both hosts"),
        Obstacle::Unreachable => (
            Some(Cause::Firewall),
            "what it sends arrives here, the answers do not arrive there: let UDP in through its firewall",
        ),
        _ => (None, "see what runs there: it speaks to this node's port"),
    };
    let finding = match cause.filter(|_| alone) {
        Some(cause) => Finding::fail(Probe::Refused, cause, seen),
        None => Finding::warn(Probe::Refused, seen),
    };
    finding.about(ip.to_string()).hint(hint)
}

fn connected(status: &Status) -> BTreeSet<IpAddr> {
    let addrs = status.peers.iter().filter_map(|peer| peer.addr.parse::<SocketAddr>().ok());
    addrs.map(|addr| addr.ip()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    /// A node with these neighbours, whose ids and names are their addresses.
    pub(in crate::doctor) fn status(peers: &[&str], troubles: Vec<Trouble>) -> Status {
        let peers: Vec<_> = peers
            .iter()
            .map(|addr| {
                serde_json::json!({
                    "id": addr, "name": addr, "network": "hive", "addr": addr, "dialled": true, "since_ms": 0,
                    "connected_ms": 0, "patterns": 0, "sent_events": 0, "sent_bytes": 0, "received_events": 0,
                    "received_bytes": 0, "queued": 0, "dropped": 0,
                })
            })
            .collect();
        let node = serde_json::json!({
            "id": "", "name": "a", "version": "1", "incarnation": 1, "started_ms": 0, "uptime_ms": 0,
        });
        let status = serde_json::json!({
            "v": 1, "node": node, "listen": [], "networks": [], "peers": peers, "plugins": [], "events": {},
            "troubles": troubles,
        });
        serde_json::from_value(status).expect("a status")
    }

    fn trouble(addr: &str, dialled: bool, obstacle: Obstacle, ago_ms: u64) -> Trouble {
        let (why, addr) = ("a reason".into(), addr.into());
        Trouble { addr, dialled, node: None, obstacle, why, times: 2, ago_ms }
    }

    #[test]
    fn who_was_turned_away_is_judged_by_whether_anybody_was_not() {
        let check = |peers: &[&str], trouble: Trouble, want: &[(Verdict, Option<Cause>)]| {
            let found =
                refused(&status(peers, vec![trouble]), &BTreeSet::from([IpAddr::from([10, 0, 0, 9])]));
            let found: Vec<_> = found.iter().map(|finding| (finding.verdict, finding.cause)).collect();
            assert_eq!(found, want);
        };
        let stranger = |ago_ms| trouble("10.0.0.2:7182", false, Obstacle::Network, ago_ms);
        check(&[], stranger(1), &[(Verdict::Fail, Some(Cause::Secret))]);
        check(&["10.0.0.3:7182"], stranger(1), &[(Verdict::Warn, None)]);
        check(&["10.0.0.2:7182"], stranger(1), &[]);
        check(&[], stranger(LATELY_MS), &[]);
        check(&[], trouble("10.0.0.9:7182", false, Obstacle::Network, 1), &[]);
        check(
            &[],
            trouble("10.0.0.2:1", false, Obstacle::Version, 1),
            &[(Verdict::Fail, Some(Cause::Version))],
        );
        check(&[], trouble("10.0.0.2:1", false, Obstacle::NoNode, 1), &[(Verdict::Warn, None)]);
        check(&[], trouble("10.0.0.2:1", true, Obstacle::Network, 1), &[]);
    }

    #[test]
    fn what_was_dialled_in_vain_is_looked_at() {
        let lost = || trouble("10.0.0.2:7182", true, Obstacle::Unreachable, 1);
        let addr: SocketAddr = "10.0.0.2:7182".parse().expect("an address");
        assert_eq!(dialled_in_vain(&status(&[], vec![lost()])), [addr]);
        assert_eq!(dialled_in_vain(&status(&["10.0.0.2:7182"], vec![lost()])), []);
    }
}
