//! The test harness: real nodes and servers, hosts in network namespaces, bad weather, guests built once, promises of
//! decoders.
//!
//! What it owns: starting, watching and ending what a test runs against. It speaks to nodes as any client does, and so
//! links `hive-client` and neither the node nor wasmtime. It must not know what a test wants to find out.

pub mod brokers;
pub mod cargo;
pub mod fuzz;
pub mod guests;
pub mod hosts;
pub mod languages;
pub mod nats;
pub mod nodes;
pub mod programs;
pub mod python;
pub mod wait;
pub mod weather;

use std::path::PathBuf;

/// The top of the repository.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or(tests.clone(), PathBuf::from)
}
