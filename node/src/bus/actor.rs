//! Who of this node publishes, asks and listens: what the rules are asked about.

use std::sync::Arc;

use hive_proto::{
    channel::{Address, Channel, NetworkIndex, Scope},
    group::GroupName,
};

use super::{
    Bus, Holder, PublishError, Shared, SubscribeError, Subscription, Wanted, fault::Denial, queue::Queue,
};
use crate::trust::may::{Action, Principal};

/// Somebody of this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Actor {
    /// A client, or the node itself.
    #[default]
    Local,
    /// A plugin.
    Plugin(Arc<str>),
    /// A bridge, by its name in rules: `bridge:NAME`.
    Bridge(Arc<str>),
}

impl Actor {
    /// Who it is in the rules.
    #[must_use]
    pub fn principal(&self) -> Principal<'_> {
        match self {
            Self::Local => Principal::Local,
            Self::Plugin(name) => Principal::Plugin(name),
            Self::Bridge(name) => Principal::Bridge(name),
        }
    }
}

impl From<&Holder> for Actor {
    fn from(holder: &Holder) -> Self {
        match holder {
            Holder::Client(_) => Self::Local,
            Holder::Plugin(name) => Self::Plugin(name.as_str().into()),
            Holder::Bridge(name) => Self::Bridge(format!("bridge:{name}").into()),
        }
    }
}

impl Bus {
    /// What the rules refuse to somebody of this node on channels of a pattern: the lines of the configuration that would
    /// allow it, and whether they refuse all of it.
    #[must_use]
    pub fn refusals(&self, who: &Actor, action: Action, scope: &Scope) -> (Vec<String>, bool) {
        let rules = self.0.rules.load();
        let (refusing, all) = rules.refusals(who.principal(), action, scope);
        let name = who.principal().name().unwrap_or_default();
        let lines = refusing.iter().map(|rule| rule.line_with(action, name, self.names()));
        (lines.collect(), all)
    }
}

impl Subscription {
    /// Whether the rules leave a client or a bridge anything of each pattern. A plugin was told when it was loaded.
    ///
    /// # Errors
    /// With the first pattern of which they refuse everything.
    pub(super) fn permit<'w>(
        &self,
        mut wanted: impl Iterator<Item = &'w Wanted>,
    ) -> Result<(), SubscribeError> {
        let who = match Actor::from(self.holder()) {
            other @ (Actor::Local | Actor::Bridge(_)) => other,
            Actor::Plugin(_) => return Ok(()),
        };
        let refused = wanted.find_map(|Wanted { scope, group, .. }| {
            let (lines, all) = self.bus.refusals(&who, action_of(group.as_ref()), scope);
            all.then(|| SubscribeError::Denied { pattern: scope.pattern.to_string(), line: lines.join("; ") })
        });
        refused.map_or(Ok(()), Err)
    }
}

impl Shared {
    /// Whether somebody of this node may do something.
    ///
    /// # Errors
    /// With the line of the configuration that would allow it.
    pub(super) fn permit(
        &self,
        who: Principal<'_>,
        action: Action,
        to: &Address,
    ) -> Result<(), PublishError> {
        let rules = self.rules.load();
        let Some(rule) = rules.refusing(who, action, to.network, &to.channel) else { return Ok(()) };
        let line = rule.line_with(action, who.name().unwrap_or_default(), &self.names);
        let other = match who {
            Principal::Plugin(name) => Some(format!("the plugin `{name}`")),
            Principal::Bridge(name) => Some(format!("`{name}`")),
            Principal::Local | Principal::Node(_) => None,
        };
        Err(PublishError::Denied(Box::new(Denial { action, channel: to.channel.clone(), other, line })))
    }

    /// Whether the holder of a queue here may have what is published on a channel: for itself, or as a member of a group.
    pub(super) fn may_have(
        &self,
        queue: &Queue,
        action: Action,
        network: NetworkIndex,
        channel: &Channel,
    ) -> bool {
        // What the node says of itself no rule is about.
        channel.is_reserved() || self.rules.load().may(queue.actor().principal(), action, network, channel)
    }

    /// Whether the holder of a queue here may be given something as a member of a group.
    pub(super) fn may_join_here(
        &self,
        queue: &Queue,
        group: &GroupName,
        network: NetworkIndex,
        channel: &Channel,
    ) -> bool {
        self.may_have(queue, action_of(Some(group)), network, channel)
    }
}

/// What it is in the rules to listen, alone or in a group. A group of one that reads the past takes nothing from others.
pub(super) fn action_of(group: Option<&GroupName>) -> Action {
    match group {
        Some(group) if group.replays_from_ms().is_none() => Action::Group,
        _ => Action::Subscribe,
    }
}
