//! Stub of bus.
