//! What a guest sees of the node: the generated bindings and the state behind one instance's imports.
//!
//! What it owns: who the guest is, what it is handling now, and the answers to its imports, a file an interface. Exists
//! so that a new host function is a line of WIT and what the compiler then asks for. It must not know how instances
//! are kept, or where events come from.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use hive_proto::{
    channel::{Address, Channel},
    event::{Event, Message},
    pattern::Pattern,
};
use http::Http;
use pace::Pace;
use wasi::Wasi;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtxView, WasiView};

use self::bindings::hive::node::types::Error;
use super::{
    allowance::Allowance,
    asked::{Asked, Doubts},
    crew::Crew,
    grants::Grants,
    limits::{CallLimits, Limits, MemoryCap},
    openings::Openings,
    state::{State, Writes},
    timer::once::OneShots,
    wasmcloud::Reply,
};
use crate::{
    bus::{Actor, Bus, Chain},
    status::Boards,
    trust::hidden::SecretText,
    units::ByteSize,
};

mod bus;
mod config;
mod current;
mod http;
mod log;
mod node;
mod pace;
mod secrets;
mod state;
mod timers;
mod wasi;

pub(in crate::plugin) use log::{LINE_BYTES_MAX, readable, say};

/// Generated from `wit/`; see there for what each item means.
#[expect(missing_docs, reason = "generated; the WIT says what each item means")]
pub mod bindings {
    wasmtime::component::bindgen!({
        world: "plugin",
        path: "../wit",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: {
            "hive:node/bus": async,
            "hive:node/timers": async,
            "hive:node/state.set": async,
            "hive:node/state.delete": async,
            "hive:node/state.increment": async,
            "hive:node/state.swap": async,
            "hive:node/state.flush": async,
        },
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
    pub config: Asked,
    /// What it asks there in vain.
    pub doubts: Arc<Doubts>,
    /// Who it is in the rules.
    pub actor: Actor,
    /// What it may do to the node in a second, over all its versions.
    pub allowance: Arc<Allowance>,
    /// It handles one thing at a time, so that nobody it waits for may wait for it.
    pub takes_one: bool,
    /// What the configuration grants it and nobody is shown, by name.
    pub secrets: BTreeMap<String, SecretText>,
    /// What it keeps, over all its versions.
    pub state: Arc<State>,
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
    /// What it may reach outside the node.
    pub openings: Openings,
    /// What its instances share of HTTP.
    pub web: Web,
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
    /// What the call in hand has written to the plugin's state.
    writes: Option<Writes>,
    /// Whether the last call has left something there.
    wrote: bool,
    /// Where nobody answered what the call in hand asked last in vain.
    unanswered: Option<Address>,
    limits: CallLimits,
    memory: MemoryCap,
    /// Bytes of one payload out of it.
    payload_max: ByteSize,
    /// Bytes that one call between it and the node may carry.
    call_bytes: ByteSize,
    /// What it has of its plugin's allowance.
    pace: Pace,
    wasi: Wasi,
    http: Http,
    /// The answer of the request in hand, for a component that publishes it.
    reply: Option<Reply>,
    resources: ResourceTable,
    doors: bus::Doors,
}

/// Streams and other things of WASI one instance may hold at a time.
const RESOURCES_MAX: usize = 1_024;

impl Guest {
    /// A guest that only describes itself, within the limits of this call.
    #[must_use]
    pub fn describing(limits: &Limits, call: CallLimits) -> Self {
        Self::new(None, wasi::describing(), limits, call)
    }

    /// A guest that handles events in its place, and is set up within the limits of this call.
    ///
    /// # Errors
    /// When a folder that is opened to it is not there.
    pub fn living(place: Arc<Place>, limits: &Limits, call: CallLimits) -> Result<Self, FolderError> {
        let wasi = wasi::living(&place.allowance, &place.openings)?;
        Ok(Self::new(Some(place), wasi, limits, call))
    }

    fn new(place: Option<Arc<Place>>, wasi: Wasi, limits: &Limits, call: CallLimits) -> Self {
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(RESOURCES_MAX);
        Self {
            http: Http::new(place.clone(), call.until),
            place,
            serving: None,
            writes: None,
            wrote: false,
            unanswered: None,
            limits: call,
            memory: MemoryCap::new(limits.memory),
            payload_max: limits.payload,
            call_bytes: limits.call_bytes,
            pace: Pace::new(limits),
            wasi,
            reply: None,
            resources,
            doors: bus::Doors::default(),
        }
    }

    /// A call begins: with an event, or none for `describe` and `start`.
    pub fn begin(&mut self, serving: Option<Serving>, limits: CallLimits) {
        self.serving = serving;
        self.wrote = false;
        self.unanswered = None;
        self.limits = limits;
        self.http.begin(limits.until);
        self.memory.begin();
        self.wasi.last_words.forget();
    }

    /// What it said last on its stderr during this call.
    #[must_use]
    pub fn last_words(&self) -> Vec<String> {
        self.wasi.last_words.lines()
    }

    /// What it said as it gave up, for whoever says that it has.
    #[must_use]
    pub fn dump(&self) -> Option<String> {
        self.wasi.last_words.take_dump()
    }

    /// The call is over: facts about its event are gone. What it wrote stays, unless it broke.
    pub fn end(&mut self, is_whole: bool) {
        self.serving = None;
        self.reply = None;
        if is_whole {
            self.wasi.last_words.go_on();
        }
        if let Some(writes) = self.writes.take().filter(|_| is_whole) {
            writes.keep();
            self.wrote = true;
        }
    }

    /// Whether the last call has left something in the plugin's state.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.wrote
    }

    /// Where nobody answered what the last call asked.
    #[must_use]
    pub fn unanswered(&self) -> Option<&Address> {
        self.unanswered.as_ref()
    }

    /// The answer of the request in hand comes by being published.
    pub fn expect_reply(&mut self, reply: Option<Reply>) {
        self.reply = reply;
    }

    /// Things of its imports that it holds.
    pub fn resources(&mut self) -> &mut ResourceTable {
        &mut self.resources
    }

    /// The answer that is expected.
    pub fn reply(&mut self) -> Option<&mut Reply> {
        self.reply.as_mut()
    }

    /// The answer that came.
    pub fn taken_reply(&mut self) -> Option<Message> {
        self.reply.take()?.answer()
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

    /// Bytes that one call between it and the node may carry.
    #[must_use]
    pub fn call_bytes(&self) -> usize {
        self.call_bytes.as_usize()
    }

    /// Refuses what is larger than the plugin may publish.
    pub(super) fn check_payload(&self, bytes: usize) -> Result<(), Error> {
        let most = self.payload_max.as_usize();
        if bytes <= most {
            return Ok(());
        }
        self.place.iter().for_each(|place| place.allowance.too_large());
        Err(Error::TooLarge(self.payload_max.0))
    }

    fn event(&self) -> Option<&Event> {
        self.serving.as_ref().map(|serving| &serving.event)
    }

    fn time_left(&self) -> Duration {
        self.limits.until.saturating_duration_since(Instant::now())
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.counted();
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.resources }
    }
}

/// Everything a handler may import: WASI 0.2 with what is opened to it and nothing else, and `hive:node`.
///
/// # Errors
/// When two interfaces define one name, which is a mistake of this program.
pub fn link(wasm: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(wasm);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Plugin::add_to_linker::<_, HasSelf<Guest>>(&mut linker, Guest::counted)?;
    Ok(linker)
}

impl bindings::hive::node::types::Host for Guest {}

pub(super) use bus::received;
pub use http::Web;
pub use wasi::FolderError;
