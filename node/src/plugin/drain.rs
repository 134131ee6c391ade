//! How a plugin works off what it has accepted before it goes, within limits.
//!
//! It must not know whether a component or a process does the work.

use std::time::{Duration, Instant};

use crate::dispatch::Lanes;

/// How long is waited for another try of what has failed, and for the end of a pause: whatever is in the way is hardly over
/// just now, and whoever stops a node waits for it.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is looked whether all is worked off.
const CHECK: Duration = Duration::from_millis(10);

/// Nothing more is accepted from here on; waits until all that was is worked off, until `end` at the latest, or until
/// `is_given_up`. What has failed is tried again only if that is soon.
pub async fn work_off(lanes: &Lanes, end: Instant, is_given_up: impl Fn() -> bool) {
    if let Err(error) = lanes.subscription().set(std::iter::empty()).await {
        tracing::warn!(plugin = lanes.name(), "{error}");
    }
    let mut check = tokio::time::interval(CHECK);
    let soon = end.min(Instant::now() + AGAIN);
    while lanes.is_awaited_until(soon) && Instant::now() < end && !is_given_up() {
        check.tick().await;
    }
}

/// Leaves what a plugin did not come to, and says how it went. For a time without workers.
pub fn leave_rest(lanes: &Lanes) {
    let (plugin, left) = (lanes.name(), lanes.leave_rest());
    let events = |count| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    if left.letters > 0 {
        let count = events(left.letters);
        tracing::warn!(
            plugin,
            "unloaded before it has handled {count}, now dead letters: see `replay {plugin}`"
        );
    }
    if left.lost > 0 {
        tracing::warn!(
            plugin,
            "unloaded with {} that it had no time to handle, and that are lost",
            events(left.lost)
        );
    }
    tracing::info!(plugin, "unloaded");
}
