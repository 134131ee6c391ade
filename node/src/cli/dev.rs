//! `dev`: builds handlers, runs a node with them, and builds again what is saved.
//!
//! What it owns: the loop between the editor and the node. The node sees only a folder whose files change, as any
//! other node does; so a handler that does not compile leaves the old one running. A process it is told to start anew.

mod configuration;
mod examples;
mod processes;
mod suggestions;
mod unused;
mod workshop;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use hive_client::locate;

use self::{
    configuration::Configuration, processes::Process, suggestions::suggest, unused::Unused,
    workshop::Workshop,
};
use super::{
    Voice,
    build::{self, Tools},
    exit::Fault,
    run,
    run::NodeFlags,
};
use crate::{
    config::Settings,
    toolchain::{build::BuildError, sources::Sources},
    trust::identity::{DirLock, Doing},
};

/// Where the defaults are others than those of `run`, whose flags these are.
const DATA_DIR_HELP: &str =
    "Where the node keeps its key and state [default: DIR/.hive/data, of the first DIR]";
const NAME_HELP: &str = "What others are shown beside the node's id [default: the name of the first DIR; with --join as \
                         `run`: this host's name]";
const LISTEN_HELP: &str = "Where to take links, over UDP [default: a free port of this machine alone; with --join as \
                           `run`: port 7182 of all addresses, or the next free one]";

/// Where its plugins are, in its data directory. What is in there is removed when it is no longer built: it is nobody else's.
const BUILT_FOLDER: &str = "dev";

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
        let Site { mut flags, folder, cache, lock } = prepare(self.node, self.join, &dirs, voice).await?;
        let is_config_said = flags.is_config_said();
        if let [dir] = dirs.as_slice() {
            flags.usual_config(dir);
        }
        let mut loaded = flags.load(vec![folder.clone()])?;
        let _ahead = run::link_ahead(&loaded.settings);
        loaded.settings.plugins.cache = cache;
        loaded.adjust(as_who_writes_handlers_wants);
        run::begin(&loaded, voice, true)?;
        let processes = Process::all(&loaded.settings);
        let sources = watched(&processes::folders(&dirs, &processes), &folder, loaded.file.as_deref())?;
        let config = Configuration::of(&loaded);
        let unused = (!is_config_said).then(Unused::default);
        let workshop = Workshop::new((dirs, folder), self.tools, config, processes, unused, voice);
        let mut building = Box::pin(workshop.first_build(sources));
        let mut signals = run::signals()?;
        let all = tokio::select! {
            biased;
            _ = signals.next() => return Ok(()),
            all = &mut building => Some(all?),
            () = workshop.something_to_run() => None,
        };
        let hangups = run::Hangups::take()?;
        let Some(node) = run::start(&loaded, Some(lock), &mut signals).await? else { return Ok(()) };
        run::introduce(&node, &loaded, voice);
        let mut trouble = Ok(());
        let leave = async {
            let working = async {
                let all = match all {
                    Some(sources) => Ok(sources),
                    None => building.await,
                };
                match all {
                    Ok(mut sources) => {
                        let mut served = workshop.served();
                        served.retain(|name| loaded.settings.plugins.of(name).enabled != Some(false));
                        let examples = workshop.examples();
                        tokio::join!(
                            suggest(&node, &served, &examples, voice),
                            workshop.rebuild(&mut sources, &node)
                        );
                    }
                    Err(fault) => trouble = Err(fault),
                }
            };
            tokio::select! {
                () = hangups.follow(&node) => {}
                () = working => {}
            }
        };
        run::until_asked_to_leave(&node, leave, &mut signals, voice).await;
        run::shutdown(node, &mut signals, voice).await?;
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
async fn prepare(mut flags: NodeFlags, join: bool, dirs: &[PathBuf], voice: &Voice) -> Result<Site, Fault> {
    let (given, first) = (flags.data_dir.take(), dirs.first().map_or(Path::new("."), PathBuf::as_path));
    let cache = if given.is_some() { None } else { locate::default_data_dir() };
    let is_own = given.is_none();
    let first = first.canonicalize().unwrap_or_else(|_| first.to_owned());
    let dir = given.unwrap_or_else(|| first.join(locate::PROJECT_FOLDER));
    let mut lock = run::claim(&dir, voice).await.map_err(|error| {
        let hint = error.hint();
        Fault::configuration(error).hint(hint)
    })?;
    if is_own {
        // Nothing in it is a source.
        let _ = fs::write(dir.join(".gitignore"), "*\n");
    }
    lock.says(Doing::Building);
    let folder = dir.join(BUILT_FOLDER);
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

/// What is followed: the folders, but not what the node writes, and the configuration, wherever it is.
fn watched(folders: &[PathBuf], built: &Path, config: Option<&Path>) -> Result<Sources, Fault> {
    let sources = Sources::watch(folders).map_err(Fault::configuration)?;
    let mut sources = sources.except(built.parent().unwrap_or(built));
    sources.also(config.map(Path::to_owned)).map_err(Fault::configuration)?;
    Ok(sources)
}

fn are_there(dirs: &[PathBuf]) -> Result<(), Fault> {
    for dir in dirs {
        // Said as `build` says it.
        fs::read_dir(dir)
            .map_err(|source| build::fault(BuildError::Folder { folder: dir.clone(), source }))?;
    }
    Ok(())
}
