//! How a plugin works off what it has accepted before it goes, within limits.
//!
//! It must not know whether a component or a process does the work.

use std::time::{Duration, Instant};

use crate::dispatch::Lanes;

/// How often it is looked whether all is worked off.
const CHECK: Duration = Duration::from_millis(10);

/// Nothing more is accepted from here on; waits until all that was is worked off, until `end` at the latest, or until
/// `is_given_up`.
pub async fn work_off(lanes: &Lanes, end: Instant, is_given_up: impl Fn() -> bool) {
    if let Err(error) = lanes.subscription().set(std::iter::empty()).await {
        tracing::warn!(plugin = lanes.name(), "{error}");
    }
    let mut check = tokio::time::interval(CHECK);
    while lanes.waiting() > 0 && Instant::now() < end && !is_given_up() {
        check.tick().await;
    }
}

/// Says how a plugin went.
pub fn say_unloaded(lanes: &Lanes) {
    let plugin = lanes.name();
    match lanes.waiting() {
        0 => {}
        lost => tracing::warn!(plugin, "unloaded with {lost} events that it had no time to handle"),
    }
    tracing::info!(plugin, "unloaded");
}
