//! Bridges to event-engine: the ports that its external plugins and whoever publishes or subscribes directly connect to.
//!
//! A name beyond is a type of event: what its messages begin with, and nothing stands between that and the payload. So
//! the types are told; what begins with none of them is `untyped`, whole.

mod engine;
mod types;
mod zmtp;

use std::net::SocketAddr;

use tokio::sync::mpsc;

use self::engine::Engine;
pub use self::{engine::Plugin, types::Types};
use super::{Bridge, Desk, Exporter, Importer, Incoming, Lost, Port, listening};
use crate::{
    bus::{Bus, Failure, Mark, Message},
    status::BridgeDrop,
};

/// Where event-engine takes what is published.
pub const PUBLISH_PORT: u16 = 5559;
/// Where those who subscribe connect.
pub const SUBSCRIBE_PORT: u16 = 5560;
/// The name of what has no type that is known.
pub const UNTYPED: &str = "untyped";
/// Messages that wait to be let in; who publishes more waits.
const WAITING_MAX: usize = 256;

/// One bridge to event-engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The types of events.
    pub types: Types,
    /// For PUB sockets.
    pub publish: Option<SocketAddr>,
    /// For SUB sockets.
    pub subscribe: Option<SocketAddr>,
    /// For external plugins.
    pub plugins: Vec<Plugin>,
}

/// A bridge.
#[derive(Debug)]
pub(super) struct EventEngine(Config);

impl EventEngine {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for EventEngine {
    fn medium(&self) -> String {
        let Config { publish, subscribe, plugins, .. } = &self.0;
        let ports = publish.iter().chain(subscribe).copied().chain(plugins.iter().map(|plugin| plugin.addr));
        let ports: Vec<String> = ports.map(|addr| addr.to_string()).collect();
        format!("event-engine at {}", ports.join(", "))
    }

    fn mark(&self, bus: &Bus) -> Mark {
        // Its clients are this node's alone.
        Mark::of(&format!("{} of {}", self.medium(), bus.node()))
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let Port { desk, exporter, importer } = port;
        let (publishing, published) = mpsc::channel(WAITING_MAX);
        let engine = Engine::new(&self.0, desk.limits(), publishing);
        let listeners = engine.listen().await?;
        desk.up(self.medium());
        tokio::select! {
            error = engine.serve(&listeners) => Err(Lost::at("listening", &error)),
            () = outward(&engine, &self.0.types, exporter) => Ok(()),
            () = inward(published, &self.0.types, desk, importer) => Ok(()),
            () = listening::account(desk, || (engine.clients(), engine.lost())) => Ok(()),
        }
    }
}

async fn outward(engine: &Engine, types: &Types, exporter: &mut Exporter) {
    while let Some(mut export) = exporter.next().await {
        if let Some(request) = export.request.take() {
            request.answer(Err(Failure::Failed("event-engine has no answers".to_owned())));
            continue;
        }
        let payload = &export.event.message.payload;
        match &*export.name {
            UNTYPED => engine.deliver(payload),
            name if types.contains(name) => {
                let whole = [name.as_bytes(), payload].concat();
                // With the payload behind it, it may look like another.
                if types.split(&whole).is_some_and(|(read, _)| read != name) {
                    let why =
                        "its payload begins so that it would be taken for another type of event-engine's";
                    exporter.cannot(&export, BridgeDrop::Content, why).await;
                    continue;
                }
                engine.deliver(&whole);
            }
            name => {
                let why = format!("`{name}` is no type of event-engine's that this bridge was told");
                exporter.cannot(&export, BridgeDrop::Name, &why).await;
                continue;
            }
        }
        exporter.sent();
    }
}

async fn inward(
    mut published: mpsc::Receiver<bytes::Bytes>,
    types: &Types,
    desk: &Desk,
    importer: &mut Importer,
) {
    while let Some(whole) = published.recv().await {
        let (name, payload) = match types.split(&whole) {
            Some((name, payload)) => (name, whole.slice_ref(payload)),
            None => (UNTYPED, whole.clone()),
        };
        if desk.rules().import.is_empty() {
            continue;
        }
        importer.import(Incoming::new(name, Message::new(payload))).await;
    }
}
