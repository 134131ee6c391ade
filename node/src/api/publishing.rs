//! What one socket publishes: the bus's publisher, the last channel, and what waits for its turn.

use std::{collections::VecDeque, sync::Arc};

use hive_proto::channel::Address;

use super::{
    convert,
    refusal::{Refusal, bad_channel},
};
use crate::bus::{self, Begun, Message, Publisher};

/// Publishes of one socket that may wait for the disk, so that they share a sync; past it nothing more is read.
const WAITING_MAX: usize = 1024;

/// Publishes of one socket: the routes of the bus's publisher, and the last channel, so that it is read once.
pub(super) struct Publishing {
    publisher: Publisher,
    names: Arc<hive_proto::channel::Names>,
    last: Option<(String, Address)>,
    /// In the order in which the client said them, in which it hears of them, too.
    waiting: VecDeque<Waiting>,
}

/// A publish that has not had its turn.
enum Waiting {
    Begun(Begun),
    /// A value to be kept.
    Keep(Address, Message, u8),
    Refused(Refusal),
}

impl Publishing {
    pub(super) fn new(bus: &bus::Bus) -> Self {
        Self::of(bus, bus.publisher())
    }

    /// What somebody publishes who is no client.
    pub(super) fn of(bus: &bus::Bus, publisher: Publisher) -> Self {
        let names = Arc::new(bus.names().clone());
        Self { publisher, names, last: None, waiting: VecDeque::new() }
    }

    /// Whether nothing more is taken until something has had its turn.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    /// Waits until the oldest publish that waits can be finished; for ever when there is none. Cancel-safe.
    pub(super) async fn ready(&mut self) {
        match self.waiting.front_mut() {
            Some(Waiting::Begun(begun)) => begun.on_disk().await,
            Some(Waiting::Keep(..) | Waiting::Refused(_)) => {}
            None => std::future::pending().await,
        }
    }

    /// Finishes the oldest publish that waits; none when there is none.
    pub(super) async fn finish(&mut self) -> Option<Result<bus::Receipt, Refusal>> {
        Some(match self.waiting.pop_front()? {
            Waiting::Begun(begun) => self.publisher.finish(begun).await.map_err(Refusal::from),
            Waiting::Keep(address, message, depth) => {
                self.publisher.keep(&address, Some(message), depth).map_err(Refusal::from)
            }
            Waiting::Refused(refusal) => Err(refusal),
        })
    }

    /// Publishes. None when something has to be waited for first: the disk, or what the client has published before.
    pub(super) async fn publish(
        &mut self,
        channel: &str,
        retain: bool,
        message: hive_client::Message,
    ) -> Option<Result<bus::Receipt, Refusal>> {
        let address = self.address(channel);
        self.publish_from(address, retain, message, 0).await
    }

    /// The same for what an event of this depth has caused, where that was not refused before.
    pub(super) async fn publish_from(
        &mut self,
        address: Result<Address, Refusal>,
        retain: bool,
        message: hive_client::Message,
        depth: u8,
    ) -> Option<Result<bus::Receipt, Refusal>> {
        let waiting = address.and_then(|address| self.begin(&address, retain, message, depth));
        let waiting = waiting.unwrap_or_else(Waiting::Refused);
        let waits =
            !self.waiting.is_empty() || matches!(&waiting, Waiting::Begun(begun) if begun.is_for_disk());
        self.waiting.push_back(waiting);
        if waits { None } else { self.finish().await }
    }

    /// Reads a channel's name; the last one is known.
    pub(super) fn address(&mut self, channel: &str) -> Result<Address, Refusal> {
        if let Some((name, address)) = &self.last
            && name == channel
        {
            return Ok(address.clone());
        }
        let address = self.names.address(channel).map_err(|error| bad_channel(channel, &error))?;
        self.last = Some((channel.to_owned(), address.clone()));
        Ok(address)
    }

    fn begin(
        &mut self,
        address: &Address,
        retain: bool,
        message: hive_client::Message,
        depth: u8,
    ) -> Result<Waiting, Refusal> {
        let message = convert::message(message);
        Ok(match retain {
            false => Waiting::Begun(self.publisher.begin_from(address, message, depth)?),
            true => Waiting::Keep(address.clone(), message, depth),
        })
    }
}
