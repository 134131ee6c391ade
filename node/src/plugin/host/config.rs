//! `hive:node/config`: the plugin's section of the node's configuration.

use super::{Guest, bindings::hive::node::config};

impl config::Host for Guest {
    fn get(&mut self, key: String) -> Option<String> {
        self.place.as_ref()?.config.get(&key).cloned()
    }

    fn all(&mut self) -> Vec<(String, String)> {
        let Some(place) = &self.place else { return Vec::new() };
        place.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
