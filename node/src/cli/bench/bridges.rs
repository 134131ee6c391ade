//! `bench bridges`: what bridges bring in, beside bare clients.

use clap::Args;

use crate::{
    bench::bridges,
    cli::{Voice, exit::Fault, output},
    config::PeerAddress,
    units::ByteSize,
};

/// Measure what bridges bring in from brokers, beside a bare client of the same library.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bench bridges --redis 127.0.0.1:6379
  hive-node bench bridges --mqtt 127.0.0.1:1883 --nats 127.0.0.1:4222 --size 1KiB --json

The brokers are started by whoever measures, and let everybody in. Look at the ratios.")]
pub(super) struct Bridges {
    /// A Redis.
    #[arg(long, value_name = "HOST:PORT", required_unless_present_any = ["mqtt", "nats"])]
    redis: Option<PeerAddress>,
    /// An MQTT broker.
    #[arg(long, value_name = "HOST:PORT")]
    mqtt: Option<PeerAddress>,
    /// A NATS server.
    #[arg(long, value_name = "HOST:PORT")]
    nats: Option<PeerAddress>,
    /// The payload's size.
    #[arg(long, value_name = "SIZE", default_value = "64B")]
    size: ByteSize,
    /// How often everything is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Events of one measurement.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Bridges {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log("error")?;
        let at = |place: Option<PeerAddress>, kind| {
            place.map(|PeerAddress { host, port }| bridges::Broker { kind, host, port })
        };
        let brokers = [
            at(self.redis, bridges::BrokerKind::Redis),
            at(self.mqtt, bridges::BrokerKind::Mqtt),
            at(self.nats, bridges::BrokerKind::Nats),
        ];
        let brokers = brokers.into_iter().flatten().collect();
        let plan = bridges::Plan { brokers, size: self.size, rounds: self.rounds, events: self.events };
        let report = bridges::run(&plan, |line| output::progress(voice, &line)).await?;
        if self.json { output::json(&report) } else { output::bytes(report.table().as_bytes()) }
    }
}
