//! Bridges to pyspoke: a listener that its clients and commands take for a spoke-server, and a client of a real one.
//!
//! What crosses is JSON: a body is a payload, what a head says beyond its channel is kept in a header. `persist` is a
//! kept value. A channel `foo` there is `spoke/foo` here. Calls are calls on both sides: a caller there is answered by
//! whoever answers on `spoke/foo`, and a provider there answers on it.

mod calls;
mod client;
mod connect;
mod frame;
mod json;
mod listen;
mod name;
mod pulse;
mod say;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub(super) use self::{connect::Connector, listen::Listener};

/// Where spoke-servers listen when nobody says.
pub const DEFAULT_PORT: u16 = 7181;

/// What is on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// Clients, which find this node here.
    Listen(SocketAddr),
    /// A server at this host and port.
    Connect(String, u16),
}

/// Bytes of a frame beyond its body: its head.
const HEAD_BYTES_MAX: usize = 64 << 10;
