//! Which of a handler's subscriptions an event came by.

use hive_proto::channel::{Channel, NetworkIndex};

use crate::bus::{Event, Scope};

/// The subscriptions of one handler, in its own order. Remembers the last channel, since events come in runs.
#[derive(Debug, Clone)]
pub struct Matcher {
    scopes: Vec<Scope>,
    last: Option<(NetworkIndex, Channel, Option<u32>)>,
}

impl Matcher {
    /// Subscriptions in the order their indices have.
    #[must_use]
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self { scopes, last: None }
    }

    /// The smallest index that matches; none when the handler no longer wants such an event.
    pub fn index(&mut self, event: &Event) -> Option<u32> {
        if let Some((network, channel, index)) = &self.last
            && *network == event.network
            && *channel == event.channel
        {
            return *index;
        }
        let matches = |scope: &Scope| scope.network == event.network && scope.pattern.matches(&event.channel);
        let index = self.scopes.iter().position(matches).and_then(|at| u32::try_from(at).ok());
        self.last = Some((event.network, event.channel.clone(), index));
        index
    }
}
