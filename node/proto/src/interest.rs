//! Stub of interest.
