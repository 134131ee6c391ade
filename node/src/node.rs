//! A node: the parts of this crate put together, and the library's face. The program is built on it.
//!
//! What it owns: the composition root ([`Builder::start`]), which hands each part the handles it needs,
//! and the order in which they stop. It exists so that no part knows another.

mod apply;
mod bridges;
mod builder;
mod control;
mod journals;
mod kept;
mod letters;
mod networks;
mod respond;
mod secrets;
mod settings;
mod start;

use std::{net::SocketAddr, sync::Arc, time::Duration};

pub use builder::Builder;
use hive_proto::id::NodeId;
pub use respond::Responder;
pub use settings::SettingsError;
pub use start::StartError;
use tokio_util::sync::CancellationToken;

use crate::{
    api::Api,
    bus::{
        Address, Bus, CallError, Holder, Message, PublishError, Publisher, Receipt, SubscribeError,
        Subscription, Wanted,
    },
    control::{Configured, ControlError, ControlSender, Reloaded},
    status::Boards,
};

/// A running node. Dropping it does not stop it; [`Node::shutdown`] does.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hive_node::Node;
///
/// let node = Node::builder().offline().start().await?;
/// let mut readings = node.subscribe("sensor/*/reading").await?;
/// node.publish("sensor/attic/reading", r#"{"celsius": 21.5}"#).await?;
/// let event = readings.next().await.expect("the node runs").event;
/// assert_eq!(event.channel.as_str(), "sensor/attic/reading");
/// # node.shutdown().await;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct Node {
    bus: Bus,
    boards: Arc<Boards>,
    parts: start::Parts,
    /// What people may ask it to do.
    control: ControlSender,
    /// Cancelled when somebody asked the node to leave.
    leave: CancellationToken,
}

/// Nobody was there in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no peer was connected within {}", crate::units::duration_text(*.0))]
pub struct NoPeer(Duration);

impl Node {
    /// A node with an identity of its own, in the open network `hive`, found by mDNS, without plugins.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its public key.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.bus.node()
    }

    /// Where it takes links; none when it is offline.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.boards.listen.read().first().copied()
    }

    /// What its parts say about themselves.
    #[must_use]
    pub fn boards(&self) -> &Arc<Boards> {
        &self.boards
    }

    /// Its local API, when it serves one.
    #[must_use]
    pub fn api(&self) -> Option<&Api> {
        self.parts.api()
    }

    /// Its data plane, for whoever wants more than the methods here.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Publishes one message. It is in every queue that wants it when this returns.
    ///
    /// # Errors
    /// When the name is no channel or the message breaks a limit.
    pub async fn publish(&self, channel: &str, message: impl Into<Message>) -> Result<Receipt, PublishError> {
        self.bus.publish(&self.bus.address(channel)?, message.into()).await
    }

    /// A publisher that remembers its routes, for many messages.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.bus.publisher()
    }

    /// Reads a channel's name, for [`Publisher::publish`].
    ///
    /// # Errors
    /// When it is none.
    pub fn address(&self, channel: &str) -> Result<Address, PublishError> {
        self.bus.address(channel)
    }

    /// Subscribes to a pattern: `orders/*` (one segment), `orders/**` (any number).
    ///
    /// # Errors
    /// When it is no pattern, or this node holds too many.
    pub async fn subscribe(&self, pattern: &str) -> Result<Subscription, SubscribeError> {
        let wanted = Wanted { scope: self.bus.scope(pattern)?, answers: false, group: None };
        self.bus.subscribe(Holder::Client("library".into()), [wanted]).await
    }

    /// Asks one responder, here or on a peer, and waits for its answer.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use hive_node::{Event, Message, Node};
    /// # let node = Node::builder().offline().start().await?;
    /// let greeter = node.respond("greet/hello", async |event: Event| {
    ///     let name = String::from_utf8_lossy(&event.message.payload);
    ///     Ok(Message::from(format!("Hello, {name}!")))
    /// });
    /// let _greeter = greeter.await?;
    /// let answer = node.call("greet/hello", "Ada", Duration::from_secs(5)).await?;
    /// assert_eq!(answer.payload, "Hello, Ada!");
    /// # node.shutdown().await;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    ///
    /// # Errors
    /// When nobody answers there, the responder failed or rejected it, or time ran out.
    pub async fn call(
        &self,
        channel: &str,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<Message, CallError> {
        self.bus.call(&self.bus.address(channel)?, message.into(), timeout).await
    }

    /// Waits until at least one peer is connected and has said what it wants.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn connected(&self, at_most: Duration) -> Result<(), NoPeer> {
        let peer = async {
            // Boards are read, not watched; connecting takes far longer than one look.
            while !self.boards.peers.read().values().any(|peer| peer.informed) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(at_most, peer).await.map_err(|_| NoPeer(at_most))
    }

    /// Reads its configuration again and has what it says hold, as far as that can be while it runs. What came of it is also
    /// in the log. `check`: only says what it would do.
    ///
    /// # Errors
    /// When the configuration cannot hold, and nothing was changed; when the node has none to read again, or is leaving.
    pub async fn configure(&self, check: bool) -> Result<Configured, ControlError> {
        self.control.configure(check).await
    }

    /// Has a plugin, or all, begin anew with what is there now: a component is loaded again, a process started again. What ran
    /// before goes on until that is ready.
    ///
    /// # Errors
    /// When no plugin has that name, or the node has none or is leaving.
    pub async fn reload(&self, plugin: Option<String>) -> Result<Vec<Reloaded>, ControlError> {
        self.control.reload(plugin).await
    }

    /// Completes when somebody asked the node to leave through its API.
    pub async fn asked_to_leave(&self) {
        self.leave.cancelled().await;
    }

    /// Leaves the mesh and stops every part in order: nothing new is taken, handlers finish what they
    /// have, peers are told.
    pub async fn shutdown(self) {
        self.parts.stop().await;
    }
}
