//! Stub of admission.
