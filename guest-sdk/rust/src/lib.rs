//! Write hive-node handlers in Rust.
//!
//! Owns what a handler's author sees: the `#[hive::plugin]` macro, the [`Context`] of an event, how payloads become
//! values and values become answers, and a [fake node](testing) for unit tests. It exists so that a handler is a plain
//! function. It must know nothing of how a node works: `wit/` is all that the two share.
//!
#![doc = include_str!("../README.md")]

// The generated export macros and `#[hive::plugin]` say `hive::`, also in this crate's own tests.
extern crate self as hive;

#[doc(hidden)]
#[rustfmt::skip]
#[expect(unsafe_code, unused_qualifications, clippy::allow_attributes, clippy::allow_attributes_without_reason, clippy::uninlined_format_args, reason = "generated")]
pub mod bindings;
#[doc(hidden)]
#[rustfmt::skip]
#[expect(unsafe_code, unused_qualifications, clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod bindings_startup;
#[doc(hidden)]
#[rustfmt::skip]
#[expect(unsafe_code, unused_qualifications, clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated")]
pub mod bindings_snapshot;

mod answer;
mod bus;
pub mod config;
mod context;
mod error;
mod failure;
mod imports;
mod json;
pub mod log;
mod message;
pub mod node;
mod payload;
mod plugin;
mod secrets;
mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[doc(hidden)]
pub mod __private;

pub use answer::IntoAnswer;
pub use bindings::{
    exports::hive::node::handler::{Delivery, Description, Instances, Subscription, Timer, TimerScope},
    hive::node::{
        bus::Kept,
        types::{Event, Message},
    },
};
pub use bindings_snapshot::exports::hive::node::snapshot::Saved;
pub use bus::{Answer, Answers, KeptValues};
pub use context::Context;
pub use error::{CallError, Error};
pub use failure::{Failure, OrReject, Result, reject, retry, retry_after};
pub use hive_guest_macros::{on, plugin, restore, save, start, tick};
pub use payload::{BorrowPayload, FromEvent};
pub use plugin::Plugin;
pub use secrets::secret;
pub use serde_json::{Value, json};
pub use state::{Keys, State, once, once_for, state};
