//! Stub of mdns.
