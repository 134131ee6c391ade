//! What a guest sees of the node: the generated bindings and the state behind one instance's imports.
//!
//! What it owns: who the guest is, what it is handling now, and the answers to its imports, a file an interface. Exists
//! so that a new host function is a line of WIT and what the compiler then asks for. It must not know how instances
//! are kept, or where events come from.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use hive_proto::{channel::Channel, event::Event, pattern::Pattern};
use wasi::Wasi;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::{
    crew::Crew,
    grants::Grants,
    limits::{CallLimits, Limits, MemoryCap},
    timer::once::OneShots,
};
use crate::{
    bus::{Actor, Bus, Chain},
    status::Boards,
};

mod bus;
mod config;
mod current;
mod log;
mod node;
mod timers;
mod wasi;

/// Generated from `wit/`; see there for what each item means.
#[expect(missing_docs, reason = "generated; the WIT says what each item means")]
pub mod bindings {
    wasmtime::component::bindgen!({
        world: "plugin",
        path: "../wit",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: { "hive:node/bus": async, "hive:node/timers": async },
        exports: { default: async },
    });
}

/// A plugin's place in its node: the same for all instances of one generation.
pub struct Place {
    /// The plugin's identity.
    pub plugin: Arc<str>,
    /// Which loaded version, from 1.
    pub generation: u64,
    /// The id of the node it runs in, in hex.
    pub node_id: String,
    /// What that node and its neighbours are called.
    pub boards: Arc<Boards>,
    /// Its section of the configuration, nested keys joined by dots.
    pub config: BTreeMap<String, String>,
    /// Who it is in the rules.
    pub actor: Actor,
    /// It handles one thing at a time, so that nobody it waits for may wait for it.
    pub takes_one: bool,
    /// Who is at its events.
    pub crew: Arc<Crew>,
    /// What it has set for later, over all its versions.
    pub shots: Arc<OneShots>,
    /// Names of timers it must not set: those it declares.
    pub declared: Vec<Channel>,
    /// Where its one-shot timers may fire.
    pub hears: Vec<Pattern>,
    /// Where it may publish.
    pub grants: Grants,
    /// What carries its events.
    pub bus: Bus,
}

/// An event that a guest handles.
pub struct Serving {
    /// What it is.
    pub event: Event,
    /// Who of this node waits for its answer, where that is a plugin.
    pub chain: Option<Arc<Chain>>,
}

/// What stands behind one instance's imports: the data of its store.
pub struct Guest {
    /// None while the component describes itself: it then has no place, and every import answers nothing.
    place: Option<Arc<Place>>,
    /// What it has in hand, and the limits of the call that is.
    serving: Option<Serving>,
    limits: CallLimits,
    memory: MemoryCap,
    wasi: Wasi,
    resources: ResourceTable,
    doors: bus::Doors,
}

/// Streams and other things of WASI one instance may hold at a time.
const RESOURCES_MAX: usize = 1_024;

impl Guest {
    /// A guest that only describes itself.
    #[must_use]
    pub fn describing(plugin: &Arc<str>, limits: &Limits) -> Self {
        Self::new(None, wasi::describing(plugin), limits)
    }

    /// A guest that handles events in its place.
    #[must_use]
    pub fn living(place: Arc<Place>, limits: &Limits) -> Self {
        let wasi = wasi::living(&place.plugin);
        Self::new(Some(place), wasi, limits)
    }

    fn new(place: Option<Arc<Place>>, wasi: Wasi, limits: &Limits) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        Self {
            place,
            serving: None,
            limits: CallLimits::starting_now(limits.deadline, limits.cpu),
            memory: MemoryCap::new(limits.memory),
            wasi,
            resources,
            doors: bus::Doors::default(),
        }
    }

    /// A call begins: with an event, or none for `describe` and `start`.
    pub fn begin(&mut self, serving: Option<Serving>, limits: CallLimits) {
        self.serving = serving;
        self.limits = limits;
        self.wasi.last_words.forget();
    }

    /// What it said last on its stderr during this call.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.wasi.last_words.lines()
    }

    /// The call is over: facts about its event are gone.
    pub fn end(&mut self) {
        self.serving = None;
    }

    /// The limits of the call in hand.
    #[must_use]
    pub fn limits(&self) -> CallLimits {
        self.limits
    }

    /// Its memory, as counted.
    pub fn memory(&mut self) -> &mut MemoryCap {
        &mut self.memory
    }

    fn event(&self) -> Option<&Event> {
        self.serving.as_ref().map(|serving| &serving.event)
    }

    fn time_left(&self) -> std::time::Duration {
        self.limits.until.saturating_duration_since(Instant::now())
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.resources }
    }
}

/// Everything a component may import: WASI 0.2 without anything in it, and `hive:node`.
///
/// # Errors
/// When two interfaces define one name, which is a mistake of this program.
pub fn link(wasm: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(wasm);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

impl bindings::hive::node::types::Host for Guest {}

pub(super) use bus::received;
