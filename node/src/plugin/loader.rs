//! From a file's bytes to something instances are made from, or the precise reason why not.
//!
//! What it owns: the checks, compiling, linking and the trial `describe`. Exists so that whatever runs a plugin, or only
//! looks at one, goes through the same door. It must not know folders, generations or events.

use std::{
    num::NonZeroUsize,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use hive_proto::channel::Names;
use tokio::sync::Semaphore;
use wasmtime::{
    Module,
    component::{Component, Linker},
};

use super::{
    asks::Ask,
    cache::Cache,
    description::{self, Problems, Wishes},
    diff::{Contract, Face, HANDLER, STARTUP, Unknown, face},
    engine::Engine,
    grants::line,
    host::{self, Guest, bindings::PluginIndices},
    instances::{Blueprint, Exports, Fault, Instance, snapshot::SnapshotExports},
    limits::CallLimits,
    modules::{self, Part},
    settings::PluginConfig,
    wasmcloud,
};
use crate::{status::Components, units::ByteSize};

/// Compiling that takes longer is said: whoever waits wants to know what for.
const MOMENT: Duration = Duration::from_secs(1);
/// From so many bytes on it takes its time on any machine.
const LARGE_BYTES: usize = 1 << 20;
/// How long a component may take to be set up and to describe itself, together.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(1);
/// Modules that components share which are held ready for the next one; there are not many interpreters.
const MODULES_READY: usize = 6;

/// Loads components. One a node: it holds what they all share.
pub struct Loader {
    engine: Arc<Engine>,
    /// A component that is being compiled holds a permit: a folder of a thousand must not take all memory at once.
    compiling: Semaphore,
    contract: Contract,
    linker: Linker<Guest>,
    /// None: everything is compiled.
    cache: Option<Cache>,
    /// What components share, by its hash, the newest last. Held while one is compiled: who needs the same one meanwhile
    /// waits for it instead of compiling it, too.
    ready: Mutex<Vec<(String, Module)>>,
    /// What was compiled, and what was not.
    counts: Arc<Components>,
}

/// A component that is ready to handle events.
pub struct Loaded {
    /// What instances are made from.
    pub blueprint: Blueprint,
    /// What it wants and gets.
    pub wishes: Wishes,
    /// The content's BLAKE3 hash in hex.
    pub hash: String,
    /// The file's size.
    pub size_bytes: u64,
    /// How long compiling it took, or finding it compiled.
    pub compile_time: Duration,
    /// Whether some of it had to be compiled; otherwise all was found compiled.
    pub is_compiled: bool,
    /// What it imports and exports, by name.
    pub face: (Vec<String>, Vec<String>),
}

/// Why a file is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not WebAssembly at all.
    #[error("it is not WebAssembly: {0}")]
    NotWasm(String),
    /// A module, not a component.
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    /// A component that is damaged, or uses what is switched off.
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    /// A component for another world.
    #[error("it does not fit this node: {}", .0.join("; "))]
    World(Vec<String>),
    /// Its `describe`, or setting it up for it, went wrong.
    #[error("`describe` failed: it {0}")]
    Describe(Fault),
    /// What it says of itself cannot be.
    #[error("what it says of itself is wrong: {0}")]
    Description(Problems),
    /// Its `start` went wrong.
    #[error("`start` failed: it {0}")]
    Start(Fault),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

impl LoadError {
    /// What whoever made the file can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotWasm(_) => Some("`hive-node build DIR` makes components from source"),
            Self::CoreModule => Some("build it for the target wasm32-wasip2, or use `hive-node build DIR`"),
            Self::World(_) => {
                Some("build it against the `hive-guest` SDK, or the files in `wit/`, of this version")
            }
            Self::Describe(_) => {
                Some("`describe` only says what the handler wants: it can use nothing of the node")
            }
            _ => None,
        }
    }
}

impl Loader {
    /// A loader for an engine.
    ///
    /// # Errors
    /// When the program's own WIT does not fit its bindings: a mistake of this program.
    pub fn new(engine: Arc<Engine>) -> Result<Self, String> {
        let mut linker = host::link(engine.wasm()).map_err(|error| format!("{error:#}"))?;
        wasmcloud::link(&mut linker).map_err(|error| format!("{error:#}"))?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (contract, compiling) = (Contract::read()?, Semaphore::new(cores));
        let (cache, ready, counts) = (None, Mutex::default(), Arc::default());
        Ok(Self { contract, linker, engine, compiling, cache, ready, counts })
    }

    /// The same with a cache of what is compiled, and with somebody's counts.
    #[must_use]
    pub fn caching(self, cache: Option<Cache>, counts: Arc<Components>) -> Self {
        Self { cache, counts, ..self }
    }

    /// The engine it loads for.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Checks, compiles, links and describes a component, on the guests' threads.
    ///
    /// # Errors
    /// The first thing that is wrong with it; for its world and its description, everything that is.
    pub async fn load(
        self: &Arc<Self>,
        plugin: &Arc<str>,
        file: Bytes,
        config: &PluginConfig,
        names: &Names,
    ) -> Result<Loaded, LoadError> {
        let loader = Arc::clone(self);
        let (name, config, names) = (Arc::clone(plugin), config.clone(), names.clone());
        let threads = self.engine.threads();
        let permit = self.compiling.acquire().await.map_err(|_| LoadError::Stopping)?;
        let (compiles, size) = (Arc::new(AtomicBool::new(false)), file.len());
        let begun = Arc::clone(&compiles);
        let mut prepared = pin!(threads.aside(move || loader.prepare(&name, &file, &begun)));
        let mut is_said = false;
        let prepared = loop {
            tokio::select! {
                prepared = &mut prepared => break prepared,
                // On a busy machine a large file is still being read by then.
                () = tokio::time::sleep(MOMENT), if !is_said => {
                    is_said = compiles.load(Relaxed);
                    if is_said {
                        let takes = if size < LARGE_BYTES { "" } else { ", which takes some seconds" };
                        let size = ByteSize(u64::try_from(size).unwrap_or(u64::MAX) >> 10 << 10);
                        tracing::info!(plugin = &**plugin, "compiling its {size} of WebAssembly{takes}");
                    }
                }
            }
        };
        let prepared = prepared.map_err(|_| LoadError::Stopping)??;
        drop(permit);
        let loader = Arc::clone(self);
        let name = Arc::clone(plugin);
        let described = threads.spawn(async move { loader.describe(&name, prepared, &config, &names).await });
        described.await.map_err(|_| LoadError::Stopping)?
    }

    /// Everything that needs a processor for long and no guest. `compiles` is set when it has to be compiled.
    fn prepare(&self, plugin: &str, file: &[u8], compiles: &AtomicBool) -> Result<Prepared, LoadError> {
        check_kind(file)?;
        let face = face(file).map_err(LoadError::Invalid)?;
        let verdict = self.contract.judge(&face);
        if !verdict.differences.is_empty() {
            return Err(LoadError::World(verdict.differences));
        }
        let hash = blake3::hash(file).to_hex().to_string();
        let begun = Instant::now();
        let (component, modules) = self.component(file, &hash, compiles)?;
        let (compile_time, is_compiled) = (begun.elapsed(), compiles.load(Relaxed));
        let blueprint = self.link(&component, &modules, &verdict.unknown).map_err(|error| {
            // The comparison found nothing to say, so wasmtime's own words have to do.
            LoadError::World(vec![format!("{error:#}")])
        })?;
        for Unknown { interface, function } in verdict.unknown {
            tracing::warn!(
                plugin,
                "imports `{function}` of `{interface}`, newer than this node; calling it is a trap"
            );
        }
        Ok(Prepared { blueprint, hash, size: file.len(), compile_time, is_compiled, face })
    }

    /// Out of the cache, else compiled; and the modules that it imports, because others have them, too.
    fn component(
        &self,
        file: &[u8],
        hash: &str,
        compiles: &AtomicBool,
    ) -> Result<(Component, Vec<(String, Module)>), LoadError> {
        let wasm = self.engine.wasm();
        let ready = |part: &Part<'_>| Some((part.name.clone(), self.module(part, compiles).ok()?));
        // One that does not compile alone does not in the component either, and that is said.
        let split = modules::split(file);
        let split = split.and_then(|split| {
            let ready: Option<Vec<_>> = split.modules.iter().map(ready).collect();
            Some((split.component, ready?))
        });
        let (alone, modules) = split.unwrap_or_default();
        // What is left of a component needs those modules, and a program that takes none out, or others, does not give them.
        let rest = (!modules.is_empty()).then(|| blake3::hash(&alone).to_hex().to_string());
        let kept_as = rest.as_deref().unwrap_or(hash);
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.load(wasm, kept_as)) {
            self.counts.cached.one();
            return Ok((component, modules));
        }
        compiles.store(true, Relaxed);
        let compiled = match modules.is_empty() {
            true => Component::from_binary(wasm, file),
            false => Component::from_binary(wasm, &alone).or_else(|_| Component::from_binary(wasm, file)),
        };
        let component = compiled.map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
        self.counts.compiled.one();
        if let Some(cache) = &self.cache {
            cache.keep(&component, kept_as);
        }
        Ok((component, modules))
    }

    /// A module that several components have: compiled once.
    fn module(&self, part: &Part<'_>, compiles: &AtomicBool) -> wasmtime::Result<Module> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = ready.iter().position(|(hash, _)| *hash == part.hash) {
            let found = ready.remove(at);
            let module = found.1.clone();
            ready.push(found);
            return Ok(module);
        }
        let (wasm, hash) = (self.engine.wasm(), format!("module-{}", part.hash));
        let cached = self.cache.as_ref().and_then(|cache| cache.load(wasm, &hash));
        let module = match cached {
            Some(module) => module,
            None => {
                compiles.store(true, Relaxed);
                let module = Module::from_binary(wasm, part.code)?;
                if let Some(cache) = &self.cache {
                    cache.keep(&module, &hash);
                }
                module
            }
        };
        if ready.len() >= MODULES_READY {
            ready.remove(0);
        }
        ready.push((part.hash.clone(), module.clone()));
        Ok(module)
    }

    fn link(
        &self,
        component: &Component,
        modules: &[(String, Module)],
        unknown: &[Unknown],
    ) -> wasmtime::Result<Blueprint> {
        let pre = if unknown.is_empty() && modules.is_empty() {
            self.linker.instantiate_pre(component)?
        } else {
            let mut linker = self.linker.clone();
            for (name, module) in modules {
                linker.root().module(name, module)?;
            }
            for Unknown { interface, function } in unknown {
                let name = format!("{interface}#{function}");
                linker.instance(interface)?.func_new(function, move |_, _, _, _| {
                    Err(wasmtime::Error::msg(format!("`{name}` is newer than this node")))
                })?;
            }
            linker.instantiate_pre(component)?
        };
        let exports = match component.get_export_index(None, HANDLER) {
            Some(_) => Exports::Handler(PluginIndices::new(&pre)?),
            None => Exports::Messaging(wasmcloud::ComponentIndices::new(&pre)?),
        };
        let startup = component.get_export_index(None, STARTUP);
        let start = startup.and_then(|startup| component.get_export_index(Some(&startup), "start"));
        Ok(Blueprint { pre, exports, start, snapshot: SnapshotExports::of(component) })
    }

    async fn describe(
        &self,
        plugin: &Arc<str>,
        prepared: Prepared,
        config: &PluginConfig,
        names: &Names,
    ) -> Result<Loaded, LoadError> {
        let Prepared { blueprint, hash, size, compile_time, is_compiled, face } = prepared;
        let limits = config.limits();
        let within = CallLimits::starting_now(DESCRIBE_LIMIT, DESCRIBE_LIMIT);
        let guest = Guest::describing(&limits, within);
        let made = Instance::make(&self.engine, &blueprint, guest).await;
        let mut instance = made.map_err(LoadError::Describe)?;
        let said = instance.describe(within).await.map_err(LoadError::Describe)?;
        let checked = match said {
            Some(said) => description::check(said, plugin, config, names),
            None => {
                let said = wasmcloud::description(plugin, config);
                let checked = description::check(said, plugin, &wasmcloud::configured(config), names);
                checked.map(|wishes| Wishes { grants: wishes.grants.clone().mute(), ..wishes })
            }
        };
        let mut wishes = checked.map_err(LoadError::Description)?;
        let interfaces = face.names();
        wishes.asks = Ask::all_of(interfaces.0.iter().map(String::as_str));
        wishes.warnings.extend(unsaid(plugin, &blueprint, config));
        if wishes.asks.contains(&Ask::Http) && config.openings.http.is_empty() {
            let line = line(plugin, "http: [\"HOST\"]");
            wishes.warnings.push(format!("it may ask nobody over HTTP, which needs a grant: {line}"));
        }
        let size_bytes = u64::try_from(size).unwrap_or(u64::MAX);
        Ok(Loaded { blueprint, wishes, hash, size_bytes, compile_time, is_compiled, face: interfaces })
    }
}

/// What the configuration should say of what a component listens to and does not, or says in vain.
fn unsaid(plugin: &str, blueprint: &Blueprint, config: &PluginConfig) -> Option<String> {
    match (&blueprint.exports, config.subscriptions.is_empty()) {
        (Exports::Messaging(_), true) => {
            Some(format!("nothing says what it listens to: {}", wasmcloud::missing(plugin)))
        }
        (Exports::Handler(_), false) => Some(
            "it says itself what it listens to; the configuration's `subscriptions` have no effect".into(),
        ),
        _ => None,
    }
}

/// A component that is compiled and linked, and has not run yet.
struct Prepared {
    blueprint: Blueprint,
    hash: String,
    size: usize,
    compile_time: Duration,
    is_compiled: bool,
    face: Face,
}

/// The first bytes of every WebAssembly file, and what comes after them in a module and in a component.
const MAGIC: &[u8] = b"\0asm";
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

fn check_kind(file: &[u8]) -> Result<(), LoadError> {
    let Some(rest) = file.strip_prefix(MAGIC) else {
        return Err(LoadError::NotWasm(match file {
            [] => "the file is empty".into(),
            text if text.trim_ascii_start().starts_with(b"(") => "it looks like WebAssembly text".into(),
            _ => "it does not begin as WebAssembly does".into(),
        }));
    };
    match rest.get(..4) {
        Some(COMPONENT) => Ok(()),
        Some(MODULE) => Err(LoadError::CoreModule),
        Some(_) => Err(LoadError::NotWasm("its version is unknown".into())),
        None => Err(LoadError::NotWasm("it ends after its first bytes".into())),
    }
}

#[cfg(test)]
mod tests;
