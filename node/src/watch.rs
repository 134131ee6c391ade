//! Stub of watch.
