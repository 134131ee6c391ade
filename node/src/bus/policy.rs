//! What a publisher does on some channels when a consumer has no room, where the configuration says so.

use std::{str::FromStr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use hive_proto::{
    channel::{Address, Scope},
    plane::pace::Pace,
};

use crate::{trust::may::Rule, units};

/// What is done for a consumer without room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// It is waited for 50 ms in any second; after that its oldest events give way, and it is told how many.
    #[default]
    Pace,
    /// Its oldest events give way at once: only what is new counts.
    Latest,
    /// Nobody gets the event, and the publisher is told.
    Reject,
    /// It is waited for so long each time before its oldest events give way.
    Block(Duration),
}

/// The policies of a node's channels. Set by the root, and again when the configuration changes.
#[derive(Debug, Default)]
pub(super) struct Policies(ArcSwap<Vec<(Scope, WhenFull)>>);

impl Policies {
    /// That of a channel: the first pattern that matches decides.
    pub(super) fn when_full(&self, to: &Address) -> WhenFull {
        let all = self.0.load();
        let matches = |scope: &Scope| scope.network == to.network && scope.pattern.matches(&to.channel);
        all.iter().find(|(scope, _)| matches(scope)).map_or(WhenFull::Pace, |(_, policy)| *policy)
    }
}

impl WhenFull {
    /// How long a publisher may be held up there; none as everywhere.
    pub(super) fn pace(self) -> Option<Pace> {
        match self {
            Self::Pace | Self::Reject => None,
            Self::Latest => Some(Pace::patient(Duration::ZERO)),
            Self::Block(patience) => Some(Pace::patient(patience)),
        }
    }
}

impl super::Bus {
    /// Who may do what from here on. Whoever publishes, and whatever arrives, is asked about with its next event.
    pub fn rule(&self, rules: Vec<Rule>) {
        self.0.rules.store(Arc::new(self.0.rules.load().with(rules)));
        self.resolve_anew();
    }

    /// What is done on these channels from here on when a consumer has no room.
    pub fn policies(&self, policies: Vec<(Scope, WhenFull)>) {
        self.0.policies.0.store(Arc::new(policies));
        self.resolve_anew();
    }

    /// What was resolved before is stale: routes remember what the configuration says of their channel.
    pub(super) fn resolve_anew(&self) {
        self.0.routes.change(|_| ());
    }
}

/// A text that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `latest`, `reject` nor how long to wait, such as `1s`")]
pub struct WhenFullError(String);

impl FromStr for WhenFull {
    type Err = WhenFullError;

    fn from_str(text: &str) -> Result<Self, WhenFullError> {
        match text {
            "latest" => Ok(Self::Latest),
            "reject" => Ok(Self::Reject),
            text => units::duration(text).map(Self::Block).map_err(|_| WhenFullError(text.into())),
        }
    }
}
