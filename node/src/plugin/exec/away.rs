//! What is said to who asks a plugin whose process is not there: a caller that is told waits for nothing.
//!
//! It must not know how a process comes back.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Life;
use crate::{dispatch::Lanes, units::duration_text};

/// A process that is back within this is waited for: most start again at once.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// There is no process that takes events.
pub(super) struct Away {
    plugin: Arc<str>,
    lanes: Arc<Lanes>,
    /// From when on who asks is told.
    from: Instant,
    /// When the next process is started, its place is given up, or the one that is coming has to be ready.
    until: Instant,
    state: State,
    /// Why there is none; empty: there was none yet.
    why: String,
}

enum State {
    /// The node starts the next one.
    Ended,
    /// It came by itself, and may come again.
    Gone,
    /// One is on its way to be ready.
    Coming,
}

impl Life {
    /// What there is to say, if no process is there.
    pub(super) fn away(&self) -> Option<Away> {
        let lanes = self.lanes.clone()?;
        if self.live.is_some() {
            return None;
        }
        let (from, until, state) = match (&self.coming, &self.config.exec) {
            (Some(coming), _) => (coming.since + SOON, coming.until, State::Coming),
            (None, Some(_)) => (self.told_from, self.again_at?, State::Ended),
            (None, None) => (self.told_from, self.again_at?, State::Gone),
        };
        let (plugin, why) = (Arc::clone(&self.name), self.problem.clone().unwrap_or_default());
        Some(Away { plugin, lanes, from, until, state, why })
    }
}

/// Tells who asks, for as long as this is waited for.
pub(super) async fn tell(away: Option<Away>) -> Infallible {
    let Some(away) = away else { return std::future::pending().await };
    let _absence = away.lanes.absent();
    tokio::time::sleep_until(away.from.into()).await;
    away.lanes.refuse(|| away.text(Instant::now())).await
}

impl Away {
    fn text(&self, now: Instant) -> String {
        let Self { plugin, why, until, .. } = self;
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        let left = until.saturating_duration_since(now) + Duration::from_millis(999);
        let left = duration_text(Duration::from_secs(left.as_secs()));
        let how = match self.state {
            State::Ended => format!("not running (restarts in {left})"),
            State::Gone => format!("away (its place is kept for {left})"),
            State::Coming => format!("not ready yet (it has {left} for that)"),
        };
        format!("the process of the plugin `{plugin}` is {how}{because}")
    }
}
