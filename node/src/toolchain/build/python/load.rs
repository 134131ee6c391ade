//! A project loaded into an interpreter that runs, and what is in its memory then written down as a component again.
//!
//! Exists because starting and compiling the interpreter takes ten seconds, and loading a project into it one. It must not know
//! where interpreters come from, nor what a project is.

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use component_init_transform::{Invoker, initialize_staged};
use tokio::{runtime::Handle, sync::oneshot, task::spawn_blocking, time::timeout};
use wasmtime::{
    Config, Engine, OptLevel, RegallocAlgorithm, Store,
    component::{Component, ComponentNamedList, Instance, Lift, Linker, ResourceTable, types::ComponentItem},
};
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, async_trait,
    p2::{add_to_linker_async, pipe::MemoryOutputPipe},
};

use super::door;
use crate::{plugin::cache::Cache, units::duration_text};

/// A project that takes longer is not coming to an end. Compiling the interpreter, where it is new, does not count.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of what a project may say while it is loaded.
const SAID_BYTES_MAX: usize = 1 << 20;
/// The interpreter's stack. Code that is compiled fast takes more of it than a node's does.
const STACK_BYTES: usize = 8 << 20;
/// With that of what it calls.
const FIBER_BYTES: usize = 10 << 20;
/// Memory that is read out at once: all that there can be.
const MEMORY_BYTES_MAX: usize = 4 << 30;

/// What is loaded into what.
pub struct Loading {
    /// The component of the interpreter.
    pub interpreter: PathBuf,
    /// The folder that machine code is kept in.
    pub cache: PathBuf,
    /// Folders, and what they are called inside.
    pub folders: Vec<(PathBuf, String)>,
    /// The component that comes of it.
    pub to: PathBuf,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The project cannot be loaded.
    #[error("{0}")]
    Refused(String),
    /// Something cannot be read or written.
    #[error("{}: {source}", .file.display())]
    Place {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The interpreter says what is wrong itself.
#[derive(Debug, thiserror::Error)]
#[error("it is not loaded")]
struct NotLoaded;

/// Loads a project, and gives what it said meanwhile. Whoever does not wait any longer ends it.
///
/// # Errors
/// When it cannot be loaded, or files cannot be read or written.
pub async fn load(loading: Loading) -> Result<String, LoadError> {
    let said = MemoryOutputPipe::new(SAID_BYTES_MAX);
    let refused = |error: String| LoadError::Refused(error);
    let engine = Engine::new(&settings()).map_err(|error| refused(format!("{error:#}")))?;
    // What runs is ended at its next step when the engine's time moves on.
    let _ended = Ended(engine.clone());
    let (streams, runtime) = (said.clone(), Handle::current());
    let (compiled, is_compiled) = oneshot::channel();
    let loading = spawn_blocking(move || runtime.block_on(loading.run(&engine, streams, compiled)));
    // An error is that there is nothing to wait for.
    let _ = is_compiled.await;
    let said = || String::from_utf8_lossy(&said.contents()).into_owned();
    let Ok(loaded) = timeout(PATIENCE, loading).await else {
        let patience = duration_text(PATIENCE);
        let why =
            format!("error: it is not loaded after {patience}: is there a loop at the top of a module?\n");
        return Err(refused(said() + &why));
    };
    match loaded.map_err(|error| refused(error.to_string()))? {
        Ok(()) => Ok(said()),
        Err(error) if error.is::<NotLoaded>() => Err(refused(said())),
        Err(error) => Err(match error.downcast() {
            Ok(place) => place,
            // Where the interpreter was when it was ended says nothing of the project.
            Err(error) => refused(format!("{}error: {}\n", said(), error.root_cause())),
        }),
    }
}

struct Ended(Engine);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.increment_epoch();
    }
}

/// Compiling fast is what counts: what is compiled runs for a second.
fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_BYTES)
        .epoch_interruption(true);
    config
}

impl Loading {
    /// `told`: the interpreter is compiled.
    async fn run(
        self,
        engine: &Engine,
        streams: MemoryOutputPipe,
        told: oneshot::Sender<()>,
    ) -> anyhow::Result<()> {
        let place = |file: &Path, source| LoadError::Place { file: file.into(), source };
        let read = fs::read(&self.interpreter).map_err(|source| place(&self.interpreter, source))?;
        let opened = door::open(&read)?;
        let host = self.host(streams)?;
        // A folder that cannot be written to makes it slower, and nothing else.
        let cache = Cache::open(&self.cache, engine).ok();
        // Not by what is compiled, in which the same things are in another order each time.
        let (engine, hash) = (engine.clone(), blake3::hash(&opened).to_hex());
        let begin = move |instrumented: Vec<u8>| -> Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async move {
                let component = compiled(&engine, cache.as_ref(), &hash, &instrumented)?;
                let _ = told.send(());
                let running = Running::start(&engine, &component, host).await?;
                Ok(Box::new(running) as Box<dyn Invoker>)
            })
        };
        let loaded = initialize_staged(&opened, Some((&read, &|module| module)), begin).await?;
        fs::write(&self.to, loaded).map_err(|source| place(&self.to, source))?;
        Ok(())
    }

    fn host(&self, streams: MemoryOutputPipe) -> anyhow::Result<Host> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(streams.clone()).stderr(streams);
        for (folder, name) in &self.folders {
            wasi.preopened_dir(folder, name, FsPerms::ReadOnly)?;
        }
        Ok(Host { wasi: wasi.build(), table: ResourceTable::new() })
    }
}

fn compiled(engine: &Engine, cache: Option<&Cache>, hash: &str, code: &[u8]) -> anyhow::Result<Component> {
    if let Some(kept) = cache.and_then(|cache| cache.load(engine, hash)) {
        return Ok(kept);
    }
    let component = Component::new(engine, code)?;
    if let Some(cache) = cache {
        cache.keep(&component, hash);
    }
    Ok(component)
}

/// What only a node has is not there yet.
fn without_a_node(linker: &mut Linker<Host>, engine: &Engine, component: &Component) -> anyhow::Result<()> {
    for (interface, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(has) = item.ty else { continue };
        if interface.starts_with("wasi:") {
            continue;
        }
        let mut instance = linker.instance(interface)?;
        for (function, item) in has.exports(engine) {
            if !matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                continue;
            }
            let asked = format!(
                "`{function}` of {interface} is called while the project is loaded, when no node runs it"
            );
            instance.func_new(function, move |_, _, _, _| Err(wasmtime::Error::msg(asked.clone())))?;
        }
    }
    Ok(())
}

struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The interpreter with the project in it.
struct Running {
    store: Store<Host>,
    instance: Instance,
}

impl Running {
    async fn start(engine: &Engine, component: &Component, host: Host) -> anyhow::Result<Self> {
        let mut linker = Linker::new(engine);
        add_to_linker_async(&mut linker)?;
        without_a_node(&mut linker, engine, component)?;
        let mut store = Store::new(engine, host);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(MEMORY_BYTES_MAX);
        let instance = linker.instantiate_async(&mut store, component).await?;
        let mut running = Self { store, instance };
        let failed: i32 = running.call(door::LOAD).await?;
        anyhow::ensure!(failed == 0, NotLoaded);
        Ok(running)
    }

    async fn call<T: Lift + Send + Sync + 'static>(&mut self, function: &str) -> anyhow::Result<T>
    where
        (T,): ComponentNamedList + Lift,
    {
        let function = self.instance.get_typed_func::<(), (T,)>(&mut self.store, function)?;
        Ok(function.call_async(&mut self.store, ()).await?.0)
    }
}

#[async_trait]
impl Invoker for Running {
    async fn call_s32(&mut self, function: &str) -> anyhow::Result<i32> {
        self.call(function).await
    }

    async fn call_s64(&mut self, function: &str) -> anyhow::Result<i64> {
        self.call(function).await
    }

    async fn call_f32(&mut self, function: &str) -> anyhow::Result<f32> {
        self.call(function).await
    }

    async fn call_f64(&mut self, function: &str) -> anyhow::Result<f64> {
        self.call(function).await
    }

    async fn call_list_u8(&mut self, function: &str) -> anyhow::Result<Vec<u8>> {
        self.call(function).await
    }
}
