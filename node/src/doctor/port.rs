//! The UDP port on which the node of this host takes links: whether it can be had, and answers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    PATIENCE, Subject,
    interface::Interface,
    report::{Cause, Finding, Probe},
};
use crate::{
    config::{ListenSettings, Settings},
    transport::{
        Endpoint, Listen,
        knock::{Heard, knock},
        limits::DEFAULT_PORT,
    },
    trust::identity::Identity,
};

/// Where the node that runs takes links; none: it is offline.
pub(super) fn listen(subject: &Subject) -> Option<SocketAddr> {
    match subject {
        Subject::Running { status, .. } => status.listen.iter().find_map(|addr| addr.parse().ok()),
        Subject::Planned(_) => None,
    }
}

/// Whether the running node answers on its own port. Past this host's firewall is not known here.
pub(super) async fn of_running(subject: &Subject, interfaces: &[Interface], at_home: bool) -> Finding {
    let Some(addr) = listen(subject) else {
        return Finding::fail(Probe::Port, Cause::Listen, "the node takes no links")
            .hint("it was started without a mesh; see `hive-node status`");
    };
    if addr.ip().is_loopback() && !at_home {
        let seen = format!("the node takes links from this host alone, on {addr}");
        let hint = "start it with `hive-node run`, with `dev --join`, or with --listen of another address";
        return Finding::fail(Probe::Port, Cause::Listen, seen).hint(hint);
    }
    let ip = if addr.ip().is_unspecified() { own(interfaces) } else { addr.ip() };
    let port = addr.port();
    let named = match port {
        DEFAULT_PORT => String::new(),
        _ => "; others have to name it, as in --peer HOST:PORT".into(),
    };
    match knock(SocketAddr::new(ip, port), PATIENCE).await.heard {
        Heard::Quic(_) => Finding::ok(Probe::Port, format!("the node answers on UDP {port}{named}")),
        _ => Finding::fail(
            Probe::Port,
            Cause::Listen,
            format!("the node does not answer on its own UDP port {port}"),
        )
        .hint("see whether this host's firewall drops UDP even from itself, or the node hangs: restart it"),
    }
}

/// An address of this host that others would dial.
fn own(interfaces: &[Interface]) -> IpAddr {
    let usable = interfaces.iter().filter(|interface| interface.is_usable());
    let mut addrs = usable.flat_map(|interface| &interface.addrs).map(|(ip, _)| *ip);
    addrs.find(IpAddr::is_ipv4).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// Whether a node could have its port; and an endpoint to look at others with, from that port if it is free, so that
/// what answers passes the same firewall.
pub(super) fn of_planned(settings: &Settings) -> (Finding, Option<Endpoint>) {
    let identity = Identity::ephemeral();
    let listen = match settings.node.listen {
        ListenSettings::Default => Listen::Default,
        ListenSettings::Loopback => Listen::Loopback,
        ListenSettings::Exact(addr) => Listen::Exact(addr),
    };
    match Endpoint::bind(listen, &identity) {
        Ok(endpoint) => {
            let port = endpoint.local_addr().port();
            let finding = match settings.node.listen {
                ListenSettings::Default if port != DEFAULT_PORT => Finding::warn(
                    Probe::Port,
                    format!("UDP {DEFAULT_PORT} is taken, maybe by a node of another user; {port} is free"),
                )
                .hint("name the node that runs with --node, or see who has the port: ss -lunp"),
                _ => Finding::ok(Probe::Port, format!("UDP {port} is free for a node")),
            };
            (finding, Some(endpoint))
        }
        Err(error) => {
            let finding = Finding::fail(Probe::Port, Cause::Listen, error.to_string()).hint(error.hint());
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
            (finding, Endpoint::bind(Listen::Exact(any), &identity).ok())
        }
    }
}
