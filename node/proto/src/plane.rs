//! Stub of plane.
