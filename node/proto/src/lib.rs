//! The mesh of hive-node without I/O.
//!
//! What it owns: the words (channels, patterns, ids, events), the frames on the wire, the pure data
//! plane and the control-plane state machine. It must not know sockets, clocks, tasks or ambient
//! randomness: `core::Core::handle(now, input, &mut outbox)` is all there is to drive it.

pub mod channel;
pub mod core;
pub mod event;
pub mod frame;
pub mod gossip;
pub mod group;
pub mod id;
pub mod interest;
pub mod io;
pub mod keys;
pub mod limits;
pub mod membership;
pub mod mix;
pub mod pattern;
pub mod plane;
pub mod record;
pub mod routes;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod time;
pub mod trace;
pub mod trie;
