//! Stub of toolchain.
