//! Stub of control.
