//! A fake node, so that a handler is tested with plain `cargo test`: no WebAssembly, no network.
//!
//! It hands events to the plugin as a node would, by the plugin's own subscriptions, and remembers what the plugin
//! published, asked and logged. It refuses what a node would refuse: a channel that is none, a publish that the plugin
//! did not declare. It knows neither other nodes nor time; what those would say is set beforehand.
//!
//! ```
//! #[hive::plugin("greet/hello", publishes = ["greet/count"])]
//! fn hello(name: String, ctx: &hive::Context) -> hive::Result<String> {
//!     ctx.publish("greet/count", &1)?;
//!     Ok(format!("Hello, {name}!"))
//! }
//!
//! # fn main() {
//! let mut host = hive::testing::Host::new(Plugin);
//! let greeted = host.call("greet/hello", "Ada");
//! assert_eq!(greeted.published_on("greet/count"), [1]);
//! assert_eq!(greeted.answer::<String>(), "Hello, Ada!");
//! # }
//! ```

mod channel;
mod delivered;
mod host;
pub(crate) mod imports;
mod state;
mod world;

pub use delivered::{Delivered, Logged, Sent};
pub use host::Host;
