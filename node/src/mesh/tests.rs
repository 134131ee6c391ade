//! Real links between real endpoints on the loopback.
