//! The way to another host: whether its name has an address, and whether UDP gets there and back.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
};

use futures_util::future::join_all;
use hive_client::types::Status;
use tokio::net::lookup_host;

use super::{
    PATIENCE, Subject,
    interface::{Interface, is_own, segment_of},
    report::{Cause, Finding, Probe},
};
use crate::{
    config::PeerAddress,
    transport::knock::{Heard, Knock, knock},
};

/// Where Linux lists the hosts of its segments.
const ARP_TABLE: &str = "/proc/net/arp";
/// Addresses of one name that are tried.
const ADDRS_MAX: usize = 8;

/// What a person's word for another host stands for: a neighbour's name, a host's name, or an address.
pub(super) async fn resolve(target: &PeerAddress, subject: &Subject) -> (Finding, Vec<SocketAddr>) {
    if let Subject::Running { status, .. } = subject
        && let Some(addr) = neighbour(status, target)
    {
        let seen = format!("{} is a neighbour, at {addr}", target.host);
        return (Finding::ok(Probe::Address, seen), vec![addr]);
    }
    let found = lookup_host((target.host.as_str(), target.port)).await;
    let mut addrs: Vec<SocketAddr> = match found {
        Ok(found) => found.take(ADDRS_MAX).collect(),
        Err(error) => return (unknown(target, &error.to_string()), Vec::new()),
    };
    addrs.sort();
    addrs.dedup();
    if addrs.is_empty() {
        return (unknown(target, "it has no address"), addrs);
    }
    let said: Vec<String> = addrs.iter().map(ToString::to_string).collect();
    let finding = match target.host.parse::<IpAddr>() {
        Ok(_) => Finding::ok(Probe::Address, said.join(", ")),
        Err(_) => Finding::ok(Probe::Address, format!("{} is {}", target.host, said.join(", "))),
    };
    (finding, addrs)
}

fn neighbour(status: &Status, target: &PeerAddress) -> Option<SocketAddr> {
    let peer = status.peers.iter().find(|peer| peer.name == target.host)?;
    peer.addr.parse().ok()
}

fn unknown(target: &PeerAddress, why: &str) -> Finding {
    let seen = format!("{} is no host that can be found: {why}", target.host);
    Finding::fail(Probe::Address, Cause::Name, seen)
        .hint("give its address instead, as in 10.0.0.2; `hive-node status` there says the port")
}

/// The address that leads furthest, and how far UDP gets there.
pub(super) async fn probe(
    about: &str,
    addrs: &[SocketAddr],
    listen: Option<SocketAddr>,
    interfaces: &[Interface],
) -> (Finding, Option<SocketAddr>) {
    let is_this_node = |addr: &SocketAddr| {
        listen.is_some_and(|listen| listen.port() == addr.port()) && is_own(interfaces, addr.ip())
    };
    if let Some(own) = addrs.iter().find(|addr| is_this_node(addr)) {
        let finding =
            Finding::fail(Probe::Way, Cause::Myself, format!("{own} is the node of this host itself"))
                .hint("give the address of the other host");
        return (finding.about(about), None);
    }
    let knocks = join_all(addrs.iter().map(async |addr| (*addr, knock(*addr, PATIENCE).await))).await;
    let Some((addr, knocked)) = knocks.into_iter().max_by_key(|(_, knocked)| how_far(&knocked.heard)) else {
        return (Finding::skipped(Probe::Way, "there is no address to try").about(about), None);
    };
    let knocked = match knocked.heard {
        // The kernel does not tell everybody who asks, but it keeps a list.
        Heard::Silence
            if fs::read_to_string(ARP_TABLE).is_ok_and(|table| is_unanswered(&table, addr.ip())) =>
        {
            Knock { heard: Heard::NoHost("nobody answers to ARP".into()), ..knocked }
        }
        _ => knocked,
    };
    let finding = judge(addr, &knocked, interfaces).about(about);
    // What knocking heard nothing of may still let a node in.
    let worth_a_visit = how_far(&knocked.heard) >= how_far(&Heard::Silence);
    (finding, worth_a_visit.then_some(addr))
}

/// Whether the kernel has asked the segment for an IPv4 address and nobody said that it is theirs. A line is the address,
/// the kind of device, flags (2: answered), the device's address, a mask and the interface.
fn is_unanswered(table: &str, ip: IpAddr) -> bool {
    let ip = ip.to_canonical().to_string();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.any(|fields| matches!(fields[..], [addr, _, "0x0", ..] if addr == ip))
}

fn how_far(heard: &Heard) -> u8 {
    match heard {
        Heard::NoRoute(_) => 0,
        Heard::Forbidden(_) => 1,
        Heard::NoHost(_) => 2,
        Heard::Closed => 3,
        Heard::Silence => 4,
        Heard::Other => 5,
        Heard::Quic(_) => 6,
    }
}

fn judge(addr: SocketAddr, knocked: &Knock, interfaces: &[Interface]) -> Finding {
    let (ip, port) = (addr.ip(), addr.port());
    let segment = segment_of(interfaces, ip);
    let fail = |cause, seen: String| Finding::fail(Probe::Way, cause, seen);
    match &knocked.heard {
        Heard::Quic(after) => {
            let from = knocked.from.map(|from| format!(" from {from}")).unwrap_or_default();
            let ms = after.as_micros() as f64 / 1000.0;
            Finding::ok(Probe::Way, format!("UDP gets through{from}, answered after {ms:.1} ms"))
        }
        Heard::Other => {
            let seen = format!("what answers on UDP port {port} of {ip} is no node");
            fail(Cause::Version, seen).hint("give the node's port; `hive-node status` there says it")
        }
        Heard::Closed => {
            let seen = format!("{ip} is there, and nothing listens on its UDP port {port}");
            fail(Cause::Port, seen)
                .hint("start hive-node there, or give the port it has: `hive-node status` there says it")
        }
        Heard::NoHost(why) => {
            let place = match segment {
                Some(interface) => format!("on the segment of {}", interface.name),
                None => "there".into(),
            };
            let seen = format!("no host answers at {ip} {place}: {why}");
            fail(Cause::Host, seen).hint("is it on, on the same segment, and is this its address?")
        }
        Heard::NoRoute(why) => {
            let seen = format!("this host has no way to {ip}: {why}");
            fail(Cause::Route, seen).hint(format!("see what `ip route get {ip}` says"))
        }
        Heard::Forbidden(why) => {
            let seen = format!("this host may not send to UDP {addr}: {why}");
            fail(Cause::Firewall, seen).hint(format!("let UDP {port} out in this host's own firewall"))
        }
        Heard::Silence => {
            let place = match segment {
                Some(_) => {
                    format!("{ip} is on this segment, and nothing comes back from its UDP port {port}")
                }
                None => format!("nothing comes back from UDP port {port} of {ip}"),
            };
            fail(Cause::Firewall, format!("{place}: it is dropped on the way")).hint(format!(
                "let UDP {port} in through the firewall of the other host, and of what is between"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn each_answer_has_its_cause_and_a_hint() {
        let addr: SocketAddr = "10.0.0.2:7182".parse().expect("an address");
        let check = |heard: Heard, cause: Option<Cause>, part: &str| {
            let found = judge(addr, &Knock { from: None, heard }, &[]);
            assert_eq!(found.cause, cause, "{found:?}");
            assert_eq!(found.hint.is_some(), found.verdict == Verdict::Fail, "{found:?}");
            assert!(found.seen.contains(part), "{found:?}");
        };
        check(Heard::Quic(Duration::from_micros(1_250)), None, "after 1.2 ms");
        check(Heard::Other, Some(Cause::Version), "is no node");
        check(Heard::Closed, Some(Cause::Port), "nothing listens on its UDP port 7182");
        check(Heard::NoHost("no route to host".into()), Some(Cause::Host), "no host answers at 10.0.0.2");
        check(Heard::NoRoute("network is unreachable".into()), Some(Cause::Route), "network is unreachable");
        check(Heard::Forbidden("not permitted".into()), Some(Cause::Firewall), "may not send");
        check(Heard::Silence, Some(Cause::Firewall), "dropped on the way");
    }

    #[test]
    fn who_is_not_there_is_read_from_the_kernels_list() {
        let table = "IP address HW type Flags HW address Mask Device\n\
                     10.0.0.2   0x1 0x0 00:00:00:00:00:00 * eth0\n10.0.0.3 0x1 0x2 da:72:c2:5a:97:7a * eth0\nx";
        let check =
            |ip: &str, want| assert_eq!(is_unanswered(table, ip.parse().expect("an address")), want, "{ip}");
        check("10.0.0.2", true);
        check("::ffff:10.0.0.2", true);
        check("10.0.0.3", false);
        check("10.0.0.4", false);
        check("fd00::2", false);
    }

    #[tokio::test]
    async fn the_address_that_leads_furthest_is_taken() {
        let there = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let silent = there.local_addr().expect("its address");
        let closed = SocketAddr::from(([127, 0, 0, 2], silent.port()));
        let (found, addr) = probe("both", &[closed, silent], None, &[]).await;
        assert_eq!((found.cause, addr), (Some(Cause::Firewall), Some(silent)), "{found:?}");
        let (found, addr) = probe("one", &[closed], None, &[]).await;
        assert_eq!((found.cause, addr), (Some(Cause::Port), None), "{found:?}");
        let (found, _) = probe("own", &[silent], Some(silent), &[]).await;
        assert_eq!(found.cause, Some(Cause::Myself), "{found:?}");
    }
}
