//! `hive:node/config`: the plugin's section of the node's configuration.

use super::{Guest, bindings::hive::node::config};

impl config::Host for Guest {
    fn get(&mut self, key: String) -> Option<String> {
        let place = self.place.as_ref()?;
        let value = place.config.get(&key).map(str::to_owned);
        if value.is_none() {
            place.doubts.missed(place, key);
        }
        value
    }

    fn all(&mut self) -> Vec<(String, String)> {
        let Some(place) = &self.place else { return Vec::new() };
        place.config.all().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}
