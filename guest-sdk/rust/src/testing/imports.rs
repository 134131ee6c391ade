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
    pub(crate) use crate::bindings::hive::node::bus::Call;
    use crate::{Answer, Answers, CallError, Kept};

    pub(crate) fn publish(channel: &str, message: &Message) -> Result<String, Error> {
        World::with(|world| world.publish(channel, message.clone()))
    }

    pub(crate) fn publish_expiring(
        channel: &str,
        message: &Message,
        expires_ms: u64,
    ) -> Result<String, Error> {
        match expires_ms {
            0 => Err(Error::Invalid("an event that expires does so after 1 ms at the earliest".to_owned())),
            _ => publish(channel, message),
        }
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

    pub(crate) fn retain(channel: &str, message: &Message) -> Result<String, Error> {
        World::with(|world| world.retain(channel, message.clone()))
    }

    pub(crate) fn clear(channel: &str) -> Result<(), Error> {
        World::with(|world| world.clear(channel))
    }

    pub(crate) fn request(channel: &str, message: &Message, _timeout_ms: u32) -> Result<Message, CallError> {
        let responders = World::with(|world| world.ask(channel, message));
        let first = responders.and_then(|found| found.first().copied().ok_or(Error::NoResponder));
        first.and_then(|first| answer(first, message)).map_err(CallError::of(channel))
    }

    pub(crate) fn request_each(
        calls: &[Call],
        timeout_ms: u32,
    ) -> Result<Vec<Result<Message, CallError>>, Error> {
        const MOST: usize = 64;
        if calls.len() > MOST {
            return Err(Error::TooLarge { limit: MOST as u64 });
        }
        Ok(calls.iter().map(|call| request(&call.channel, &call.message, timeout_ms)).collect())
    }

    pub(crate) fn gather(
        channel: &str,
        message: &Message,
        _timeout_ms: u32,
        limit: u32,
    ) -> Result<Answers<Message>, CallError> {
        let (mut answers, mut good) = (Vec::new(), 0);
        let responders = World::with(|world| world.ask(channel, message)).map_err(CallError::of(channel))?;
        for responder in responders {
            let outcome = answer(responder, message).map_err(CallError::of(channel));
            good += u32::from(outcome.is_ok());
            answers.push(Answer { origin: format!("test-node-id-{responder}"), outcome });
            if limit > 0 && good >= limit {
                break;
            }
        }
        Ok(Answers { answers, missing: 0, channel: channel.to_owned() })
    }

    pub(crate) fn kept_values(pattern: &str, after: Option<&str>, _limit: u32) -> Result<Vec<Kept>, Error> {
        World::with(|world| world.kept_values(pattern, after))
    }

    /// Nothing of the world is held while the responder runs: it may be a plugin of its own.
    fn answer(responder: usize, message: &Message) -> Result<Message, Error> {
        let mut taken = World::with(|world| world.take_responder(responder))?;
        let answer = taken(message);
        World::with(|world| world.give_back(responder, taken));
        answer
    }
}

pub(crate) mod timers {
    use std::time::Duration;

    use super::{Error, World};

    pub(crate) fn after(name: &str, delay_ms: u64, payload: &[u8]) -> Result<(), Error> {
        World::with(|world| world.set_timer(name, Duration::from_millis(delay_ms), payload.to_vec()))
    }

    pub(crate) fn cancel(name: &str) -> Result<bool, Error> {
        World::with(|world| Ok(world.timers.remove(name).is_some()))
    }
}

pub(crate) mod secrets {
    use super::{Error, World};

    pub(crate) fn get(name: &str) -> Result<String, Error> {
        World::with(|world| {
            let denied = || {
                let line = world.grants(&format!("secrets: {{{name}: {{file: PATH}}}}"));
                Error::Denied(format!("the plugin has no secret `{name}`: {line}"))
            };
            world.secrets.get(name).cloned().ok_or_else(denied)
        })
    }
}

pub(crate) mod state {
    use super::{Error, World};

    pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        World::with(|world| world.state.get(key))
    }

    pub(crate) fn get_each(keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        const MOST: usize = 256;
        if keys.len() > MOST {
            return Err(Error::TooLarge { limit: MOST as u64 });
        }
        keys.iter().map(|key| get(key)).collect()
    }

    pub(crate) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
        World::with(|world| world.state.set(key, Some(value), ttl_ms))
    }

    pub(crate) fn delete(key: &str) -> Result<(), Error> {
        World::with(|world| world.state.set(key, None, None))
    }

    pub(crate) fn keys(prefix: &str, after: Option<&str>, _limit: u32) -> Result<Vec<String>, Error> {
        World::with(|world| Ok(world.state.keys(prefix, after)))
    }

    pub(crate) fn increment(key: &str, delta: i64) -> Result<i64, Error> {
        World::with(|world| world.state.increment(key, delta))
    }

    pub(crate) fn swap(
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
        ttl_ms: Option<u64>,
    ) -> Result<bool, Error> {
        World::with(|world| {
            let is_expected = world.state.get(key)?.as_deref() == expected;
            if is_expected {
                world.state.set(key, value, ttl_ms)?;
            }
            Ok(is_expected)
        })
    }

    pub(crate) fn flush() -> Result<(), Error> {
        Ok(())
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
