//! Stub of mesh.
