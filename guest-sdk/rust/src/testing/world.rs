//! What the fake node remembers, and how the imports find it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    channel,
    delivered::{Logged, Sent},
    state,
};
use crate::{Description, Error, Event, Kept, Message, log::Level};

pub(super) type Responder = Box<dyn FnMut(&Message) -> Result<Message, Error>>;

/// One fake node, during one call lent to the thread that runs the handler.
pub(super) struct World {
    /// The plugin's name, from its description.
    pub(super) plugin: String,
    /// The patterns it declared; what they do not cover is denied.
    pub(super) publishes: Vec<String>,
    /// The patterns it subscribes to: it may read the kept values there.
    subscribes: Vec<String>,
    /// The kept values, by channel.
    pub(super) kept: BTreeMap<String, Kept>,
    /// The timers it declared, which it may not set.
    declared: Vec<String>,
    /// What it has set for later: when, and what it brings.
    pub(super) timers: BTreeMap<String, (Duration, Vec<u8>)>,
    pub(super) config: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
    /// What it keeps.
    pub(super) state: state::Kept,
    /// Who answers the handler's own calls, by pattern; taken out while it runs, since it may be a plugin of its own.
    pub(super) responders: Vec<(String, Option<Responder>)>,
    /// Lines below it are not wanted.
    pub(super) log_level: Level,
    pub(super) time_left: Duration,
    /// The event being handled, and its id; none outside `handle`.
    pub(super) current: Option<(String, Event)>,
    pub(super) published: Vec<Sent>,
    pub(super) retained: Vec<Sent>,
    pub(super) cleared: Vec<String>,
    pub(super) called: Vec<Sent>,
    pub(super) logs: Vec<Logged>,
    /// How many ids were given out.
    ids: u64,
}

thread_local! {
    /// The world of the handler that runs on this thread. Each test has a thread of its own.
    static LENT: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Whether a pattern says at least its first segment, or leaves it to the configuration.
fn is_for_everyone(pattern: &str) -> bool {
    !pattern.starts_with(['*', '$'])
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
    pub(super) fn new(description: &Description) -> Self {
        let patterns = description.subscriptions.iter().map(|subscription| subscription.pattern.clone());
        Self {
            plugin: description.name.clone(),
            // A node lets the others only where its configuration says so.
            publishes: description
                .publishes
                .iter()
                .filter(|pattern| is_for_everyone(pattern))
                .cloned()
                .collect(),
            subscribes: patterns.collect(),
            kept: BTreeMap::new(),
            declared: description.timers.iter().map(|timer| timer.name.clone()).collect(),
            timers: BTreeMap::new(),
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            state: state::Kept::default(),
            responders: Vec::new(),
            log_level: Level::Trace,
            time_left: Duration::from_secs(5),
            current: None,
            published: Vec::new(),
            retained: Vec::new(),
            cleared: Vec::new(),
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

    pub(super) fn retain(&mut self, channel: &str, message: Message) -> Result<String, Error> {
        self.check_outgoing(channel, &message)?;
        let id = self.keep(channel, message.clone());
        self.retained.push(Sent { channel: channel.to_owned(), message, id: id.clone() });
        Ok(id)
    }

    /// Keeps a value, whoever brought it.
    pub(super) fn keep(&mut self, channel: &str, message: Message) -> String {
        let (channel, id) = (channel.to_owned(), self.next_id());
        let kept = Kept { channel: channel.clone(), message, id: id.clone(), published_at: Self::now_ms() };
        self.kept.insert(channel, kept);
        id
    }

    pub(super) fn clear(&mut self, channel: &str) -> Result<(), Error> {
        self.check_outgoing(channel, &Message::default())?;
        self.kept.remove(channel);
        self.cleared.push(channel.to_owned());
        Ok(())
    }

    /// Sets a timer, if a node would.
    pub(super) fn set_timer(&mut self, name: &str, delay: Duration, payload: Vec<u8>) -> Result<(), Error> {
        const MOST: usize = 64;
        let channel = format!("$timer/{name}");
        if name.contains('/') || channel::check(&channel).is_err() {
            return Err(Error::Invalid("a timer's name is like one segment of a channel".to_owned()));
        }
        if self.declared.iter().any(|declared| declared == name) {
            return Err(Error::Invalid(format!("`{name}` is a timer that the plugin declares")));
        }
        if !self.subscribes.iter().any(|pattern| channel::matches(&self.expand(pattern), &channel)) {
            let why = format!("no subscription of the plugin matches `{channel}`, where it would fire");
            return Err(Error::Invalid(why));
        }
        if !self.timers.contains_key(name) && self.timers.len() + self.declared.len() >= MOST {
            return Err(Error::TooLarge { limit: MOST as u64 });
        }
        self.timers.insert(name.to_owned(), (delay, payload));
        Ok(())
    }

    /// Values a page at a time, few of them, so that a handler is tested with more pages than one.
    pub(super) fn kept_values(&self, pattern: &str, after: Option<&str>) -> Result<Vec<Kept>, Error> {
        const PAGE: usize = 3;
        if !self.subscribes.iter().any(|held| channel::covers(&self.expand(held), pattern)) {
            let line = self.grants(&format!("subscribes: [\"{pattern}\"]"));
            return Err(Error::Denied(format!(
                "the plugin may not read what is kept on `{pattern}`: its code does not listen there; or {line}"
            )));
        }
        let behind = self.kept.values().filter(|kept| after.is_none_or(|after| *kept.channel > *after));
        Ok(behind.filter(|kept| channel::matches(pattern, &kept.channel)).take(PAGE).cloned().collect())
    }

    /// What every publish and request must satisfy.
    pub(super) fn check_outgoing(&self, channel: &str, message: &Message) -> Result<(), Error> {
        channel::check(channel)?;
        if message.headers.iter().any(|(name, _)| name.starts_with("hive-")) {
            return Err(Error::Invalid("headers that begin with `hive-` belong to the mesh".to_owned()));
        }
        if !self.publishes.iter().any(|pattern| channel::matches(&self.expand(pattern), channel)) {
            let line = self.grants(&format!("publishes: [\"{channel}\"]"));
            return Err(Error::Denied(format!(
                "the plugin may not publish to `{channel}`, nor call it: its code does not declare that: publishes \
                 [\"{channel}\"]; or {line}"
            )));
        }
        Ok(())
    }

    /// What a configuration would have to say of the plugin.
    pub(super) fn grants(&self, entry: &str) -> String {
        let plugin = &self.plugin;
        format!("the configuration would have to grant it: plugins: {{each: {{{plugin}: {{{entry}}}}}}}")
    }

    /// Replaces `{name}` segments by configuration values; a missing one stays and so matches nothing.
    pub(super) fn expand(&self, pattern: &str) -> String {
        let expand = |segment: &str| {
            let key = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            key.and_then(|key| self.config.get(key)).map_or(segment.to_owned(), Clone::clone)
        };
        pattern.split('/').map(expand).collect::<Vec<_>>().join("/")
    }

    /// The places of all who answer on a channel.
    pub(super) fn responders(&self, channel: &str) -> Result<Vec<usize>, Error> {
        let places = self.responders.iter().enumerate();
        let found = places.filter(|(_, (pattern, _))| channel::matches(pattern, channel)).map(|(at, _)| at);
        let found: Vec<usize> = found.collect();
        if found.is_empty() { Err(Error::NoResponder) } else { Ok(found) }
    }

    /// The responder at a place, to be given back by [`World::give_back`].
    pub(super) fn take_responder(&mut self, index: usize) -> Result<Responder, Error> {
        self.responders[index].1.take().ok_or(Error::Deadlock)
    }

    /// Notes a question.
    pub(super) fn ask(&mut self, channel: &str, message: &Message) -> Result<Vec<usize>, Error> {
        self.check_outgoing(channel, message)?;
        let id = self.next_id();
        self.called.push(Sent { channel: channel.to_owned(), message: message.clone(), id });
        self.responders(channel)
    }

    pub(super) fn give_back(&mut self, index: usize, responder: Responder) {
        self.responders[index].1 = Some(responder);
    }

    /// Milliseconds since the Unix epoch.
    pub(super) fn now_ms() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, crate::failure::millis)
    }
}
