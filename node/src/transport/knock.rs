//! Knocking: whether anything answers at a UDP address, and what the network says about it, before QUIC is tried.
//!
//! One datagram of a QUIC version that nobody speaks, which every QUIC server answers with those it does (RFC 9000 §6).
//! A socket of its own is connected to the address, so that the kernel hands over what the network reports. Exists
//! because QUIC itself sees silence where a person needs to know: no route, no host, no such port, or dropped. It must
//! not know nodes.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    net::UdpSocket,
    time::{Instant as TokioInstant, timeout_at},
};

/// How often the datagram is sent again.
const AGAIN: Duration = Duration::from_millis(400);
/// What a server must not answer if it is smaller (RFC 9000 §14.1).
const DATAGRAM_BYTES: usize = 1200;
/// A version that is reserved to be spoken by nobody (RFC 9000 §15).
const NO_VERSION: [u8; 4] = [0x1a, 0x2a, 0x3a, 0x4a];

/// What came of knocking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knock {
    /// The address of this host it went out from; none when there was no way out.
    pub from: Option<IpAddr>,
    /// What was heard.
    pub heard: Heard,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A QUIC server, after so long.
    Quic(Duration),
    /// Something that is no QUIC server.
    Other,
    /// The host says that nobody listens on that port.
    Closed,
    /// The network says that the host cannot be reached, in its words.
    NoHost(String),
    /// This host has no way there, in the kernel's words.
    NoRoute(String),
    /// This host may not send there: a rule of its own forbids it.
    Forbidden(String),
    /// Nothing.
    Silence,
}

/// Knocks until something is heard or `patience` is over.
pub async fn knock(addr: SocketAddr, patience: Duration) -> Knock {
    let socket = match open(addr).await {
        Ok(socket) => socket,
        Err(error) => return Knock { from: None, heard: no_way(&error) },
    };
    let from = socket.local_addr().ok().map(|local| local.ip());
    Knock { from, heard: listen(&socket, patience).await }
}

async fn open(addr: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match addr {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(addr).await?;
    Ok(socket)
}

async fn listen(socket: &UdpSocket, patience: Duration) -> Heard {
    let (started, mut buffer) = (Instant::now(), [0; 2048]);
    let connection = crate::trust::random_bytes::<16>();
    let end = TokioInstant::now() + patience;
    while TokioInstant::now() < end {
        // An error that an earlier datagram brought is reported here or below, whichever comes first.
        if let Err(error) = socket.send(&datagram(&connection)).await {
            return no_way(&error);
        }
        match timeout_at(end.min(TokioInstant::now() + AGAIN), socket.recv(&mut buffer)).await {
            Ok(Ok(length)) => return answer(buffer.get(..length).unwrap_or_default(), started.elapsed()),
            Ok(Err(error)) => return no_way(&error),
            Err(_) => {}
        }
    }
    Heard::Silence
}

/// The first bytes of a long header, and the rest of the datagram.
fn datagram(connection: &[u8; 16]) -> Vec<u8> {
    let (to, from) = connection.split_at(8);
    let mut bytes = vec![0xc0];
    bytes.extend_from_slice(&NO_VERSION);
    for id in [to, from] {
        bytes.push(8);
        bytes.extend_from_slice(id);
    }
    bytes.resize(DATAGRAM_BYTES, 0);
    bytes
}

/// A long header with version 0 is QUIC's answer; whom it is for was the socket's question.
fn answer(bytes: &[u8], after: Duration) -> Heard {
    match bytes {
        [first, 0, 0, 0, 0, ..] if first & 0x80 != 0 => Heard::Quic(after),
        _ => Heard::Other,
    }
}

fn no_way(error: &io::Error) -> Heard {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Heard::Closed,
        io::ErrorKind::HostUnreachable => Heard::NoHost(words(error)),
        io::ErrorKind::PermissionDenied => Heard::Forbidden(words(error)),
        _ => Heard::NoRoute(words(error)),
    }
}

/// Without the number, which means nothing to most.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        transport::{Endpoint, Listen},
        trust::identity::Identity,
    };

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn what_is_there_is_told_apart() {
        let endpoint = Endpoint::bind(Listen::Loopback, &Identity::ephemeral()).expect("an endpoint");
        let knocked = knock(endpoint.local_addr(), SOON).await;
        assert!(matches!(knocked.heard, Heard::Quic(_)), "{knocked:?}");
        assert_eq!(knocked.from, Some(Ipv4Addr::LOCALHOST.into()));

        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
        let addr = silent.local_addr().expect("its address");
        assert_eq!(knock(addr, Duration::from_millis(1)).await.heard, Heard::Silence);
        let parrot = async {
            let mut buffer = [0; 2048];
            // What the impatient one sent is waiting, too.
            loop {
                let (length, from) = silent.recv_from(&mut buffer).await.expect("a datagram");
                let _ = silent.send_to(&buffer[..length], from).await;
            }
        };
        let heard = tokio::select! {
            knocked = knock(addr, SOON) => knocked.heard,
            () = parrot => unreachable!("it never ends"),
        };
        assert_eq!(heard, Heard::Other);
        drop(silent);
        assert_eq!(knock(addr, SOON).await.heard, Heard::Closed);
    }

    #[test]
    fn any_answer_is_something() {
        let after = Duration::from_millis(1);
        assert_eq!(answer(&[0xc0, 0, 0, 0, 0], after), Heard::Quic(after));
        for other in [&[][..], &[0xc0, 0, 0, 0], &[0x40, 0, 0, 0, 0], &[0xc0, 0, 0, 0, 1, 8]] {
            assert_eq!(answer(other, after), Heard::Other, "{other:?}");
        }
    }
}
