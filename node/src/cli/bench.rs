//! `bench`: what this build does on this machine.

mod bridges;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use clap::{Args, Subcommand};

use super::{Voice, exit::Fault, message, output};
use crate::{
    Message,
    bench::{self, Plan, handlers, journal, plugins, spoke},
    units::{self, ByteSize},
};

/// Measure two nodes beside a bare QUIC link; or handlers, plugins, the journal or bridges.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  hive-node bench
  hive-node bench --size 64B --size 16KiB --rounds 5 --json
  hive-node bench handlers                 what the node adds to a call into a handler
  hive-node bench plugins                  how fast many plugins start, and one is replaced
  hive-node bench journal                  durable appends beside a bare write and fdatasync
  hive-node bench spoke 127.0.0.1:7181 127.0.0.1:7200    a node's listener beside a spoke-server
  hive-node bench bridges --redis 127.0.0.1:6379         a bridge beside a bare client of the broker

Figures of a shared machine mean little by themselves; look at the ratios."
)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    /// A payload size; may be given several times.
    #[arg(long = "size", value_name = "SIZE", default_values = ["64B", "1KiB", "64KiB"])]
    sizes: Vec<ByteSize>,
    /// How often each link is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// About how long one measurement takes.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration)]
    duration: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Be the second process.
    #[arg(long, hide = true)]
    far: bool,
}

impl Bench {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        match self.what {
            Some(What::Handlers(handlers)) => return handlers.run(voice).await,
            Some(What::Plugins(plugins)) => return plugins.run(voice).await,
            Some(What::Journal(journal)) => return journal.run(voice).await,
            Some(What::Spoke(spoke)) => return spoke.run(voice).await,
            Some(What::Bridges(bridges)) => return bridges.run(voice).await,
            None => {}
        }
        voice.start_log("warn")?;
        if self.far {
            return Ok(bench::serve().await?);
        }
        let program = env::current_exe()
            .map_err(|error| anyhow::Error::new(error).context("this program's file is unknown"))?;
        let far_arguments = vec!["bench".to_owned(), "--far".to_owned()];
        let plan =
            Plan { program, far_arguments, sizes: self.sizes, rounds: self.rounds, duration: self.duration };
        let report = bench::run(&plan, |line| output::progress(voice, &line)).await?;
        if self.json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
enum What {
    Handlers(Handlers),
    Plugins(Plugins),
    Journal(Journal),
    Spoke(Spoke),
    Bridges(bridges::Bridges),
}

/// Measure a node's spoke listener beside a spoke-server, with the same bare client.
#[derive(Debug, Args)]
struct Spoke {
    /// Where the node listens.
    #[arg(value_name = "NODE")]
    listener: String,
    /// Where the spoke-server does.
    #[arg(value_name = "SERVER")]
    server: String,
    /// Messages in a burst.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(2..))]
    burst: u64,
    /// Messages a second where latencies are measured.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How long one measurement of latencies takes.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = units::duration)]
    duration: Duration,
    /// How often everything is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Spoke {
    async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log("warn")?;
        let Self { listener: node, server, burst, rate, duration, rounds, json } = self;
        let plan = spoke::Plan { node, server, burst, rate, duration, rounds };
        let report = spoke::run(&plan, |line| output::progress(voice, &line)).await?;
        if json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}

/// Measure durable appends, beside a bare write and fdatasync on the same disk, and beside JetStream.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bench journal
  hive-node bench journal --dir /var/lib --size 1KiB --json
  hive-node bench journal --nats-server /usr/bin/nats-server --nats-replicas 3

Figures of a shared disk mean little by themselves; look at the ratios.")]
struct Journal {
    /// Where to make the files, which are removed again [default: the current directory].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The payload's size.
    #[arg(long, value_name = "SIZE", default_value = "64B")]
    size: ByteSize,
    /// How often everything is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long one measurement takes, of four in a round, or seven.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration)]
    duration: Duration,
    /// Measure JetStream, too: a nats-server program, which is started on the same disk and told to sync
    /// always, or the nats:// address of one that runs.
    #[arg(long, value_name = "PATH|URL", value_parser = journal::NatsPlace::parse)]
    nats_server: Option<journal::NatsPlace>,
    /// How many servers keep each event there; a program is started as often.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "nats_server",
        value_parser = clap::value_parser!(u8).range(1..=5))]
    nats_replicas: u8,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Journal {
    async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log("warn")?;
        let dir = self.dir.unwrap_or_else(|| PathBuf::from("."));
        let replicas = self.nats_replicas;
        let nats = self.nats_server.map(|place| journal::Nats { place, replicas });
        let plan = journal::Plan { dir, size: self.size, rounds: self.rounds, duration: self.duration, nats };
        let report = journal::run(&plan, |line| output::progress(voice, &line)).await?;
        if self.json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}

/// Measure what the node adds to a call into a handler, and what a bad neighbour costs it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bench handlers
  hive-node bench handlers greeter.wasm --data '\"Ada\"'

The handler gets the event on a channel of its first subscription, without any configuration.
Figures of a shared machine mean little by themselves; look at the ratios.")]
struct Handlers {
    /// A component [default: one of a few instructions that is built in].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The event's payload [default: a JSON string, 64 bytes in all].
    #[arg(long)]
    data: Option<String>,
    /// How often everything is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long latencies are measured in one round, in each of six situations.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = units::duration)]
    duration: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Handlers {
    async fn run(self, voice: &Voice) -> Result<(), Fault> {
        // Neighbours are broken on purpose, many times.
        voice.start_log("error")?;
        let guest = self.file.as_deref().map(component).transpose()?;
        let data = self.data.unwrap_or_else(|| format!("\"{}\"", "x".repeat(62)));
        let content_type = message::content_type(data.as_bytes());
        let message = Message::new(data);
        let message = content_type.into_iter().fold(message, Message::with_content_type);
        let plan = handlers::Plan { guest, message, rounds: self.rounds, duration: self.duration };
        let report = handlers::run(&plan, |line| output::progress(voice, &line)).await;
        let report = report.map_err(|error| {
            let fault = Fault::failed(error);
            let Some(file) = &self.file else { return fault };
            let file = output::quoted(&file.to_string_lossy()).into_owned();
            fault.hint(format!(
                "`{} check {file}` says what it listens to; --data gives it another event",
                output::program()
            ))
        })?;
        if self.json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}

/// Measure how fast many plugins start, and one is replaced, and what a fresh instance for each event costs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bench plugins
  hive-node bench plugins greeter.wasm --count 100 --json

Each of the plugins is the component with another content.
Files go to the folder for temporary files.")]
struct Plugins {
    /// A component [default: one of a few instructions that is built in].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How many plugins start.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    count: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Plugins {
    async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log("warn")?;
        let guest = self.file.as_deref().map(component).transpose()?;
        let plan = plugins::Plan { guest, plugins: self.count };
        let report = plugins::run(&plan, |line| output::progress(voice, &line)).await?;
        if self.json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}

/// A component's name and bytes.
fn component(file: &Path) -> Result<(String, Bytes), Fault> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let bytes = fs::read(file).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot read {}", file.display()));
        Fault::configuration(error).hint("without FILE a handler that is built in is measured")
    })?;
    Ok((name, bytes.into()))
}
