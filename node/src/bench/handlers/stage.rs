//! Where handlers are measured: a node without a network, an engine, and the parts between a queue and a guest.
//!
//! It puts them together as a plugin's life does, but for what a measurement wants otherwise: when workers begin.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use hive_proto::channel::Channel;
use tokio_util::sync::CancellationToken;

use super::GUEST_THREADS;
use crate::{
    Event, Message, Node,
    bus::{Address, Bus, Holder},
    dispatch::{self, Call, Invoke, Lanes, Outcome, Policy},
    plugin::{
        alone::alone,
        description::Listen,
        engine::{Engine, threads::Running},
        instances::Instance,
        loader::Loader,
        settings::PluginConfig,
        sketch::{ECHO, Sketch},
        worker::{Version, Worker},
    },
};

/// Longer than any measurement.
pub(in crate::bench) const PATIENCE: Duration = Duration::from_secs(60);

/// A node without a network, and an engine.
pub(in crate::bench) struct Stage {
    node: Node,
    engine: Arc<Engine>,
    loader: Arc<Loader>,
}

/// A loaded handler and an address it listens to.
pub(in crate::bench) struct Guest {
    version: Arc<Version>,
    to: Address,
    /// What the guest calls the subscription that takes them.
    subscription: u32,
    name: String,
}

/// Workers that take events until they are ended.
pub(super) struct Workers {
    stop: CancellationToken,
    running: Vec<Running<()>>,
}

impl Stage {
    pub(in crate::bench) async fn start() -> Result<Self> {
        let engine = Arc::new(Engine::with_threads(GUEST_THREADS)?);
        let loader = Arc::new(Loader::new(Arc::clone(&engine)).map_err(|error| anyhow!(error))?);
        let node = Node::builder().offline().start().await?;
        Ok(Self { node, engine, loader })
    }

    pub(super) fn bus(&self) -> &Bus {
        self.node.bus()
    }

    pub(in crate::bench) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A handler of a few instructions that answers with what it is given.
    pub(super) async fn built_in(&self) -> Result<Guest> {
        self.load("built in", Sketch::new().on("bench/event").handle(ECHO).build()).await
    }

    pub(super) async fn load(&self, name: &str, file: Bytes) -> Result<Guest> {
        self.load_as(name, file, &PluginConfig::default()).await
    }

    /// A handler with a configuration.
    pub(in crate::bench) async fn load_as(
        &self,
        name: &str,
        file: Bytes,
        config: &PluginConfig,
    ) -> Result<Guest> {
        let plugin: Arc<str> = name.into();
        let loaded = self.loader.load(&plugin, file, config, self.bus().names()).await;
        let loaded = loaded.with_context(|| format!("{name} cannot be run"))?;
        let listen = loaded.wishes.listens.first().with_context(|| format!("{name} listens to nothing"))?;
        let channel = Channel::parse(&matching(listen.scope.pattern.as_str()))?;
        let (to, subscription) = (Address { network: listen.scope.network, channel }, listen.index);
        let version = alone(name, loaded, config, &self.engine, self.bus(), self.node.boards());
        Ok(Guest { version: Arc::new(version), to, subscription, name: name.to_owned() })
    }

    /// Has the handler handle the event once: a measurement of refusals would mean nothing.
    pub(super) async fn trial(&self, guest: &Guest, message: &Message) -> Result<()> {
        let event = self.event(guest, message).await?;
        let mut worker = Worker::new(Arc::clone(&guest.version), None);
        let deadline = Instant::now() + guest.version.limits.deadline;
        let call = Call { deadline, wants_reply: false, group: None, chain: None };
        let outcome = self.engine.threads().spawn(async move { worker.invoke(&event, call).await }).await?;
        match outcome {
            Outcome::Done(_) => Ok(()),
            Outcome::Retry { reason, .. } | Outcome::Reject(reason) | Outcome::Broken(reason) => {
                bail!("{} does not handle the event: {reason}", guest.name)
            }
        }
    }

    /// The event as it comes out of the handler's queue.
    pub(in crate::bench) async fn event(&self, guest: &Guest, message: &Message) -> Result<Event> {
        let lanes = self.lanes(guest).await?;
        self.bus().publish(&guest.to, message.clone()).await?;
        let job = lanes.next(&CancellationToken::new()).await.context("the node ended")?;
        let event = job.event().clone();
        job.finish(Outcome::Done(None), "").await;
        Ok(event)
    }

    /// A queue for the handler's events, and lanes. An event is tried once: one that fails is not to come back.
    pub(super) async fn lanes(&self, guest: &Guest) -> Result<Arc<Lanes>> {
        let listens = &guest.version.wishes.listens;
        let wanted = listens.iter().map(Listen::wanted);
        let subscription = self.bus().subscribe(Holder::Plugin(guest.name.clone()), wanted).await?;
        let policy = Policy { attempts: 1, ..Policy::default() };
        Ok(Lanes::new(guest.name.clone(), subscription, policy, self.bus().clone()))
    }

    /// A warm instance, made where guests run.
    pub(super) async fn instance(&self, guest: &Guest) -> Result<Instance> {
        let version = Arc::clone(&guest.version);
        Ok(self.engine.threads().spawn(async move { version.instance().await }).await??)
    }

    /// Lets handlers take the lanes' events.
    pub(super) fn work(
        &self,
        lanes: &Arc<Lanes>,
        handlers: impl IntoIterator<Item = impl Invoke + 'static>,
    ) -> Workers {
        let stop = CancellationToken::new();
        let work = |mut handler| {
            let (lanes, stop) = (Arc::clone(lanes), stop.clone());
            self.engine.threads().spawn(async move { dispatch::run(&lanes, &stop, &mut handler).await })
        };
        let running = handlers.into_iter().map(work).collect();
        Workers { stop, running }
    }

    pub(in crate::bench) async fn end(self) {
        self.node.shutdown().await;
    }
}

impl Guest {
    pub(in crate::bench) fn version(&self) -> &Arc<Version> {
        &self.version
    }

    pub(super) fn to(&self) -> &Address {
        &self.to
    }

    pub(super) fn subscription(&self) -> u32 {
        self.subscription
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Workers {
    /// No more events; waits for the calls in hand, at most until they are cut.
    pub(super) async fn end(self) {
        self.stop.cancel();
        for running in self.running {
            // A worker that is gone with its threads has ended too.
            let _ = running.await;
        }
    }
}

/// A channel that a pattern matches.
fn matching(pattern: &str) -> String {
    let segment = |segment| match segment {
        "*" | "**" => "bench",
        literal => literal,
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}
