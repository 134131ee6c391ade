//! Two networks that this node is in, joined by what the rules let through. There is no medium between them: what one
//! publishes the other has at once, with its time, its depth and where it has been.

use std::{collections::HashMap, sync::Arc};

use hive_proto::channel::{Address, Channel, NetworkIndex};
use tokio::sync::Semaphore;

use super::{Bridge, Desk, Export, Exporter, Importer, Incoming, Lost, Port};
use crate::{
    bus::{
        Bus, CallCause, CallError, Failure, LetIn, Mark, Message, Publisher, Request, Scope, Subscription,
        Trail, Wanted, without_mesh_headers,
    },
    status::BridgeDrop,
};

/// Which networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// What is exported comes from here.
    pub from: NetworkIndex,
    /// It goes there. What is imported goes the other way.
    pub to: NetworkIndex,
}

/// Names of which it is remembered what they are on the other side.
const NAMES_KEPT: usize = 1_024;
/// Requests on their way to the other network; further ones fail at once.
const CALLS_MAX: usize = 256;

/// A bridge between two networks.
#[derive(Debug)]
pub(super) struct Crossing(Config);

impl Crossing {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Crossing {
    fn medium(&self) -> String {
        format!("networks {} and {}", self.0.from.0, self.0.to.0)
    }

    fn mark(&self, bus: &Bus) -> Mark {
        bus.mark(self.0.to)
    }

    fn is_exclusive(&self) -> bool {
        // Receivers know what they have seen.
        false
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let Config { from, to } = self.0;
        let Port { desk, exporter, importer } = port;
        let name = |network| desk.bus().names().network(network).map(ToString::to_string).unwrap_or_default();
        let incoming = desk.subscription();
        let import = desk.rules().import.iter();
        let wanted = import.map(|rule| Wanted {
            scope: Scope { network: to, pattern: rule.pattern.clone() },
            answers: false,
            group: None,
        });
        incoming.set(wanted).await.map_err(|error| Lost::for_good(error.to_string()))?;
        desk.up(format!("{} and {}", name(from), name(to)));
        tokio::join!(Outward::new(desk, to).run(exporter), inward(desk, incoming, importer));
        Ok(())
    }
}

/// What goes to the other network.
struct Outward<'d> {
    desk: &'d Desk,
    to: NetworkIndex,
    publisher: Publisher,
    names: HashMap<Arc<str>, Option<Address>>,
    calls: Arc<Semaphore>,
}

impl<'d> Outward<'d> {
    fn new(desk: &'d Desk, to: NetworkIndex) -> Self {
        let publisher = desk.bus().publisher_of(desk.actor());
        Self { desk, to, publisher, names: HashMap::new(), calls: Arc::new(Semaphore::new(CALLS_MAX)) }
    }

    async fn run(mut self, exporter: &mut Exporter) {
        while let Some(mut export) = exporter.next().await {
            let Some(to) = self.address(&export.name) else {
                exporter.cannot(&export, BridgeDrop::Name, "its name there is no channel of a network").await;
                continue;
            };
            match export.request.take() {
                Some(request) => self.ask(to, &export, request),
                None => match self.publish(&to, &export).await {
                    Ok(()) => exporter.sent(),
                    Err(reason) => exporter.dropped(reason),
                },
            }
        }
    }

    async fn publish(&mut self, to: &Address, export: &Export) -> Result<(), BridgeDrop> {
        let trail = export.trail(self.desk).ok_or(BridgeDrop::Loop)?;
        let (event, message) = (&export.event, without_mesh_headers(export.event.message.clone()));
        let let_in = match event.retained {
            false => self.publisher.publish_bridged(to, message, (&trail, event.depth)).await,
            true => {
                let message = (!message.payload.is_empty()).then_some(message);
                self.publisher.keep_bridged(to, message, (&trail, event.depth, event.time))
            }
        };
        match let_in {
            Ok(LetIn::Published(_)) => Ok(()),
            Ok(LetIn::Looped) => Err(BridgeDrop::Loop),
            Ok(LetIn::Duplicate) => Err(BridgeDrop::Duplicate),
            Ok(LetIn::Superseded) => Err(BridgeDrop::Superseded),
            Err(error) => {
                tracing::debug!(bridge = self.desk.name(), channel = %to.channel, "not published: {error}");
                Err(BridgeDrop::Refused)
            }
        }
    }

    /// Asks in the other network on behalf of who asked in this one.
    fn ask(&self, to: Address, export: &Export, request: Request) {
        let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned() else {
            return request.answer(Err(Failure::Failed(format!(
                "{CALLS_MAX} requests are on their way over this bridge already"
            ))));
        };
        let (desk, depth) = (self.desk.clone(), export.event.depth);
        let message = without_mesh_headers(export.event.message.clone());
        self.desk.spawn("call", async move {
            let _permit = permit;
            let actor = desk.actor();
            // One deeper, so that what bridges give each other in a ring comes to an end.
            let cause = CallCause::over(&actor, request.deadline(), depth.saturating_add(1));
            request.answer(answer(desk.bus().call_from(&to, message, cause).await));
        });
    }

    fn address(&mut self, name: &Arc<str>) -> Option<Address> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let channel = Channel::parse(name).ok().filter(|channel| !channel.is_local());
        let to = channel.map(|channel| Address { network: self.to, channel });
        if self.names.len() >= NAMES_KEPT {
            self.names.clear();
        }
        self.names.insert(Arc::clone(name), to.clone());
        to
    }
}

/// An answer as the bridge gives it on.
fn answer(outcome: Result<Message, CallError>) -> Result<Message, Failure> {
    outcome.map(without_mesh_headers).map_err(|error| match error {
        CallError::Rejected(why) => Failure::Rejected(why),
        error => Failure::Failed(error.to_string()),
    })
}

/// What comes from the other network.
async fn inward(desk: &Desk, mut incoming: Subscription, importer: &mut Importer) {
    loop {
        let delivery = tokio::select! {
            () = desk.stop().cancelled() => return,
            delivery = incoming.next() => delivery,
        };
        let Some(delivery) = delivery else { return };
        desk.dropped(BridgeDrop::Slow, incoming.missed());
        let event = delivery.event;
        let coming = Incoming {
            name: event.channel.as_str(),
            trail: Trail::of(&event),
            depth: event.depth,
            kept: event.retained.then_some(event.time),
            message: event.message.clone(),
        };
        importer.import(coming).await;
    }
}
