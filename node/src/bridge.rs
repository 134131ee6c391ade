//! Bridges: what joins the mesh with something else, one task a bridge.
//!
//! What it owns: connecting and connecting again, the rules of what crosses and under which name, that nothing comes
//! back to where it was, that of several nodes at one medium one is active, and the counts of all this. A kind of bridge
//! owns only its medium: how it connects, reads and writes. It must not know plugins, clients or peers.
//!
//! To add a kind: a file here with its configuration and its [`Bridge`], its codec in a folder beside it, a line in
//! [`Kind`], one in `running`, a reader of its keys in `config/bridges/`.

mod backlog;
mod carried;
mod desk;
mod elect;
pub mod event_engine;
pub mod eventhive;
mod export;
pub mod hein;
pub mod hive;
mod import;
mod listening;
pub mod mqtt;
pub mod names;
pub mod nats;
pub mod redis;
mod rules;
mod running;
mod sealed;
pub mod spoke;
mod supervise;
#[cfg(test)]
mod tests;
pub mod tls;
pub mod webhook;

use std::{collections::BTreeMap, future::Future, sync::Arc, time::SystemTime};

use hive_proto::{
    channel::NetworkIndex,
    limits::{PAYLOAD_BYTES_MAX, SUBSCRIPTION_QUEUE_BYTES, SUBSCRIPTION_QUEUE_EVENTS},
    plane::queue::QueueLimits,
};

pub use self::{
    desk::Desk,
    export::{Export, Exporter},
    import::{Imported, Importer, Incoming},
    names::NameError,
    rules::{Place, Rule, Rules, begins_literally},
    running::Bridges,
    sealed::Seals,
};
use crate::bus::{Bus, Mark};

/// Bridges of one node.
pub const BRIDGES_MAX: usize = 64;

/// The bridges of a node.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Each with a name of its own.
    pub bridges: Vec<Settings>,
    /// What seals in the networks with a secret; set by the root.
    pub seals: BTreeMap<NetworkIndex, Arc<Seals>>,
}

/// One bridge, whatever its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Names it in status, dead letters (`$dead/NAME`) and rules (`bridge:NAME`).
    pub name: String,
    /// What crosses it, and under which name.
    pub rules: Rules,
    /// What it holds and carries at most.
    pub limits: Limits,
    /// What crosses it is sealed with the secret of this network, and nothing plain comes in.
    pub seal: Option<NetworkIndex>,
    /// What it joins the mesh with.
    pub kind: Kind,
}

/// What a bridge holds and carries at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload; what is larger is a dead letter.
    pub payload_bytes: usize,
    /// Events that wait for the other side.
    pub queue_events: usize,
    /// Their bytes.
    pub queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes: PAYLOAD_BYTES_MAX,
            queue_events: SUBSCRIPTION_QUEUE_EVENTS,
            queue_bytes: SUBSCRIPTION_QUEUE_BYTES,
        }
    }
}

impl Limits {
    fn queue(self) -> QueueLimits {
        QueueLimits { events: self.queue_events, bytes: self.queue_bytes }
    }
}

/// The kinds of bridges, each with what its own keys say.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Two networks of this node.
    Hive(hive::Config),
    /// pyspoke: its clients, or one of its servers.
    Spoke(spoke::Config),
    /// EventHive.
    Eventhive(eventhive::Config),
    /// event-engine.
    EventEngine(event_engine::Config),
    /// hein.
    Hein(hein::Config),
    /// A Redis.
    Redis(redis::Config),
    /// An MQTT broker.
    Mqtt(mqtt::Config),
    /// NATS servers.
    Nats(nats::Config),
    /// A web server, or its clients.
    Webhook(webhook::Config),
}

impl Kind {
    /// The key of its list in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hive(_) => "hive",
            Self::Spoke(_) => "spoke",
            Self::Eventhive(_) => "eventhive",
            Self::EventEngine(_) => "event-engine",
            Self::Hein(_) => "hein",
            Self::Redis(_) => "redis",
            Self::Mqtt(_) => "mqtt",
            Self::Nats(_) => "nats",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Whether what it carries may be sealed: envelopes are taken while they are young, and by this bridge's like.
    #[must_use]
    pub fn can_seal(&self) -> bool {
        match self {
            Self::Hive(_) | Self::Spoke(_) => false,
            Self::Eventhive(_) | Self::EventEngine(_) | Self::Hein(_) => false,
            Self::Redis(config) => config.medium == redis::Medium::Channels,
            Self::Nats(config) => config.jetstream.is_none(),
            // A broker keeps what comes for a session for longer than an envelope is taken.
            Self::Mqtt(config) => !config.place.resume,
            Self::Webhook(_) => true,
        }
    }

    /// Whether all that is to come in can be asked for there.
    ///
    /// # Errors
    /// With the first pattern that cannot.
    pub fn check(&self, rules: &Rules) -> Result<(), NameError> {
        match self {
            Self::Hive(_) | Self::Spoke(_) | Self::Webhook(_) => Ok(()),
            Self::Eventhive(_) | Self::EventEngine(_) | Self::Hein(_) => Ok(()),
            Self::Redis(config) => redis::check(config, rules),
            Self::Mqtt(_) => mqtt::filters(rules).map(drop),
            Self::Nats(_) => nats::subjects(rules).map(drop),
        }
    }
}

/// One kind of bridge.
pub trait Bridge: Send + 'static {
    /// What is on the other side, in words that are the same on every node that joins it, such as its address.
    fn medium(&self) -> String;

    /// Its mark on what comes from there.
    fn mark(&self, bus: &Bus) -> Mark {
        let _ = bus;
        Mark::of(&self.medium())
    }

    /// Whether only one node of the home network may be active for these rules at this medium at a time: wherever two
    /// would say everything twice.
    fn is_exclusive(&self) -> bool;

    /// Whether nothing goes out by the exporter, as each client there has a subscription of its own. Otherwise the
    /// exporter has to be read: what waits there holds publishers up.
    fn has_clients(&self) -> bool {
        false
    }

    /// Connects once, says [`Desk::up`], and carries until the connection ends. When the desk is told to stop, which
    /// also ends the exporter, it has two seconds to write out what it has. Called again after every end.
    fn carry(&mut self, port: &mut Port) -> impl Future<Output = Result<(), Lost>> + Send;
}

/// What a bridge carries with. The parts are apart so that reading and writing can be two futures.
#[derive(Debug)]
pub struct Port {
    /// What it is told and says.
    pub desk: Desk,
    /// What is to go out.
    pub exporter: Exporter,
    /// Where to put what comes in.
    pub importer: Importer,
}

/// Why a connection ended or did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Lost {
    why: String,
    /// Trying again does not help.
    for_good: bool,
}

impl Lost {
    /// It may be better the next time.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: false }
    }

    /// Doing something failed.
    #[must_use]
    pub fn at(what: &str, error: &impl std::fmt::Display) -> Self {
        Self::new(format!("{what}: {error}"))
    }

    /// It will not be better the next time.
    #[must_use]
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: true }
    }
}

/// The wall clock, in milliseconds since the Unix epoch.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
