//! `run`: a node in the foreground, until it is told to leave.

use std::{
    collections::BTreeMap,
    env,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use hive_client::locate;
use tokio::signal::unix::Signal;

use super::{Voice, exit::Fault, output};
use crate::{
    api,
    config::{self, FILE_NAME, Flags, Loaded, Request, Settings, Severity},
    control::ControlError,
    node::{Builder, Node},
    shutdown::{self, Signals},
    trust::identity::{self, DirLock, LockError},
};

/// How often a process is looked for again that may be about to be gone, and after how long.
const GOING_TRIES: u32 = 30;
/// Of these so many without a word.
const GOING_TRIES_UNSAID: u32 = 3;
const GOING_PAUSE: Duration = Duration::from_millis(100);

/// Run a node in the foreground.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node run                                 finds other nodes on this LAN by itself
  hive-node run --plugins ./plugins             runs the handlers in a folder; files may come and go
  hive-node run --peer 10.0.0.2                 beyond the LAN: dials a node that is known
  hive-node run --network farm --secret-file farm.secret

What is not said comes from the configuration file (--config, $HIVE_CONFIG, ./hive.yaml), then from
defaults. `hive-node check` explains a configuration, and `hive-node config reload`, or SIGHUP, has
a node take over what was changed in it. SIGINT and SIGTERM leave in order; a second one ends at
once.")]
pub(super) struct Run {
    #[command(flatten)]
    node: NodeFlags,
    /// A folder of handlers, which is watched; may be given several times.
    #[arg(long, value_name = "DIR")]
    plugins: Vec<PathBuf>,
}

/// What `run` and `dev` say of the node itself.
#[derive(Debug, Clone, Args)]
pub(super) struct NodeFlags {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The one that is used when nobody says which, if it is there.
    #[arg(skip)]
    usual: Option<PathBuf>,
    /// What the node is called when nobody says.
    #[arg(skip)]
    usual_name: Option<String>,
    /// A value for `${NAME}` in the configuration; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Where the node keeps its key and state [default: ~/.local/share/hive-node].
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// What others are shown beside the node's id [default: this host's name].
    #[arg(long)]
    name: Option<String>,
    /// Where to take links, over UDP [default: port 7182 of all addresses, or the next free one].
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<String>,
    /// A node to dial for ever, as HOST or HOST:PORT; may be given several times.
    #[arg(long = "peer", value_name = "ADDR")]
    peers: Vec<String>,
    /// The home network [default: hive, which is open].
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// A file with the home network's secret; without one it is open.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Neither look for nodes on the LAN nor say that this one is there.
    #[arg(long)]
    pub(super) no_mdns: bool,
    /// Where the API listens beside its Unix socket; `off` is all that this version has.
    #[arg(long, value_name = "ADDR|off")]
    api: Option<String>,
    /// What to log: a level, or directives as in `hive_node::mesh=trace,info` [default: what -q or -v say, else $RUST_LOG,
    /// else the configuration's `log.level`, else info].
    #[arg(long, value_name = "WHAT")]
    log: Option<String>,
}

impl NodeFlags {
    /// Whether somebody says which configuration it is.
    pub(super) fn is_config_said(&self) -> bool {
        self.config.is_some() || env::var_os("HIVE_CONFIG").is_some_and(|file| !file.is_empty())
    }

    /// The configuration is a folder's own, if it has one, or gets one, and nobody says which.
    pub(super) fn usual_config(&mut self, folder: &Path) {
        self.usual = Some(folder.join(FILE_NAME));
    }

    /// The node is called as a folder, unless somebody says how.
    pub(super) fn usual_name(&mut self, folder: &Path) {
        self.usual_name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    }

    /// The configuration that follows from file, environment and flags.
    pub(super) fn load(self, plugins: Vec<PathBuf>) -> Result<Loaded, Fault> {
        let flags = Flags {
            name: self.name,
            data_dir: self.data_dir,
            listen: self.listen,
            peers: self.peers,
            no_mdns: self.no_mdns,
            network: self.network,
            secret_file: self.secret_file,
            plugins,
            api: self.api,
            log: self.log,
        };
        load_usual(self.config, (self.usual, self.usual_name), flags, self.set)
    }
}

/// The configuration that follows from a file, the environment and flags.
pub(super) fn load(file: Option<PathBuf>, flags: Flags, set: Vec<(String, String)>) -> Result<Loaded, Fault> {
    load_usual(file, (None, None), flags, set)
}

/// The same; `usual` is the file where nobody says which, if it is there, and the node's name where nobody says that.
fn load_usual(
    file: Option<PathBuf>,
    (usual, default_name): (Option<PathBuf>, Option<String>),
    flags: Flags,
    set: Vec<(String, String)>,
) -> Result<Loaded, Fault> {
    let set: BTreeMap<String, String> = set.into_iter().collect();
    let request = Request::of_process(file, flags, set, locate::default_data_dir())
        .map_err(|error| Fault::failed(anyhow::Error::new(error).context("the working folder is gone")))?;
    let request = Request { usual, default_name, ..request };
    config::load(&request).map_err(super::check::report_problems)
}

impl Run {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let loaded = self.node.load(self.plugins)?;
        begin(&loaded, voice, false)?;
        let hangups = Hangups::take()?;
        // Whether it can be claimed is found out once more by who then says why not.
        let lock = claim(&loaded.settings.node.data_dir, voice).await.ok();
        let _ahead = lock.is_some().then(|| link_ahead(&loaded.settings));
        let mut signals = signals()?;
        let Some(node) = start(&loaded, lock, &mut signals).await? else { return Ok(()) };
        introduce(&node, &loaded, voice);
        until_asked_to_leave(&node, hangups.follow(&node), &mut signals, voice).await;
        shutdown(node, &mut signals, voice).await
    }
}

/// Starts to log, and says what is doubtful in the configuration. `unfolds`: people read it, wherever it goes.
pub(super) fn begin(loaded: &Loaded, voice: &Voice, unfolds: bool) -> Result<(), Fault> {
    // What the file says is weaker than the environment, and what the flag says, which is laid over it, is not.
    let flag = loaded.request.flags.log.as_deref();
    voice.start_log_of(flag, loaded.settings.log.as_deref().unwrap_or("info"), unfolds)?;
    if !voice.quiet {
        for warning in &loaded.warnings {
            anstream::eprintln!("{}", warning.render(Severity::Warning, true));
        }
    }
    Ok(())
}

/// Claims a data directory. One that was killed a moment ago may not be gone yet.
pub(super) async fn claim(dir: &Path, voice: &Voice) -> Result<DirLock, LockError> {
    for tried in 0..GOING_TRIES {
        match identity::lock(dir) {
            Err(error @ LockError::Busy { .. }) => {
                if tried == GOING_TRIES_UNSAID {
                    output::note(voice, &format!("{error}; waiting a moment whether it goes"));
                }
                tokio::time::sleep(GOING_PAUSE).await;
            }
            claimed => return claimed,
        }
    }
    identity::lock(dir)
}

/// Has whoever asks for the node find whose data directory is claimed, until it answers there itself.
pub(super) fn link_ahead(settings: &Settings) -> api::Ahead {
    api::link_ahead(&socket(settings), &settings.node.name)
}

fn socket(settings: &Settings) -> PathBuf {
    settings.node.data_dir.join(locate::SOCKET_NAME)
}

/// What asks to leave, from here on.
pub(super) fn signals() -> Result<Signals, Fault> {
    Signals::take()
        .map_err(|error| Fault::failed(anyhow::Error::new(error).context("signals cannot be received")))
}

/// Starts the node with its API. Whoever has claimed its data directory before hands that over. None: a signal came first, and
/// there is nothing yet that would have to leave in order.
pub(super) async fn start(
    loaded: &Loaded,
    lock: Option<DirLock>,
    signals: &mut Signals,
) -> Result<Option<Node>, Fault> {
    let settings = &loaded.settings;
    let builder = Builder::of(settings).map_err(Fault::configuration)?;
    let builder = builder
        .read_again(loaded)
        .claimed(lock)
        .api(api::Config { socket: socket(settings), link: Some(settings.node.name.clone()) });
    let started = tokio::select! {
        biased;
        started = builder.start() => started,
        _ = signals.next() => return Ok(None),
    };
    started.map(Some).map_err(|error| {
        let hint = error.hint();
        let fault = if error.is_configuration() { Fault::configuration(error) } else { Fault::failed(error) };
        fault.maybe_hint(hint)
    })
}

/// Says who the node is and how it is reached, on stderr.
pub(super) fn introduce(node: &Node, loaded: &Loaded, voice: &Voice) {
    let (boards, settings) = (node.boards(), &loaded.settings);
    let card = boards.node.read();
    let row = |name: &str, text: String| vec![format!("  {name}"), text];
    let mut rows = vec![row("id", card.id.to_string())];
    let listen: Vec<String> = boards.listen.read().iter().map(ToString::to_string).collect();
    rows.push(row(
        "links",
        if listen.is_empty() { "none".into() } else { format!("UDP {}", listen.join(", ")) },
    ));
    for network in boards.networks.read().iter() {
        rows.push(row("network", network_line(network.name.as_str(), network.open)));
    }
    if !settings.durable.is_empty() {
        rows.push(row("journal", settings.engine.to_string()));
    }
    rows.push(row("config", loaded.file.as_ref().map_or("none".into(), |file| file.display().to_string())));
    rows.push(row("plugins", plugins_line(settings)));
    if let Some(api) = node.api() {
        rows.push(row("api", api.socket().display().to_string()));
    }
    let head = format!("hive-node {}: node {}", env!("CARGO_PKG_VERSION"), card.name);
    output::note(voice, &format!("{head}\n{}", output::table(&rows).trim_end()));
    if let Some(argument) = node.api().and_then(api::Api::node_argument) {
        let argument = output::quoted(&argument).into_owned();
        output::note(voice, &format!("  another node runs here; ask this one with --node {argument}"));
    }
}

fn network_line(name: &str, open: bool) -> String {
    if !open {
        return format!("{name}: closed, only who has its secret joins");
    }
    let program = output::program();
    format!(
        "{name}: open, anyone who reaches this node may join; `{program} keygen` and --secret-file close it"
    )
}

fn plugins_line(settings: &Settings) -> String {
    let folders = settings.plugins.folders.iter().map(|folder| folder.display().to_string());
    let processes = settings.plugins.each.iter().filter(|(_, config)| config.exec.is_some());
    let all: Vec<String> = folders.chain(processes.map(|(name, _)| format!("{name} (a process)"))).collect();
    if all.is_empty() { "none; --plugins DIR runs the handlers in a folder".into() } else { all.join(", ") }
}

/// Waits until a signal or the API says to leave, doing something meanwhile.
pub(super) async fn until_asked_to_leave(
    node: &Node,
    meanwhile: impl Future<Output = ()>,
    signals: &mut Signals,
    voice: &Voice,
) {
    tokio::select! {
        signal = signals.next() => {
            output::note(voice, &format!("{signal}: leaving; a second one ends at once"));
        }
        () = node.asked_to_leave() => output::note(voice, "asked to leave"),
        () = meanwhile => {}
    }
}

/// SIGHUPs: each has the node read its configuration again.
pub(super) struct Hangups {
    signals: Signal,
    /// What the node says goes to a terminal.
    has_terminal: bool,
}

impl Hangups {
    /// From here on they do not end the process.
    pub(super) fn take() -> Result<Self, Fault> {
        let signals = shutdown::hangups().map_err(|error| {
            Fault::failed(anyhow::Error::new(error).context("signals cannot be received"))
        })?;
        Ok(Self { signals, has_terminal: std::io::stderr().is_terminal() })
    }

    /// Follows them until the terminal is gone, of which a SIGHUP tells too: the node leaves with it, as it came.
    pub(super) async fn follow(mut self, node: &Node) {
        while self.signals.recv().await.is_some() {
            if self.has_terminal && !std::io::stderr().is_terminal() {
                return;
            }
            // What came of it is in the log; of a wrong file, all that is wrong.
            if let Err(error @ ControlError::Unavailable(_)) = node.configure(false).await {
                tracing::error!("SIGHUP: {error}");
            }
        }
    }
}

/// Leaves the mesh in order; a second signal ends at once.
pub(super) async fn shutdown(node: Node, signals: &mut Signals, voice: &Voice) -> Result<(), Fault> {
    tokio::select! {
        () = node.shutdown() => Ok(()),
        _ = signals.next() => {
            output::note(voice, "ended before it had left");
            Err(Fault::silent(1))
        }
    }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it is NAME=VALUE")?;
    Ok((name.into(), value.into()))
}
