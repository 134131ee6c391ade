//! The mesh part: drives the control plane's state machine over real links.
//!
//! What it owns: the task that holds [`hive_proto::core::Core`], the links' tasks, dialling and admitting. It turns what
//! happens into inputs and does what the outputs say, on the bus and on the links. What follows from
//! what is decided in `hive_proto::core`; where other nodes may be is found out elsewhere and arrives as
//! inputs like everything else.

mod actor;
mod addresses;
mod dial;
mod link;
#[cfg(test)]
mod tests;
mod tickets;
mod timers;
pub mod visit;

use std::{net::SocketAddr, sync::Arc};

use hive_proto::{
    channel::NetworkIndex,
    core::Place,
    id::Incarnation,
    io::{Input, Trail},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    bus::Bus,
    control::Route,
    shutdown::Part,
    status::Boards,
    transport::{BindError, Endpoint, Listen, Membership},
    trust::{identity::Identity, sign::Signer},
};

/// What happened and was not handled yet. When it is full, links and discovery wait; nothing is dropped.
const INPUTS_MAX: usize = 1024;

/// Where to take links, and for which networks.
#[derive(Debug)]
pub struct Config {
    /// What the node calls itself.
    pub name: String,
    /// Where to listen.
    pub listen: Listen,
    /// The networks, home first, in the order of the bus's names.
    pub memberships: Vec<Membership>,
}

/// Questions that wait for the actor. They come from people; when it is full the asker waits.
const QUESTIONS_MAX: usize = 4;

/// Asks the control plane what it knows, and tells it what has no input of its own.
#[derive(Debug, Clone)]
pub struct Asker(mpsc::Sender<Question>);

/// What people ask of the control plane, or do.
#[derive(Debug)]
enum Question {
    /// Who can be reached, a list a network.
    Places(oneshot::Sender<Vec<Vec<Place>>>),
    /// By which ways, and what is seen on them.
    Ways(Route, oneshot::Sender<Vec<Trail>>),
    /// A network's secrets were changed: links prove themselves again, or are cut.
    Renewed(NetworkIndex),
}

impl Asker {
    /// Who can be reached in each network, home first; nothing when the mesh has ended.
    pub async fn places(&self) -> Vec<Vec<Place>> {
        let (reply, answer) = oneshot::channel();
        // Without an actor there is no answer either.
        let _ = self.0.send(Question::Places(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// The ways to some nodes, in their order, within the time that is allowed for it; nothing when the mesh has ended.
    pub async fn ways(&self, route: Route) -> Vec<Trail> {
        let (reply, answer) = oneshot::channel();
        let _ = self.0.send(Question::Ways(route, reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Says that a network's key has other epochs than before.
    pub async fn renewed(&self, network: NetworkIndex) {
        // Without an actor there are no links.
        let _ = self.0.send(Question::Renewed(network)).await;
    }
}

/// The running mesh part.
#[derive(Debug)]
pub struct Mesh {
    endpoint: Endpoint,
    part: Part,
    inputs: mpsc::Sender<Input>,
    asker: Asker,
}

impl Mesh {
    /// Binds the socket and starts to take links. Nobody is dialled before something is found.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn start(
        config: Config,
        identity: &Identity,
        incarnation: Incarnation,
        bus: Bus,
        boards: Arc<Boards>,
    ) -> Result<Self, BindError> {
        let endpoint = Endpoint::bind(config.listen, identity)?;
        let signer = Signer::new(identity, &config.memberships);
        let part = Part::new("mesh");
        let (inputs, queue) = mpsc::channel(INPUTS_MAX);
        let (sealing, stop) = (bus.clone(), part.stop().clone());
        let sealer = signer.clone();
        bus.signed_by(signer.clone());
        part.spawn("sealer", async move { sealing.relay(sealer, stop).await });
        part.spawn("addresses", addresses::watch(endpoint.clone(), inputs.clone(), part.stop().clone()));
        let (asker, questions) = mpsc::channel(QUESTIONS_MAX);
        let actor = actor::Actor::new(
            config,
            incarnation,
            (endpoint.clone(), signer),
            bus,
            boards,
            part.clone(),
            inputs.clone(),
        );
        part.spawn("control plane", actor.run(queue, questions));
        Ok(Self { endpoint, part, inputs, asker: Asker(asker) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    /// What it dials from.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks who can be reached.
    #[must_use]
    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Where discovery puts what it finds.
    #[must_use]
    pub fn found(&self) -> &mpsc::Sender<Input> {
        &self.inputs
    }

    /// Its tasks: stopping them leaves the networks, delivers what is queued on links, and says goodbye.
    #[must_use]
    pub fn part(&self) -> &Part {
        &self.part
    }
}
