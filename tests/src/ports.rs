//! Ports for programs that have to be told one before they run.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// Below those that the kernel chooses from by itself, so that nobody is given one between its choice and its use.
const FIRST: u16 = 20_000;
/// So many are tried.
const COUNT: u16 = 12_000;

/// A TCP port of the loopback that nobody has, and that no other test of this program is given.
///
/// # Errors
/// When none is free.
pub fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run beside each other begin in different places.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or(0);
    for _ in 0..COUNT {
        let at = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST.saturating_add(at);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}
