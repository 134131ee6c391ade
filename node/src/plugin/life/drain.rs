//! How a plugin ends: what it has accepted is worked off, within limits.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Life, Wish};
use crate::plugin::drain::{leave_rest, work_off};

/// How long a plugin whose file is gone may work off what it has accepted.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

impl Life {
    /// Works off what was accepted and unloads. False: there is a new wish, and what waits is its business.
    pub(super) async fn unload(&mut self, wishes: &watch::Receiver<Wish>) -> bool {
        self.end_trial();
        let Some(live) = &mut self.live else { return true };
        // Should the file come back meanwhile, the same content is news.
        live.leaving = true;
        self.card.draining();
        let is_wished = || wishes.has_changed().unwrap_or(false);
        work_off(&live.lanes, Instant::now() + DRAIN_LIMIT, is_wished).await;
        if live.lanes.waiting() > 0 && is_wished() {
            return false;
        }
        live.stop.cancel();
        live.workers.close();
        live.workers.wait().await;
        leave_rest(&live.lanes);
        self.live = None;
        true
    }
}
