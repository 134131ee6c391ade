//! Stub of sim.
