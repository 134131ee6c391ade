//! Stub of trust.
