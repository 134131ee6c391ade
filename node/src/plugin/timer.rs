//! Timers: a plugin's own clock. A tick is an event on `$timer/<name>` that this plugin alone gets.
//!
//! What it owns: schedules, and the task that waits for each. Ticks that a busy plugin has no time for are left out and
//! counted, never gathered. It must not know how a tick is handled.

pub mod once;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use croner::{Cron, parser::CronParser};
use hive_proto::{channel::Channel, group::GroupName};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Message},
    dispatch::Lanes,
    units,
};

/// Timers one plugin may declare.
pub const TIMERS_MAX: usize = 64;
/// The shortest `@every`.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// How long is slept at a time: the wall clock may be set meanwhile.
const LOOK: Duration = Duration::from_secs(20);

/// A pattern that nobody publishes on: nodes join the plugin's group there when it has timers of the whole mesh, so that
/// each knows who else runs it.
pub const MESH_PATTERN: &str = "hive/$timers";

/// A timer that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Its place in the component's description; the guest is told it with each tick.
    pub index: u32,
    /// Where its ticks come.
    pub channel: Channel,
    /// When.
    pub schedule: Schedule,
    /// The group of which one node ticks; none: every node does.
    pub mesh: Option<GroupName>,
}

/// When a timer ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// So long after the tick before.
    Every(Duration),
    /// At the minutes that a cron expression names, in UTC.
    Cron(Box<Cron>),
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// `@every` with something that is no duration.
    #[error("`@every` needs a duration such as `5s`: {0}")]
    Every(String),
    /// Too short or too long.
    #[error("`@every` takes 10ms to 366 days")]
    Range,
    /// Neither.
    #[error("it is neither `@every 5s` nor five fields of cron: {0}")]
    Cron(String),
}

impl Schedule {
    /// Reads `@every 5s`, or five fields of cron.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if let Some(every) = text.trim().strip_prefix("@every ") {
            let every =
                units::duration(every.trim()).map_err(|error| ScheduleError::Every(error.to_string()))?;
            let fits = (SHORTEST..=LONGEST).contains(&every);
            return if fits { Ok(Self::Every(every)) } else { Err(ScheduleError::Range) };
        }
        let cron = CronParser::new().parse(text).map_err(|error| ScheduleError::Cron(error.to_string()))?;
        Ok(Self::Cron(Box::new(cron)))
    }

    /// How long from now until the next tick; none when there is never one again.
    fn wait(&self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::Every(every) => Some(*every),
            Self::Cron(cron) => {
                let now = DateTime::<Utc>::from(now);
                let next = cron.find_next_occurrence(&now, false).ok()?;
                (next - now).to_std().ok()
            }
        }
    }
}

impl Timer {
    /// Ticks until told to stop.
    pub async fn run(self, lanes: Arc<Lanes>, bus: Bus, stop: CancellationToken) {
        let mut next = self.next(SystemTime::now());
        while let Some(at) = next {
            let now = SystemTime::now();
            let left = at.duration_since(now).unwrap_or_default();
            if left.is_zero() {
                self.tick(&lanes, &bus);
                next = self.next(now);
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
            // A clock that was set back would hold an interval up for as long.
            if let Schedule::Every(every) = &self.schedule
                && at.duration_since(SystemTime::now()).is_ok_and(|left| left > *every)
            {
                next = self.next(SystemTime::now());
            }
        }
    }

    fn next(&self, now: SystemTime) -> Option<SystemTime> {
        now.checked_add(self.schedule.wait(now)?)
    }

    fn tick(&self, lanes: &Lanes, bus: &Bus) {
        let others = self.mesh.as_ref().is_some_and(|group| !bus.leads(group));
        if !others {
            lanes.tick(bus.own_event(self.channel.clone(), Message::default()));
        }
    }
}

/// The wall clock, in milliseconds since the Unix epoch.
pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SystemTime {
        DateTime::parse_from_rfc3339(text).expect("a time").into()
    }

    #[test]
    fn schedules_are_read_and_wrong_ones_say_why() {
        assert_eq!(Schedule::parse("@every 5s"), Ok(Schedule::Every(Duration::from_secs(5))));
        for bad in ["@every", "@every 5", "@every 1ms", "@every 9999d", "", "* * *", "61 * * * *", "hourly"] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cron_is_in_utc_and_never_now() {
        let wait = |cron: &str, now: &str| Schedule::parse(cron).expect(cron).wait(at(now));
        let minutes = |count: u64| Some(Duration::from_secs(count * 60));
        assert_eq!(wait("*/15 * * * *", "2026-03-01T10:00:00Z"), minutes(15));
        assert_eq!(wait("0 12 * * *", "2026-03-01T10:30:00Z"), minutes(90));
        assert_eq!(wait("0 0 29 2 *", "2026-03-01T00:00:00Z"), minutes(1_051_200));
        assert_eq!(wait("30 9 * * MON", "2026-03-01T09:30:00Z"), minutes(24 * 60));
    }
}
