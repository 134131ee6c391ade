//! `bench`: what this build does on this machine.

use std::{env, time::Duration};

use clap::Args;

use super::{Voice, exit::Fault, output};
use crate::{
    bench::{self, Plan},
    units::{self, ByteSize},
};

/// Measure two nodes over the loopback, beside a bare QUIC link.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bench
  hive-node bench --size 64B --size 16KiB --rounds 5 --json

Figures of a shared machine mean little by themselves; look at the ratios.")]
pub(super) struct Bench {
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
