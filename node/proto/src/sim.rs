//! The simulator: many nodes in one process under virtual time, in bad weather, from a seed.
//!
//! The very state machines of a node run here, driven by a made-up network instead of sockets. What is
//! right is judged by `check` alone, from what the outputs said and what the scenario did; it looks into
//! no state machine and shares no code with one.

mod bus;
mod chance;
mod check;
mod clock;
mod connections;
mod heard;
mod keys;
mod liar;
mod network;
mod node;
mod plan;
mod queue;
mod report;
mod scenario;
mod trace;
mod world;

pub use report::{Figures, Kind, PhaseReport, Report};
pub use scenario::{Discovery, Lies, Network, Oddities, Phase, Scenario, Way};

use world::World;

/// Runs a scenario to its end and judges it.
#[must_use]
pub fn run(seed: u64, scenario: &Scenario) -> Report {
    run_aloud(seed, scenario, 0)
}

/// The same, and keeps the last so many inputs and outputs for people to read. It is the same run.
#[must_use]
pub fn run_aloud(seed: u64, scenario: &Scenario, lines: usize) -> Report {
    World::new(seed, scenario.clone(), lines).run()
}

#[cfg(test)]
mod tests;
