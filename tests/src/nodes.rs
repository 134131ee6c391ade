//! Real nodes: the program itself, each in a process and a data directory of its own.
//!
//! What it owns: starting them, waiting until they answer, what they print, and their end, whichever way a test goes.
//! A node that is dropped while its test fails prints everything it said.

use std::{
    ffi::OsString,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use hive_client::{Client, types::Status};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    hosts::Host,
    wait::{self, MOMENT},
};

/// How to start a node. By default: on the loopback, any free port, no mDNS, no TCP API.
pub struct Setup {
    program: PathBuf,
    name: String,
    /// A folder for everything the node and its test leave behind, gone with the node.
    folder: tempfile::TempDir,
    /// Of somebody else, where a node is started again on what another left.
    data_dir: Option<PathBuf>,
    verb: String,
    /// None: it is on the loopback.
    host: Option<Host>,
    args: Vec<OsString>,
    envs: Vec<(String, OsString)>,
}

impl Setup {
    /// A node to be. `program` is `env!("CARGO_BIN_EXE_hive-node")` of the test.
    ///
    /// # Panics
    /// When there can be no temporary folder.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("hive-").tempdir().expect("a temporary folder");
        Self {
            program: program.into(),
            name: name.to_owned(),
            folder,
            data_dir: None,
            verb: "run".to_owned(),
            host: None,
            args: Vec::new(),
            envs: Vec::new(),
        }
    }

    /// On a host of a segment, with mDNS and the default port, as a person would start it there.
    #[must_use]
    pub fn on(mut self, host: &Host) -> Self {
        self.host = Some(host.clone());
        self
    }

    /// Another verb than `run`.
    #[must_use]
    pub fn verb(mut self, verb: &str) -> Self {
        verb.clone_into(&mut self.verb);
        self
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Several more.
    #[must_use]
    pub fn args(self, args: &[&str]) -> Self {
        args.iter().fold(self, |setup, arg| setup.arg(arg))
    }

    /// `--peer` with the address of another node.
    #[must_use]
    pub fn peer(self, other: &Node) -> Self {
        let addr = other.addr();
        self.arg("--peer").arg(addr.to_string())
    }

    /// `--plugins` with a folder.
    #[must_use]
    pub fn plugins(self, folder: impl AsRef<Path>) -> Self {
        self.arg("--plugins").arg(folder.as_ref())
    }

    /// A data directory that outlives the node.
    #[must_use]
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.envs.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it and waits until it answers on its socket.
    ///
    /// # Errors
    /// When it ends before it answers, or never does: with all it printed.
    pub async fn start(self) -> Result<Node> {
        self.start_within(MOMENT).await
    }

    /// The same for one that has much to do before it answers.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn start_within(self, within: Duration) -> Result<Node> {
        let mut node = self.spawn()?;
        node.answers_within(within).await?;
        Ok(node)
    }

    /// Starts it and does not wait: for nodes that are to fail.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn spawn(self) -> Result<Node> {
        let data_dir = self.data_dir.clone().unwrap_or_else(|| self.folder.path().join("data"));
        let mut command = match &self.host {
            Some(host) => host.command(&self.program),
            None => Command::new(&self.program),
        };
        command.arg(&self.verb).arg("--name").arg(&self.name).arg("--data-dir").arg(&data_dir);
        if self.host.is_none() {
            command.args(["--listen", "127.0.0.1:0", "--no-mdns", "--api", "off"]);
        }
        command.args(&self.args);
        clean(&mut command, self.folder.path());
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        let output = |name: &str| File::create(self.folder.path().join(name));
        command.stdin(Stdio::null()).stdout(output("stdout")?).stderr(output("stderr")?);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let client = Client::new(data_dir.join(hive_client::locate::SOCKET_NAME));
        Ok(Node { name: self.name, child, ended: None, folder: self.folder, data_dir, client, addr: None })
    }
}

/// A process that is a node, ended when dropped.
pub struct Node {
    name: String,
    child: Child,
    /// Set once the process was seen to have ended.
    ended: Option<ExitStatus>,
    folder: tempfile::TempDir,
    data_dir: PathBuf,
    client: Client,
    /// Where it takes links, known once it has answered.
    addr: Option<SocketAddr>,
}

impl Node {
    /// Its client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Where it takes links.
    ///
    /// # Panics
    /// When it has not answered yet.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr.expect("a node that has answered")
    }

    /// Everything it knows of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Status> {
        self.client.status().await.with_context(|| format!("asking {}", self.name))
    }

    /// Waits until it answers on its socket.
    ///
    /// # Errors
    /// When it ends before, or never does: with all it printed.
    pub async fn answers(&mut self) -> Result<Status> {
        self.answers_within(MOMENT).await
    }

    async fn answers_within(&mut self, within: Duration) -> Result<Status> {
        let what = format!("{} to answer on its socket", self.name);
        let status = wait::until(&what, within, async || {
            if let Some(status) = self.poll() {
                return Some(Err(anyhow!("{} ended with {status}", self.name)));
            }
            self.client.status().await.ok().map(Ok)
        });
        let status = status.await.and_then(|answer| answer).with_context(|| self.printed())?;
        self.addr = status.listen.iter().find_map(|addr| addr.parse().ok());
        Ok(status)
    }

    /// Waits until it is connected to that many peers and knows what each of them wants.
    ///
    /// # Errors
    /// When it never is.
    pub async fn has_peers(&self, count: usize, within: Duration) -> Result<()> {
        let what = format!("{} to have {count} peers", self.name);
        wait::until(&what, within, async || {
            let peers = self.client.peers().await.ok()?.peers;
            (peers.len() == count && peers.iter().all(|peer| peer.ready)).then_some(())
        })
        .await
        .with_context(|| self.printed())
    }

    /// Waits for so long a time in which it takes less than a hundredth of one processor. Returns the share it took.
    ///
    /// # Errors
    /// When it is never that idle.
    pub async fn idles(&self, window: Duration, within: Duration) -> Result<f64> {
        let what = format!("{} to be idle", self.name);
        let mut began = (Instant::now(), self.cpu_time()?);
        wait::until(&what, within, async || {
            let (now, busy) = (Instant::now(), self.cpu_time().ok()?);
            let elapsed = now - began.0;
            if elapsed < window {
                return None;
            }
            let share = busy.saturating_sub(began.1).as_secs_f64() / elapsed.as_secs_f64();
            began = (now, busy);
            (share < 0.01).then_some(share)
        })
        .await
        .with_context(|| self.printed())
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The time it has spent on processors.
    fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field, the program's name, is in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ").context("no name in /proc/PID/stat")?;
        let ticks =
            |at: usize| -> Result<u64> { Ok(fields.split(' ').nth(at).context("too short")?.parse()?) };
        // utime and stime, the 14th and 15th field, in ticks.
        let ticks = ticks(11)?.saturating_add(ticks(12)?);
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }

    /// Waits until a plugin runs with that generation or a later one.
    ///
    /// # Errors
    /// When it never does.
    pub async fn runs_plugin(&self, name: &str, generation: u64) -> Result<()> {
        let what = format!("{} to run generation {generation} of {name}", self.name);
        wait::until(&what, MOMENT, async || {
            let plugins = self.client.plugins().await.ok()?.plugins;
            plugins.iter().any(|plugin| plugin.name == name && plugin.generation >= generation).then_some(())
        })
        .await
        .with_context(|| self.printed())
    }

    /// Waits until it has printed a text.
    ///
    /// # Errors
    /// When it never does: with all it printed.
    pub async fn says(&mut self, text: &str) -> Result<()> {
        let what = format!("{} to say `{text}`", self.name);
        wait::until(&what, MOMENT, async || {
            // Asked first, so that what an ended node said last is still read.
            let ended = self.poll().is_some();
            match self.printed().contains(text) {
                true => Some(Ok(())),
                false if ended => Some(Err(anyhow!("{} ended without saying `{text}`", self.name))),
                false => None,
            }
        })
        .await
        .and_then(|said| said)
        .with_context(|| self.printed())
    }

    /// What it printed so far, to both outputs.
    #[must_use]
    pub fn printed(&self) -> String {
        format!("{} printed:\n{}{}", self.name, self.stdout(), self.stderr())
    }

    /// What it printed to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.output("stdout")
    }

    /// What it printed to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.output("stderr")
    }

    /// Asks it to leave (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ends().await
    }

    /// Ends it at once (SIGKILL), as a crash would.
    ///
    /// # Errors
    /// When it does not end even so.
    pub async fn crash(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        self.ends().await
    }

    /// Stops it in the middle of whatever it does (SIGSTOP), or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&mut self, frozen: bool) -> Result<()> {
        self.signal(if frozen { Signal::STOP } else { Signal::CONT })
    }

    /// Has it read its configuration again (SIGHUP).
    ///
    /// # Errors
    /// When it has ended.
    pub fn hang_up(&mut self) -> Result<()> {
        self.signal(Signal::HUP)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ends(&mut self) -> Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        wait::until(&what, MOMENT, async || self.poll()).await.with_context(|| self.printed())
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.poll().is_some() {
            bail!("{} has ended already\n{}", self.name, self.printed());
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("the id of a process")?, signal)?)
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    fn output(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.poll().is_none() {
            // Gone already, or never reachable: nothing is left to do about either.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("---- {}", self.printed());
        }
    }
}

/// Takes away what the person who runs the tests has set for nodes of their own.
pub fn clean(command: &mut Command, home: &Path) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("HIVE_") || text.starts_with("XDG_") || text == "RUST_LOG" || text == "NO_COLOR" {
            command.env_remove(&name);
        }
    }
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
}
