//! Stub of units.
