//! How a plugin ends: what it has accepted is worked off, within limits.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Life, Wish};

/// How long a plugin whose file is gone may work off what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// How often it is looked whether all is worked off.
const DRAIN_CHECK: Duration = Duration::from_millis(10);

impl Life {
    /// Works off what was accepted and unloads. False: there is a new wish, and what waits is its business.
    pub(super) async fn unload(&mut self, wishes: &watch::Receiver<Wish>) -> bool {
        self.end_trial();
        let Some(live) = &mut self.live else { return true };
        // Should the file come back meanwhile, the same content is news.
        live.leaving = true;
        self.card.draining();
        if let Err(error) = live.lanes.subscription().set(std::iter::empty()).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
        let end = Instant::now() + DRAIN_LIMIT;
        let mut check = tokio::time::interval(DRAIN_CHECK);
        while live.lanes.waiting() > 0 && Instant::now() < end {
            if wishes.has_changed().unwrap_or(false) {
                return false;
            }
            check.tick().await;
        }
        let lost = live.lanes.waiting();
        if lost > 0 {
            tracing::warn!(plugin = &*self.name, "unloaded with {lost} events that it had no time to handle");
        }
        live.stop.cancel();
        live.workers.close();
        live.workers.wait().await;
        self.live = None;
        tracing::info!(plugin = &*self.name, "unloaded");
        true
    }
}
