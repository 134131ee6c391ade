//! How long instances live: several warm ones, one for each event, or one that keeps its memory.
//!
//! What it owns: one instance, its calls, and what is said of it when a call breaks it. Exists so that a store that
//! trapped or was cut is never used again. It must not know queues, generations or files.

pub mod bare;
pub mod seat;
pub mod snapshot;

use std::{fmt, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use hive_proto::{
    channel::Address,
    event::{Event, Message},
    limits::MESH_PREFIX,
};
use wasmtime::{
    PoolConcurrencyLimitError, Store,
    component::{self, ComponentExportIndex, InstancePre, TypedFunc},
};

use super::{
    engine::Engine,
    host::{
        FolderError, Guest, Serving,
        bindings::{
            Plugin, PluginIndices,
            exports::hive::node::handler::{Delay, Description, Failure},
            hive::node::types,
        },
    },
    limits::{CallLimits, Cut, Limits, Meter, watched},
    trap, wasmcloud,
};
use crate::dispatch::Call;
use snapshot::SnapshotExports;

/// How long a plugin's instances live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Several warm ones, one call each at a time; their memory is a cache.
    Pool,
    /// A new one for each event.
    Fresh,
    /// One, one call at a time, that keeps its memory.
    Single,
}

/// Instances of one plugin at a time when nothing is said, where there are as many cores.
const POOL_SIZE: usize = 4;

impl Mode {
    /// How many events are handled at one time.
    #[must_use]
    pub fn width(self, pool_size: Option<u32>) -> usize {
        let asked = pool_size.and_then(|size| usize::try_from(size).ok());
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        match self {
            Self::Single => 1,
            Self::Pool | Self::Fresh => asked.unwrap_or(cores.min(POOL_SIZE)).max(1),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pool => "pool",
            Self::Fresh => "fresh",
            Self::Single => "single",
        })
    }
}

/// A component that is compiled and linked: instances are made from it.
#[derive(Clone)]
pub struct Blueprint {
    pub(super) pre: InstancePre<Guest>,
    /// Where it takes events.
    pub(super) exports: Exports,
    /// `startup.start`, when the component exports it.
    pub(super) start: Option<ComponentExportIndex>,
    /// Where it hands its memory over, when the component exports that.
    pub(super) snapshot: Option<SnapshotExports>,
}

/// Where a component takes events.
#[derive(Clone)]
pub(super) enum Exports {
    /// `describe` and `handle`.
    Handler(PluginIndices),
    /// `handle-message` of wasmCloud.
    Messaging(wasmcloud::ComponentIndices),
}

impl Blueprint {
    /// Whether instances have something to do before their first event.
    #[must_use]
    pub fn has_start(&self) -> bool {
        self.start.is_some()
    }

    /// Whether the memory of its instances can be handed over.
    #[must_use]
    pub fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }
}

/// One instance of a component.
pub struct Instance {
    store: Store<Guest>,
    face: Face,
    start: Option<TypedFunc<(), (Result<(), String>,)>>,
    /// Where `save` and `restore` are, when the component exports them.
    snapshot: Option<(component::Instance, SnapshotExports)>,
    engine: Arc<Engine>,
    meter: Arc<Meter>,
    /// Calls of `handle` that came back.
    calls: u32,
    /// Bytes of its memory after the first of them: what it needs by itself.
    needs: u64,
}

/// What an instance takes events with.
enum Face {
    Handler(Plugin),
    Messaging(wasmcloud::Component),
}

/// What broke an instance. It is gone then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ran into a limit.
    #[error("{cut}{}{}", in_function(.function.as_ref()), by_key(*.key))]
    Cut {
        /// Which.
        cut: Cut,
        /// The function that it was in, where it was at work and the component says names.
        function: Option<String>,
        /// The key of the configuration that sets the limit.
        key: Option<&'static str>,
    },
    /// It trapped: the reason and, where the component says names, the function.
    #[error("trapped{}: {reason}", in_function(.function.as_ref()))]
    Trap {
        /// The function nearest to the trap that is not the language's own.
        function: Option<String>,
        /// What happened there.
        reason: String,
        /// What it said of it during a call, line by line, where the reason has not all of that.
        dump: Option<String>,
    },
    /// `start` says that it cannot begin.
    #[error("refuses to start: {0}")]
    Start(String),
    /// It cannot be given what is opened to it.
    #[error("cannot be given what is opened to it: {0}")]
    Closed(String),
    /// The node has no room for another instance.
    #[error("finds no room: {0}")]
    NoRoom(String),
}

fn in_function(function: Option<&String>) -> String {
    function.map(|name| format!(" in `{name}`")).unwrap_or_default()
}

/// Which key of the configuration sets a limit, behind what is said of it.
fn by_key(key: Option<&str>) -> String {
    key.map(|key| format!(" (the key `{key}` sets this limit)")).unwrap_or_default()
}

/// What a call to `handle` gives: an answer, or why there is none.
pub type Handled = Result<Option<Message>, Failure>;

impl Instance {
    /// Makes an instance; `start` is not called. The guest's limits bound its instantiation, which may run code of it.
    ///
    /// # Errors
    /// When the guest breaks its limits or traps while it is set up, or all slots are taken.
    pub async fn make(engine: &Arc<Engine>, blueprint: &Blueprint, guest: Guest) -> Result<Self, Fault> {
        let (call_bytes, within) = (guest.call_bytes(), guest.limits());
        let mut store = Store::new(engine.wasm(), guest);
        let meter = Arc::new(Meter::default());
        meter.attach(&mut store, Guest::limits, Guest::due);
        store.limiter(|guest| guest.memory());
        store.set_hostcall_fuel(call_bytes);
        store.set_epoch_deadline(1);
        let setting_up = async {
            let instance = blueprint.pre.instantiate_async(&mut store).await?;
            let face = match &blueprint.exports {
                Exports::Handler(exports) => Face::Handler(exports.load(&mut store, &instance)?),
                Exports::Messaging(exports) => Face::Messaging(exports.load(&mut store, &instance)?),
            };
            let start = blueprint.start.as_ref().map(|at| instance.get_typed_func(&mut store, at));
            let snapshot = blueprint.snapshot.map(|exports| (instance, exports));
            Ok((face, start.transpose()?, snapshot))
        };
        let made = watched(engine.pulse(), &meter, within, setting_up).await;
        let (face, start, snapshot) = made.map_err(|error| beginning(&mut store, &error))?;
        Ok(Self { store, face, start, snapshot, engine: Arc::clone(engine), meter, calls: 0, needs: 0 })
    }

    /// What the component says of itself; none: it is of a kind that cannot.
    ///
    /// # Errors
    /// When it traps or breaks a limit.
    pub async fn describe(&mut self, limits: CallLimits) -> Result<Option<Description>, Fault> {
        self.begin(None, limits);
        let Face::Handler(handler) = &self.face else { return Ok(None) };
        let call = handler.hive_node_handler().call_describe(&mut self.store);
        let done = watched(self.engine.pulse(), &self.meter, limits, call).await;
        self.store.data_mut().end(done.is_ok());
        done.map(Some).map_err(|error| beginning(&mut self.store, &error))
    }

    /// Calls `start`, when the component has one.
    ///
    /// # Errors
    /// When it traps, breaks a limit or says no.
    pub async fn start(&mut self, limits: &Limits) -> Result<(), Fault> {
        let Some(start) = &self.start else { return Ok(()) };
        let limits = CallLimits::starting_now(limits.deadline, limits.cpu);
        self.store.data_mut().begin(None, limits);
        self.store.set_epoch_deadline(1);
        let call = start.call_async(&mut self.store, ());
        let done = watched(self.engine.pulse(), &self.meter, limits, call).await;
        self.store.data_mut().end(done.is_ok());
        let (started,) = done.map_err(|error| beginning(&mut self.store, &error))?;
        started.map_err(Fault::Start)
    }

    /// Hands it one event.
    ///
    /// # Errors
    /// When it traps or breaks a limit; the instance must then be dropped.
    pub async fn handle(
        &mut self,
        event: &Event,
        subscription: u32,
        call: &Call,
        limits: CallLimits,
    ) -> Result<Handled, Fault> {
        let serving = Serving { event: event.clone(), chain: call.chain.clone() };
        self.begin(Some(serving), limits);
        let call = self.face.handle(&mut self.store, event, subscription, call.wants_reply);
        let done = watched(self.engine.pulse(), &self.meter, limits, call).await;
        let mut handled = self.settle(done)?;
        if let (Err(failure), Some(cut)) = (&mut handled, self.store.data_mut().memory().cut()) {
            add_cut(failure, cut);
        }
        self.calls = self.calls.saturating_add(1);
        if self.calls == 1 {
            self.needs = self.store.data_mut().memory().used();
        }
        Ok(handled)
    }

    /// What the guest wrote last to its stderr during its last call.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.store.data().last_words().join("\n")
    }

    /// Where nobody answered what its last call asked.
    #[must_use]
    pub fn unanswered(&self) -> Option<Address> {
        self.store.data().unanswered().cloned()
    }

    /// Processor time of its last call, when it outlived a tick.
    #[must_use]
    pub fn spent(&self) -> Option<Duration> {
        self.meter.spent()
    }

    /// Bytes of its memories and tables.
    pub fn memory_bytes(&mut self) -> u64 {
        self.store.data_mut().memory().used()
    }

    /// Whether a new instance should take its place: after so many calls, or with more than half of the memory it may
    /// have, unless it needs that by itself.
    pub fn is_worn(&mut self, limits: &Limits) -> bool {
        let used = self.memory_bytes();
        limits.retire_after.is_some_and(|most| self.calls >= most)
            || (used > limits.memory.0 / 2 && used > self.needs)
    }

    /// Whether the last call has left something in the plugin's state.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.store.data().wrote()
    }

    fn begin(&mut self, serving: Option<Serving>, limits: CallLimits) {
        self.store.data_mut().begin(serving, limits);
        self.store.set_epoch_deadline(1);
    }

    fn settle<T>(&mut self, done: wasmtime::Result<T>) -> Result<T, Fault> {
        self.store.data_mut().end(done.is_ok());
        done.map_err(|error| {
            let mut fault = fault(&mut self.store, &error);
            if let Fault::Trap { reason, dump, .. } = &mut fault {
                *dump = self.store.data().dump().filter(|dump| !trap::says_all(reason, dump));
            }
            fault
        })
    }
}

impl Face {
    async fn handle(
        &self,
        store: &mut Store<Guest>,
        event: &Event,
        subscription: u32,
        wants_reply: bool,
    ) -> wasmtime::Result<Handled> {
        match self {
            Self::Handler(handler) => {
                let headers = headers(event);
                let event = lowered(event, &headers, subscription, wants_reply);
                let handled = handler.hive_node_handler().call_handle(store, event).await?;
                Ok(handled.map(|answer| answer.map(super::host::received)))
            }
            Self::Messaging(component) => wasmcloud::handle(component, store, event, wants_reply).await,
        }
    }
}

impl From<FolderError> for Fault {
    fn from(error: FolderError) -> Self {
        Self::Closed(error.to_string())
    }
}

/// Interpreters tell of memory that they were refused as of an error of theirs, which says nothing of a limit.
fn add_cut(failure: &mut Failure, cut: Cut) {
    let (Failure::Retry(Delay { reason, .. }) | Failure::Reject(reason)) = failure;
    let line = reason.find('\n').unwrap_or(reason.len());
    reason.insert_str(line, &format!("; it {cut}{}", by_key(Some("memory"))));
}

/// The publisher's headers, borrowed; an event without any allocates nothing.
fn headers(event: &Event) -> Vec<(&str, &str)> {
    let pairs = event.message.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    pairs.filter(|(name, _)| !name.starts_with(MESH_PREFIX)).collect()
}

/// The event as the guest is given it.
fn lowered<'e>(
    event: &'e Event,
    headers: &'e [(&'e str, &'e str)],
    subscription: u32,
    wants_reply: bool,
) -> types::Event<'e> {
    let message = &event.message;
    types::Event {
        channel: event.channel.as_str(),
        message: types::MessageParam {
            payload: &message.payload,
            content_type: message.content_type(),
            key: message.key(),
            headers,
        },
        subscription,
        attempt: event.attempt,
        retained: event.retained,
        wants_reply,
    }
}

/// What a broken call is called. A refused growth explains whatever the guest did about it.
fn fault(store: &mut Store<Guest>, error: &wasmtime::Error) -> Fault {
    if let Some(cut) = error.downcast_ref::<Cut>().copied().or_else(|| store.data_mut().memory().cut()) {
        return Fault::Cut { cut, function: trap::function(error), key: None };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::NoRoom("too many instances live on this node".into());
    }
    tracing::debug!("a handler broke: {error:?}");
    trap::explain(error, &store.data().last_words())
}

/// The same before the first event: there is no dead letter then that has what it said last, so the fault has it.
fn beginning(store: &mut Store<Guest>, error: &wasmtime::Error) -> Fault {
    match fault(store, error) {
        Fault::Trap { function, reason, dump } => {
            Fault::Trap { function, reason: trap::with_last_words(reason, &store.data().last_words()), dump }
        }
        other => other,
    }
}
