//! Where the plugin is.

use crate::imports;

/// The node's id: its public key.
pub fn id() -> String {
    imports::node::id()
}

/// What the node is called, for people.
pub fn name() -> String {
    imports::node::name()
}

/// The networks it is in, the home network first.
pub fn networks() -> Vec<String> {
    imports::node::networks()
}

/// The plugin's identity on this node: the configuration's key, else the file's name.
pub fn plugin() -> String {
    imports::node::plugin()
}

/// Which loaded version of the plugin this is; 1 is the first since the node started.
pub fn generation() -> u64 {
    imports::node::generation()
}
