//! `hive-node bench`: what this build does on this machine, beside a bare QUIC link measured in the same
//! run. Absolute figures of a shared machine mean little; the ratios are what to look at.
//!
//! Links are measured between two processes over the loopback: this one publishes, a child of the same program
//! receives. Handlers and the journal are measured in this one.

pub mod bridges;
mod far;
pub mod handlers;
mod hive;
pub mod journal;
mod links;
mod measure;
pub mod nats;
pub mod plugins;
pub mod spoke;
mod thin;

use std::{path::PathBuf, time::Duration};

pub use far::serve;
pub use links::run;
use serde::Serialize;

use crate::units::ByteSize;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// This program's file, for the second process.
    pub program: PathBuf,
    /// The arguments that make it the far end.
    pub far_arguments: Vec<String>,
    /// Payload sizes.
    pub sizes: Vec<ByteSize>,
    /// How often each link is measured, in turns.
    pub rounds: u32,
    /// About how long one throughput measurement takes.
    pub duration: Duration,
}

/// What was measured: a row a size.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// How often each link was measured.
    pub rounds: u32,
    /// A row a size.
    pub rows: Vec<Row>,
}

/// One payload size: both links, and the medians of the ratios within each round.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Payload bytes of one event.
    pub payload_bytes: u64,
    /// A bare QUIC stream with length-prefixed events, gathered into 64 KiB writes.
    pub thin: Figures,
    /// Two nodes: publish here, subscribe there.
    pub hive: Figures,
    /// hive's events a second through thin's.
    pub throughput_ratio: f64,
    /// hive's median round trip through thin's.
    pub round_trip_ratio: f64,
}

/// One link's figures: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Events a second, one publisher and one subscriber.
    pub events_per_s: f64,
    /// Payload bytes a second, in units of 10⁶.
    pub mb_per_s: f64,
    /// CPU seconds of both processes for a million events.
    pub cpu_s_per_million: f64,
    /// Half of all round trips of one event there and one back took at most this.
    pub round_trip_p50_us: f64,
    /// 99 of 100 did.
    pub round_trip_p99_us: f64,
}

impl Report {
    /// The report as a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:>9}  {:<9} {:>11} {:>9} {:>8} {:>9} {:>9}\n",
            "payload", "link", "events/s", "MB/s", "CPU s/M", "p50 µs", "p99 µs"
        );
        for row in &self.rows {
            for (name, figures) in [("thin QUIC", &row.thin), ("hive", &row.hive)] {
                text += &format!(
                    "{:>9}  {name:<9} {:>11.0} {:>9.1} {:>8.2} {:>9.1} {:>9.1}\n",
                    ByteSize(row.payload_bytes).to_string(),
                    figures.events_per_s,
                    figures.mb_per_s,
                    figures.cpu_s_per_million,
                    figures.round_trip_p50_us,
                    figures.round_trip_p99_us,
                );
            }
            let (speed, trip) = (row.throughput_ratio, row.round_trip_ratio);
            text += &format!("{:>9}  {:<9} {speed:>10.2}x {:>38.2}x\n", "", "ratio", trip);
        }
        text += "p50 and p99 are round trips: one event there, one back.\n";
        text
    }
}
