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

/// There is no process, and none is on its way.
pub(super) struct Away {
    plugin: Arc<str>,
    lanes: Arc<Lanes>,
    /// From when on who asks is told.
    from: Instant,
    /// When the next process is started, or its place is given up.
    until: Instant,
    /// Whether the node starts the next one.
    is_started: bool,
    /// Why there is none.
    why: String,
}

impl Life {
    /// What there is to say, if no process is there.
    pub(super) fn away(&self) -> Option<Away> {
        let (lanes, until) = (self.lanes.clone()?, self.again_at?);
        if self.live.is_some() || self.coming.is_some() {
            return None;
        }
        let (plugin, from) = (Arc::clone(&self.name), self.told_from);
        let (is_started, why) = (self.config.exec.is_some(), self.problem.clone().unwrap_or_default());
        Some(Away { plugin, lanes, from, until, is_started, why })
    }
}

/// Tells who asks, for as long as this is waited for.
pub(super) async fn tell(away: Option<Away>) -> Infallible {
    let Some(away) = away else { return std::future::pending().await };
    tokio::time::sleep_until(away.from.into()).await;
    away.lanes.refuse(|| away.text(Instant::now())).await
}

impl Away {
    fn text(&self, now: Instant) -> String {
        let Self { plugin, why, until, .. } = self;
        let left = until.saturating_duration_since(now) + Duration::from_millis(999);
        let left = duration_text(Duration::from_secs(left.as_secs()));
        match self.is_started {
            true => {
                format!("the process of the plugin `{plugin}` is not running (restarts in {left}): {why}")
            }
            false => {
                format!("the process of the plugin `{plugin}` is away (its place is kept for {left}): {why}")
            }
        }
    }
}
