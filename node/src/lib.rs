//! hive-node: a peer-to-peer event mesh that carries events into sandboxed WebAssembly handlers.
//!
//! What it owns: the modules below, in layers whose arrows only point down (see ARCHITECTURE.md).

pub mod api;
pub mod bench;
pub mod bridge;
pub mod bus;
pub mod cli;
pub mod config;
pub mod control;
pub mod discovery;
pub mod dispatch;
pub mod doctor;
pub mod journal;
pub mod mdns;
pub mod mesh;
pub mod metrics;
pub mod node;
pub mod plugin;
pub mod shutdown;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod toolchain;
pub mod transport;
pub mod trust;
pub mod units;
pub mod watch;

/// The README's programs, so that they are compiled with the documentation's examples.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use bus::{CallError, Delivery, Event, Failure, Message, PublishError, Subscription};
pub use node::{Builder, Node};
