//! Redis: its channels, which anybody may publish on and subscribe to and which keep nothing; or its streams, which keep
//! what they are given until each group has acknowledged it.
//!
//! Channels carry a payload and nothing else, so one node is active for the same rules, and what goes out must not be
//! what comes in. A name here is a channel's or a stream's key there, as it is written.

mod channels;
mod link;
pub mod names;
mod reading;
mod resp;
mod streams;

pub(super) use self::{link::Link, reading::Reading, resp::Said};
pub use self::{link::Place, streams::Streams};
use super::{Bridge, Lost, Port, Rules, names::NameError};

/// Which server, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub place: Place,
    /// What is read and written there.
    pub medium: Medium,
}

/// What names stand for on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// Channels.
    Channels,
    /// Streams.
    Streams(Streams),
}

/// Whether all that is to come in can be asked for.
///
/// # Errors
/// With the first pattern that cannot: every one can of channels, and one name of streams.
pub fn check(config: &Config, rules: &Rules) -> Result<(), NameError> {
    match config.medium {
        Medium::Channels => Ok(()),
        Medium::Streams(_) => streams::keys(rules.import.iter().map(|rule| rule.pattern.as_str())).map(drop),
    }
}

/// A bridge to a Redis.
#[derive(Debug)]
pub(super) struct Redis(Config);

impl Redis {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Redis {
    fn medium(&self) -> String {
        let place = &self.0.place;
        match &self.0.medium {
            Medium::Channels => format!("redis {place}"),
            Medium::Streams(streams) => format!("redis {place}/{} {}", place.database, streams.group),
        }
    }

    /// The server gives each entry of a stream to one member of a group by itself.
    fn is_exclusive(&self) -> bool {
        match &self.0.medium {
            Medium::Channels => true,
            Medium::Streams(streams) => streams.alone,
        }
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        match &self.0.medium {
            Medium::Channels => channels::carry(&self.0.place, port).await,
            Medium::Streams(streams) => streams::carry(&self.0.place, streams, port).await,
        }
    }
}
