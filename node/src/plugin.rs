//! Stub of plugin.
