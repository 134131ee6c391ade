//! Stub of dispatch.
