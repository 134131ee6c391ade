//! Bridges to EventHive: as the WebSocket server that its connectors connect to, as one of those connectors, and over
//! Redis.
//!
//! A name beyond is EventHive's own: network, receiver, event. What is sent says in its metadata where it has been, so
//! that it is let in once wherever several nodes hear it. Other EventHives pay no attention to that.

mod client;
mod found;
mod hub;
mod payload;
mod python;
mod redis;
mod rpc;
mod secret;
mod serve;

use std::{net::SocketAddr, time::Duration};

pub use self::{
    client::Endpoint,
    payload::{Form, METADATA_HEADER},
    python::{Fields, Layout, dumps},
    secret::Secret,
};
use self::{
    client::{ClientError, Listener, Publisher},
    hub::Published,
};
use super::{Bridge, Desk, Export, Exporter, Importer, Incoming, Lost, Port, redis::Place};
use crate::{
    bus::{Bus, Failure, Mark, Message},
    status::BridgeDrop,
};

/// Where EventHive's servers listen.
pub const DEFAULT_PORT: u16 = 8085;
/// The path of their endpoint.
pub const DEFAULT_PATH: &str = "/pubsub";

/// One bridge to EventHive.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How it is reached.
    pub way: Way,
    /// How its messages look.
    pub form: Form,
}

/// How EventHive is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// Its connectors connect here.
    Listen(Listen),
    /// A server of its own is connected to.
    Server(Endpoint),
    /// The same, where mDNS says that it is: a network's name, and how long to look.
    Discover(String, Duration),
    /// Through Redis, which its connectors are connected to.
    Redis(Place),
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq)]
pub struct Listen {
    /// For WebSockets.
    pub addr: SocketAddr,
    /// The endpoint's path.
    pub path: String,
    /// The network that mDNS says it is the server of.
    pub announce: Option<String>,
    /// The network that it is only the server of while no other is.
    pub unless: Option<String>,
}

/// A bridge.
#[derive(Debug)]
pub(super) struct Eventhive(Config);

impl Eventhive {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Eventhive {
    fn medium(&self) -> String {
        match &self.0.way {
            Way::Listen(listen) => format!("eventhive listener {}", listen.addr),
            Way::Server(endpoint) => endpoint.to_string(),
            Way::Discover(network, _) => format!("eventhive network {network}"),
            Way::Redis(place) => format!("eventhive redis://{place}"),
        }
    }

    fn mark(&self, bus: &Bus) -> Mark {
        match &self.0.way {
            // Its clients are this node's alone.
            Way::Listen(_) => Mark::of(&format!("{} of {}", self.medium(), bus.node())),
            _ => Mark::of(&self.medium()),
        }
    }

    fn is_exclusive(&self) -> bool {
        // EventHive takes the same twice for two.
        !matches!(self.0.way, Way::Listen(_))
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let Config { way, form } = &self.0;
        match way {
            Way::Listen(listen) => serve::carry(listen, form, port).await,
            Way::Redis(address) => redis::carry(address, form, port).await,
            Way::Server(endpoint) => connect(endpoint, form, port).await,
            Way::Discover(network, wait) => {
                let found =
                    found::find(network, *wait).await.map_err(|error| Lost::at("looking for it", &error))?;
                let endpoint = found.ok_or_else(|| {
                    Lost::new(format!("no server of the network {network} is announced by mDNS"))
                })?;
                connect(&endpoint, form, port).await
            }
        }
    }
}

/// Puts a text that was published where the rules say.
async fn take(Published { topic, data }: &Published, form: &Form, desk: &Desk, importer: &mut Importer) {
    match form.decode(data) {
        Ok(received) => {
            let trail = received.trail();
            let message = Message::from(received.payload).with_content_type("application/json");
            let message = match received.metadata {
                Some((metadata, _)) => message.with_header(METADATA_HEADER, metadata),
                None => message,
            };
            importer.import(Incoming { trail, ..Incoming::new(topic, message) }).await;
        }
        Err(error) => {
            tracing::debug!(bridge = desk.name(), topic, "dropped: {error}");
            desk.dropped(BridgeDrop::Garbage, 1);
        }
    }
}

/// The text of an event that goes out. None when it does not, which is counted.
async fn give(export: &mut Export, form: &Form, desk: &Desk, exporter: &mut Exporter) -> Option<String> {
    if let Some(request) = export.request.take() {
        request.answer(Err(Failure::Failed("EventHive has no answers".to_owned())));
        return None;
    }
    let Some(trail) = export.trail(desk) else {
        exporter.dropped(BridgeDrop::Loop);
        return None;
    };
    // A value that was cleared: nothing is kept there.
    if export.event.retained && export.event.message.payload.is_empty() {
        exporter.dropped(BridgeDrop::Content);
        return None;
    }
    match form.encode(&export.event.message.payload, &export.name, &trail) {
        Ok(text) => Some(text),
        Err(error) => {
            exporter.cannot(export, BridgeDrop::Content, &error.to_string()).await;
            None
        }
    }
}

/// As a connector of a server.
async fn connect(endpoint: &Endpoint, form: &Form, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let failed = |error: ClientError| Lost::at(&endpoint.to_string(), &error);
    let bytes = desk.limits().payload_bytes;
    let topics = exact(desk);
    let hears = !desk.rules().import.is_empty();
    let mut listener = match hears {
        true => Some(Listener::open(endpoint, topics.as_deref(), bytes).await.map_err(failed)?),
        false => None,
    };
    let not_to = listener.as_ref().map(|listener| listener.id().to_owned());
    let mut publisher = match desk.rules().export.is_empty() {
        false => Some(Publisher::open(endpoint, not_to, bytes).await.map_err(failed)?),
        true => None,
    };
    desk.up(endpoint.to_string());
    let inward = async {
        let Some(listener) = &mut listener else { return std::future::pending().await };
        loop {
            let published = listener.next().await.map_err(failed)?;
            take(&published, form, desk, importer).await;
        }
    };
    let outward = async {
        let Some(publisher) = &mut publisher else {
            while exporter.next().await.is_some() {}
            return Ok(());
        };
        say(publisher, form, desk, exporter).await.map_err(failed)
    };
    tokio::select! {
        heard = inward => heard,
        said = outward => said,
    }
}

/// Publishes what goes out until the desk stops.
async fn say(
    publisher: &mut Publisher,
    form: &Form,
    desk: &Desk,
    exporter: &mut Exporter,
) -> Result<(), ClientError> {
    loop {
        let export = tokio::select! {
            export = exporter.next() => export,
            confirmed = publisher.confirmed() => {
                confirm(confirmed, publisher, exporter)?;
                continue;
            }
        };
        let Some(mut export) = export else { break };
        let Some(text) = give(&mut export, form, desk, exporter).await else { continue };
        let published = publisher.publish(&export.name, &text).await;
        confirm(published, publisher, exporter)?;
    }
    let flushed = publisher.flush().await;
    confirm(flushed, publisher, exporter)
}

/// Counts what has arrived, and what was refused.
fn confirm(
    outcome: Result<(), ClientError>,
    publisher: &Publisher,
    exporter: &mut Exporter,
) -> Result<(), ClientError> {
    match outcome {
        Err(ClientError::Refused(topic)) => {
            tracing::debug!("the server refused what was published to {topic}");
            exporter.dropped(BridgeDrop::Rejected);
        }
        other => other?,
    }
    if publisher.is_confirmed() {
        exporter.sent();
    }
    Ok(())
}

/// The topics that are to come in, where the rules name them one by one: a server knows no wildcards.
fn exact(desk: &Desk) -> Option<Vec<String>> {
    let import = &desk.rules().import;
    let literal = import.iter().all(|rule| rule.pattern.is_literal());
    literal.then(|| import.iter().map(|rule| rule.pattern.to_string()).collect())
}
