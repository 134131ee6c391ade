//! A component and events, without a mesh: what it answers, publishes and needs.
//!
//! What it owns: a bus of its own on which nobody else is, and one instance at a time. Exists so that a handler is tried
//! as a node would run it, limits and grants among it. It must not judge what came of an event, nor print anything.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use hive_proto::{
    channel::{Address, Channel, Names, NetworkIndex, NetworkName},
    event::{Event, Message},
    id::{EventId, Incarnation, NodeId},
    time::Hlc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

// Those who show what came of an event name these without knowing how plugins run.
use crate::{
    bus::{Bus, Delivery, Holder, SubscribeError, Subscription, Wanted},
    dispatch::{self, Call, Invoke, Lanes, Policy},
    plugin::{
        self,
        alone::alone,
        engine::{Engine, EngineError},
        folder::{self, ReadError},
        grants,
        instances::{Fault, Instance, Mode},
        limits::CallLimits,
        loader::{LoadError, Loader},
        worker::{Version, failed},
    },
    status::{Boards, NodeCard},
};
pub use crate::{dispatch::Outcome, plugin::PluginConfig};

/// The only network there is.
const NETWORK: &str = "hive";

/// What begins the channels of timers.
const TIMERS: &str = "$timer/";

/// How the event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Published by somebody.
    Event,
    /// Somebody waits for the answer.
    Call,
    /// A timer of the plugin ticks.
    Tick,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Given {
    /// How it comes.
    pub arrival: Arrival,
    /// Where it comes; of a tick the timer's name.
    pub channel: String,
    /// What it brings.
    pub message: Message,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Whether it is a kept value.
    pub retained: bool,
}

/// What came of an event.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub outcome: Outcome,
    /// What was published meanwhile, in order.
    pub published: Vec<Event>,
    /// How long the call took.
    pub took: Duration,
    /// Bytes of memory that the instance had afterwards; nothing when it broke.
    pub memory: Option<u64>,
}

/// Somebody who answers what the handler asks.
#[derive(Debug, Clone)]
pub struct Answerer {
    /// Where.
    pub pattern: String,
    /// With what.
    pub answer: Message,
}

/// Why there is nothing to try.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The component cannot be read.
    #[error("cannot read {}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: ReadError,
    },
    /// A node would refuse it.
    #[error("{} would be refused: {source}", .file.display())]
    Load {
        /// The file.
        file: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// This machine runs no guests.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The program does not fit its own WIT.
    #[error("this build of the program is broken: {0}")]
    Broken(String),
    /// A name is none.
    #[error("`{name}` is no {what}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What it should be.
        what: &'static str,
        /// Why it is none.
        reason: String,
    },
    /// Nobody there listens to it.
    #[error("the component {} `{channel}`; {has}", verb(*.arrival))]
    Nobody {
        /// How the event comes.
        arrival: Arrival,
        /// Where.
        channel: String,
        /// What it does listen to, or how else the event would come.
        has: String,
    },
    /// The bus refuses to listen.
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    /// The guests' threads are gone.
    #[error("the program is ending")]
    Ending,
}

fn verb(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::Event => "does not subscribe to",
        Arrival::Call => "does not answer on",
        Arrival::Tick => "has no timer",
    }
}

impl CaseError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Load { source, .. } => source.hint(),
            _ => None,
        }
    }
}

/// A component that is being tried.
pub struct Subject {
    version: Arc<Version>,
    bus: Bus,
    /// Hears everything that is published.
    ear: Subscription,
    /// None before the first event, after one that broke it, and where each event has its own.
    instance: Option<Instance>,
    /// Events so far.
    sequence: u64,
    /// Those who answer; they end with the subject.
    stop: CancellationToken,
}

impl Subject {
    /// Loads a component as a node with this configuration of the plugin would. `name` is what it is called; `cache` is the
    /// data directory of whoever may have compiled it already, or will want it.
    ///
    /// # Errors
    /// When it cannot be read, a node would refuse it, or a pattern of who answers is none.
    pub async fn load(
        name: &str,
        file: &Path,
        config: &PluginConfig,
        answerers: Vec<Answerer>,
        cache: Option<&Path>,
    ) -> Result<Self, CaseError> {
        let path = file.to_path_buf();
        let reading = tokio::task::spawn_blocking(move || folder::read(&path)).await;
        let read = reading.unwrap_or_else(|error| Err(ReadError::Io(io::Error::other(error))));
        let (bytes, _) = read.map_err(|source| CaseError::Read { file: file.into(), source })?;
        let engine = Arc::new(Engine::start()?);
        let loader = Loader::new(Arc::clone(&engine)).map_err(CaseError::Broken)?;
        let cache = cache.and_then(|data_dir| plugin::cache(data_dir, &engine));
        let loader = Arc::new(loader.caching(cache, Arc::default()));
        let home = NetworkName::parse(NETWORK).map_err(|error| CaseError::Broken(error.to_string()))?;
        let bus = Bus::new(NodeId([0; 32]), Incarnation(1), Names::new(vec![home]));
        bus.confirmed(u64::MAX);
        let name: Arc<str> = name.into();
        let loaded = loader
            .load(&name, bytes, config, bus.names())
            .await
            .map_err(|source| CaseError::Load { file: file.into(), source })?;
        let boards = Boards::new(NodeCard { name: "test".into(), ..NodeCard::default() });
        let version = Arc::new(alone(&name, loaded, config, &engine, &bus, &boards));
        let everything = Wanted { scope: bus.scope("**")?, answers: false, group: None };
        let ear = bus.subscribe(Holder::Client("test".into()), [everything]).await?;
        let stop = CancellationToken::new();
        for answerer in answerers {
            answer(&bus, answerer, stop.clone()).await?;
        }
        Ok(Self { version, bus, ear, instance: None, sequence: 0, stop })
    }

    /// Hands it one event, and waits until it is done.
    ///
    /// # Errors
    /// When the event's name is none, or the component does not listen there.
    pub async fn handle(&mut self, given: &Given) -> Result<Done, CaseError> {
        let (event, subscription) = self.event(given)?;
        let mut published = Vec::new();
        // What came after the event before is not this one's.
        self.ear.take(usize::MAX, &mut published);
        published.clear();
        let (version, instance) = (Arc::clone(&self.version), self.instance.take());
        let wants_reply = given.arrival == Arrival::Call;
        let running = self
            .version
            .engine
            .threads()
            .spawn(async move { call(&version, instance, &event, subscription, wants_reply).await });
        let (outcome, took, mut instance) = running.await.map_err(|_| CaseError::Ending)?;
        self.ear.take(usize::MAX, &mut published);
        let memory = instance.as_mut().map(Instance::memory_bytes);
        self.instance = instance.filter(|_| self.version.wishes.mode != Mode::Fresh);
        let published = published.into_iter().map(|delivery: Delivery| delivery.event).collect();
        Ok(Done { outcome, published, took, memory })
    }

    /// The event, and what the guest calls the subscription that it comes by.
    fn event(&mut self, given: &Given) -> Result<(Event, u32), CaseError> {
        let Given { arrival, channel, message, attempt, retained } = given;
        self.sequence = self.sequence.saturating_add(1);
        let name = if *arrival == Arrival::Tick { format!("{TIMERS}{channel}") } else { channel.clone() };
        let Address { network, channel } = self.address(&name)?;
        message.check().map_err(|error| CaseError::Name {
            name: name.clone(),
            what: "place for this message",
            reason: error.to_string(),
        })?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let event = Event {
            id: EventId { origin: self.bus.node(), incarnation: Incarnation(1), sequence: self.sequence },
            channel,
            network,
            time: Hlc::from_unix_ms(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
            attempt: *attempt,
            depth: 0,
            retained: *retained,
            message: message.clone(),
        };
        let wishes = &self.version.wishes;
        let listen = wishes.listens.iter().find(|listen| {
            listen.scope.network == event.network
                && listen.scope.pattern.matches(&event.channel)
                && (listen.answers || *arrival != Arrival::Call)
        });
        let found = match arrival {
            Arrival::Tick => wishes.timer(&event),
            Arrival::Event | Arrival::Call => listen.map(|listen| listen.index),
        };
        match found {
            Some(subscription) => Ok((event, subscription)),
            None => Err(self.nobody(*arrival, given.channel.clone())),
        }
    }

    fn address(&self, name: &str) -> Result<Address, CaseError> {
        let no_channel = |reason: String| CaseError::Name { name: name.into(), what: "channel", reason };
        if name.starts_with('$') {
            // The node publishes there, and for this component we are the node.
            let channel = Channel::parse(name).map_err(|error| no_channel(error.to_string()))?;
            return Ok(Address { network: NetworkIndex::HOME, channel });
        }
        self.bus.names().address(name).map_err(|error| no_channel(error.to_string()))
    }

    fn nobody(&self, arrival: Arrival, channel: String) -> CaseError {
        let wishes = &self.version.wishes;
        let name = |channel: &str| channel.strip_prefix(TIMERS).unwrap_or(channel).to_owned();
        let timers = || wishes.timers.iter().map(|timer| name(timer.channel.as_str()));
        let patterns = |answers: bool| {
            let listens = wishes.listens.iter().filter(move |listen| listen.answers || !answers);
            listens.map(|listen| listen.pattern.as_str().to_owned())
        };
        let all = |what: &str, names: Vec<String>| match &names[..] {
            [] => format!("{what} nothing"),
            names => format!("{what} {}", names.join(", ")),
        };
        let has = match arrival {
            Arrival::Tick if patterns(false).any(|pattern| pattern == format!("{TIMERS}{channel}")) => {
                format!("what it sets itself comes as `event: {TIMERS}{channel}`")
            }
            Arrival::Tick if wishes.timers.is_empty() => "it has none".to_owned(),
            Arrival::Tick => all("it has", timers().collect()),
            Arrival::Event if timers().any(|timer| channel == format!("{TIMERS}{timer}")) => {
                format!("its timer ticks by `tick: {}`", name(&channel))
            }
            Arrival::Call => all("it answers on", patterns(true).collect()),
            Arrival::Event => all("it listens to", patterns(false).collect()),
        };
        CaseError::Nobody { arrival, channel, has }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn call(
    version: &Version,
    instance: Option<Instance>,
    event: &Event,
    subscription: u32,
    wants_reply: bool,
) -> (Outcome, Duration, Option<Instance>) {
    let broken = |fault: Fault| without_secret(Outcome::Broken(format!("the handler {fault}")));
    let mut instance = match instance {
        Some(instance) => instance,
        None => match version.instance().await {
            Ok(instance) => instance,
            Err(fault) => return (broken(fault), Duration::ZERO, None),
        },
    };
    let limits = CallLimits::starting_now(version.limits.deadline, version.limits.cpu);
    let call = Call { deadline: limits.until, wants_reply, group: None, chain: None };
    let begun = Instant::now();
    let handled = instance.handle(event, subscription, &call, limits).await;
    let took = begun.elapsed();
    let unanswered = instance.unanswered();
    let (outcome, instance) = match handled {
        Ok(Ok(answer)) => (Outcome::Done(answer.filter(|_| wants_reply)), Some(instance)),
        Ok(Err(failure)) => (without_secret(failed(failure)), Some(instance)),
        Err(fault) => (broken(fault), None),
    };
    let told = match unanswered {
        Some(Address { channel, .. }) => outcome.noting(&format!(
            "nobody answers on `{channel}` here: add `answers: {{{channel}: …}}` to the file of cases"
        )),
        None => outcome,
    };
    (told, took, instance)
}

/// With where a case says a secret that the handler lacked.
fn without_secret(outcome: Outcome) -> Outcome {
    match outcome.reason().and_then(grants::lacking_secret).map(str::to_owned) {
        Some(name) => outcome.noting(&format!("for a test: `secrets: {{{name}: …}}` in the file of cases")),
        None => outcome,
    }
}

/// Answers on a pattern until stopped.
async fn answer(bus: &Bus, answerer: Answerer, stop: CancellationToken) -> Result<(), CaseError> {
    let Answerer { pattern, answer } = answerer;
    let wanted = Wanted { scope: bus.scope(&pattern)?, answers: true, group: None };
    let subscription = bus.subscribe(Holder::Client("test".into()), [wanted]).await?;
    let lanes = Lanes::new(pattern, subscription, Policy::default(), bus.clone());
    // It ends with the subject, which nobody else has.
    TaskTracker::new().spawn(async move { dispatch::run(&lanes, &stop, &mut Always(answer)).await });
    Ok(())
}

struct Always(Message);

impl Invoke for Always {
    async fn invoke(&mut self, _: &Event, _: Call) -> Outcome {
        Outcome::Done(Some(self.0.clone()))
    }
}

#[cfg(test)]
mod tests;
