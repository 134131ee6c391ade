//! `hive:node/current`: facts about the event being handled, made into text only for who asks.

use hive_proto::{event::Event, limits::MESH_PREFIX};

use super::{Guest, bindings::hive::node::current};

impl current::Host for Guest {
    fn id(&mut self) -> String {
        self.event_text(|event| event.id.to_string())
    }

    fn origin(&mut self) -> String {
        self.event_text(|event| event.id.origin.to_string())
    }

    fn origin_name(&mut self) -> String {
        let (Some(event), Some(place)) = (self.event(), &self.place) else { return String::new() };
        let (origin, own) = (event.id.origin, place.boards.node.read());
        if origin == own.id {
            return own.name.clone();
        }
        let peers = place.boards.peers.read();
        peers.get(&(event.network, origin)).map(|peer| peer.name.clone()).unwrap_or_default()
    }

    fn network(&mut self) -> Option<String> {
        let (event, place) = (self.event()?, self.place.as_ref()?);
        if event.channel.is_local() {
            return None;
        }
        place.bus.names().network(event.network).map(ToString::to_string)
    }

    fn published_at(&mut self) -> u64 {
        self.event().map_or(0, |event| event.time.unix_ms())
    }

    fn time_left(&mut self) -> u64 {
        if self.serving.is_none() {
            return 0;
        }
        u64::try_from(Guest::time_left(self).as_millis()).unwrap_or(u64::MAX)
    }

    fn mesh_headers(&mut self) -> Vec<(String, String)> {
        let Some(event) = self.event() else { return Vec::new() };
        let is_its = |name: &str| name.starts_with(MESH_PREFIX) || name == TRACE;
        let carried = event.message.headers().iter().filter(|(name, _)| is_its(name));
        let depth = (DEPTH.to_owned(), event.depth.to_string());
        let expires = event.expires_at_ms().map(|at_ms| (EXPIRES.to_owned(), at_ms.to_string()));
        carried.cloned().chain([depth]).chain(expires).collect()
    }
}

/// From when on nobody wants the event, in milliseconds since the Unix epoch.
const EXPIRES: &str = "hive-expires";

/// How many publishes made while handling another event led here.
const DEPTH: &str = "hive-depth";
/// What a trace of calls is known by across programs, W3C's trace context; its publisher sets it.
const TRACE: &str = "traceparent";

impl Guest {
    fn event_text(&self, of: impl Fn(&Event) -> String) -> String {
        self.event().map(of).unwrap_or_default()
    }
}
