//! Stub of io.
