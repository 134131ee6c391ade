//! The other node: whether it speaks the same protocol, and is in the same network.

use std::net::SocketAddr;

use hive_client::{
    Client,
    types::{Obstacle, Visit, VisitTry},
};

use super::report::{Cause, Finding, Probe};
use crate::{api::visit_document, mesh::visit::Visitor};

/// How other nodes are looked at: as the node of this host sees them, or as one would that was started now.
#[derive(Debug)]
pub(super) enum Eyes<'a> {
    /// Through the node that runs.
    Node(&'a Client),
    /// By a connection of this program.
    Own(Visitor),
    /// Not at all: no socket is to be had.
    Shut,
}

impl Eyes<'_> {
    /// What is seen at an address; in words when looking itself failed.
    pub(super) async fn visit(&self, addr: SocketAddr) -> Result<Visit, String> {
        match self {
            Self::Node(client) => client.visit(addr).await.map_err(|error| error.to_string()),
            Self::Own(visitor) => Ok(visit_document(addr, visitor.visit(addr).await)),
            Self::Shut => Err("this program has no socket to try it with".into()),
        }
    }
}

/// Who was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Met {
    /// Its id.
    pub(super) node: String,
    /// Its name, or the first digits of its id.
    pub(super) name: String,
    /// How far its clock is ahead.
    pub(super) clock_ms: Option<i64>,
    /// Where.
    pub(super) addr: SocketAddr,
}

/// Who lets this host's node in.
pub(super) fn met(addr: SocketAddr, visit: &Visit) -> Option<Met> {
    let found = visit.tries.iter().find(|each| each.ours && each.obstacle.is_none())?;
    let node = found.node.clone()?;
    let name = found.name.clone().unwrap_or_else(|| node.chars().take(8).collect());
    Some(Met { node, name, clock_ms: found.clock_ms, addr })
}

/// What a visit says about protocol and network.
pub(super) fn probe(about: &str, visit: &Result<Visit, String>) -> Vec<Finding> {
    let visit = match visit {
        Ok(visit) => visit,
        Err(why) => return vec![Finding::skipped(Probe::Network, format!("not tried: {why}")).about(about)],
    };
    let Some(last) = visit.tries.last() else {
        return vec![Finding::skipped(Probe::Network, "not tried: the node here is offline").about(about)];
    };
    let found = match last.obstacle {
        None if last.ours => vec![spoken(), admitted(last)],
        None => vec![spoken(), elsewhere(visit, last)],
        Some(Obstacle::Network) => vec![spoken(), stranger(visit)],
        Some(obstacle) => vec![obstructed(obstacle, last)],
    };
    found.into_iter().map(|finding| finding.about(about)).collect()
}

fn spoken() -> Finding {
    Finding::ok(Probe::Version, "it speaks the same protocol")
}

fn admitted(last: &VisitTry) -> Finding {
    let name = last.name.as_deref().unwrap_or("it");
    Finding::ok(Probe::Network, format!("{name} lets this host into the network {}", last.network))
}

/// An open network let us in that is none of ours.
fn elsewhere(visit: &Visit, found: &VisitTry) -> Finding {
    let name = found.name.as_deref().unwrap_or("the node there");
    if visit.tries.iter().any(|each| each.ours && each.network == found.network) {
        let seen = format!("the network {} has a secret here, and is open there", found.network);
        return Finding::fail(Probe::Network, Cause::Secret, seen)
            .hint(format!("give {name} the same --secret-file, or start this host's node without one"));
    }
    let seen =
        format!("{name} is in the open network {}, and this host is in {}", found.network, ours(visit));
    Finding::fail(Probe::Network, Cause::Network, seen)
        .hint("give both hosts the same --network, and the same --secret-file if it has one")
}

fn stranger(visit: &Visit) -> Finding {
    let seen = format!("it is in no network that is called {} and has this host's secret", ours(visit));
    Finding::fail(Probe::Network, Cause::Secret, seen).hint(
        "compare the secret files of both hosts (sha256sum), and the networks' names: `hive-node status`",
    )
}

fn ours(visit: &Visit) -> String {
    let names: Vec<&str> =
        visit.tries.iter().filter(|each| each.ours).map(|each| each.network.as_str()).collect();
    names.join(" or ")
}

fn obstructed(obstacle: Obstacle, last: &VisitTry) -> Finding {
    let why = last.why.clone().unwrap_or_default();
    let fail = |probe, cause| Finding::fail(probe, cause, why.clone());
    match obstacle {
        Obstacle::Epoch => fail(Probe::Network, Cause::Secret).hint(
            "copy the newest secret file to both hosts: `hive-node network show` says which epochs each has",
        ),
        Obstacle::NotListed => fail(Probe::Network, Cause::Network).hint(
            "add each node's id (`hive-node id`) to `allow` of the network in the other's configuration",
        ),
        Obstacle::Version => fail(Probe::Version, Cause::Version)
            .hint("run the same version of hive-node on both hosts: hive-node -V"),
        Obstacle::NoNode => fail(Probe::Version, Cause::Version)
            .hint("give the node's port; `hive-node status` there says it"),
        Obstacle::Unproved => fail(Probe::Network, Cause::Secret)
            .hint("what answers there does not know the secret: see who has that address"),
        Obstacle::Myself => fail(Probe::Network, Cause::Myself).hint("give the address of the other host"),
        Obstacle::Busy => fail(Probe::Network, Cause::Busy)
            .hint("it has as many connections as it takes; try again, or connect through another node"),
        // Something there has just answered another socket of this host.
        Obstacle::Unreachable => {
            let seen = format!("it answers this host, but not the port that the node has here: {why}");
            Finding::fail(Probe::Network, Cause::Firewall, seen)
                .hint("let UDP to the node's port in through this host's own firewall")
        }
        Obstacle::Network | Obstacle::OtherNode | Obstacle::Refused | Obstacle::Unknown => {
            fail(Probe::Network, Cause::Network).hint("the log of the other node says more")
        }
    }
}

#[cfg(test)]
mod tests {
    use hive_client::types::V1;

    use super::*;

    fn attempt(network: &str, ours: bool, obstacle: Option<Obstacle>) -> VisitTry {
        let node = obstacle.is_none().then(|| "ab".repeat(32));
        let why = obstacle.map(|_| "for a reason".into());
        VisitTry { network: network.into(), ours, obstacle, node, why, ..VisitTry::default() }
    }

    #[test]
    fn another_network_is_told_from_another_secret() {
        let check = |tries: &[VisitTry], cause: Option<Cause>, part: &str| {
            let visit = Visit { v: V1, addr: "10.0.0.2:7182".into(), tries: tries.to_vec() };
            let found = probe("it", &Ok(visit.clone())).pop().expect("a finding");
            assert_eq!(found.cause, cause, "{found:?}");
            assert_eq!(found.hint.is_some(), cause.is_some(), "{found:?}");
            assert!(found.seen.contains(part), "{found:?}");
            let addr = "10.0.0.2:7182".parse().expect("an address");
            assert_eq!(met(addr, &visit).is_some(), cause.is_none());
        };
        let no = Some(Obstacle::Network);
        check(&[attempt("farm", true, None)], None, "into the network farm");
        check(&[attempt("lab", true, no), attempt("farm", true, None)], None, "into the network farm");
        let wrong = [attempt("farm", true, no), attempt("farm", false, no), attempt("hive", false, no)];
        check(&wrong, Some(Cause::Secret), "called farm and has this host's secret");
        let unlocked = [attempt("farm", true, no), attempt("farm", false, None)];
        check(&unlocked, Some(Cause::Secret), "has a secret here, and is open there");
        let untold = [attempt("farm", true, no), attempt("farm", false, no), attempt("hive", false, None)];
        check(&untold, Some(Cause::Network), "in the open network hive, and this host is in farm");
        check(&[attempt("farm", true, Some(Obstacle::Epoch))], Some(Cause::Secret), "for a reason");
        check(&[attempt("farm", true, Some(Obstacle::NotListed))], Some(Cause::Network), "for a reason");
        check(&[attempt("farm", true, Some(Obstacle::Version))], Some(Cause::Version), "for a reason");
        check(&[attempt("farm", true, Some(Obstacle::Unreachable))], Some(Cause::Firewall), "for a reason");
    }
}
