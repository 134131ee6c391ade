//! How a plugin that is a process ends: it works off what it has accepted, within limits, and its process ends.

use std::time::{Duration, Instant};

use tokio::{sync::watch, time::timeout};

use super::{Life, Live, process::Process};
use crate::plugin::{
    drain::{leave_rest, work_off},
    life::Wish,
};

/// How long all may take, the end of its process too: a little less than a node that leaves gives its plugins.
const LEAVING: Duration = Duration::from_secs(11);
/// How long a plugin may work off what it has accepted at most.
const DRAIN_MAX: Duration = Duration::from_secs(8);

impl Life {
    /// Works off what was accepted, and ends its processes.
    pub(super) async fn unload(&mut self) {
        let grace = self.grace();
        self.give_up_coming("the node lets it go");
        let end = Instant::now() + self.drain_limit();
        if let Some(live) = self.live.take() {
            self.card.draining();
            if let Some(lanes) = &self.lanes {
                work_off(lanes, end, || live.session.is_over()).await;
            }
            live.finish(grace, end.saturating_duration_since(Instant::now())).await;
        }
        if let Some(lanes) = self.lanes.take() {
            leave_rest(&lanes);
        }
    }

    /// What is on its way to be live will not be.
    pub(super) fn give_up_coming(&mut self, why: &str) {
        let Some(coming) = self.coming.take() else { return };
        if let Some((session, _)) = coming.session {
            session.over(why);
        }
        if let Some(process) = coming.process {
            self.leaving.spawn(process.end(self.grace()));
        }
    }

    /// How long a process may finish what it has: what its own end leaves of the time that there is.
    pub(super) fn drain_limit(&self) -> Duration {
        drain_limit(self.grace())
    }

    /// Ends a process and waits for that, unless the plugin is over meanwhile: then both ends go on side by side.
    pub(super) async fn end_before_more(&self, process: Process, wished: &watch::Receiver<Wish>) {
        let ending = self.leaving.spawn(process.end(self.grace()));
        tokio::select! {
            _ = ending => {}
            () = is_over(wished) => {}
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

fn drain_limit(grace: Duration) -> Duration {
    LEAVING.saturating_sub(grace).min(DRAIN_MAX)
}

/// Waits until nobody can have a wish any more.
pub(super) async fn is_over(wished: &watch::Receiver<Wish>) {
    let mut wishes = wished.clone();
    while wishes.changed().await.is_ok() {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::settings::{STOP_WITHIN, STOP_WITHIN_MAX};

    #[test]
    fn whatever_a_process_may_take_to_end_it_has_that_within_the_time_of_its_node() {
        for grace in [Duration::ZERO, STOP_WITHIN, STOP_WITHIN_MAX] {
            let drain = drain_limit(grace);
            assert!(drain + grace <= LEAVING && drain > Duration::ZERO, "{grace:?}: {drain:?}");
        }
        assert_eq!(drain_limit(STOP_WITHIN), DRAIN_MAX);
    }
}
