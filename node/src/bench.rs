//! Stub of bench.
