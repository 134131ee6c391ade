//! What the fake node remembers, and how the imports find it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    channel,
    delivered::{Logged, Sent},
};
use crate::{Error, Event, Message, log::Level};

pub(super) type Responder = Box<dyn FnMut(&Message) -> Result<Message, Error>>;

/// One fake node, during one call lent to the thread that runs the handler.
pub(super) struct World {
    /// The plugin's name, from its description.
    pub(super) plugin: String,
    /// The patterns it declared; what they do not cover is denied.
    pub(super) publishes: Vec<String>,
    pub(super) config: BTreeMap<String, String>,
    /// Who answers the handler's own calls, by pattern; taken out while it runs, since it may be a plugin of its own.
    pub(super) responders: Vec<(String, Option<Responder>)>,
    /// Lines below it are not wanted.
    pub(super) log_level: Level,
    pub(super) time_left: Duration,
    /// The event being handled, and its id; none outside `handle`.
    pub(super) current: Option<(String, Event)>,
    pub(super) published: Vec<Sent>,
    pub(super) called: Vec<Sent>,
    pub(super) logs: Vec<Logged>,
    /// How many ids were given out.
    ids: u64,
}

thread_local! {
    /// The world of the handler that runs on this thread. Each test has a thread of its own.
    static LENT: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Brings the world back to its node, also when the handler panics.
struct Loan<'s> {
    slot: &'s mut Option<World>,
    outer: Option<World>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        *self.slot = LENT.replace(self.outer.take());
    }
}

impl World {
    pub(super) fn new(plugin: String, publishes: Vec<String>) -> Self {
        Self {
            plugin,
            publishes,
            config: BTreeMap::new(),
            responders: Vec::new(),
            log_level: Level::Trace,
            time_left: Duration::from_secs(5),
            current: None,
            published: Vec::new(),
            called: Vec::new(),
            logs: Vec::new(),
            ids: 0,
        }
    }

    /// Runs `handler` with this world on the thread. Worlds nest: a responder may be a plugin on another fake node.
    pub(super) fn lend<R>(slot: &mut Option<World>, handler: impl FnOnce() -> R) -> R {
        let outer = LENT.replace(slot.take());
        let _loan = Loan { slot, outer };
        handler()
    }

    /// Works on the world of the handler that runs on this thread.
    pub(super) fn with<R>(work: impl FnOnce(&mut World) -> R) -> R {
        LENT.with_borrow_mut(|world| {
            let world = world.as_mut().expect(
                "there is no node here: outside a node a handler runs on `hive::testing::Host`, and its `describe` may \
                 ask the node nothing",
            );
            work(world)
        })
    }

    pub(super) fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("test-{}", self.ids)
    }

    pub(super) fn publish(&mut self, channel: &str, message: Message) -> Result<String, Error> {
        self.check_outgoing(channel, &message)?;
        let id = self.next_id();
        self.published.push(Sent { channel: channel.to_owned(), message, id: id.clone() });
        Ok(id)
    }

    /// What every publish and request must satisfy.
    pub(super) fn check_outgoing(&self, channel: &str, message: &Message) -> Result<(), Error> {
        channel::check(channel)?;
        if message.headers.iter().any(|(name, _)| name.starts_with("hive-")) {
            return Err(Error::Invalid("headers that begin with `hive-` belong to the mesh".to_owned()));
        }
        if !self.publishes.iter().any(|pattern| channel::matches(&self.expand(pattern), channel)) {
            let plugin = &self.plugin;
            return Err(Error::Denied(format!(
                "plugins: {{each: {{{plugin}: {{publishes: [\"{channel}\"]}}}}}}"
            )));
        }
        Ok(())
    }

    /// Replaces `{name}` segments by configuration values; a missing one stays and so matches nothing.
    pub(super) fn expand(&self, pattern: &str) -> String {
        let expand = |segment: &str| {
            let key = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            key.and_then(|key| self.config.get(key)).map_or(segment.to_owned(), Clone::clone)
        };
        pattern.split('/').map(expand).collect::<Vec<_>>().join("/")
    }

    /// The responder of a channel with its place, to be given back by [`World::give_back`].
    pub(super) fn take_responder(&mut self, channel: &str) -> Result<(usize, Responder), Error> {
        let found = self.responders.iter().position(|(pattern, _)| channel::matches(pattern, channel));
        let index = found.ok_or(Error::NoResponder)?;
        self.responders[index].1.take().map(|responder| (index, responder)).ok_or(Error::Deadlock)
    }

    pub(super) fn give_back(&mut self, index: usize, responder: Responder) {
        self.responders[index].1 = Some(responder);
    }

    /// Milliseconds since the Unix epoch.
    pub(super) fn now_ms() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, crate::failure::millis)
    }
}
