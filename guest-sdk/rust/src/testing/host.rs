//! The fake node: set up, then given events.

use std::{mem, time::Duration};

use serde::Serialize;

use super::{channel, delivered::Delivered, world::World};
use crate::{
    Description, Error, Event, Message, Plugin, Result, Saved, Subscription, Value, log::Level, plugin,
};

/// A fake node with one instance of a plugin. What the handler keeps in a `static` or `thread_local!` is the test
/// process's or thread's, so `thread_local!` gives every test a fresh start.
#[must_use]
pub struct Host {
    description: Description,
    handle: fn(Event) -> Result<Option<Message>>,
    start: fn() -> Result<(), String>,
    save: fn() -> Result<Vec<u8>, String>,
    restore: fn(Saved) -> Result<(), String>,
    started: bool,
    /// Away only while the handler runs.
    world: Option<World>,
}

impl Host {
    /// A node that runs this plugin: the type `Plugin` that `#[hive::plugin]` writes beside the function or inside the
    /// module.
    pub fn new<P: Plugin>(_: P) -> Self {
        let description = P::describe();
        let world = World::new(&description);
        Self {
            description,
            handle: plugin::handle::<P>,
            start: P::start,
            save: P::save,
            restore: P::restore,
            started: false,
            world: Some(world),
        }
    }

    /// The same node with a value in the plugin's configuration.
    pub fn config(mut self, key: &str, value: impl ToString) -> Self {
        self.world().config.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same node, whose configuration grants the plugin a secret.
    pub fn secret(mut self, name: &str, value: impl ToString) -> Self {
        self.world().secrets.insert(name.to_owned(), value.to_string());
        self
    }

    /// The same node, which has kept a value in the plugin's state.
    ///
    /// # Panics
    /// When the value cannot be written as JSON, or the key is none.
    #[track_caller]
    pub fn with_state(mut self, key: &str, value: impl Serialize) -> Self {
        let bytes = json(&value).payload;
        if let Err(error) = self.world().state.set(key, Some(&bytes), None) {
            panic!("{error}");
        }
        self
    }

    /// What the plugin's state has for a key now.
    ///
    /// # Panics
    /// When it is no JSON.
    #[track_caller]
    pub fn state(&mut self, key: &str) -> Option<Value> {
        let bytes = self.world().state.get(key).ok()??;
        match Message::bytes(bytes).parse() {
            Ok(value) => Some(value),
            Err(error) => panic!("what the state has for `{key}` is not JSON: {error}"),
        }
    }

    /// Lets time pass for what the plugin's state has only for so long.
    pub fn pass(&mut self, time: Duration) {
        self.world().state.pass(time);
    }

    /// The same node with somebody who always answers the handler's calls there with this value. Patterns are
    /// allowed.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    #[track_caller]
    pub fn answer(self, channel: &str, value: impl Serialize) -> Self {
        let answer = json(&value);
        self.answer_with(channel, move |_| Ok(answer.clone()))
    }

    /// The same node with somebody who answers the handler's calls there: also with errors, also another plugin on
    /// another `Host`.
    pub fn answer_with(
        mut self,
        channel: &str,
        responder: impl FnMut(&Message) -> Result<Message, Error> + 'static,
    ) -> Self {
        self.world().responders.push((channel.to_owned(), Some(Box::new(responder))));
        self
    }

    /// The same node with a kept value on a channel.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    #[track_caller]
    pub fn keep(mut self, channel: &str, value: impl Serialize) -> Self {
        let message = json(&value);
        self.world().keep(channel, message);
        self
    }

    /// What is kept on a channel now.
    ///
    /// # Panics
    /// When it is no JSON.
    #[track_caller]
    pub fn kept(&mut self, channel: &str) -> Option<Value> {
        let kept = self.world().kept.get(channel)?;
        match kept.parse() {
            Ok(value) => Some(value),
            Err(error) => panic!("what is kept on `{channel}` is not JSON: {error}"),
        }
    }

    /// The same node, which does not want log lines below this level. At first it wants all.
    pub fn log_level(mut self, level: Level) -> Self {
        self.world().log_level = level;
        self
    }

    /// The same node, which says that so much of the event's time is left. At first it is 5 s.
    pub fn time_left(mut self, time_left: Duration) -> Self {
        self.world().time_left = time_left;
        self
    }

    /// What the plugin said of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Runs the plugin's start function, if it did not run yet. The first event does it, too.
    ///
    /// # Errors
    /// What the start function says.
    pub fn start(&mut self) -> Result<(), String> {
        if mem::replace(&mut self.started, true) {
            return Ok(());
        }
        World::lend(&mut self.world, self.start)
    }

    /// What the plugin saves for the version that takes over.
    ///
    /// # Errors
    /// What its `#[save]` function says.
    pub fn save(&mut self) -> Result<Vec<u8>, String> {
        World::lend(&mut self.world, self.save)
    }

    /// Hands the plugin what another version has saved, before its first event.
    ///
    /// # Errors
    /// What its start and `#[restore]` functions say.
    pub fn restore(&mut self, version: &str, saved: Vec<u8>) -> Result<(), String> {
        self.start()?;
        let saved = Saved { version: version.to_owned(), state: saved };
        World::lend(&mut self.world, || (self.restore)(saved))
    }

    /// Delivers an event: a value as JSON, of bytes a list of numbers. What is to come as bytes is delivered by
    /// [`deliver_message`](Self::deliver_message) with [`Message::bytes`].
    ///
    /// # Panics
    /// When the plugin does not subscribe to the channel, or refuses to start.
    #[track_caller]
    pub fn deliver(&mut self, channel: &str, value: impl Serialize) -> Delivered {
        self.deliver_message(channel, json(&value))
    }

    /// Delivers an event: a message as it is.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    #[track_caller]
    pub fn deliver_message(&mut self, channel: &str, message: Message) -> Delivered {
        let event = self.event(channel, message, false);
        self.deliver_event(event)
    }

    /// Lets one of the plugin's timers tick.
    ///
    /// # Panics
    /// When the plugin has no such timer, or refuses to start.
    #[track_caller]
    pub fn tick(&mut self, timer: &str) -> Delivered {
        let there: Vec<_> = self.description.timers.iter().map(|declared| declared.name.as_str()).collect();
        let Some(index) = there.iter().position(|name| *name == timer) else {
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            panic!("the plugin has no timer `{timer}`; it has {there}");
        };
        let event = Event {
            channel: format!("$timer/{timer}"),
            message: Message::default(),
            subscription: u32::try_from(index).expect("few timers"),
            attempt: 1,
            retained: false,
            wants_reply: false,
        };
        self.deliver_event(event)
    }

    /// How long after it was set a one-shot timer fires; none: it is not set.
    pub fn timer(&mut self, name: &str) -> Option<Duration> {
        self.world().timers.get(name).map(|(delay, _)| *delay)
    }

    /// Fires a one-shot timer that the plugin has set.
    ///
    /// # Panics
    /// When it has set none of that name, or refuses to start.
    #[track_caller]
    pub fn fire(&mut self, name: &str) -> Delivered {
        let set = self.world().timers.remove(name);
        let (_, payload) = set.unwrap_or_else(|| panic!("the plugin has not set the timer `{name}`"));
        let event = self.event(&format!("$timer/{name}"), Message::bytes(payload), false);
        self.deliver_event(event)
    }

    /// Sends a request, a value as JSON, and waits for the answer.
    ///
    /// # Panics
    /// When the plugin does not answer on the channel, or refuses to start.
    #[track_caller]
    pub fn call(&mut self, channel: &str, value: impl Serialize) -> Delivered {
        self.call_message(channel, json(&value))
    }

    /// Sends a request, a message as it is, and waits for the answer.
    ///
    /// # Panics
    /// As [`call`](Self::call).
    #[track_caller]
    pub fn call_message(&mut self, channel: &str, message: Message) -> Delivered {
        let event = self.event(channel, message, true);
        self.deliver_event(event)
    }

    /// Delivers an event whose every part is yours: a second attempt, a retained one, one for another subscription.
    ///
    /// # Panics
    /// When the plugin refuses to start.
    #[track_caller]
    pub fn deliver_event(&mut self, event: Event) -> Delivered {
        if let Err(reason) = self.start() {
            panic!("the plugin did not start: {reason}");
        }
        let world = self.world();
        let id = world.next_id();
        world.current = Some((id, event.clone()));
        let outcome = World::lend(&mut self.world, || (self.handle)(event));
        let world = self.world();
        world.current = None;
        Delivered {
            outcome,
            published: mem::take(&mut world.published),
            retained: mem::take(&mut world.retained),
            cleared: mem::take(&mut world.cleared),
            called: mem::take(&mut world.called),
            logs: mem::take(&mut world.logs),
        }
    }

    /// The event as a node would deliver it: to the first subscription that matches, for a request to the first that
    /// answers.
    #[track_caller]
    fn event(&mut self, channel: &str, message: Message, wants_reply: bool) -> Event {
        if let Err(error) = channel::check(channel) {
            panic!("{error}");
        }
        let world = self.world.as_ref().expect(LENT_TWICE);
        let takes = |subscription: &Subscription| {
            (subscription.answers || !wants_reply)
                && channel::matches(&world.expand(&subscription.pattern), channel)
        };
        let subscription = self.description.subscriptions.iter().position(takes);
        let Some(subscription) = subscription.and_then(|index| u32::try_from(index).ok()) else {
            let verb = if wants_reply { "answer" } else { "subscribe to" };
            let patterns: Vec<_> = self.description.subscriptions.iter().map(|held| &held.pattern).collect();
            panic!("the plugin does not {verb} `{channel}`; its subscriptions are {patterns:?}");
        };
        Event { channel: channel.to_owned(), message, subscription, attempt: 1, retained: false, wants_reply }
    }

    fn world(&mut self) -> &mut World {
        self.world.as_mut().expect(LENT_TWICE)
    }
}

/// The borrow checker keeps a responder from reaching the host that is waiting for it.
const LENT_TWICE: &str = "the node is lent to its handler";

#[track_caller]
fn json(value: &impl Serialize) -> Message {
    match Message::json(value) {
        Ok(message) => message,
        Err(error) => panic!("{error}"),
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("plugin", &self.description.name).finish_non_exhaustive()
    }
}
