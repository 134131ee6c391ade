//! What whoever writes handlers needs: from sources to components, and a look into a component.
//!
//! What it owns: calling the languages' own tools, and saying what a file is. Exists so that a handler needs no knowledge of
//! targets and encoders. It must not know a running node.

pub mod build;
pub mod case;
pub mod inspect;
pub mod new;
pub mod sdk;
pub mod sources;
