//! Brokers that bridges meet: the real servers, each on a free port of the loopback, ended with the test.
//!
//! What it owns: finding the programs, starting, stopping, freezing and restarting them on the same port. It must not know
//! what travels through them. What is missing fails by the name of what to install.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    nats::nats_server,
    ports::free_port,
    wait::{self, MOMENT},
};

/// Where daemons are that are not on everybody's path.
const DAEMONS: &str = "/usr/sbin:/usr/local/sbin";

/// Which server, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `redis-server` with these arguments, from the package of this name. It keeps nothing.
    Redis(Vec<String>),
    /// The same, which speaks TLS alone, with a certificate and its key.
    Rediss(PathBuf, PathBuf),
    /// `mosquitto`, from the package of this name, with these lines in its configuration.
    Mosquitto(Vec<String>),
    /// `nats-server` with these arguments.
    Nats(Vec<String>),
}

/// A running server.
#[derive(Debug)]
pub struct Broker {
    kind: Kind,
    folder: tempfile::TempDir,
    port: u16,
    /// None while it is stopped.
    child: Option<Child>,
}

impl Broker {
    /// A Redis.
    ///
    /// # Errors
    /// When there is none, or it does not answer.
    pub async fn redis() -> Result<Self> {
        Self::start(Kind::Redis(Vec::new())).await
    }

    /// An MQTT broker that lets everybody in.
    ///
    /// # Errors
    /// As [`Broker::redis`].
    pub async fn mosquitto() -> Result<Self> {
        Self::start(Kind::Mosquitto(vec!["allow_anonymous true".into()])).await
    }

    /// A NATS server without JetStream.
    ///
    /// # Errors
    /// As [`Broker::redis`].
    pub async fn nats() -> Result<Self> {
        Self::start(Kind::Nats(Vec::new())).await
    }

    /// A server of a kind.
    ///
    /// # Errors
    /// As [`Broker::redis`].
    pub async fn start(kind: Kind) -> Result<Self> {
        let mut broker = Self::reserve(kind)?;
        broker.restart().await?;
        Ok(broker)
    }

    /// One that has a port and does not run yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn reserve(kind: Kind) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("broker-").tempdir()?;
        Ok(Self { kind, folder, port: free_port()?, child: None })
    }

    /// Its port of the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is, as its clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.kind {
            Kind::Redis(_) => "redis",
            Kind::Rediss(..) => "rediss",
            Kind::Mosquitto(_) => "mqtt",
            Kind::Nats(_) => "nats",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it again on its port, and waits until it takes connections.
    ///
    /// # Errors
    /// When there is no such program, or it ends.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = self.command()?;
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let program = command.get_program().to_owned();
        let child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        self.child = Some(child);
        let what = format!("{} to take connections", program.display());
        let ready = wait::until(&what, MOMENT, async || {
            if let Some(child) = &mut self.child
                && let Ok(Some(status)) = child.try_wait()
            {
                return Some(Err(anyhow::anyhow!("{} ended with {status}", program.display())));
            }
            TcpStream::connect(("127.0.0.1", self.port)).is_ok().then_some(Ok(()))
        });
        let ready = ready.await.and_then(|ready| ready);
        ready.with_context(|| fs::read_to_string(self.folder.path().join("log")).unwrap_or_default())
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().context("waiting for a broker's end")?;
        Ok(())
    }

    /// Stops it in the middle of whatever it does, or lets it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&mut self, frozen: bool) -> Result<()> {
        let child = self.child.as_ref().context("it does not run")?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("the id of a process")?;
        Ok(kill_process(pid, if frozen { Signal::STOP } else { Signal::CONT })?)
    }

    fn command(&self) -> Result<Command> {
        let port = self.port.to_string();
        let mut command;
        match &self.kind {
            Kind::Redis(args) => {
                command = redis_server()?;
                command.args(["--port", &port]).args(args);
            }
            Kind::Rediss(certificate, key) => {
                command = redis_server()?;
                command
                    .args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"])
                    .arg("--tls-cert-file")
                    .arg(certificate)
                    .arg("--tls-key-file")
                    .arg(key);
            }
            Kind::Mosquitto(lines) => {
                command = Command::new(installed("mosquitto", "mosquitto")?);
                let file = self.folder.path().join("mosquitto.conf");
                // As root it would become somebody who may not read the test's files.
                let text = format!("user root\nlistener {port} 127.0.0.1\n{}\n", lines.join("\n"));
                fs::write(&file, text)?;
                command.arg("-c").arg(file);
            }
            Kind::Nats(args) => {
                command = Command::new(nats_server());
                command.args(["-a", "127.0.0.1", "-p", &port]).args(args);
            }
        }
        Ok(command)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(child) = &self.child
            && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
        {
            // A frozen one is not reached by anything else.
            let _ = kill_process(pid, Signal::CONT);
        }
        // Nothing is left to do about one that does not end.
        let _ = self.kill();
    }
}

/// A certificate of the loopback that is its own authority, and its key: two files in a folder.
///
/// # Errors
/// When there is no `openssl`, or it fails.
pub fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let config = folder.join("openssl.cnf");
    let text = "[req]\ndistinguished_name=name\nx509_extensions=extensions\nprompt=no\n[name]\nCN=loopback\n\
                [extensions]\nbasicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n";
    fs::write(&config, text)?;
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    openssl.arg("-config").arg(config).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output().context("there is no `openssl`: install it (apt-get install openssl)")?;
    if !made.status.success() {
        bail!("openssl: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok((certificate, key))
}

/// A Redis that keeps nothing.
fn redis_server() -> Result<Command> {
    let mut command = Command::new(installed("redis-server", "redis-server")?);
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    Ok(command)
}

/// A program of a package.
fn installed(program: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).chain(std::env::split_paths(DAEMONS));
    match found.map(|folder| folder.join(program)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("there is no `{program}`: install it (apt-get install {package})"),
    }
}
