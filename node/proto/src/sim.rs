//! The simulator: many nodes in one process under virtual time, in bad weather, from a seed.
//!
//! The very state machines of a node run here, driven by a made-up network instead of sockets. What is
//! right is judged by `check` alone, from what the outputs said and what the scenario did; it looks into
//! no state machine and shares no code with one.

mod chance;
mod check;
mod network;
mod node;
mod scenario;
mod trace;
mod world;

use std::time::Duration;

pub use scenario::{Discovery, Scenario};

use world::World;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was wrong, during the run and at rest; empty when all is well.
    pub problems: Vec<String>,
    /// A fingerprint of every input and output of every node: the same for the same seed and scenario.
    pub trace: u64,
    /// Inputs handled by all nodes together.
    pub inputs: u64,
    /// Tickets that were asked for and confirmed.
    pub confirmed: u64,
    /// Virtual time that passed.
    pub elapsed: Duration,
    /// The last inputs and outputs, for a person to read.
    pub tail: Vec<String>,
}

/// Runs a scenario to its end and judges it.
#[must_use]
pub fn run(seed: u64, scenario: &Scenario) -> Report {
    let mut world = World::new(seed, scenario.clone());
    world.run();
    world.report()
}

#[cfg(test)]
mod tests;
