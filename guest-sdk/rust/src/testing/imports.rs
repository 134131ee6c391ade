//! The imports of `wit/`, answered by the fake node that is lent to this thread. Their shapes are those of the
//! generated bindings, so that the rest of the SDK does not see the difference.

use super::world::World;
use crate::{Error, Message};

pub(crate) mod current {
    use super::World;

    pub(crate) fn id() -> String {
        World::with(|world| world.current.as_ref().map_or(String::new(), |(id, _)| id.clone()))
    }

    pub(crate) fn origin() -> String {
        World::with(|world| world.current.as_ref().map_or(String::new(), |_| "test-origin-id".to_owned()))
    }

    pub(crate) fn origin_name() -> String {
        World::with(|world| world.current.as_ref().map_or(String::new(), |_| "test-origin".to_owned()))
    }

    pub(crate) fn network() -> Option<String> {
        World::with(|world| {
            let (_, event) = world.current.as_ref()?;
            event.channel.contains('/').then(|| "hive".to_owned())
        })
    }

    pub(crate) fn published_at() -> u64 {
        World::with(|world| world.current.as_ref().map_or(0, |_| World::now_ms()))
    }

    pub(crate) fn time_left() -> u64 {
        World::with(|world| world.current.as_ref().map_or(0, |_| crate::failure::millis(world.time_left)))
    }

    pub(crate) fn mesh_headers() -> Vec<(String, String)> {
        Vec::new()
    }
}

pub(crate) mod bus {
    use super::{Error, Message, World};
    use crate::testing::Sent;

    pub(crate) fn publish(channel: &str, message: &Message) -> Result<String, Error> {
        World::with(|world| world.publish(channel, message.clone()))
    }

    pub(crate) fn forward(channel: &str, headers: &[(String, String)]) -> Result<String, Error> {
        World::with(|world| {
            let Some((_, event)) = &world.current else {
                return Err(Error::Invalid("no event is being handled".to_owned()));
            };
            let message = Message { headers: headers.to_vec(), ..event.message.clone() };
            world.publish(channel, message)
        })
    }

    pub(crate) fn request(channel: &str, message: &Message, _timeout_ms: u32) -> Result<Message, Error> {
        let (index, mut responder) = World::with(|world| {
            world.check_outgoing(channel, message)?;
            let id = world.next_id();
            world.called.push(Sent { channel: channel.to_owned(), message: message.clone(), id });
            world.take_responder(channel)
        })?;
        let answer = responder(message);
        World::with(|world| world.give_back(index, responder));
        answer
    }
}

pub(crate) mod log {
    use super::World;
    use crate::{log::Level, testing::Logged};

    pub(crate) fn enabled(level: Level) -> bool {
        World::with(|world| level >= world.log_level)
    }

    pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
        World::with(|world| {
            if level >= world.log_level {
                world.logs.push(Logged { level, text: message.to_owned(), fields: fields.to_vec() });
            }
        });
    }
}

pub(crate) mod config {
    use super::World;

    pub(crate) fn get(key: &str) -> Option<String> {
        World::with(|world| world.config.get(key).cloned())
    }

    pub(crate) fn all() -> Vec<(String, String)> {
        World::with(|world| world.config.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

pub(crate) mod node {
    use super::World;

    pub(crate) fn id() -> String {
        "test-node-id".to_owned()
    }

    pub(crate) fn name() -> String {
        "test-node".to_owned()
    }

    pub(crate) fn networks() -> Vec<String> {
        vec!["hive".to_owned()]
    }

    pub(crate) fn plugin() -> String {
        World::with(|world| world.plugin.clone())
    }

    pub(crate) fn generation() -> u64 {
        1
    }
}
