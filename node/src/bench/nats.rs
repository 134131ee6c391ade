//! nats-server with JetStream at its strictest: every message synced before it is acknowledged.
//!
//! What it owns: starting one or a cluster of them on the loopback, in a folder, and their end. It must not know what is
//! asked of them, nor where the program comes from.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long servers have to begin.
const BEGIN: Duration = Duration::from_secs(20);
/// Between two looks whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// Some servers that are one cluster, ended when dropped.
#[derive(Debug)]
pub struct Servers {
    program: PathBuf,
    dir: PathBuf,
    servers: Vec<Server>,
}

#[derive(Debug)]
struct Server {
    /// None while it is stopped.
    child: Option<Child>,
    /// Clients', and the cluster's.
    ports: (u16, u16),
}

impl Servers {
    /// Starts so many servers that keep what they have below `dir`.
    ///
    /// # Errors
    /// When the program cannot be run, or does not begin in time: with what it printed.
    pub async fn start(program: &Path, dir: &Path, count: usize) -> Result<Self> {
        let mut ports = Vec::new();
        {
            // Held together, so that they differ; others may take one before the server does, which then says so.
            let held: Vec<_> = (0..count * 2).map(|_| std::net::TcpListener::bind("127.0.0.1:0")).collect();
            for listener in held {
                ports.push(listener?.local_addr()?.port());
            }
        }
        let pairs = ports.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        let servers = pairs.map(|ports| Server { child: None, ports }).collect();
        let mut servers = Self { program: program.into(), dir: dir.into(), servers };
        for at in 0..count {
            servers.spawn(at)?;
        }
        for at in 0..count {
            servers.begun(at).await?;
        }
        Ok(servers)
    }

    /// The addresses of all, running or not.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("nats://127.0.0.1:{}", server.ports.0)).collect()
    }

    /// The version that the program says it has.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn version(program: &Path) -> Result<String> {
        let output = Command::new(program).arg("--version").output();
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Ends one at once, as a crash would (SIGKILL).
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn kill(&mut self, at: usize) -> Result<()> {
        let server = self.servers.get_mut(at).context("no such server")?;
        if let Some(mut child) = server.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts one again with what it had.
    ///
    /// # Errors
    /// As [`Servers::start`].
    pub async fn restart(&mut self, at: usize) -> Result<()> {
        self.kill(at)?;
        self.spawn(at)?;
        self.begun(at).await
    }

    /// The number of the process of one that runs.
    #[must_use]
    pub fn process(&self, at: usize) -> Option<u32> {
        self.servers.get(at)?.child.as_ref().map(Child::id)
    }

    fn spawn(&mut self, at: usize) -> Result<()> {
        let dir = self.dir.join(format!("nats-{at}"));
        fs::create_dir_all(&dir)?;
        let (port, cluster) = self.servers.get(at).context("no such server")?.ports;
        let mut config = format!(
            "server_name: s{at}\nlisten: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {:?}, sync_interval: always }}\n",
            dir.join("store").display().to_string()
        );
        if self.servers.len() > 1 {
            let routes = self.servers.iter().map(|server| format!("nats://127.0.0.1:{}", server.ports.1));
            let routes = routes.collect::<Vec<_>>().join(", ");
            config +=
                &format!("cluster {{ name: bench, listen: \"127.0.0.1:{cluster}\", routes: [{routes}] }}\n");
        }
        let file = dir.join("nats.conf");
        fs::write(&file, config)?;
        let log = File::create(dir.join("log"))?;
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot run {}", self.program.display()))?;
        if let Some(server) = self.servers.get_mut(at) {
            server.child = Some(child);
        }
        Ok(())
    }

    /// Waits until a server lets clients in and, in a cluster, has found who leads.
    async fn begun(&mut self, at: usize) -> Result<()> {
        let began = Instant::now();
        let log = self.dir.join(format!("nats-{at}")).join("log");
        let clustered = self.servers.len() > 1;
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let leads = !clustered
                || said.contains("cluster metadata leader")
                || said.contains("JetStream cluster new");
            if said.contains("Server is ready") && leads {
                return Ok(());
            }
            let child = self.servers.get_mut(at).and_then(|server| server.child.as_mut());
            let ended = child.and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || began.elapsed() >= BEGIN {
                bail!("{} does not begin:\n{said}", self.program.display());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for at in 0..self.servers.len() {
            // Gone already: nothing is left to do.
            let _ = self.kill(at);
        }
    }
}
