//! The node as the SDK sees it: the generated imports inside a node, the fake one everywhere else.
//!
//! The only place that knows which of the two it is.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::hive::node::{config, current, log, node};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{bus, config, current, log, node};

/// The bus with the SDK's own errors.
#[cfg(target_arch = "wasm32")]
pub(crate) mod bus {
    use crate::{Error, Message, bindings::hive::node::bus};

    pub(crate) fn publish(channel: &str, message: &Message) -> Result<String, Error> {
        bus::publish(channel, message).map_err(Error::from)
    }

    pub(crate) fn forward(channel: &str, headers: &[(String, String)]) -> Result<String, Error> {
        bus::forward(channel, headers).map_err(Error::from)
    }

    pub(crate) fn request(channel: &str, message: &Message, timeout_ms: u32) -> Result<Message, Error> {
        bus::request(channel, message, timeout_ms).map_err(Error::from)
    }
}
