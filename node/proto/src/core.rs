//! Stub of core.
