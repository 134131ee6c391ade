//! `hive-node bench handlers`: what the node adds to a call into a handler, and what a bad neighbour costs a good one.
//!
//! Every figure stands beside the one it is to be compared with, measured in the same round: a bare call of the same
//! event into the same guest, and the same handler alone.

mod calls;
pub(super) mod stage;
mod waits;

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use serde::Serialize;

use super::measure::median;
use crate::{Message, units::ByteSize};
use stage::Stage;

/// Threads for guests: with one spinner and two threads, one is left.
const GUEST_THREADS: usize = 2;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// A component and what to call it; none: one of a few instructions that is built in.
    pub guest: Option<(String, Bytes)>,
    /// The event that it is given each time.
    pub message: Message,
    /// How often everything is measured, in turns.
    pub rounds: u32,
    /// How long latencies are measured in one round, in each situation.
    pub duration: Duration,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// How often everything was measured.
    pub rounds: u32,
    /// The handler.
    pub guest: String,
    /// Payload bytes of the event.
    pub payload_bytes: u64,
    /// Threads that guests had.
    pub guest_threads: usize,
    /// What one event costs: first the bare call, which the others are compared with.
    pub costs: Vec<Cost>,
    /// From publishing to handled, each event by itself: first alone, which the others are compared with; last what a call
    /// takes after waking a thread, and what waking one does.
    pub latencies: Vec<Latency>,
}

/// What one event costs on one way to the handler: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// The way.
    pub way: &'static str,
    /// CPU time of the process.
    pub cpu_us: f64,
    /// Wall time.
    pub wall_us: f64,
    /// CPU time through that of the bare call.
    pub cpu_ratio: f64,
    /// CPU time beyond that of the bare call.
    pub cpu_more_us: f64,
}

/// How long one event takes in one situation: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// What else runs.
    pub situation: &'static str,
    /// Half of all events took at most this.
    pub p50_us: f64,
    /// 99 of 100 did.
    pub p99_us: f64,
    /// The p99 through that of the handler alone.
    pub p99_ratio: f64,
}

/// Measures what the plan says. Calls `progress` with a line now and then.
///
/// # Errors
/// When the component is not one, or fails the event.
pub async fn run(plan: &Plan, mut progress: impl FnMut(String)) -> Result<Report> {
    let stage = Stage::start().await?;
    let guest = match &plan.guest {
        Some((name, file)) => stage.load(name, file.clone()).await?,
        None => stage.built_in().await?,
    };
    stage.trial(&guest, &plan.message).await?;
    let (mut costs, mut latencies) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        progress(format!("round {round} of {}: costs", plan.rounds));
        costs.push(calls::round(&stage, &guest, &plan.message).await?);
        progress(format!("round {round} of {}: latencies", plan.rounds));
        latencies.push(waits::round(&stage, &guest, &plan.message, plan.duration).await?);
    }
    let report = Report {
        v: 1,
        rounds: plan.rounds,
        guest: guest.name().to_owned(),
        payload_bytes: u64::try_from(plan.message.payload.len())?,
        guest_threads: GUEST_THREADS,
        costs: calls::summary(&costs),
        latencies: waits::summary(&latencies),
    };
    stage.end().await;
    Ok(report)
}

/// The median over the rounds of something that is computed within one.
fn over<R>(rounds: &[R], of: impl Fn(&R) -> f64) -> f64 {
    median(rounds.iter().map(of).collect())
}

impl Report {
    /// The report as two tables for people.
    #[must_use]
    pub fn table(&self) -> String {
        let size = ByteSize(self.payload_bytes);
        let head = format!("one {size} event, {}", self.guest);
        let mut text =
            format!("{head:<36} {:>9} {:>9} {:>8} {:>10}\n", "CPU µs", "wall µs", "ratio", "more µs");
        for Cost { way, cpu_us, wall_us, cpu_ratio, cpu_more_us } in &self.costs {
            text +=
                &format!("{way:<36} {cpu_us:>9.2} {wall_us:>9.2} {cpu_ratio:>7.2}x {cpu_more_us:>10.2}\n");
        }
        let head = format!("published to handled, {} threads", self.guest_threads);
        text += &format!("\n{head:<36} {:>9} {:>9} {:>8}\n", "p50 µs", "p99 µs", "ratio");
        for Latency { situation, p50_us, p99_us, p99_ratio } in &self.latencies {
            text += &format!("{situation:<36} {p50_us:>9.1} {p99_us:>9.1} {p99_ratio:>7.2}x\n");
        }
        text += "Ratios are of CPU times to the bare call's, and of each p99 to that alone.\n";
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sketch::Sketch;

    fn plan(guest: Option<Sketch>) -> Plan {
        let guest = guest.map(|guest| ("sketch.wasm".to_owned(), guest.build()));
        Plan { guest, message: Message::new("7"), rounds: 1, duration: Duration::from_millis(20) }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_is_measured_beside_what_it_is_compared_with() -> Result<()> {
        for guest in [None, Some(Sketch::new().on("a/*/**").single())] {
            let report = run(&plan(guest), drop).await?;
            let costs: Vec<f64> = report.costs.iter().map(|cost| cost.cpu_us).collect();
            assert!(costs.len() == 3 && costs.iter().all(|cpu_us| *cpu_us > 0.0), "{costs:?}");
            assert!((report.costs[0].cpu_ratio - 1.0).abs() < f64::EPSILON);
            let latencies: Vec<f64> = report.latencies.iter().map(|latency| latency.p99_us).collect();
            assert!(latencies.len() == 6 && latencies.iter().all(|p99_us| *p99_us > 0.0), "{latencies:?}");
            assert!((report.latencies[0].p99_ratio - 1.0).abs() < f64::EPSILON);
            let rows = report.table().lines().filter(|line| line.contains("1.00x")).count();
            assert!(rows >= 2, "{}", report.table());
        }
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_measured_is_said() {
        let check = async |guest: Sketch, want: &str| {
            let error = run(&plan(Some(guest)), drop).await.expect_err("it cannot be measured");
            assert!(error.to_string().contains(want), "{error:#}");
        };
        check(Sketch::new(), "sketch.wasm listens to nothing").await;
        let traps = Sketch::new().on("a/b").handle("unreachable");
        check(traps, "sketch.wasm does not handle the event: the handler trapped").await;
    }
}
