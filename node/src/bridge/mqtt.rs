//! MQTT brokers, in version 5 or 3.1.1: topics are names, `retain` is what is kept, and QoS says how surely a message
//! gets to the broker and from it.
//!
//! Version 5 has headers (user properties), and so says where an event has been; 3.1.1 has none, so that what goes out
//! must not be what comes in. What came with QoS 1 or 2 is confirmed when the node has taken it. One node is active for
//! the same rules: a broker gives each client a copy.

mod link;
pub mod names;
mod place;

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use hive_proto::{pattern::Pattern, time::Hlc};
use rumqttc::{QoS, v5::mqttbytes::v5::PublishProperties};

use self::link::{Arrival, Came, Outgoing, Receipt, Receiver, Sender};
pub use self::place::{Place, Version, Will};
use super::{
    Bridge, Desk, Export, Exporter, Imported, Importer, Incoming, Lost, Port, Rules, carried,
    names::NameError,
};
use crate::{
    bus::{Message, Page, Scope, Trail},
    status::BridgeDrop,
};

/// Which broker, and how surely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub place: Place,
    /// How surely messages go out and come in.
    pub qos: QoS,
}

/// How surely, as it is numbered; what is more than 2 is 2.
#[must_use]
pub fn qos(number: u64) -> QoS {
    match number {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// The filters for what comes in.
///
/// # Errors
/// When a pattern cannot be said, or two overlap: brokers may send what both match twice.
pub fn filters(rules: &Rules) -> Result<Vec<String>, NameError> {
    let patterns: Vec<&Pattern> = rules.import.iter().map(|rule| &rule.pattern).collect();
    for (at, pattern) in patterns.iter().enumerate() {
        if let Some(other) = patterns.iter().take(at).find(|other| other.overlaps(pattern)) {
            let why = format!("`{other}` overlaps with it, and a broker may send what both match twice");
            return Err(NameError::new(pattern.as_str(), why));
        }
    }
    patterns.into_iter().map(names::filter).collect()
}

/// A bridge to a broker.
pub(super) struct Mqtt {
    config: Config,
    /// Made once, so that what the broker has not confirmed is sent again when its session outlives a connection.
    link: Option<(Sender, Receiver)>,
}

impl Mqtt {
    pub(super) fn new(config: Config) -> Self {
        Self { config, link: None }
    }
}

impl Bridge for Mqtt {
    fn medium(&self) -> String {
        format!("mqtt {}", self.config.place.named())
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let carried = self.connection(port).await;
        if carried.is_ok() {
            // It ended with a goodbye: another one after it begins anew.
            self.link = None;
        }
        carried
    }
}

impl Mqtt {
    /// One connection, until it is lost or the bridge ends.
    async fn connection(&mut self, port: &mut Port) -> Result<(), Lost> {
        let Port { desk, exporter, importer } = port;
        let place = &self.config.place;
        let named = format!("the MQTT broker at {}", place.named());
        let lost = |error: String| Lost::at(&named, &error);
        let filters = filters(desk.rules()).map_err(|error| Lost::for_good(error.to_string()))?;
        if self.link.is_none() {
            let opened = link::open(place, &place.client_id(desk));
            self.link = Some(opened.map_err(|error| lost(error.to_string()))?);
        }
        let Some((sender, receiver)) = &mut self.link else { return Ok(()) };
        receiver.connect().await.map_err(lost)?;
        if filters.is_empty() || desk.rules().proxy {
            desk.up(named.clone());
        } else {
            sender.subscribe(&filters, self.config.qos).map_err(|error| lost(error.to_string()))?;
        }
        let mut reader = Reader::new(place, sender, importer, desk);
        let reading = async {
            loop {
                if !receiver.has_more() {
                    reader.importer.hand_over().await;
                }
                let took = match receiver.next().await {
                    Ok(Came::Subscribed) => {
                        desk.up(named.clone());
                        Ok(())
                    }
                    Ok(Came::Refused(why)) => Err(format!("it refuses the subscriptions: {why}")),
                    Ok(came) => reader.take(came).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = took {
                    return error;
                }
            }
        };
        tokio::pin!(reading);
        let writer = Writer { sender, exporter, desk, qos: self.config.qos, version: place.version };
        tokio::select! {
            error = &mut reading => return Err(lost(error)),
            () = writer.run() => {}
        }
        // The goodbye goes behind what is to be written yet, and the broker ends the connection for it.
        let _ = tokio::join!(sender.disconnect(), reading);
        Ok(())
    }
}

/// Topics of which it is remembered that they have a last value there.
const KEPT_TOPICS_MAX: usize = 65_536;

/// Puts what comes in on the bus, and confirms it.
struct Reader<'c> {
    /// None: what is not confirmed now never comes again.
    resumes: bool,
    version: Version,
    sender: &'c Sender,
    importer: &'c mut Importer,
    desk: &'c Desk,
    /// Topics that came as kept since the connection was made.
    kept: HashSet<Bytes>,
    /// Taken, and there was no room to say so yet. As many as the broker sends without being told.
    unconfirmed: VecDeque<Receipt>,
}

impl<'c> Reader<'c> {
    fn new(place: &Place, sender: &'c Sender, importer: &'c mut Importer, desk: &'c Desk) -> Self {
        let (resumes, version) = (place.resume, place.version);
        Self { resumes, version, sender, importer, desk, kept: HashSet::new(), unconfirmed: VecDeque::new() }
    }

    async fn take(&mut self, came: Came) -> Result<(), String> {
        if let Came::Message(arrival) = came {
            let receipt = arrival.receipt;
            let imported = self.import(arrival).await;
            if let (Some(Imported::NotNow(error)), true, Some(_)) = (&imported, self.resumes, receipt) {
                // The broker gives it again, with the next connection.
                return Err(format!("it brings what this node does not take now: {error}"));
            }
            self.unconfirmed.extend(receipt);
        }
        while let Some(receipt) = self.unconfirmed.front() {
            if self.sender.acknowledge(*receipt).is_err() {
                break;
            }
            self.unconfirmed.pop_front();
        }
        Ok(())
    }

    /// None where it is no event, which is counted.
    async fn import(&mut self, mut arrival: Arrival) -> Option<Imported> {
        let payload = std::mem::take(&mut arrival.payload);
        let Ok(name) = str::from_utf8(&arrival.topic) else {
            self.desk.dropped(BridgeDrop::Name, 1);
            return None;
        };
        let read = match &arrival.properties {
            Some(properties) => carried::read(fields(properties), payload),
            None => Ok((Message::new(payload), Trail::default())),
        };
        let (message, trail) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(bridge = self.desk.name(), topic = name, "not an event: {error}");
                self.desk.dropped(BridgeDrop::Garbage, 1);
                return None;
            }
        };
        let is_kept = match self.keeps(&arrival) {
            Keeps::Anew => true,
            Keeps::Not => false,
            // The broker says what it has with each connection.
            Keeps::First if self.has(name, &message) => return None,
            Keeps::First => true,
        };
        // A broker does not say since when it has a value: since now.
        let kept = is_kept.then_some(Hlc(u64::MAX));
        Some(self.importer.import_among(Incoming { trail, kept, ..Incoming::new(name, message) }).await)
    }

    fn keeps(&mut self, arrival: &Arrival) -> Keeps {
        if !arrival.retain {
            // Version 3.1.1 does not say of a new last value that it is one.
            let is_known = self.version == Version::V311 && self.kept.contains(&arrival.topic);
            return if is_known { Keeps::Anew } else { Keeps::Not };
        }
        let is_first = self.kept.len() < KEPT_TOPICS_MAX && self.kept.insert(arrival.topic.clone());
        if is_first { Keeps::First } else { Keeps::Anew }
    }

    /// Whether this is what is kept under this name here.
    fn has(&mut self, name: &str, message: &Message) -> bool {
        let Ok(Some(to)) = self.importer.channel(name) else { return false };
        let Ok(pattern) = Pattern::parse(to.channel.as_str()) else { return false };
        let (scope, page) = (Scope { network: to.network, pattern }, Page { values: 1, bytes: usize::MAX });
        let kept = self.desk.bus().kept_values(&self.desk.actor(), &scope, None, page);
        kept.first().is_some_and(|event| event.message.payload == message.payload)
    }
}

/// Whether a message is its topic's last value from now on.
enum Keeps {
    /// It is not.
    Not,
    /// It is, and it is the first one of this topic since the connection was made: most likely it was so before.
    First,
    /// It is.
    Anew,
}

/// Publishes what goes out.
struct Writer<'c> {
    sender: &'c Sender,
    exporter: &'c mut Exporter,
    desk: &'c Desk,
    qos: QoS,
    version: Version,
}

impl Writer<'_> {
    /// Until there is no more.
    async fn run(self) {
        let Self { sender, exporter, desk, qos, version } = self;
        while let Some(export) = exporter.next().await {
            let mut next = Some(export);
            while let Some(export) = next {
                match outgoing(&export, desk, qos, version) {
                    Ok(outgoing) => {
                        if sender.publish(outgoing).await.is_err() {
                            // Whoever drives the connection says why.
                            return std::future::pending().await;
                        }
                    }
                    Err(error) => exporter.cannot(&export, BridgeDrop::Name, &error.to_string()).await,
                }
                next = exporter.more().await;
            }
            exporter.sent();
        }
    }
}

fn outgoing(export: &Export, desk: &Desk, qos: QoS, version: Version) -> Result<Outgoing, NameError> {
    let topic = names::topic(&export.name)?.to_owned();
    let properties = match version {
        Version::V311 => None,
        Version::V5 => {
            let mut properties = PublishProperties::default();
            for (name, value) in carried::of(export, desk) {
                match name {
                    carried::CONTENT_TYPE => properties.content_type = Some(value.into_owned()),
                    _ => properties.user_properties.push((name.to_owned(), value.into_owned())),
                }
            }
            Some(properties)
        }
    };
    Ok(Outgoing { topic, payload: export.payload().clone(), qos, retain: export.event.retained, properties })
}

/// The fields of what came: the content type has a place of its own.
fn fields(properties: &PublishProperties) -> impl Iterator<Item = (&str, &str)> {
    let content_type = properties.content_type.as_deref().map(|value| (carried::CONTENT_TYPE, value));
    let user = properties.user_properties.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    content_type.into_iter().chain(user)
}
