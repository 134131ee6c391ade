//! Bridges to hein: a transmitter that its receivers connect to, or a receiver of one of its transmitters.
//!
//! hein has no channels. A receiver's names are what messages are tagged with: `TAG`, and `message` where there is no tag.
//! A transmitter's tag is the last part of an event's name. Values keep their types: hein's typed JSON is CBOR here.

mod receiver;
mod transmitter;
mod typed;
mod wire;

use std::net::SocketAddr;

use super::{Bridge, Desk, Export, Exporter, Importer, Incoming, Lost, Port, listening};
use crate::{
    bus::{Bus, Failure, Mark, Message, Request},
    status::BridgeDrop,
};

use self::{receiver::Receiver, transmitter::Transmitter, wire::Kind};

/// Where hein's examples listen.
pub const DEFAULT_PORT: u16 = 50_007;
/// Bytes of a receiver's name.
pub const NAME_BYTES_MAX: usize = wire::NAME_BYTES_MAX;
/// The name of what comes without a tag.
const UNTAGGED: &str = "message";
/// A request under this name is answered with who is connected.
const PING: &str = "ping";
const CBOR: &str = "application/cbor";

/// One bridge to hein.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// Its receivers connect here.
    Listen(SocketAddr),
    /// A transmitter of its own is connected to.
    Connect {
        /// A name or an address.
        host: String,
        /// TCP.
        port: u16,
        /// What we are called there.
        name: String,
    },
}

/// A bridge.
#[derive(Debug)]
pub(super) struct Hein(Config);

impl Hein {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Hein {
    fn medium(&self) -> String {
        match &self.0 {
            Config::Listen(addr) => format!("hein transmitter {addr}"),
            Config::Connect { host, port, .. } => format!("hein at {host}:{port}"),
        }
    }

    fn mark(&self, bus: &Bus) -> Mark {
        match &self.0 {
            // Its receivers are this node's alone.
            Config::Listen(_) => Mark::of(&format!("{} of {}", self.medium(), bus.node())),
            Config::Connect { .. } => Mark::of(&self.medium()),
        }
    }

    fn is_exclusive(&self) -> bool {
        // Nothing says of two messages that they are the same.
        matches!(self.0, Config::Connect { .. })
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        match &self.0 {
            Config::Listen(addr) => transmit(*addr, port).await,
            Config::Connect { host, port: number, name } => receive((host, *number), name, port).await,
        }
    }
}

/// Tells receivers what goes out.
async fn transmit(addr: SocketAddr, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, .. } = port;
    let listener = listening::listen(addr).await?;
    let addr = listener.local_addr().map_err(|error| Lost::at("listening", &error))?;
    desk.up(format!("receivers at {addr}"));
    let transmitter = Transmitter::new(desk.limits());
    tokio::select! {
        error = transmitter.serve(&listener) => Err(Lost::at("listening", &error)),
        () = tell(&transmitter, desk, exporter) => Ok(()),
        () = listening::account(desk, || (transmitter.names().len(), transmitter.lost())) => Ok(()),
    }
}

async fn tell(transmitter: &Transmitter, desk: &Desk, exporter: &mut Exporter) {
    while let Some(mut export) = exporter.next().await {
        if let Some(request) = export.request.take() {
            answer(&export.name, request, transmitter, desk);
            continue;
        }
        match message(&export) {
            Ok(message) => {
                transmitter.tell(&message);
                exporter.sent();
            }
            Err(why) => exporter.cannot(&export, BridgeDrop::Content, &why).await,
        }
    }
}

/// Who is connected, and whether each answers: `{"Kirk": true}`.
fn answer(name: &str, request: Request, transmitter: &Transmitter, desk: &Desk) {
    if name.rsplit('/').next() != Some(PING) {
        let why = format!("hein has no answers; `{PING}` is answered with who is connected");
        return request.answer(Err(Failure::Rejected(why)));
    }
    let transmitter = transmitter.clone();
    desk.spawn("ping", async move {
        let there = serde_json::json!(transmitter.ping().await).to_string();
        request.answer(Ok(Message::from(there).with_content_type("application/json")));
    });
}

/// An event as hein's receivers are told it.
fn message(export: &Export) -> Result<wire::Message, String> {
    let message = &export.event.message;
    let is_json = |kind: &str| kind == "application/json" || kind.ends_with("+json");
    let typed = match message.content_type() {
        Some(CBOR) => Some(typed::from_cbor(&message.payload)),
        Some(kind) if is_json(kind) => Some(typed::from_json(&message.payload)),
        _ => None,
    };
    let (kind, payload) = match typed {
        Some(typed) => (Kind::Json, typed.map_err(|error| error.to_string())?.into()),
        None if message.payload.is_empty() => return Err("hein has no empty messages".to_owned()),
        None => (Kind::Raw, message.payload.clone()),
    };
    let tag = wire::tag(export.name.rsplit('/').next().unwrap_or_default());
    Ok(wire::Message { kind, tag, unpack: kind == Kind::Json, payload })
}

/// Lets in what a transmitter tells.
async fn receive(at: (&str, u16), name: &str, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let place = format!("hein's transmitter at {}:{}", at.0, at.1);
    let connecting = Receiver::connect(at, name, desk.limits().payload_bytes);
    let mut receiver = connecting.await.map_err(|error| Lost::at(&place, &error))?;
    desk.up(format!("{place}, as {name}"));
    let hear = async {
        loop {
            match receiver.next().await {
                Ok(message) => hear(message, desk, importer).await,
                Err(error) => return Lost::at(&place, &error),
            }
        }
    };
    tokio::select! {
        lost = hear => Err(lost),
        // A transmitter is told nothing: this only ends when the desk does.
        () = async { while exporter.next().await.is_some() {} } => Ok(()),
    }
}

async fn hear(told: wire::Message, desk: &Desk, importer: &mut Importer) {
    let message = match told.kind {
        Kind::Json => match typed::to_cbor(&told.payload) {
            Ok(cbor) => Message::from(cbor).with_content_type(CBOR),
            Err(error) => {
                tracing::debug!(bridge = desk.name(), "dropped: {error}");
                return desk.dropped(BridgeDrop::Garbage, 1);
            }
        },
        _ => Message::from(told.payload),
    };
    // Two words may stand in a tag, and not in a name.
    let name = told.tag.replace(' ', "_");
    importer.import(Incoming::new(if name.is_empty() { UNTAGGED } else { &name }, message)).await;
}
