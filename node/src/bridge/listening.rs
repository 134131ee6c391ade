//! Listening for the clients of a bridge.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpStream};

use super::{Desk, Lost};
use crate::status::BridgeDrop;

/// How long it is waited when there are too many open files.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a listener's counts are brought up to date.
const ACCOUNT_EVERY: Duration = Duration::from_millis(500);

/// Listens at an address.
///
/// # Errors
/// When it cannot be had; it is tried again.
pub async fn listen(addr: SocketAddr) -> Result<TcpListener, Lost> {
    TcpListener::bind(addr).await.map_err(|error| Lost::at(&format!("cannot listen on {addr}"), &error))
}

/// The next client. Cancel-safe.
///
/// # Errors
/// When there will be none any more. What says nothing of the listener (a client that is gone already, too many open
/// files) only takes a moment.
pub async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Err(error) if is_passing(&error) => tokio::time::sleep(PAUSE).await,
            accepted => return accepted,
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let of_system = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
        || of_system.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Keeps a listener's gauge and the count of what its slow clients lost up to date.
pub async fn account(desk: &Desk, look: impl Fn() -> (usize, u64)) {
    loop {
        let (clients, lost) = look();
        desk.traffic().clients.set(u64::try_from(clients).unwrap_or(u64::MAX));
        desk.dropped(BridgeDrop::Slow, lost);
        tokio::time::sleep(ACCOUNT_EVERY).await;
    }
}
