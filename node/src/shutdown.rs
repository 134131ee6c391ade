//! Stub of shutdown.
