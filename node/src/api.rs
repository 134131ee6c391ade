//! Stub of api.
