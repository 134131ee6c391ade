//! The node as the SDK sees it: the generated imports inside a node, the fake one everywhere else.
//!
//! The only place that knows which of the two it is.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::hive::node::{config, current, log, node};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::imports::{bus, config, current, log, node, secrets, state, timers};

/// The timers with the SDK's own errors.
#[cfg(target_arch = "wasm32")]
pub(crate) mod timers {
    use crate::{Error, bindings::hive::node::timers};

    pub(crate) fn after(name: &str, delay_ms: u64, payload: &[u8]) -> Result<(), Error> {
        timers::after(name, delay_ms, payload).map_err(Error::from)
    }

    pub(crate) fn cancel(name: &str) -> Result<bool, Error> {
        timers::cancel(name).map_err(Error::from)
    }
}

/// The secrets with the SDK's own errors.
#[cfg(target_arch = "wasm32")]
pub(crate) mod secrets {
    use crate::{Error, bindings::hive::node::secrets};

    pub(crate) fn get(name: &str) -> Result<String, Error> {
        secrets::get(name).map_err(Error::from)
    }
}

/// The state with the SDK's own errors.
#[cfg(target_arch = "wasm32")]
pub(crate) mod state {
    use crate::{Error, bindings::hive::node::state};

    pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        state::get(key).map_err(Error::from)
    }

    pub(crate) fn get_each(keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        state::get_each(keys).map_err(Error::from)
    }

    pub(crate) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
        state::set(key, value, ttl_ms).map_err(Error::from)
    }

    pub(crate) fn delete(key: &str) -> Result<(), Error> {
        state::delete(key).map_err(Error::from)
    }

    pub(crate) fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Error> {
        state::keys(prefix, after, limit).map_err(Error::from)
    }

    pub(crate) fn increment(key: &str, delta: i64) -> Result<i64, Error> {
        state::increment(key, delta).map_err(Error::from)
    }

    pub(crate) fn swap(
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
        ttl_ms: Option<u64>,
    ) -> Result<bool, Error> {
        state::swap(key, expected, value, ttl_ms).map_err(Error::from)
    }

    pub(crate) fn flush() -> Result<(), Error> {
        state::flush().map_err(Error::from)
    }
}

/// The bus with the SDK's own errors.
#[cfg(target_arch = "wasm32")]
pub(crate) mod bus {
    use crate::{Answer, Answers, CallError, Error, Kept, Message, bindings::hive::node::bus};

    pub(crate) use bus::Call;

    type Wire = crate::bindings::hive::node::types::Error;

    /// An error of a call of that channel.
    fn of(channel: &str) -> impl Fn(Wire) -> CallError {
        move |error| CallError::of(channel)(error.into())
    }

    pub(crate) fn publish(channel: &str, message: &Message) -> Result<String, Error> {
        bus::publish(channel, message).map_err(Error::from)
    }

    pub(crate) fn publish_expiring(
        channel: &str,
        message: &Message,
        expires_ms: u64,
    ) -> Result<String, Error> {
        bus::publish_expiring(channel, message, expires_ms).map_err(Error::from)
    }

    pub(crate) fn forward(channel: &str, headers: &[(String, String)]) -> Result<String, Error> {
        bus::forward(channel, headers).map_err(Error::from)
    }

    pub(crate) fn request(channel: &str, message: &Message, timeout_ms: u32) -> Result<Message, CallError> {
        bus::request(channel, message, timeout_ms).map_err(of(channel))
    }

    pub(crate) fn retain(channel: &str, message: &Message) -> Result<String, Error> {
        bus::retain(channel, message).map_err(Error::from)
    }

    pub(crate) fn clear(channel: &str) -> Result<(), Error> {
        bus::clear(channel).map_err(Error::from)
    }

    pub(crate) fn request_each(
        calls: &[Call],
        timeout_ms: u32,
    ) -> Result<Vec<Result<Message, CallError>>, Error> {
        let outcomes = bus::request_each(calls, timeout_ms)?;
        let outcomes = calls.iter().zip(outcomes);
        Ok(outcomes.map(|(call, outcome)| outcome.map_err(of(&call.channel))).collect())
    }

    pub(crate) fn gather(
        channel: &str,
        message: &Message,
        timeout_ms: u32,
        limit: u32,
    ) -> Result<Answers<Message>, CallError> {
        let gathered = bus::gather(channel, message, timeout_ms, limit).map_err(of(channel))?;
        let bus::Answers { answers, missing } = gathered;
        let answer =
            |bus::Answer { origin, outcome }| Answer { origin, outcome: outcome.map_err(of(channel)) };
        let answers = answers.into_iter().map(answer).collect();
        Ok(Answers { answers, missing, channel: channel.to_owned() })
    }

    pub(crate) fn kept_values(pattern: &str, after: Option<&str>, limit: u32) -> Result<Vec<Kept>, Error> {
        bus::kept_values(pattern, after, limit).map_err(Error::from)
    }
}
