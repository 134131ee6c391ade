//! Stub of frame.
