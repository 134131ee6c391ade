//! What one socket publishes: the bus's publisher, and the last channel.

use std::sync::Arc;

use hive_proto::channel::Address;

use super::super::{
    convert,
    refusal::{Refusal, bad_channel},
};
use crate::bus::{self, Publisher};

/// Publishes of one socket: the routes of the bus's publisher, and the last channel, so that it is read once.
pub(super) struct Publishing {
    publisher: Publisher,
    names: Arc<hive_proto::channel::Names>,
    last: Option<(String, Address)>,
}

impl Publishing {
    pub(super) fn new(bus: &bus::Bus) -> Self {
        Self { publisher: bus.publisher(), names: Arc::new(bus.names().clone()), last: None }
    }

    pub(super) async fn publish(
        &mut self,
        channel: &str,
        retain: bool,
        message: hive_client::Message,
    ) -> Result<bus::Receipt, Refusal> {
        let known = self.last.take().filter(|(name, _)| name == channel);
        let (name, address) = match known {
            Some(known) => known,
            None => {
                let address = self.names.address(channel).map_err(|error| bad_channel(channel, &error))?;
                (channel.to_owned(), address)
            }
        };
        let message = convert::message(message);
        let done = match retain {
            false => self.publisher.publish(&address, message).await,
            true => self.publisher.keep(&address, Some(message), 0),
        };
        self.last = Some((name, address));
        Ok(done?)
    }
}
