//! The client of a running hive-node: its local API over the Unix socket, and that API's versioned types.
//!
//! What it owns: how to find a node of this host, how to ask it, and the shape of everything that is said, which the
//! node itself uses too. It must not know the mesh or the handlers: no wasmtime, no QUIC.
//!
//! ```no_run
//! use hive_client::{CALL_TIMEOUT, Client, Incoming};
//!
//! # async fn example() -> Result<(), hive_client::Error> {
//! let node = Client::find(None)?; // or Client::new("/path/to/node.sock")
//! let mut greetings = node.subscribe(["greetings/*"], hive_client::Terms::default()).await?;
//! node.publish("greetings/world", &"hello".into()).await?;
//! while let Some(incoming) = greetings.next().await? {
//!     match incoming {
//!         Incoming::Event(event) => println!("{}: {:?}", event.channel, event.message.text()),
//!         Incoming::Missed(count) => println!("too slow: {count} events were dropped"),
//!     }
//! }
//! let answer = node.call("greet/hello", &r#"{"name":"Ada"}"#.into(), CALL_TIMEOUT).await?;
//! println!("{:?}", answer.text());
//! # Ok(())
//! # }
//! ```

pub mod external;
pub mod headers;
pub mod locate;
pub mod message;
pub mod socket;
pub mod types;

mod client;
mod error;
mod http;
mod publisher;
mod stream;
mod subscription;

pub use client::{CALL_TIMEOUT, Client};
pub use error::Error;
pub use message::{Event, Message, Request};
pub use publisher::Publisher;
pub use socket::{Failure, Published};
pub use subscription::{Incoming, Subscription, Terms};
pub use types::ApiError;
