//! Bridges to pyspoke: `listen` for its clients, or `connect` to a server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Around, Shape};
use crate::{
    bridge::{
        Kind,
        spoke::{Config, DEFAULT_PORT},
    },
    config::{
        problem::Problem,
        section::{Report, Section, text},
        settings::PeerAddress,
        yaml::Value,
    },
};

/// Reads them. Without either key it listens on the loopback.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let listen = keys.read("listen", report, listen);
    let connect = keys.read("connect", report, connect);
    if let (Some(listens), Some(connects)) = (keys.value("listen"), keys.value("connect")) {
        let problem =
            Problem::new(&connects.origin, "a spoke bridge listens or connects, and this one does both");
        report.problems.push(problem.see(&listens.origin, "it listens here").hint("make two bridges of it"));
    }
    let _ = around;
    let is_listener = connect.is_none();
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    let config = match connect {
        Some(PeerAddress { host, port }) => Config::Connect(host, port),
        None => Config::Listen(listen.unwrap_or(loopback)),
    };
    (report.problems.len() == problems).then_some(Shape {
        kind: Kind::Spoke(config),
        network: None,
        prefix: "spoke",
        is_wordless: false,
        is_listener,
    })
}

fn listen(value: &Value) -> Result<SocketAddr, Problem> {
    let given = text(value)?;
    let bare = given.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DEFAULT_PORT));
    bare.or_else(|_| given.parse()).map_err(|_| {
        let shown: String = given.chars().take(60).collect();
        let problem = Problem::new(&value.origin, format!("`{shown}` is no address to listen on"));
        problem.hint("write an address and a TCP port, as in `127.0.0.1:7181`")
    })
}

/// A host with a port, or spoke's own.
fn connect(value: &Value) -> Result<PeerAddress, Problem> {
    let given = text(value)?;
    let has_port = given.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let mut server: PeerAddress =
        given.parse().map_err(|error| Problem::new(&value.origin, format!("{error}")))?;
    if !has_port {
        server.port = DEFAULT_PORT;
    }
    Ok(server)
}
