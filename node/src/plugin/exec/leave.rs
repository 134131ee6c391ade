//! How a plugin that is a process ends: it works off what it has accepted, within limits, and its process ends.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Life, Live};

/// How long a plugin may work off what it has accepted. With the time that its process takes to end it is a little less
/// than a node that leaves gives its plugins.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How often it is looked whether all is worked off.
const DRAIN_CHECK: Duration = Duration::from_millis(10);

impl Life {
    /// Works off what was accepted, and ends its processes.
    pub(super) async fn unload(&mut self) {
        let grace = self.grace();
        if let Some(coming) = self.coming.take() {
            if let Some((session, _)) = coming.session {
                session.over("the node lets it go");
            }
            if let Some(process) = coming.process {
                self.leaving.spawn(process.end(grace));
            }
        }
        let end = Instant::now() + DRAIN_LIMIT;
        if let Some(live) = self.live.take() {
            self.card.draining();
            self.drain(&live, end).await;
            live.finish(grace, end.saturating_duration_since(Instant::now())).await;
        }
        if let Some(lanes) = self.lanes.take() {
            let lost = lanes.waiting();
            if lost > 0 {
                tracing::warn!(
                    plugin = &*self.name,
                    "unloaded with {lost} events that it had no time to handle"
                );
            }
            tracing::info!(plugin = &*self.name, "unloaded");
        }
    }

    async fn drain(&self, live: &Live, end: Instant) {
        let Some(lanes) = &self.lanes else { return };
        if let Err(error) = lanes.subscription().set(std::iter::empty()).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
        let mut check = tokio::time::interval(DRAIN_CHECK);
        while lanes.waiting() > 0 && Instant::now() < end && !live.session.is_over() {
            check.tick().await;
        }
    }

    /// The plugin is over: nobody can have a wish of it any more, or its place is given up.
    pub(super) async fn leave(mut self) {
        self.unload().await;
        self.leaving.close();
        self.leaving.wait().await;
        self.card.gone();
    }
}

impl Live {
    /// Finishes what it has in hand, if that does not take too long, and ends.
    pub(super) async fn finish(self, grace: Duration, within: Duration) {
        let Self { session, process, workers, .. } = self;
        session.stop().cancel();
        let _ = timeout(within, workers.wait()).await;
        if let Some(process) = process {
            // It may still say something: its connection lasts as long as it does.
            process.end(grace).await;
        }
        session.over("the node lets it go");
        workers.wait().await;
    }
}
