//! Stub of node.
