//! Stub of status.
