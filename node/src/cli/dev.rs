//! `dev`: builds handlers, runs a node with them, and builds again what is saved.
//!
//! What it owns: the loop between the editor and the node. The node sees only a folder whose files change, as any
//! other node does; so a handler that does not compile leaves the old one running. A process it is told to start anew.

mod configuration;
mod processes;
mod suggestions;
mod unused;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clap::Args;
use futures_util::future::join_all;
use hive_client::locate;
use tokio::sync::Notify;

use self::{configuration::Configuration, processes::Process, suggestions::suggest, unused::Unused};
use super::{
    Voice,
    build::{self, Tools},
    exit::Fault,
    output, run,
    run::NodeFlags,
};
use crate::{
    api::link_ahead,
    config::Settings,
    control::ControlError,
    node::Node,
    toolchain::{
        build::{Artifact, BuildError, Built, Heard, Options, build as build_all, place, shop::Said},
        sources::Sources,
    },
    trust::identity::{self, DirLock, Doing, LockError},
};

/// How often a process is looked for again that may be about to be gone, and after how long.
const GOING_TRIES: u32 = 10;
const GOING_PAUSE: Duration = Duration::from_millis(100);

/// Where the defaults are others than those of `run`, whose flags these are.
const DATA_DIR_HELP: &str =
    "Where the node keeps its key and state [default: DIR/.hive/data, of the first DIR]";
const NAME_HELP: &str = "What others are shown beside the node's id [default: the name of the first DIR; with --join as \
                         `run`: this host's name]";
const LISTEN_HELP: &str = "Where to take links, over UDP [default: a free port of this machine alone; with --join as \
                           `run`: port 7182 of all addresses, or the next free one]";

/// Build handlers, run a node with them, and rebuild on save.
#[derive(Debug, Args)]
#[command(
    mut_arg("data_dir", |flag| flag.help(DATA_DIR_HELP)),
    mut_arg("name", |flag| flag.help(NAME_HELP)),
    mut_arg("listen", |flag| flag.help(LISTEN_HELP)),
    after_help = "\
Examples:
  hive-node dev                 the handlers in this folder and below
  hive-node dev samples
  hive-node dev --join          in the network of this LAN

Without --join the node stays on this machine. Its data is in DIR/.hive/data, of the first DIR, and
whoever asks in there, or with --node DIR, or with its name, asks this node. Two of them
are a mesh when one has `--listen 127.0.0.1:7190` and the other `--peer 127.0.0.1:7190`.
Each handler runs as soon as it is built.
Without --config the configuration is DIR/hive.yaml, if one DIR is given and has that, else as `run`
finds it. What was saved last is what runs: there is no probation unless the configuration says one.
Processes of the configuration (`exec`) run, too, and are started anew when their files are saved."
)]
pub(super) struct Dev {
    /// Folders with handlers [default: this one].
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Take links from other machines and look for nodes on the LAN.
    #[arg(long)]
    join: bool,
    #[command(flatten)]
    tools: Tools,
    #[command(flatten)]
    node: NodeFlags,
}

impl Dev {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let dirs = build::dirs(self.dirs);
        are_there(&dirs)?;
        let Site { mut flags, folder, cache, lock } = prepare(self.node, self.join, &dirs).await?;
        let is_config_said = flags.is_config_said();
        if let [dir] = dirs.as_slice() {
            flags.usual_config(dir);
        }
        let mut loaded = flags.load(vec![folder.clone()])?;
        loaded.settings.plugins.cache = cache;
        loaded.adjust(as_who_writes_handlers_wants);
        run::begin(&loaded, voice, true)?;
        let processes = Process::all(&loaded.settings);
        let sources = Sources::watch(&processes::folders(&dirs, &processes)).map_err(Fault::configuration)?;
        let config = Configuration::of(&loaded);
        let (tools, said) = (self.tools, BTreeSet::new());
        let (unused, served) = ((!is_config_said).then(Unused::default), Arc::<Notify>::default());
        let something = Arc::clone(&served);
        let workshop =
            Workshop { sources, dirs, processes, folder, served, tools, config, unused, said, voice };
        let mut building = Box::pin(workshop.first_build());
        let all = tokio::select! {
            biased;
            all = &mut building => Some(all?),
            () = something.notified() => None,
        };
        let hangups = run::Hangups::take()?;
        let node = run::start(&loaded, Some(lock)).await?;
        run::introduce(&node, &loaded, voice);
        let mut trouble = Ok(());
        let leave = async {
            let working = async {
                let all = match all {
                    Some(workshop) => Ok(workshop),
                    None => building.await,
                };
                match all {
                    Ok(mut workshop) => {
                        suggest(&node, &workshop.served(), voice).await;
                        workshop.rebuild(&node).await;
                    }
                    Err(fault) => trouble = Err(fault),
                }
            };
            tokio::select! {
                () = hangups.follow(&node) => {}
                () = working => {}
            }
        };
        run::until_asked_to_leave(&node, leave, voice).await?;
        run::shutdown(node, voice).await?;
        trouble
    }
}

fn as_who_writes_handlers_wants(settings: &mut Settings) {
    // Whoever writes a handler and runs it has said yes to what it wants.
    settings.plugins.approve_all = true;
    // Starts with what is there, whatever it was left for the last time.
    settings.plugins.starts_newest = true;
    // And looks at what was saved last, however it fares.
    settings.plugins.defaults.probation.get_or_insert(Duration::ZERO);
}

/// Where the node is to be.
struct Site {
    /// Its flags as `dev` wants them.
    flags: NodeFlags,
    /// The folder of its plugins.
    folder: PathBuf,
    /// The data directory whose compiled cache it shares with `run` and `test`; none: it was given one of its own.
    cache: Option<PathBuf>,
    /// Its data directory is claimed.
    lock: DirLock,
}

/// Makes the plugins' folder. The data directory is claimed before anything is built into it: another `dev` may run there.
/// Unless somebody said where it is to be, it is in the first of the folders.
async fn prepare(mut flags: NodeFlags, join: bool, dirs: &[PathBuf]) -> Result<Site, Fault> {
    let (given, first) = (flags.data_dir.take(), dirs.first().map_or(Path::new("."), PathBuf::as_path));
    let cache = if given.is_some() { None } else { locate::default_data_dir() };
    let is_own = given.is_none();
    let first = first.canonicalize().unwrap_or_else(|_| first.to_owned());
    let dir = given.unwrap_or_else(|| first.join(locate::PROJECT_FOLDER));
    let mut lock = claim(&dir).await.map_err(|error| {
        let hint = error.hint();
        Fault::configuration(error).hint(hint)
    })?;
    if is_own {
        // Nothing in it is a source.
        let _ = fs::write(dir.join(".gitignore"), "*\n");
    }
    lock.says(Doing::Building);
    link_ahead(&dir.join(locate::SOCKET_NAME));
    let folder = dir.join("plugins");
    fs::create_dir_all(&folder).map_err(|error| {
        Fault::failed(anyhow::Error::new(error).context(format!("cannot make {}", folder.display())))
    })?;
    flags.data_dir = Some(dir);
    if !join {
        // Several run on one host; who joins others is known to them as the host.
        flags.usual_name(&first);
        flags.listen.get_or_insert_with(|| "loopback".into());
        flags.no_mdns = true;
    }
    Ok(Site { flags, folder, cache, lock })
}

/// Claims a data directory. One that was killed a moment ago may not be gone yet.
async fn claim(dir: &Path) -> Result<DirLock, LockError> {
    for _ in 0..GOING_TRIES {
        match identity::lock(dir) {
            Err(LockError::Busy { .. }) => tokio::time::sleep(GOING_PAUSE).await,
            claimed => return claimed,
        }
    }
    identity::lock(dir)
}

fn are_there(dirs: &[PathBuf]) -> Result<(), Fault> {
    for dir in dirs {
        // Said as `build` says it.
        dir.canonicalize()
            .map_err(|source| build::fault(BuildError::Folder { folder: dir.clone(), source }))?;
    }
    Ok(())
}

/// Where handlers are built.
struct Workshop<'a> {
    /// What was saved.
    sources: Sources,
    /// The folders of the sources.
    dirs: Vec<PathBuf>,
    /// The plugins that are not built, but started.
    processes: Vec<Process>,
    /// The plugins' folder of the node.
    folder: PathBuf,
    /// Told when something is in it.
    served: Arc<Notify>,
    tools: Tools,
    config: Configuration,
    /// Configurations of projects of which it was said that they are not used. None: somebody said which one is.
    unused: Option<Unused>,
    /// What failed the last time, as it was shown: it is not shown again when something else is saved.
    said: BTreeSet<String>,
    voice: &'a Voice,
}

impl Workshop<'_> {
    /// Builds until something is there to run: whoever starts with a typo mends it and saves.
    async fn first_build(mut self) -> Result<Self, Fault> {
        // What was built the last time may be of other folders.
        self.remove_all_but(&[]);
        if let Some(unused) = &mut self.unused {
            unused.say_processes(&self.dirs, &self.config, self.voice);
        }
        loop {
            let failures = self.build().await.map_err(build::fault)?;
            if failures.is_empty() {
                return Ok(self);
            }
            if !self.served().is_empty() {
                output::note(
                    self.voice,
                    "what is built runs; the rest is built again when something is saved",
                );
                return Ok(self);
            }
            if let Some(failure) = failures.iter().find(|failure| !is_mended_by_saving(failure)) {
                return Err(build::reported(failure));
            }
            output::note(self.voice, "waiting until something is saved");
            self.sources.changed().await;
        }
    }

    /// Builds whenever something is saved, for ever, and starts processes anew. A configuration that was saved holds, too.
    async fn rebuild(&mut self, node: &Node) {
        // It may have been saved while the first build waited.
        self.configure(node).await;
        loop {
            let saved = self.sources.changed().await;
            self.configure(node).await;
            let restarted = self.restart(node, &saved);
            let (built, ()) = tokio::join!(self.build(), restarted);
            match built {
                Ok(failures) if failures.is_empty() => continue,
                Ok(_) => {}
                Err(error) => build::report(&error),
            }
            output::note(self.voice, "what ran before goes on");
        }
    }

    /// Has the node read its configuration again, if that is what was saved.
    async fn configure(&mut self, node: &Node) {
        let config = &mut self.config;
        let Some(file) = config.other() else { return };
        // What came of it is in the log; of a wrong file, all that is wrong.
        match node.configure(false).await {
            Ok(_) => self.processes = config.processes(),
            Err(error @ ControlError::Unavailable(_)) => {
                tracing::error!("{}: {error}", file.display());
            }
            Err(_) => {}
        }
    }

    /// Has those processes start anew of which a file was saved. What comes of it is in the log.
    fn restart<'n>(&self, node: &'n Node, saved: &[PathBuf]) -> impl Future<Output = ()> + use<'n> {
        let config = self.config.file().and_then(|file| file.canonicalize().ok());
        // Those whom the configuration concerns were started anew by the node.
        let saved = saved.iter().filter(|path| Some(*path) != config.as_ref()).collect::<Vec<_>>();
        let concerned = self.processes.iter().filter_map(|process| {
            let file = saved.iter().find_map(|path| process.source(path))?;
            output::note(self.voice, &format!("`{}` is started anew: {file} was saved", process.name));
            Some(node.reload(Some(process.name.clone())))
        });
        let restarts = join_all(concerned);
        async move {
            for error in restarts.await.into_iter().filter_map(Result::err) {
                tracing::error!("{error}");
            }
        }
    }

    /// Builds everything (what did not change takes no time) and puts what is new into the plugins' folder, each project as
    /// soon as it is built. Returns what failed, which was reported.
    async fn build(&mut self) -> Result<Vec<BuildError>, BuildError> {
        let say = |said: Said<'_>| build::saying(self.voice, said);
        let fails = Mutex::new(BTreeSet::new());
        let report = |error: &BuildError| {
            let text = build::text(error);
            match text.as_ref().is_some_and(|text| self.said.contains(text)) {
                true => output::note(self.voice, &format!("{error}, as before")),
                false => build::report(error),
            }
            fails.lock().unwrap_or_else(PoisonError::into_inner).extend(text);
        };
        let options = Options { may_be_none: !self.processes.is_empty(), ..self.tools.options() };
        let (folder, served) = (&self.folder, &self.served);
        let serve = |artifacts: &[Artifact]| {
            let is_new = |artifact: &&Artifact| {
                fs::read(&artifact.file).ok() != fs::read(placed(folder, &artifact.name)).ok()
            };
            let new: Vec<Artifact> = artifacts.iter().filter(is_new).cloned().collect();
            place(&new, folder)?;
            served.notify_one();
            Ok(())
        };
        let heard = Heard { built: &serve, failed: &report };
        let built = build_all(&self.dirs, options, &say, heard).await;
        self.said = fails.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Built { artifacts, failures } = built?;
        if let Some(unused) = &mut self.unused {
            unused.say(&artifacts, &self.config, self.voice);
        }
        if failures.is_empty() {
            self.remove_all_but(&artifacts);
        }
        Ok(failures)
    }

    /// The handlers that are there to run.
    fn served(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let names = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// A handler whose sources are gone goes too.
    fn remove_all_but(&self, artifacts: &[Artifact]) {
        let wanted =
            |path: &Path| artifacts.iter().any(|artifact| placed(&self.folder, &artifact.name) == path);
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in files.filter(|file| !wanted(file)) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!("{} is no longer built and cannot be removed: {error}", file.display());
            }
        }
    }
}

/// Where a handler is in the plugins' folder.
fn placed(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_added_extension("wasm")
}

/// Whether whoever made a mistake mends it and saves; what is missing has to be installed, and then it is begun anew.
fn is_mended_by_saving(failure: &BuildError) -> bool {
    matches!(failure, BuildError::Failed { .. } | BuildError::Manifest { .. } | BuildError::Native { .. })
}
