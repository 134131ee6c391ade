//! `hive:node/node`: where the plugin is.

use hive_proto::channel::NetworkName;

use super::{Guest, Place, bindings::hive::node::node};

impl node::Host for Guest {
    fn id(&mut self) -> String {
        self.place_text(|place| place.node_id.clone())
    }

    fn name(&mut self) -> String {
        self.place_text(|place| place.boards.node.read().name.clone())
    }

    fn networks(&mut self) -> Vec<String> {
        let Some(place) = &self.place else { return Vec::new() };
        place.bus.names().networks().iter().map(NetworkName::to_string).collect()
    }

    fn plugin(&mut self) -> String {
        self.place_text(|place| place.plugin.to_string())
    }

    fn generation(&mut self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.generation)
    }
}

impl Guest {
    fn place_text(&self, of: impl Fn(&Place) -> String) -> String {
        self.place.as_deref().map(of).unwrap_or_default()
    }
}
