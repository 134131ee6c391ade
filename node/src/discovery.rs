//! Stub of discovery.
