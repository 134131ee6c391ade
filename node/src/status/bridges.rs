//! What bridges say of themselves.

use std::{sync::Arc, time::SystemTime};

use super::Count;

/// One bridge.
#[derive(Debug, Clone)]
pub struct BridgeCard {
    /// `hive`, `spoke`, …
    pub kind: &'static str,
    /// Whether it carries anything.
    pub state: BridgeState,
    /// What it is connected to, or where it listens, in its own words.
    pub with: String,
    /// Since when it is up.
    pub since: Option<SystemTime>,
    /// Why it is not up, or was not the last time.
    pub problem: Option<String>,
    /// What went over it.
    pub traffic: Arc<BridgeTraffic>,
}

/// Whether a bridge carries anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BridgeState {
    /// It looks for its other side.
    Connecting,
    /// It carries.
    Up,
    /// Its other side was not there or went away; it tries again.
    Waiting,
    /// Another node does what it would do, and it takes over when that is gone.
    Standby,
    /// Trying again would not help.
    Failed,
    /// It is told to end.
    Stopped,
}

/// What went over a bridge.
#[derive(Debug, Default)]
pub struct BridgeTraffic {
    /// Events that came in and were published.
    pub imported: Count,
    /// Events that went out.
    pub exported: Count,
    /// Who is connected to it, where it is one that others connect to (a gauge).
    pub clients: Count,
    /// Connections that ended or never came about.
    pub retries: Count,
    /// What was dropped, by the position of its reason.
    dropped: [Count; BridgeDrop::ALL.len()],
}

impl BridgeTraffic {
    /// Counts events that were dropped.
    pub fn dropped(&self, reason: BridgeDrop, events: u64) {
        if let Some(count) = self.dropped.get(reason as usize) {
            count.add(events);
        }
    }

    /// What was dropped, by reason; reasons without any are left out.
    pub fn drops(&self) -> impl Iterator<Item = (BridgeDrop, u64)> {
        let counts = BridgeDrop::ALL.iter().zip(&self.dropped);
        counts.map(|(reason, count)| (*reason, count.value())).filter(|(_, count)| *count > 0)
    }
}

/// Why a bridge did not carry something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BridgeDrop {
    /// It came from where it would go.
    Loop,
    /// It is here already, by another bridge.
    Duplicate,
    /// It is a kept value, and a later one is kept.
    Superseded,
    /// It came in over a bridge that is read-only outward.
    Proxy,
    /// No rule lets it in or out.
    NoRule,
    /// Its name cannot be said on the other side.
    Name,
    /// It is larger than the bridge carries.
    TooLarge,
    /// Its content cannot be said on the other side.
    Content,
    /// What came cannot be read.
    Garbage,
    /// The rules of this node do not let the bridge publish there.
    Denied,
    /// This node did not take it.
    Refused,
    /// The other side did not take it.
    Rejected,
    /// The other side was slower than what was for it.
    Slow,
    /// The connection broke after it was written and before that was known to have arrived: an upper bound.
    LostLink,
}

impl BridgeDrop {
    /// Every reason, in the order of their counters.
    pub const ALL: [Self; 14] = [
        Self::Loop,
        Self::Duplicate,
        Self::Superseded,
        Self::Proxy,
        Self::NoRule,
        Self::Name,
        Self::TooLarge,
        Self::Content,
        Self::Garbage,
        Self::Denied,
        Self::Refused,
        Self::Rejected,
        Self::Slow,
        Self::LostLink,
    ];

    /// The name in status and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Proxy => "proxy",
            Self::NoRule => "no-rule",
            Self::Name => "name",
            Self::TooLarge => "too-large",
            Self::Content => "content",
            Self::Garbage => "garbage",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Slow => "slow",
            Self::LostLink => "lost-link",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let traffic = BridgeTraffic::default();
        for (reason, count) in BridgeDrop::ALL.into_iter().zip(1..) {
            traffic.dropped(reason, count);
        }
        let counted: Vec<(BridgeDrop, u64)> = traffic.drops().collect();
        let want: Vec<(BridgeDrop, u64)> = BridgeDrop::ALL.into_iter().zip(1..).collect();
        assert_eq!(counted, want);
    }
}
