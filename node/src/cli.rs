//! Stub of cli.
