//! Binding the node's UDP port: which address, which port, and what to say when it is taken.
//!
//! The default port gives way to the next free one, a port somebody asked for does not. What the socket is for is not
//! known here.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use socket2::{Domain, Protocol, Socket, Type};

use super::limits::{DEFAULT_PORT, DEFAULT_PORT_TRIES, SOCKET_BUFFER};

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listen {
    /// Every address, IPv6 and IPv4, on UDP 7182 or the next free port after it.
    #[default]
    Default,
    /// Exactly here; taken is an error. Port 0 is any free one.
    Exact(SocketAddr),
    /// 127.0.0.1 on any free port: a node that only this machine reaches.
    Loopback,
}

/// Why the socket was not bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address asked for is in use.
    #[error("UDP port {port} of {ip} is taken", ip = .addr.ip(), port = .addr.port())]
    Taken {
        /// The address.
        addr: SocketAddr,
    },
    /// The default port and those after it are all in use.
    #[error("UDP ports {first} to {last} are all taken")]
    AllTaken {
        /// The first tried.
        first: u16,
        /// The last tried.
        last: u16,
    },
    /// The address is not of this machine, or may not be used.
    #[error("cannot listen on UDP {addr}: {source}")]
    Address {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gives no socket, or TLS no configuration.
    #[error("cannot open a UDP socket: {source}")]
    Socket {
        /// Why.
        source: io::Error,
    },
}

/// Where a socket that is bound here can be reached from elsewhere.
pub(super) fn reachable_addrs(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let link_local = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = interfaces.iter().filter(|interface| interface.is_oper_up() && !interface.is_loopback());
    let ips = usable.map(if_addrs::Interface::ip).filter(|ip| !link_local(*ip));
    let ips = ips.filter(|ip| bound.is_ipv6() || ip.is_ipv4());
    let mut addrs: Vec<SocketAddr> = ips.map(|ip| SocketAddr::new(ip, bound.port())).collect();
    // Equal sets shall look alike.
    addrs.sort_unstable();
    addrs
}

impl BindError {
    /// What a person may do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "choose another port with --listen, or port 0 for any free one",
            Self::AllTaken { .. } => "choose a port with --listen, or port 0 for any free one",
            Self::Address { .. } => "give --listen an address of this machine, or 0.0.0.0 for all of them",
            Self::Socket { .. } => {
                "see whether this process may open UDP sockets, and how many files it may have open"
            }
        }
    }
}

/// Opens the socket.
pub(super) fn bind_socket(listen: Listen) -> Result<UdpSocket, BindError> {
    match listen {
        Listen::Exact(addr) => bind_one(addr).map_err(|e| bind_error(addr, e)),
        Listen::Loopback => {
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            bind_one(addr).map_err(|e| bind_error(addr, e))
        }
        Listen::Default => bind_default(DEFAULT_PORT),
    }
}

/// IPv6 and IPv4 in one socket where there is IPv6, else IPv4; the first free port.
fn bind_default(first: u16) -> Result<UdpSocket, BindError> {
    let last = first.saturating_add(DEFAULT_PORT_TRIES);
    for port in first..=last {
        let dual = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let bound = match bind_one(dual) {
            Err(e) if e.kind() != io::ErrorKind::AddrInUse => {
                let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
                bind_one(v4).map_err(|e| (v4, e))
            }
            bound => bound.map_err(|e| (dual, e)),
        };
        match bound {
            Ok(socket) => {
                if port != first {
                    tracing::warn!("UDP port {first} is taken; listening on {port} instead");
                }
                return Ok(socket);
            }
            Err((_, e)) if e.kind() == io::ErrorKind::AddrInUse => {}
            Err((addr, e)) => return Err(bind_error(addr, e)),
        }
    }
    Err(BindError::AllTaken { first, last })
}

fn bind_one(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(addr.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    // The kernel caps what it gives; less costs speed under load and nothing else.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

fn bind_error(addr: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { addr },
        _ => BindError::Address { addr, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let addr = socket.local_addr().expect("its address");
        (socket, addr)
    }

    #[test]
    fn a_port_that_was_asked_for_and_is_taken_is_an_error_with_the_port() {
        let (_socket, addr) = taken();
        let error = bind_socket(Listen::Exact(addr)).expect_err("a taken port");
        assert!(matches!(error, BindError::Taken { addr: found } if found == addr), "{error}");
        assert!(error.to_string().contains(&addr.port().to_string()), "{error}");
        assert!(error.hint().contains("--listen"));
    }

    #[test]
    fn an_address_of_another_machine_is_an_error_with_the_address() {
        let addr = "192.0.2.1:7182".parse().expect("an address");
        let error = bind_socket(Listen::Exact(addr)).expect_err("not our address");
        assert!(error.to_string().contains("192.0.2.1:7182"), "{error}");
    }

    #[test]
    fn the_next_free_port_is_taken_when_the_first_is_not_free() {
        let (_socket, addr) = taken();
        let found = bind_default(addr.port()).expect("a free port");
        let port = found.local_addr().expect("its address").port();
        assert!(port > addr.port() && port <= addr.port().saturating_add(DEFAULT_PORT_TRIES), "{port}");
    }

    #[test]
    fn where_there_is_ipv6_one_socket_serves_both() {
        let socket = bind_default(20_000).expect("a free port");
        let addr = socket.local_addr().expect("its address");
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        sender.send_to(b"hello", (Ipv4Addr::LOCALHOST, addr.port())).expect("a datagram");
        let mut buffer = [0; 8];
        let (length, _) = socket.recv_from(&mut buffer).expect("the datagram");
        assert_eq!(&buffer[..length], b"hello");
    }
}
