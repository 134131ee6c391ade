//! `hive:node/timers`: what a guest sets for later.

use std::time::Duration;

use hive_proto::channel::Channel;

use super::{
    Guest, Place,
    bindings::hive::node::{timers, types::Error},
};
use crate::{
    plugin::timer::{LONGEST, TIMERS_MAX},
    store::StoreError,
};

impl timers::Host for Guest {
    async fn after(&mut self, name: String, delay_ms: u64, payload: Vec<u8>) -> Result<(), Error> {
        self.pace().await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        check(place, &name)?;
        let delay = Duration::from_millis(delay_ms);
        if delay > LONGEST {
            return Err(Error::Invalid("a timer fires within 366 days".into()));
        }
        let most = TIMERS_MAX.saturating_sub(place.declared.len());
        let set = place.shots.set(&name, delay, payload, most).map_err(|error| match error {
            StoreError::TooLarge { max, .. } => Error::TooLarge(max as u64),
            other => Error::Unavailable(other.to_string()),
        })?;
        let Some(writing) = set else { return Err(Error::TooLarge(TIMERS_MAX as u64)) };
        let Some(writing) = writing else { return Ok(()) };
        let written = writing.written().await;
        written.map_err(|error| Error::Unavailable(format!("it is set, but not on disk: {error}")))
    }

    async fn cancel(&mut self, name: String) -> Result<bool, Error> {
        self.pace().await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        Ok(place.shots.cancel(&name))
    }
}

/// Whether a plugin may set a timer of that name.
fn check(place: &Place, name: &str) -> Result<(), Error> {
    // A name with a slash would be two segments, and could be another timer's.
    let channel = Channel::parse(&format!("$timer/{name}")).ok().filter(|_| !name.contains('/'));
    let Some(channel) = channel else {
        return Err(Error::Invalid("a timer's name is like one segment of a channel".into()));
    };
    if place.declared.contains(&channel) {
        return Err(Error::Invalid(format!("`{name}` is a timer that the plugin declares")));
    }
    if !place.hears.iter().any(|pattern| pattern.matches(&channel)) {
        return Err(Error::Invalid(format!(
            "no subscription of the plugin matches `{channel}`, where it would fire"
        )));
    }
    Ok(())
}

fn nowhere() -> Error {
    Error::Denied("`describe` is pure: no timer can be set from it".into())
}
