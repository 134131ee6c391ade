//! Stub of transport.
